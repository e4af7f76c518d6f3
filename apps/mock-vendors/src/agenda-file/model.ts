import { z } from 'zod';
import { zoneClock } from '#domain';
import type { Hand } from '../core/diary.js';

/** One line of a practitioner's diary. Times are epoch milliseconds, whole minutes. */
export interface Line {
  /** Known inside the program only: its exports tell no id. */
  readonly id: string;
  readonly agendaId: string;
  readonly start: number;
  readonly end: number;
  readonly title: string;
  /** What was written beside it by hand, or by an order. */
  readonly comment: string;
  /** UID of its last ICS export. */
  readonly uid: string;
  readonly by: Hand;
  readonly deleted: boolean;
}

export interface Doctor {
  readonly code: string;
  readonly nom: string;
  readonly fuseau: string;
}

export const seedInput = z.strictObject({
  compte: z.strictObject({ identifiant: z.string().min(1), motDePasse: z.string().min(1), cle: z.string().min(16) }),
  medecins: z.array(
    z.strictObject({
      code: z.string().regex(/^[A-Z0-9]{1,12}$/),
      nom: z.string().min(1).max(200),
      fuseau: z.string().default('Europe/Paris'),
    }),
  ),
});

export type Account = z.output<typeof seedInput>['compte'];

const DAY_MS = 86_400_000;

/** `07/06/2027;09:00` in a zone. */
export function localParts(instant: number, zone: string): { date: string; time: string } {
  const clock = zoneClock(zone, { start: instant - 3 * DAY_MS, end: instant + 3 * DAY_MS });
  const iso = new Date(clock.local(instant)).toISOString();
  return { date: `${iso.slice(8, 10)}/${iso.slice(5, 7)}/${iso.slice(0, 4)}`, time: iso.slice(11, 16) };
}

/** `null` for what is no time. */
export function instantOf(date: string, time: string, zone: string): number | null {
  const [, day = '', month = '', year = ''] = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(date) ?? [];
  const wall = Date.parse(`${year}-${month}-${day}T${time}:00Z`);
  if (Number.isNaN(wall)) return null;
  return zoneClock(zone, { start: wall - 3 * DAY_MS, end: wall + 3 * DAY_MS }).instant(wall);
}
