import { z } from 'zod';

/** Who wrote an entry: the practitioner at his screen, a patient online, or a partner by the API. */
export type Author = 'practitioner' | 'patient' | 'api';

/** One appointment or unavailability. Times are epoch milliseconds, `[start, end)`. A cancelled one stays, with its status. */
export interface Appointment {
  readonly id: string;
  readonly agendaId: string;
  readonly type: 'APPOINTMENT' | 'UNAVAILABILITY';
  readonly status: 'CONFIRMED' | 'CANCELLED';
  readonly externalId: string | null;
  readonly consultationReasonId: string | null;
  readonly start: number;
  readonly end: number;
  readonly title: string;
  readonly by: Author;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** True: a damaged record, which the API shows without its times. */
  readonly damaged: boolean;
}

export const SCOPES = ['appointments:read', 'appointments:write', 'appointments:out-of-availability'] as const;
export type Scope = (typeof SCOPES)[number];

export const objectId = z.string().regex(/^[0-9a-f]{24}$/);
const instant = z.int().min(0).max(8_640_000_000_000_000);
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/);

/** Every week, or once. */
const opening = z.union([
  z.strictObject({ day: z.int().min(1).max(7), from: clock, to: clock }),
  z.strictObject({ start: instant, end: instant }),
]);

export const agendaSeed = z.strictObject({
  id: objectId,
  name: z.string().min(1).max(200),
  zone: z.string().default('Europe/Paris'),
  practitionerId: objectId.optional(),
  centerId: objectId.optional(),
  isOnlineAppointment: z.boolean().default(true),
  onlineAvailabilityVisibilityLimit: z.int().min(1).default(183),
  openings: z.array(opening).default([]),
});

export const reasonSeed = z.strictObject({
  id: objectId,
  name: z.string().min(1).max(200),
  agendaIds: z.array(objectId),
  minutes: z.int().min(5).max(480).default(20),
  minimumAge: z.int().min(1).optional(),
  patientLimitation: z.enum(['PUBLIC', 'PRIVATE']).default('PUBLIC'),
});

export const keySeed = z.strictObject({
  apiKey: z.string().min(8),
  account: z.string().min(1),
  agendaIds: z.array(objectId),
  scopes: z.array(z.enum(SCOPES)).default([...SCOPES]),
});

export const entrySeed = z.strictObject({
  agendaId: objectId,
  start: instant,
  end: instant,
  title: z.string(),
  by: z.enum(['practitioner', 'patient']).default('practitioner'),
});

export const seedInput = z.strictObject({
  keys: z.array(keySeed).default([]),
  agendas: z.array(agendaSeed).default([]),
  reasons: z.array(reasonSeed).default([]),
  entries: z.array(entrySeed).default([]),
  requestsPerMinute: z.int().min(1).optional(),
});

export type AgendaSeed = z.output<typeof agendaSeed>;
export type Agenda = AgendaSeed & { readonly practitionerId: string; readonly centerId: string };
export type Reason = z.output<typeof reasonSeed>;
export type Key = z.output<typeof keySeed>;

/** An instant as callers write it; one without an offset is understood as UTC. */
export const moment = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?$/)
  .transform((text) => Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`))
  .refine((ms) => !Number.isNaN(ms), 'not a moment');

export const newAppointment = z.strictObject({
  agendaId: objectId,
  externalId: z.string().min(1).max(100),
  consultationReasonName: z.string().min(1),
  availabilityId: objectId.optional(),
  outOfAvailability: z.boolean().default(false),
  startDateTime: moment,
  endDateTime: moment,
  title: z.string().max(500),
});

export const appointmentChange = z.strictObject({
  startDateTime: moment.optional(),
  endDateTime: moment.optional(),
  title: z.string().max(500).optional(),
  status: z.literal('CANCELLED').optional(),
  /** The `updateDate` that must still stand. */
  updateDate: moment.optional(),
});

/** What a caller sees: 24-hex ids, camelCase, UTC with milliseconds. */
export function view(appointment: Appointment, agenda: Agenda): object {
  const { id, type, status, externalId, consultationReasonId, title, by, damaged } = appointment;
  return {
    id,
    agendaSettingsId: agenda.id,
    practitionerId: agenda.practitionerId,
    centerId: agenda.centerId,
    type,
    status,
    ...(externalId === null ? {} : { externalId }),
    ...(consultationReasonId === null ? {} : { consultationReasonId }),
    startDateTime: damaged ? null : iso(appointment.start),
    endDateTime: damaged ? null : iso(appointment.end),
    title,
    bookedOnline: by === 'patient',
    creationDate: iso(appointment.createdAt),
    updateDate: iso(appointment.updatedAt),
  };
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
