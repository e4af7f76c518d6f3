import { z } from 'zod';
import type { Hand } from '../core/diary.js';

/** One entry of an agenda. Times are epoch milliseconds, `[start, end)`. A deleted entry stays as a tombstone. */
export interface Entry {
  readonly id: string;
  readonly agendaId: string;
  readonly start: number;
  readonly end: number;
  readonly title: string;
  /** What the caller of the API calls it; `null` for what the practitioner wrote himself. */
  readonly reference: string | null;
  readonly version: number;
  readonly author: Hand;
  readonly updatedAt: number;
  readonly deleted: boolean;
  /** Place in the agenda's change log. */
  readonly seq: number;
}

/** For whom and when others may book. The practitioner himself does as he likes. */
export interface AgendaRules {
  readonly newPatients: 'accepted' | 'only' | 'refused';
  /** Completed years, both ends included; `null` = all. */
  readonly ages: { readonly min: number | null; readonly max: number | null } | null;
  /** `null` = any hour. */
  readonly openings: readonly { readonly start: number; readonly end: number }[] | null;
}

/** Whom a certificate is for. */
export interface Subject {
  readonly commonName: string;
  readonly unit: string;
}

/** An agenda and the key that opens it. */
export interface Agenda {
  readonly id: string;
  readonly name: string;
  readonly zone: string;
  readonly apiKey: string;
  /** Whose certificate opens it, instead of the key; `null` = the key does. */
  readonly certificate: Subject | null;
  /** What its practitioner lets others book; `null` = anything. */
  readonly rules: AgendaRules | null;
}

export interface Subscription {
  readonly id: string;
  readonly agendaId: string;
  readonly url: string;
  readonly secret: string;
  readonly expiresAt: number;
}

const MAX_MS = 8_640_000_000_000_000;
const instant = z.int().min(0).max(MAX_MS);

const times = { start: instant, end: instant };
const ordered = ({ start, end }: { start: number; end: number }): boolean => start < end;

export const newEntry = z
  .strictObject({ ...times, title: z.string().max(500), reference: z.string().max(64).nullable().default(null) })
  .refine(ordered, 'start must come before end');

export const entryChange = z
  .strictObject({ ...times, title: z.string().max(500) })
  .partial()
  .refine(({ start, end }) => start === undefined || end === undefined || start < end, 'start must come before end');

export const leaseInput = z.strictObject(times).refine(ordered, 'start must come before end');

export type NewEntry = z.output<typeof newEntry>;
export type EntryChange = z.output<typeof entryChange>;

const zone = z.string().refine((name) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
}, 'not an IANA time zone');

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

const years = z.int().min(0).max(150).nullable();
export const agendaRules = z.strictObject({
  newPatients: z.enum(['accepted', 'only', 'refused']).default('accepted'),
  ages: z.strictObject({ min: years, max: years }).nullable().default(null),
  openings: z.array(z.strictObject(times).refine(ordered, 'start must come before end')).nullable().default(null),
});

export const agendaSeed = z.strictObject({
  id,
  name: z.string().min(1).max(200),
  zone,
  apiKey: z.string().min(8).max(200),
  certificate: z
    .strictObject({ commonName: z.string().min(1), unit: z.string().min(1) })
    .nullable()
    .default(null),
  rules: agendaRules.nullable().default(null),
  entries: z.array(newEntry).max(20_000).default([]),
});

export const subscriptionInput = z.strictObject({ url: z.url(), secret: z.string().regex(/^[A-Za-z0-9_-]{32,}$/) });
