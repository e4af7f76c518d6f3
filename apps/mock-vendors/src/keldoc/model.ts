import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import type { Hand } from '../core/diary.js';

/** The platform's own zone: dates of callers and of answers are of Paris. */
export const ZONE = 'Europe/Paris';

export interface Patient {
  readonly id: number;
  readonly last_name: string;
  readonly first_name?: string | undefined;
}

/** An appointment, or what the practitioner keeps free (no patient). Times are epoch milliseconds, `[start, end)`. */
export interface Appointment {
  readonly id: number;
  readonly agendaId: number;
  readonly start: number;
  readonly end: number;
  readonly state: 'confirmed' | 'canceled';
  readonly motiveId: number | null;
  readonly patientId: number | null;
  readonly comment: string | null;
  readonly by: Hand;
  readonly updatedAt: number;
  /** True: a damaged record, which the API shows without its start. */
  readonly damaged: boolean;
}

const id = z.int().min(1);
const instant = z.int().min(0).max(8_640_000_000_000_000);
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);

/** `motiveIds` none: for all of them. */
const motiveIds = z.array(id).default([]);
/** Every week, or once. */
const opening = z.union([
  z.strictObject({ day: z.int().min(1).max(7), from: clock, to: clock, motiveIds }),
  z.strictObject({ start: instant, end: instant, motiveIds }),
]);
export const agendaSeed = z.strictObject({
  id,
  name: z.string().min(1),
  openings: z.array(opening).default([]),
});
/** `duration` in minutes. */
export const motiveSeed = z.strictObject({
  id,
  name: z.string().min(1),
  specialty_id: id.default(1),
  duration: id.default(20),
});
export const accountSeed = z.strictObject({
  accessKeyId: z.string().regex(/^[A-Za-z0-9]+$/),
  secret: z.string().min(8),
  agendaIds: z.array(id),
  dailyQuota: z.int().min(1).default(20_000),
});
export const seedInput = z.strictObject({
  accounts: z.array(accountSeed).default([]),
  agendas: z.array(agendaSeed).default([]),
  motives: z.array(motiveSeed).default([]),
  specialties: z.array(z.strictObject({ id, name: z.string() })).default([]),
  entries: z
    .array(
      z.strictObject({
        agendaId: id,
        start: instant,
        end: instant,
        title: z.string(),
        by: z.enum(['practitioner', 'patient']).default('practitioner'),
      }),
    )
    .default([]),
});

export type Agenda = z.output<typeof agendaSeed>;
export type Motive = z.output<typeof motiveSeed>;
export type Account = z.output<typeof accountSeed>;

/** Local time of Paris with microseconds and an offset without a colon: `2021-04-20T16:53:00.000000+0200`. */
export function stamp(ms: number): string {
  const local = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(ZONE);
  return `${local.toPlainDateTime().toString({ fractionalSecondDigits: 6 })}${local.offset.replace(':', '')}`;
}

/** The instant of an ISO 8601 date, or date and time; local times are of Paris. `null` when it is none. */
export function instantOf(text: string): number | null {
  const offset = /([+-]\d\d):?(\d\d)$/.exec(text.slice(10));
  if (offset || text.endsWith('Z')) {
    const ms = Date.parse(offset ? `${text.slice(0, -offset[0].length)}${offset[1] ?? ''}:${offset[2] ?? ''}` : text);
    return Number.isNaN(ms) ? null : ms;
  }
  try {
    return Temporal.PlainDateTime.from(text).toZonedDateTime(ZONE).epochMilliseconds;
  } catch {
    return null;
  }
}

/** What a caller sees. `duration` in seconds. */
export function view(appointment: Appointment, patient: Patient | null): object {
  const { start, end, damaged } = appointment;
  return {
    id: appointment.id,
    agenda_id: appointment.agendaId,
    start_at: damaged ? null : stamp(start),
    duration: Math.round((end - start) / 1000),
    state: appointment.state,
    motive_id: appointment.motiveId,
    no_show: false,
    no_show_excused: false,
    patient_arrived: false,
    patient_comment: appointment.comment,
    patient_id: appointment.patientId,
    patient_attributes: patient === null ? null : { first_name: patient.first_name, last_name: patient.last_name },
    updated_at: stamp(appointment.updatedAt),
  };
}
