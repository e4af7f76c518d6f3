import { Temporal } from 'temporal-polyfill';
import type { Interval } from '../interval.js';
import type { AgendaFacts, Asked, MotifRules, OpenTime, ReservedTime } from './types.js';

export const MINUTE = 60_000;
export const DAY = 86_400_000;

/** An instant from its local time, `2026-06-15T09:00`. */
export const at = (local: string, timeZone = 'Europe/Paris'): number =>
  Temporal.PlainDateTime.from(local).toZonedDateTime(timeZone).epochMilliseconds;

/** The local time of an instant, for reading failures. */
export const local = (instant: number, timeZone = 'Europe/Paris'): string =>
  Temporal.Instant.fromEpochMilliseconds(instant)
    .toZonedDateTimeISO(timeZone)
    .toPlainDateTime()
    .toString()
    .slice(0, 16);

/** Local times of one day: `on('2026-06-15', '09:00', '12:00')`. */
export const on = (date: string, from: string, to: string, timeZone = 'Europe/Paris'): Interval => ({
  start: at(`${date}T${from}`, timeZone),
  end: at(`${date}T${to}`, timeZone),
});

export const open = (when: Interval, rest: Partial<OpenTime> = {}): OpenTime => ({
  motifIds: null,
  audiences: null,
  capacity: null,
  ...when,
  ...rest,
});

export const reserved = (when: Interval, rest: Partial<ReservedTime> = {}): ReservedTime => ({
  reserveId: 'urgencies',
  keptFor: { priorities: ['urgent'], audiences: [], motifIds: [] },
  release: [],
  recaptureMinutes: null,
  ...when,
  ...rest,
});

/** Monday 15 June 2026, a morning open from 09:00 to 12:00 in Paris, nothing taken. */
export const facts = (rest: Partial<AgendaFacts> = {}): AgendaFacts => ({
  active: true,
  offered: true,
  timeZone: 'Europe/Paris',
  capacity: 1,
  openedUntil: at('2027-06-01T00:00'),
  openings: [open(on('2026-06-15', '09:00', '12:00'))],
  closures: [],
  reserves: [],
  occupied: [],
  visits: [],
  givenBack: [],
  reservedVisits: [],
  equipment: [],
  ...rest,
});

export const anybody = { isNew: null, ageYears: null, visits: [] } as const;

/** A visit of half an hour for anybody, asked for on Monday 1 June at 08:00. */
export const asked = (rules: Partial<MotifRules> = {}, rest: Partial<Asked> = {}): Asked => ({
  motifId: 'consultation',
  rules: {
    noticeMinutes: 0,
    horizonDays: null,
    priority: 'routine',
    audiences: null,
    newPatients: 'accepted',
    age: null,
    gapDays: null,
    quotas: [],
    ...rules,
  },
  visit: { durationMs: 30 * MINUTE, bufferBeforeMs: 0, bufferAfterMs: 0, granularityMs: 30 * MINUTE },
  audience: 'SECRETARIAT',
  secretariat: 'north',
  patient: { visits: [] },
  now: at('2026-06-01T08:00'),
  ...rest,
});
