import { z } from 'zod';
import type { Hand } from '../core/diary.js';

/** One row of `vevents`, whatever it means. Times are epoch milliseconds here, and local times at the API. */
export interface Vevent {
  readonly id: number;
  readonly calendarId: number;
  readonly start: number;
  readonly end: number;
  /** Both 0: a plage, not an appointment. */
  readonly ficheId: number;
  readonly interventionId: number;
  /** `VfreebusyEvent`: an opening to the internet. */
  readonly type: string | null;
  readonly note: boolean;
  readonly text: string;
  readonly comments: string | null;
  /** Who took it, in his own words. */
  readonly taker: string | null;
  readonly by: Hand;
  readonly created: number;
  readonly updated: number;
  /** Never removed: it may be restored. */
  readonly deleted: boolean;
  /** Written by a version that nobody has any more: its start cannot be read. */
  readonly corrupt: boolean;
}

export interface Calendar {
  readonly id: number;
  readonly name: string;
  readonly zone: string;
}

/** A group of calendars, with who may open it and what can be booked there. */
export interface Group {
  readonly id: number;
  readonly name: string;
  readonly apikey: string;
  readonly pro: { readonly email: string; readonly password: string; readonly writes: boolean };
  readonly interventions: readonly { readonly id: number; readonly name: string }[];
  readonly fiches: readonly { readonly id: number; readonly lastname: string }[];
  /** What becomes of what overlaps: nobody published it, so both happen. */
  readonly overlaps: 'refuse' | 'allow';
  readonly calendars: readonly Calendar[];
}

const MAX_MS = 8_640_000_000_000_000;
const instant = z.int().min(0).max(MAX_MS);
const id = z.int().min(1);
const name = z.string().min(1).max(200);

const zone = z.string().refine((given) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: given }).format(0) !== '';
  } catch {
    return false;
  }
}, 'not an IANA time zone');

export const newEntry = z
  .object({
    start: instant,
    end: instant,
    title: z.string().max(500),
    kind: z.enum(['plage', 'note', 'freebusy']).default('plage'),
  })
  .refine(({ start, end, kind }) => start < end || (kind === 'note' && start === end), 'start must come before end');

export type NewEntry = z.output<typeof newEntry>;

export const groupSeed = z.strictObject({
  ...{ id, name, apikey: z.string().min(8).max(200) },
  pro: z.strictObject({ email: z.email(), password: z.string().min(1), writes: z.boolean().default(true) }),
  interventions: z.array(z.strictObject({ id, name })).default([]),
  fiches: z.array(z.strictObject({ id, lastname: name })).default([]),
  overlaps: z.enum(['refuse', 'allow']).default('refuse'),
  calendars: z.array(z.strictObject({ id, name, zone, entries: z.array(newEntry).max(20_000).default([]) })),
});
