import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import type { Interval } from '../interval.js';
import { bookableVisits } from './bookable.js';
import { refusalsAt } from './explain.js';
import { asked, at, DAY, facts, local, MINUTE, on, open, reserved } from './practice.suite.js';
import { reserveState } from './release.js';
import type { AgendaFacts, Asked, ReleaseRule, ReservedTime, RuleRefusal } from './types.js';

const DATE = '2026-06-15';
const KEPT = on(DATE, '10:00', '11:00');
const TEN = KEPT.start;
const before = (minutes: number): ReleaseRule => ({ kind: 'before', minutes });
const occupancy = (share: number): ReleaseRule => ({ kind: 'occupancy', share });
const quota = (perSecretariat: number): ReleaseRule => ({ kind: 'quota', perSecretariat });
const atTime = (time: string, daysBefore = 0): ReleaseRule => ({ kind: 'at-time', daysBefore, time });
const busy = (from: string, to: string, kind: 'busy' | 'held' = 'busy', seat: number | null = 1) => ({
  interval: on(DATE, from, to),
  seat,
  kind,
});

/** What explain says of a start, after search has been seen to agree. */
function refusals(start: number, practice: AgendaFacts, question: Asked): RuleRefusal[] {
  const told = refusalsAt(start, practice, question);
  const found = bookableVisits(practice, question, { start, end: start + 1 }, 1);
  expect(found.length).toBe(told.length === 0 ? 1 : 0);
  return told;
}

const keeping = (rest: Partial<ReservedTime>, others: Partial<AgendaFacts> = {}): AgendaFacts =>
  facts({ reserves: [reserved(KEPT, rest)], ...others });

describe('whom a reserve is kept for', () => {
  test.each<[string, Partial<ReservedTime['keptFor']>, Partial<Asked>]>([
    ['a priority', { priorities: ['soon', 'routine'] }, {}],
    ['an audience', { audiences: ['SNP'] }, { audience: 'SNP' }],
    ['a motif', { motifIds: ['consultation'] }, {}],
  ])('%s may book it at any time', (_, keptFor, rest) => {
    const practice = keeping({ keptFor: { priorities: [], audiences: [], motifIds: [], ...keptFor } });
    expect(refusals(TEN, practice, asked({}, rest))).toEqual([]);
    const other = asked({ priority: 'urgent' }, { motifId: 'vaccination', audience: 'PRO' });
    expect(refusals(TEN, practice, other)).toEqual([{ code: 'RESERVED_UNTIL' }]);
  });

  test.each([
    ['09:30', false],
    ['09:40', true],
    ['10:50', true],
    ['11:00', false],
  ])('a visit of half an hour at %s uses the reserve: %s', (time, uses) => {
    const fine = asked({}, { visit: { ...asked().visit, granularityMs: 10 * MINUTE } });
    expect(refusals(at(`${DATE}T${time}`), keeping({}), fine)).toEqual(uses ? [{ code: 'RESERVED_UNTIL' }] : []);
  });

  test('only the visit counts, not its buffers', () => {
    const buffered = asked({}, { visit: { ...asked().visit, bufferAfterMs: 30 * MINUTE } });
    expect(refusals(at(`${DATE}T09:30`), keeping({}), buffered)).toEqual([]);
  });
});

describe('release by time', () => {
  test.each<[string, ReleaseRule[], string | null]>([
    ['never', [], null],
    ['so many minutes before its start', [before(120)], `${DATE}T08:00`],
    ['at an hour of its day', [atTime('08:30')], `${DATE}T08:30`],
    ['at an hour of the day before', [atTime('18:00', 1)], '2026-06-14T18:00'],
    ['by the first of two rules', [atTime('09:00'), before(120)], `${DATE}T08:00`],
    ['never by a share or a quota', [occupancy(0.5), quota(0)], null],
  ])('%s', (_, release, instant) => {
    const practice = keeping({ release });
    const [reserve] = practice.reserves;
    const from = instant === null ? null : at(instant);
    expect(reserveState(reserve!, practice, asked())).toEqual({ free: false, from });
    expect(refusals(TEN, practice, asked())).toEqual([
      from === null ? { code: 'RESERVED_UNTIL' } : { code: 'RESERVED_UNTIL', bookableFrom: from },
    ]);
    if (from === null) return;
    const early = asked({}, { now: from - 1 });
    expect(refusals(TEN, practice, early)).toEqual([{ code: 'RESERVED_UNTIL', bookableFrom: from }]);
    expect(refusals(TEN, practice, asked({}, { now: from }))).toEqual([]);
  });

  test('over two reserves the later release holds, and one that never comes', () => {
    const first = reserved(on(DATE, '10:00', '10:15'), { release: [before(60)] });
    const second = reserved(on(DATE, '10:15', '11:00'), { release: [before(60)] });
    const both = (last: ReservedTime) => refusals(TEN, facts({ reserves: [first, last] }), asked());
    expect(both(second)).toEqual([{ code: 'RESERVED_UNTIL', bookableFrom: at(`${DATE}T09:15`) }]);
    expect(both({ ...second, release: [] })).toEqual([{ code: 'RESERVED_UNTIL' }]);
  });

  test.each([
    ['2026-03-29', 'Europe/Paris', '2026-03-28T18:00'],
    ['2026-10-25', 'Europe/Paris', '2026-10-24T18:00'],
    ['2026-06-15', 'Indian/Reunion', '2026-06-14T18:00'],
  ])('complaints 19 and 20: the evening before %s in %s is 18:00 there', (date, zone, evening) => {
    const morning = on(date, '09:00', '12:00', zone);
    const practice = facts({
      timeZone: zone,
      openings: [open(morning)],
      reserves: [reserved(morning, { release: [atTime('18:00', 1)] })],
    });
    const question = asked({}, { now: at('2026-01-05T00:00') });
    expect(refusals(morning.start, practice, question)).toEqual([
      { code: 'RESERVED_UNTIL', bookableFrom: at(evening, zone) },
    ]);
    expect(local(at(evening, zone), zone)).toBe(evening);
  });
});

describe('release by the share taken of the day', () => {
  /** Two hours are open to all: 09:00 to 10:00 and 11:00 to 12:00. */
  const isFree = (share: number, rest: Partial<AgendaFacts>): boolean => {
    const practice = keeping({ release: [occupancy(share)] }, rest);
    return reserveState(practice.reserves[0]!, practice, asked()).free;
  };

  test.each<[string, number, Partial<AgendaFacts>, boolean]>([
    ['exactly the share', 0.75, { occupied: [busy('09:00', '10:00'), busy('11:00', '11:30')] }, true],
    ['a minute less', 0.75, { occupied: [busy('09:00', '10:00'), busy('11:00', '11:29')] }, false],
    ['what is taken of the reserve does not count', 0.75, { occupied: [busy('09:00', '11:29')] }, false],
    [
      'what is taken outside the openings does not count',
      0.5,
      { occupied: [busy('09:30', '10:00'), busy('12:00', '19:00')] },
      false,
    ],
    ['holds do not count', 0.5, { occupied: [busy('09:00', '10:00', 'held')] }, false],
    ['time taken twice counts once', 0.75, { occupied: [busy('09:00', '10:00'), busy('09:00', '10:00')] }, false],
    [
      'leave makes the day shorter',
      1,
      { occupied: [busy('09:00', '10:00')], closures: [on(DATE, '11:00', '12:00')] },
      true,
    ],
    ['one of two seats', 0.5, { capacity: 2, occupied: [busy('09:00', '12:00')] }, true],
    ['every seat at once', 1, { capacity: 2, occupied: [busy('09:00', '12:00', 'busy', null)] }, true],
    [
      'an opening with fewer seats',
      1,
      {
        capacity: 2,
        openings: [open(on(DATE, '09:00', '12:00'), { capacity: 1 })],
        occupied: [busy('09:00', '12:00')],
      },
      true,
    ],
    [
      'another day does not count',
      0.5,
      {
        openings: [open(on(DATE, '09:00', '12:00')), open(on('2026-06-16', '09:00', '12:00'))],
        occupied: [busy('09:00', '10:00')],
      },
      true,
    ],
    [
      'another reserve is no room',
      1,
      {
        reserves: [reserved(KEPT, { release: [occupancy(1)] }), reserved(on(DATE, '11:00', '12:00'))],
        occupied: [busy('09:00', '10:00')],
      },
      true,
    ],
    ['a day all reserved frees nothing', 0, { openings: [open(KEPT)] }, false],
    ['no share at all is free at once', 0, {}, true],
  ])('%s', (_, share, rest, expected) => {
    expect(isFree(share, rest)).toBe(expected);
  });

  test('agrees with counting the minutes of the local day', () => {
    const zones = ['Europe/Paris', 'Indian/Reunion', 'America/Guadeloupe'];
    const minutes = fc.tuple(fc.integer({ min: -30, max: 300 }), fc.integer({ min: 0, max: 60 }));
    const some = fc.array(minutes, { maxLength: 4 });
    const days = fc.constantFrom('2026-03-29', '2026-10-25', DATE);
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        days,
        fc.tuple(some, some, some),
        fc.integer({ min: 0, max: 3 }),
        (zone, date, [a, b, c], capacity) => {
          const midnight = at(`${date}T00:00`, zone);
          const span = ([start, length]: [number, number]): Interval => ({
            start: midnight + start * 5 * MINUTE,
            end: midnight + (start + length) * 5 * MINUTE,
          });
          const reserve = reserved({ start: midnight + 60 * MINUTE, end: midnight + 100 * MINUTE });
          const practice = facts({
            timeZone: zone,
            capacity,
            openings: a.map((one, i) => open(span(one), { capacity: i === 1 ? 1 : null })),
            closures: b.map(span),
            reserves: [reserve],
            occupied: c.map((one, i) => ({ interval: span(one), seat: i === 1 ? null : 1, kind: 'busy' as const })),
          });
          let room = 0;
          let taken = 0;
          for (let t = midnight - DAY; t < midnight + 2 * DAY; t += 5 * MINUTE) {
            if (Temporal.Instant.fromEpochMilliseconds(t).toZonedDateTimeISO(zone).toPlainDate().toString() !== date)
              continue;
            const runs = ({ start, end }: Interval): boolean => start <= t && t < end;
            const openNow = practice.openings.filter(runs);
            if (openNow.length === 0 || [...practice.closures, reserve].some(runs)) continue;
            const seats = Math.min(...openNow.map((x) => x.capacity ?? capacity), capacity);
            const use = practice.occupied.filter((x) => runs(x.interval)).map((x) => (x.seat === null ? seats : 1));
            room += seats;
            taken += Math.min(
              seats,
              use.reduce((sum, x) => sum + x, 0),
            );
          }
          for (const share of [0, 0.1, 0.25, 0.5, 0.9, 1]) {
            const state = reserveState({ ...reserve, release: [occupancy(share)] }, practice, asked());
            expect(state.free).toBe(room > 0 && taken >= share * room - 1e-9);
          }
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });
});

describe('release by quota of the secretariat', () => {
  const booked = (start: string, secretariat: string | null = 'north') => ({
    start: at(`${DATE}T${start}`),
    secretariat,
  });
  const codes = (reservedVisits: AgendaFacts['reservedVisits'], secretariat: string | null = 'north') =>
    refusals(TEN, keeping({ release: [quota(2)] }, { reservedVisits }), asked({}, { secretariat })).map(
      ({ code }) => code,
    );

  test('lets each secretariat in so many times on the day', () => {
    expect(codes([booked('10:00')])).toEqual([]);
    expect(codes([booked('10:00'), booked('23:30')])).toEqual(['RESERVED_UNTIL']);
    expect(codes([booked('10:00'), booked('10:30', 'south'), booked('10:45', null)])).toEqual([]);
    const dayBefore = { start: at('2026-06-14T23:30'), secretariat: 'north' };
    expect(codes([booked('10:00'), dayBefore])).toEqual([]);
  });

  test('lets nobody in who belongs to no secretariat', () => {
    expect(codes([], null)).toEqual(['RESERVED_UNTIL']);
  });
});

describe('time given back', () => {
  const RELEASE = at(`${DATE}T08:00`);
  const given = (atTime: string, when: Interval = on(DATE, '10:30', '11:00')) => ({
    ...when,
    at: at(`${DATE}T${atTime}`),
  });
  const codes = (practice: AgendaFacts, now: string, start = '10:30', secretariat = 'north') =>
    refusals(at(`${DATE}T${start}`), practice, asked({}, { now: at(`${DATE}T${now}`), secretariat }));
  const practice = (rest: Partial<ReservedTime>, ...givenBack: AgendaFacts['givenBack']) =>
    keeping({ release: [before(120)], recaptureMinutes: 60, ...rest }, { givenBack });

  test('after the release is kept again until so long before its own start', () => {
    const late = practice({}, given('08:00'));
    const until = [{ code: 'RESERVED_UNTIL', bookableFrom: at(`${DATE}T09:30`) }];
    expect(codes(late, '08:00')).toEqual(until);
    expect(codes(late, '09:29')).toEqual(until);
    expect(codes(late, '09:30')).toEqual([]);
    expect(codes(late, '08:00', '10:00')).toEqual([]);
  });

  test('before the release is released with the rest', () => {
    const early = practice({}, given('07:59'));
    expect(codes(early, '07:59')).toEqual([{ code: 'RESERVED_UNTIL', bookableFrom: RELEASE }]);
    expect(codes(early, '08:00')).toEqual([]);
  });

  test('stays free without a recapture', () => {
    expect(codes(practice({ recaptureMinutes: null }, given('08:30')), '08:30')).toEqual([]);
  });

  test('outside the reserve stays free; over its edge, its part inside is kept by the start of that part', () => {
    expect(codes(practice({}, given('08:30', on(DATE, '09:00', '10:00'))), '08:30', '09:30')).toEqual([]);
    const over = practice({}, given('08:30', on(DATE, '09:30', '10:30')));
    expect(codes(over, '08:30', '10:00')).toEqual([{ code: 'RESERVED_UNTIL', bookableFrom: at(`${DATE}T09:00`) }]);
    expect(codes(over, '08:30', '09:30')).toEqual([]);
  });

  test('is kept from who does not benefit, a share of the day or not, but for a quota that has some left', () => {
    const byShare = practice({ release: [occupancy(0)] }, given('07:00'));
    expect(codes(byShare, '08:30')).toEqual([{ code: 'RESERVED_UNTIL', bookableFrom: at(`${DATE}T09:30`) }]);
    expect(codes(practice({ release: [before(120), quota(1)] }, given('08:30')), '08:30')).toEqual([]);
    const urgent = { priorities: ['routine' as const], audiences: [], motifIds: [] };
    expect(codes(practice({ keptFor: urgent }, given('08:30')), '08:30')).toEqual([]);
  });

  test('while only a share has released the rest: until the rule of time, when that comes first', () => {
    const both = practice({ release: [occupancy(0), before(90)] }, given('07:00'));
    expect(codes(both, '08:00')).toEqual([{ code: 'RESERVED_UNTIL', bookableFrom: at(`${DATE}T08:30`) }]);
    expect(codes(both, '08:30')).toEqual([]);
  });
});
