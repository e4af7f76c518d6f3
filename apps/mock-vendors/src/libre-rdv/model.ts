import { z } from 'zod';
import type { Hand } from '../core/diary.js';

/** What a caller reads. `CONFIRMATION_NEEDED`: somebody at the practice has yet to say yes. */
export type Status = 'CONFIRMED' | 'CONFIRMATION_NEEDED' | 'REFUSED';

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One row of the appointment book. Times are epoch milliseconds here, and local times at the API. */
export interface Row extends Span {
  /** Small, and given again once a purge has freed it. */
  readonly id: number;
  readonly agendaId: number;
  readonly title: string;
  /** What the caller of the API calls it. */
  readonly reference: string | null;
  readonly status: Status;
  /** Where it was agreed to be, while another time is asked for. */
  readonly agreed: Span | null;
  readonly by: Hand;
  readonly created: number;
  readonly deleted: boolean;
  /** Written by a version that nobody has any more: its date cannot be read. */
  readonly corrupt: boolean;
  /** Place in the news. */
  readonly seq: number;
}

export interface Agenda {
  readonly id: number;
  readonly name: string;
  readonly zone: string;
  readonly apiKey: string;
  /** False: the key may look, and not ask. */
  readonly writable: boolean;
}

const MAX_MS = 8_640_000_000_000_000;
const instant = z.int().min(0).max(MAX_MS);

const zone = z.string().refine((name) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
}, 'not an IANA time zone');

export const newRow = z
  .object({
    start: instant,
    end: instant,
    title: z.string().max(200),
    reference: z.string().max(80).nullable().default(null),
  })
  .refine(({ start, end }) => start < end, 'start must come before end');

export const agendaSeed = z.strictObject({
  id: z.int().min(1).max(9_999),
  name: z.string().min(1).max(200),
  zone,
  apiKey: z.string().min(8).max(200),
  writable: z.boolean().default(true),
  entries: z.array(newRow).max(20_000).default([]),
});

export type NewRow = z.output<typeof newRow>;
