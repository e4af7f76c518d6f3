import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import type { Interval } from '../interval.js';
import { wallClock, zoneClock } from '../time-zone.js';
import { bookableVisits } from './bookable.js';
import { refusalsAt } from './explain.js';
import { DAY, MINUTE } from './practice.suite.js';
import type { AgendaFacts, Asked, ReleaseRule, ReserveBeneficiaries } from './types.js';
import { AUDIENCES, PRIORITIES, RULE_CODES } from './types.js';

const STEP = 10 * MINUTE;
/** Local midnights: the night of a change in Paris, New York or Lord Howe, and an ordinary one. */
const DAYS = ['2026-03-29', '2026-10-25', '2026-11-01', '2026-03-08', '2026-04-05', '2026-06-15'];
const ZONES = [
  ...['Europe/Paris', 'Indian/Reunion', 'America/Guadeloupe', 'America/Cayenne', 'Indian/Mayotte'],
  ...['America/Miquelon', 'Pacific/Noumea', 'Australia/Lord_Howe', 'America/St_Johns'],
];
const MOTIFS = ['consultation', 'vaccination'];
const SECRETARIATS = ['north', 'south'];

interface Practice {
  readonly facts: AgendaFacts;
  readonly asked: Asked;
  readonly window: Interval;
}

const int = (min: number, max: number) => fc.integer({ min, max });
const nullable = <T>(value: fc.Arbitrary<T>, freq = 2) => fc.option(value, { nil: null, freq });
const seldom = <T>(usual: T, other: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 12 }, { arbitrary: other, weight: 1 });
const many = <T>(value: fc.Arbitrary<T>, most: number) => fc.array(value, { maxLength: most });
const audiences = seldom(null, fc.subarray([...AUDIENCES]));
const motifs = seldom(null, fc.subarray(MOTIFS));

/** Steps of ten minutes from the local midnight; some are empty. */
const steps = (longest: number) =>
  fc.noBias(fc.tuple(int(-40, 250), int(0, longest))).map(([start, length]) => ({ start, end: start + length }));

const release: fc.Arbitrary<ReleaseRule> = fc.oneof(
  fc.record({ kind: fc.constant('before' as const), minutes: int(0, 3000) }),
  fc.record({
    kind: fc.constant('at-time' as const),
    daysBefore: int(0, 2),
    time: fc.constantFrom('00:00', '02:30', '10:00', '18:00'),
  }),
  fc.record({ kind: fc.constant('occupancy' as const), share: fc.constantFrom(0, 0.25, 0.5, 1) }),
  fc.record({ kind: fc.constant('quota' as const), perSecretariat: int(0, 2) }),
);
const keptFor: fc.Arbitrary<ReserveBeneficiaries> = fc.record({
  priorities: fc.subarray([...PRIORITIES], { maxLength: 1 }),
  audiences: fc.subarray([...AUDIENCES], { maxLength: 1 }),
  motifIds: seldom<string[]>([], fc.subarray(MOTIFS)),
});
const occupation = fc.record({ interval: steps(9), seat: nullable(int(1, 3), 5) });

const rules: fc.Arbitrary<Asked['rules']> = fc.record({
  noticeMinutes: seldom(0, fc.constantFrom(60, 1000)),
  horizonDays: seldom(null, fc.constantFrom(1, 2)),
  priority: seldom('routine', fc.constantFrom(...PRIORITIES)),
  audiences,
  newPatients: seldom('accepted', fc.constantFrom('only' as const, 'refused' as const)),
  age: seldom(null, fc.record({ minYears: nullable(int(0, 20)), maxYears: nullable(int(10, 90)) })),
  gapDays: nullable(int(0, 2)),
  quotas: many(
    fc.record({
      per: fc.constantFrom('day' as const, 'half-day' as const, 'week' as const),
      max: seldom(3, int(0, 2)),
    }),
    2,
  ),
});

const practices: fc.Arbitrary<Practice> = fc
  .record({
    timeZone: fc.constantFrom(...ZONES),
    day: fc.constantFrom(...DAYS),
    active: seldom(true, fc.constant(false)),
    offered: seldom(true, fc.constant(false)),
    capacity: fc.oneof({ arbitrary: int(1, 3), weight: 9 }, { arbitrary: fc.constant(0), weight: 1 }),
    openedUntil: seldom(400, int(0, 200)),
    openings: fc.array(
      fc.tuple(steps(60), fc.record({ motifIds: motifs, audiences, capacity: seldom(null, int(0, 3)) })),
      {
        minLength: 2,
        maxLength: 9,
      },
    ),
    closures: many(steps(20), 2),
    reserves: many(
      fc.tuple(
        steps(20),
        fc.record({
          reserveId: fc.constant('reserve'),
          keptFor,
          release: many(release, 2),
          recaptureMinutes: nullable(fc.constantFrom(0, 60, 600)),
        }),
      ),
      3,
    ),
    occupied: many(fc.tuple(occupation, fc.record({ kind: fc.constantFrom('busy' as const, 'held' as const) })), 10),
    visits: many(int(-400, 600), 6),
    givenBack: many(fc.tuple(steps(12), int(-200, 0)), 3),
    reservedVisits: many(
      fc.record({ start: int(-40, 250), secretariat: nullable(fc.constantFrom(...SECRETARIATS)) }),
      3,
    ),
    equipment: seldom<{ capacity: number; occupied: Interval[] }[]>(
      [],
      many(fc.record({ capacity: seldom(1, int(0, 2)), occupied: many(steps(12), 4) }), 2),
    ),
    rules,
    visit: fc.record({ duration: int(1, 6), before: int(0, 2), after: int(0, 2), granularity: int(1, 6) }),
    audience: fc.constantFrom(...AUDIENCES),
    secretariat: nullable(fc.constantFrom(...SECRETARIATS), 5),
    patient: nullable(
      fc.record({
        isNew: nullable(fc.boolean(), 4),
        ageYears: nullable(int(0, 95), 4),
        visits: many(int(-400, 600), 2),
      }),
      2,
    ),
    nowMinutes: fc.oneof(
      int(-2000, 200),
      int(-200, 20).map((tens) => tens * 10),
    ),
    window: fc.tuple(
      fc.oneof(
        int(-300, 600),
        int(-30, 60).map((tens) => tens * 10),
      ),
      int(0, 1800),
    ),
  })
  .map(({ timeZone, day, nowMinutes, window, patient, visit, rules: wanted, audience, secretariat, ...made }) => {
    const midnight = Date.parse(`${day}T00:00Z`);
    const clock = wallClock(timeZone, { start: midnight - 9 * DAY, end: midnight + 9 * DAY });
    const time = (step: number): number => clock(midnight + step * STEP);
    const span = ({ start, end }: Interval): Interval => ({ start: time(start), end: time(end) });
    const now = time(0) + nowMinutes * MINUTE;
    const from = time(0) + window[0] * MINUTE;
    return {
      window: { start: from, end: from + window[1] * MINUTE },
      facts: {
        ...made,
        timeZone,
        openedUntil: time(made.openedUntil),
        openings: made.openings.map(([when, rest]) => ({ ...span(when), ...rest })),
        closures: made.closures.map(span),
        reserves: made.reserves.map(([when, rest]) => ({ ...span(when), ...rest })),
        occupied: made.occupied.map(([{ interval, seat }, { kind }]) => ({ interval: span(interval), seat, kind })),
        visits: made.visits.map(time),
        givenBack: made.givenBack.map(([when, ago]) => ({ ...span(when), at: now + ago * STEP })),
        reservedVisits: made.reservedVisits.map((one) => ({ ...one, start: time(one.start) })),
        equipment: made.equipment.map((one) => ({
          agendaId: 'laser',
          capacity: one.capacity,
          occupied: one.occupied.map((when) => ({ interval: span(when), seat: 1 })),
        })),
      },
      asked: {
        motifId: 'consultation',
        rules: wanted,
        visit: {
          durationMs: visit.duration * STEP,
          bufferBeforeMs: visit.before * STEP,
          bufferAfterMs: visit.after * STEP,
          granularityMs: visit.granularity * STEP,
        },
        audience,
        secretariat,
        patient: patient && { ...patient, visits: patient.visits.map(time) },
        now,
      },
    };
  });

/** Parts of a window: from which step, for how many minutes. */
const cuts = fc.array(fc.tuple(int(0, 100), int(0, 100)), { minLength: 10, maxLength: 10 });

describe('search is what the rules say, instant by instant', () => {
  const seen = new Set<string>();
  let offering = 0;

  test.each([1, 2, 3, 5, 8, 13, 21, 34, 55, 89])('100 practices of seed %i', (seed) => {
    fc.assert(
      fc.property(practices, cuts, int(0, 40), ({ facts, asked, window }, parts, limit) => {
        const expected: Interval[] = [];
        const first = Math.ceil(window.start / STEP) * STEP;
        for (let start = first; start < window.end; start += STEP) {
          const refusals = refusalsAt(start, facts, asked);
          for (const { code } of refusals) seen.add(code);
          if (refusals.length === 0) expected.push({ start, end: start + asked.visit.durationMs });
        }
        offering += Number(expected.length > 0);
        expect(bookableVisits(facts, asked, window, Infinity)).toEqual(expected);
        for (const [from, length] of parts) {
          const start = first + from * STEP;
          const part = { start, end: Math.min(start + length * MINUTE, window.end) };
          const inside = expected.filter((visit) => part.start <= visit.start && visit.start < part.end);
          expect(bookableVisits(facts, asked, part, limit)).toEqual(inside.slice(0, limit));
        }
      }),
      { numRuns: 100, seed },
    );
  });

  test('and those practices met every rule, and many had time to offer', () => {
    expect(RULE_CODES.filter((code) => !seen.has(code))).toEqual([]);
    expect(offering).toBeGreaterThan(300);
  });
});

test('a clock of a zone says what the calendar says', () => {
  const instants = int(Date.UTC(2025, 11) / STEP, Date.UTC(2027, 1) / STEP).map((step) => step * STEP);
  const localMs = (instant: number, timeZone: string): number =>
    Date.parse(
      `${Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone).toPlainDateTime().toString()}Z`,
    );
  fc.assert(
    fc.property(fc.constantFrom(...ZONES, 'Pacific/Apia'), instants, int(0, 300), (timeZone, instant, length) => {
      const clock = zoneClock(timeZone, { start: Date.UTC(2025, 11), end: Date.UTC(2027, 1) });
      const local = localMs(instant, timeZone);
      expect(clock.local(instant)).toBe(local);
      const range = { start: local, end: local + length * STEP };
      const found = clock.instants(range);
      for (let at = instant - DAY; at < instant + length * STEP + DAY; at += 60 * MINUTE) {
        const inside = localMs(at, timeZone) >= range.start && localMs(at, timeZone) < range.end;
        expect(found.some(({ start, end }) => start <= at && at < end)).toBe(inside);
      }
    }),
    { numRuns: 100, seed: 1 },
  );
});
