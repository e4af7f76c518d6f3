import { z } from 'zod';
import type { Hand } from '../core/diary.js';

const key = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const number = z.int().min(1);
const clockTime = z.string().regex(/^([01]\d|2[0-4]):[0-5]\d$/);

/** Day 0 is Sunday. */
const openingHours = z.strictObject({
  day: z.int().min(0).max(6),
  ranges: z.array(z.tuple([clockTime, clockTime])),
  enabled: z.boolean().default(true),
});

const practiceSeed = z.strictObject({
  id: number,
  name: z.string(),
  zone: z.string().default('Europe/Paris'),
  opening_hours: z.array(openingHours).default([]),
});

const motiveSeed = z.strictObject({
  id: number,
  name: z.string(),
  ref_visit_motive_id: number.nullable().default(null),
  /** Never told to callers. */
  minutes: z.int().min(5).max(480).default(30),
  /** Agendas, by key, on which new patients are refused. */
  closed_to_new: z.array(key).default([]),
  /** Who is referred elsewhere, and on which agendas, by key. */
  ages: z
    .array(z.strictObject({ agendas: z.array(key), operator: z.enum(['lt', 'gt']), age: z.int().min(0) }))
    .default([]),
  /** Asked before a confirmation. */
  custom_fields: z
    .array(
      z.strictObject({
        id: z.string(),
        label: z.string(),
        required: z.boolean().default(false),
        /** Value and words of each answer that is taken; none: any. */
        options: z.array(z.tuple([z.string(), z.string()])).default([]),
      }),
    )
    .default([]),
  /** Shortest time between two visits of one patient, in days; `null` = none. */
  gap_days: z.int().min(1).nullable().default(null),
});

const agendaSeed = z.strictObject({
  /** What it is called here; its number is made anew whenever the practice reconfigures. */
  key,
  id: number,
  name: z.string().min(1).max(200),
  practice_id: number,
  /** `null`: a piece of equipment. */
  practitioner_id: number.nullable(),
  speciality_id: number.default(1),
  motives: z.array(number),
  only_for_doctors: z.array(number).default([]),
  booking_disabled: z.boolean().default(false),
  booking_temporary_disabled: z.boolean().default(false),
  equipment_agendas_required: z.boolean().default(false),
  /** Dated openings of its own; `null`: whenever the place is open. */
  openings: z
    .array(z.strictObject({ start: z.int(), end: z.int() }))
    .nullable()
    .default(null),
});

export const SCOPES = ['appointments:read', 'appointments:write', 'webhooks'] as const;

const clientSeed = z.strictObject({
  id: z.string().min(3).max(100),
  secret: z.string().min(8).max(200),
  scopes: z.array(z.enum(SCOPES)).default([...SCOPES]),
  /** Keys of the agendas whose practitioner agreed; `null` = all. */
  consents: z.array(key).nullable().default(null),
});

export const seedInput = z.strictObject({
  profile: z.strictObject({ id: number, slug: key, name: z.string() }).optional(),
  clients: z.array(clientSeed).default([]),
  practices: z.array(practiceSeed).default([]),
  motives: z.array(motiveSeed).default([]),
  agendas: z.array(agendaSeed).default([]),
  /** How slots are written: as text, as objects with steps, or as pairs. */
  slots: z.enum(['text', 'object', 'pair']).optional(),
  /** Requests per minute before 429; four times as many lead to the ban. */
  quota: z.int().min(1).optional(),
});

export type Seed = z.output<typeof seedInput>;
export type Practice = z.output<typeof practiceSeed>;
export type Motive = z.output<typeof motiveSeed>;
export type Agenda = z.output<typeof agendaSeed>;
export type Client = z.output<typeof clientSeed>;
export type Scope = (typeof SCOPES)[number];
export type Profile = NonNullable<Seed['profile']>;

/** One row of an agenda. Times are epoch milliseconds, `[start, end)`. A deleted one stays, with its reason. */
export interface Appointment {
  readonly id: number;
  readonly agendaKey: string;
  /** Equipment it also takes. */
  readonly equipmentKey: string | null;
  readonly start: number;
  readonly end: number;
  readonly title: string;
  readonly by: Hand;
  readonly motiveId: number | null;
  readonly patient: string | null;
  readonly status: 'temporary' | 'confirmed' | 'deleted';
  readonly reason: string | null;
  /** To the questions of its motif, by their ids. */
  readonly answers: Readonly<Record<string, string>>;
  /** Of a temporary one. */
  readonly expiresAt: number | null;
  readonly clientId: string | null;
  /** What the partner calls it. */
  readonly reference: string | null;
  readonly lockVersion: number;
  readonly updatedAt: number;
}
