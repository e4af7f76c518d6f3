import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { refusalsAt } from './rules/explain.js';
import { asked, at, DAY, facts, MINUTE, on, open } from './rules/practice.suite.js';
import { zoneClock } from './time-zone.js';
import { DAY_PARTS } from './rules/asked-times.js';
import { compareWaiting, isAvailable, planOffers, type Availability, type Waiting } from './waiting.js';

const ANY: Availability = { weekdays: [], parts: [], from: null, to: null };
const WEEK = { start: at('2026-06-15T00:00'), end: at('2026-06-22T00:00') };
const ZONE = 'Europe/Paris';

const who = (id: string, rest: Partial<Waiting> = {}): Waiting => ({
  id,
  priority: 'routine',
  deadline: null,
  since: at('2026-06-01T08:00'),
  availability: ANY,
  passed: [],
  asks: [{ facts: facts(), asked: asked() }],
  ...rest,
});

describe('when a patient can come', () => {
  const clock = zoneClock(ZONE, { start: at('2026-03-01T00:00'), end: at('2026-07-01T00:00') });
  test.each<[string, Partial<Availability>, string, boolean]>([
    ['at any time', {}, '2026-06-15T09:00', true],
    ['on that weekday', { weekdays: [1] }, '2026-06-15T09:00', true],
    ['on another weekday', { weekdays: [2, 7] }, '2026-06-15T09:00', false],
    ['on Sunday, the seventh', { weekdays: [7] }, '2026-06-21T09:00', true],
    ['on Monday just after midnight, Sunday in UTC', { weekdays: [1] }, '2026-06-15T00:30', true],
    ['in the morning, before noon', { parts: ['morning'] }, '2026-06-15T11:59', true],
    ['in the morning, at noon', { parts: ['morning'] }, '2026-06-15T12:00', false],
    ['in the afternoon, at noon', { parts: ['afternoon'] }, '2026-06-15T12:00', true],
    ['in the evening, at six', { parts: ['morning', 'evening'] }, '2026-06-15T18:00', true],
    ['in the afternoon, at six', { parts: ['afternoon'] }, '2026-06-15T18:00', false],
    ['from that day on', { from: '2026-06-15' }, '2026-06-15T00:00', true],
    ['from the day after', { from: '2026-06-16' }, '2026-06-15T23:45', false],
    ['until that day', { to: '2026-06-15' }, '2026-06-15T23:45', true],
    ['until the day before', { to: '2026-06-14' }, '2026-06-15T00:00', false],
    ['in the morning after the clocks changed', { parts: ['morning'] }, '2026-03-29T11:45', true],
  ])('%s', (_, availability, start, expected) => {
    expect(isAvailable({ ...ANY, ...availability }, at(start), clock)).toBe(expected);
  });
});

describe('who comes first', () => {
  const soon = at('2026-06-20T00:00');
  test.each<[string, Partial<Waiting>, Partial<Waiting>]>([
    ['the more urgent', { priority: 'urgent', since: 2 }, { priority: 'soon', since: 1 }],
    ['the more urgent, whatever the deadline', { priority: 'soon' }, { deadline: soon }],
    ['the nearer deadline', { deadline: soon, since: 2 }, { deadline: soon + 1, since: 1 }],
    ['a deadline before none', { deadline: soon, since: 2 }, { since: 1 }],
    ['who waits longer', { since: 1 }, { since: 2 }],
  ])('%s', (_, first, second) => {
    const [a, b] = [who('b', first), who('a', second)];
    expect([compareWaiting(a, b) < 0, compareWaiting(b, a) > 0]).toEqual([true, true]);
    const one = { facts: facts({ openings: [open(on('2026-06-15', '09:00', '09:30'))] }), asked: asked() };
    expect(
      planOffers(
        [
          { ...b, asks: [one] },
          { ...a, asks: [one] },
        ],
        ZONE,
        WEEK,
        10,
      ),
    ).toMatchObject([{ entryId: 'b' }]);
  });
});

describe('the plan', () => {
  const nine = at('2026-06-15T09:00');

  test('gives each the earliest that is left', () => {
    expect(planOffers([who('a'), who('b')], ZONE, WEEK, 10)).toEqual([
      { entryId: 'a', motifId: 'consultation', start: nine, end: nine + 30 * MINUTE },
      { entryId: 'b', motifId: 'consultation', start: nine + 30 * MINUTE, end: nine + 60 * MINUTE },
    ]);
  });

  test('stops at the limit', () => {
    expect(planOffers([who('a'), who('b'), who('c')], ZONE, WEEK, 2).map(({ entryId }) => entryId)).toEqual(['a', 'b']);
  });

  test.each<[string, Partial<Waiting>, number | null]>([
    ['nothing at or after the deadline', { deadline: nine }, null],
    ['what starts before the deadline', { deadline: nine + 1 }, nine],
    ['not what was passed up', { passed: [nine] }, nine + 30 * MINUTE],
    ['nothing without a motif', { asks: [] }, null],
    ['nothing to another audience', { asks: [{ facts: facts(), asked: asked({ audiences: ['CPTS'] }) }] }, null],
    [
      'nothing to a new patient who is refused',
      {
        asks: [{ facts: facts(), asked: asked({ newPatients: 'refused' }, { patient: { isNew: true, visits: [] } }) }],
      },
      null,
    ],
    [
      'the earlier of two motifs',
      {
        asks: [
          {
            facts: facts({ openings: [open(on('2026-06-16', '09:00', '10:00'))] }),
            asked: asked({}, { motifId: 'late' }),
          },
          { facts: facts(), asked: asked() },
        ],
      },
      nine,
    ],
  ])('%s', (_, rest, start) => {
    expect(planOffers([who('a', rest)], ZONE, WEEK, 10).map((offer) => offer.start)).toEqual(
      start === null ? [] : [start],
    );
  });

  test('whatever stands: offers only what no rule refuses, to each at most once, nothing twice, and leaves nobody who fits', () => {
    const day = fc.integer({ min: 0, max: 6 });
    const time = fc.integer({ min: 0, max: 47 }).map((half) => half * 30 * MINUTE);
    const interval = fc
      .tuple(day, time, fc.integer({ min: 1, max: 8 }))
      .map(([d, t, n]) => ({ start: WEEK.start + d * DAY + t, end: WEEK.start + d * DAY + t + n * 30 * MINUTE }));
    const entry = fc.record({
      priority: fc.constantFrom('routine' as const, 'soon' as const, 'urgent' as const),
      deadline: fc.option(fc.integer({ min: WEEK.start, max: WEEK.end })),
      since: fc.integer({ min: 0, max: 5 }),
      weekdays: fc.subarray([1, 2, 3, 4, 5, 6, 7]),
      parts: fc.subarray([...DAY_PARTS]),
      passed: fc.array(
        fc.tuple(day, time).map(([d, t]) => WEEK.start + d * DAY + t),
        { maxLength: 3 },
      ),
      audience: fc.constantFrom('SECRETARIAT' as const, 'CPTS' as const),
    });
    fc.assert(
      fc.property(
        fc.array(interval, { maxLength: 6 }),
        fc.array(interval, { maxLength: 4 }),
        fc.array(entry, { maxLength: 6 }),
        (openings, taken, entries) => {
          const all = facts({
            openings: openings.map((when, index) => open(when, index % 3 === 0 ? { audiences: ['SECRETARIAT'] } : {})),
            occupied: taken.map((when) => ({ interval: when, seat: 1, kind: 'busy' as const })),
          });
          const waiting = entries.map(({ weekdays, parts, audience, ...rest }, index) =>
            who(String(index), {
              ...rest,
              availability: { ...ANY, weekdays, parts },
              asks: [{ facts: all, asked: asked({}, { audience }) }],
            }),
          );
          const offers = planOffers(waiting, ZONE, WEEK, 10);
          const clock = zoneClock(ZONE, WEEK);
          const may = (one: Waiting, start: number): boolean =>
            one.asks.some((ask) => refusalsAt(start, ask.facts, ask.asked).length === 0) &&
            isAvailable(one.availability, start, clock) &&
            (one.deadline === null || start < one.deadline) &&
            !one.passed.includes(start);
          const given = new Map(offers.map((offer) => [offer.entryId, offer]));
          expect(given.size).toBe(offers.length);
          expect(new Set(offers.map(({ start }) => start)).size).toBe(offers.length);
          for (const one of waiting) {
            const offer = given.get(one.id);
            if (offer) expect(may(one, offer.start)).toBe(true);
            // Whatever was free for him earlier went to somebody who comes before him.
            for (let start = WEEK.start; start < (offer?.start ?? WEEK.end); start += 30 * MINUTE) {
              if (!may(one, start)) continue;
              const holders = offers.filter((other) => other.start < start + 30 * MINUTE && start < other.end);
              expect(holders.some((other) => compareWaiting(waiting[Number(other.entryId)]!, one) < 0)).toBe(true);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
