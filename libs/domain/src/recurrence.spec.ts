import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import type { Interval } from './interval.js';
import { expandOpening, parseRule, RecurrenceError } from './recurrence.js';
import type { Opening } from './recurrence.js';
import { isTimeZone } from './time-zone.js';

const utc = (text: string): number => Temporal.Instant.from(text).epochMilliseconds;
const window = (start: string, end: string): Interval => ({ start: utc(start), end: utc(end) });
const opening = (rest: Partial<Opening> = {}): Opening => ({
  rrule: 'FREQ=WEEKLY;BYDAY=MO',
  start: '2026-01-05T09:00',
  durationMinutes: 180,
  timeZone: 'Europe/Paris',
  except: [],
  ...rest,
});
const local = (instant: number, zone: string) =>
  Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone).toPlainDateTime();
const iso = (intervals: readonly Interval[]) =>
  intervals.map(({ start, end }) => `${new Date(start).toISOString()}/${new Date(end).toISOString()}`);
const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof RecurrenceError) return `${error.code} ${error.path}`;
    throw error;
  }
  return 'accepted';
};

describe('parseRule', () => {
  test('reads what is supported', () => {
    expect(parseRule('FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH,MO;UNTIL=20261231;WKST=SU')).toEqual({
      frequency: 'WEEKLY',
      interval: 2,
      byDay: [1, 4],
      count: null,
      until: { kind: 'date', value: utc('2026-12-31T00:00Z') },
      weekStart: 7,
    });
    expect(parseRule('freq=daily;count=3').count).toBe(3);
  });

  test.each([
    ['', 'syntax rrule'],
    ['INTERVAL=2', 'syntax rrule.FREQ'],
    ['FREQ=MONTHLY', 'unsupported rrule.FREQ'],
    ['FREQ=OFTEN', 'syntax rrule.FREQ'],
    ['FREQ=WEEKLY;BYDAY=1MO', 'unsupported rrule.BYDAY'],
    ['FREQ=WEEKLY;BYDAY=XX', 'syntax rrule.BYDAY'],
    ['FREQ=DAILY;BYMONTH=1', 'unsupported rrule.BYMONTH'],
    ['FREQ=DAILY;BYSETPOS=1', 'unsupported rrule.BYSETPOS'],
    ['FREQ=DAILY;FREQ=DAILY', 'syntax rrule'],
    ['FREQ=DAILY;INTERVAL=0', 'range rrule.INTERVAL'],
    ['FREQ=DAILY;INTERVAL=1.5', 'syntax rrule'],
    ['FREQ=DAILY;COUNT=99999999', 'range rrule.COUNT'],
    ['FREQ=DAILY;COUNT=1;UNTIL=20260101', 'syntax rrule.COUNT'],
    ['FREQ=DAILY;UNTIL=20260231', 'range rrule.UNTIL'],
    ['FREQ=DAILY;UNTIL=2026', 'syntax rrule.UNTIL'],
    ['FREQ=DAILY;X-OWN=1', 'syntax rrule'],
    [`FREQ=DAILY;COUNT=${'0'.repeat(500)}1`, 'range rrule'],
  ])('refuses %s', (rule, expected) => {
    expect(refusal(() => parseRule(rule))).toBe(expected);
  });

  test('any text is parsed or refused with a typed error', () => {
    const text = fc.array(
      fc.constantFrom(
        'FREQ=',
        'DAILY',
        'WEEKLY',
        ';',
        'BYDAY=',
        'MO',
        ',',
        'UNTIL=',
        '20260230',
        'T',
        '1',
        '-',
        'COUNT=',
      ),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          text.map((x) => x.join('')),
          fc.string(),
        ),
        (rule) => {
          refusal(() => parseRule(rule));
        },
      ),
    );
  });
});

describe('expandOpening', () => {
  test('every Monday 09:00 stays 09:00 across both changes of the year', () => {
    const found = expandOpening(opening(), window('2026-01-01T00:00Z', '2027-01-01T00:00Z'));
    expect(found).toHaveLength(52);
    expect(new Set(found.map((x) => local(x.start, 'Europe/Paris').toPlainTime().toString()))).toEqual(
      new Set(['09:00:00']),
    );
    expect(new Set(found.map((x) => new Date(x.start).toISOString().slice(11, 16)))).toEqual(
      new Set(['07:00', '08:00']),
    );
  });

  test('an island without DST stands beside Paris', () => {
    const reunion = expandOpening(
      opening({ timeZone: 'Indian/Reunion' }),
      window('2026-03-23T00:00Z', '2026-04-01T00:00Z'),
    );
    expect(iso(reunion)).toEqual([
      '2026-03-23T05:00:00.000Z/2026-03-23T08:00:00.000Z',
      '2026-03-30T05:00:00.000Z/2026-03-30T08:00:00.000Z',
    ]);
  });

  test('a time in the gap uses the offset before it, a doubled one means the first', () => {
    const night = opening({ rrule: 'FREQ=DAILY', start: '2026-03-01T02:30', durationMinutes: 120 });
    expect(iso(expandOpening(night, window('2026-03-29T00:00Z', '2026-03-29T12:00Z')))).toEqual([
      '2026-03-29T01:30:00.000Z/2026-03-29T02:30:00.000Z',
    ]);
    expect(iso(expandOpening(night, window('2026-10-24T22:00Z', '2026-10-25T12:00Z')))).toEqual([
      '2026-10-25T00:30:00.000Z/2026-10-25T03:30:00.000Z',
    ]);
  });

  test('an opening that the gap swallows is left out', () => {
    const night = opening({ rrule: 'FREQ=DAILY', start: '2026-03-01T02:00', durationMinutes: 60 });
    expect(expandOpening(night, window('2026-03-28T12:00Z', '2026-03-29T12:00Z'))).toEqual([]);
  });

  test('round the clock covers days of 23, 24 and 25 hours without gap or overlap', () => {
    const always = opening({ rrule: 'FREQ=DAILY', start: '2026-01-01T00:00', durationMinutes: 1440 });
    const found = expandOpening(always, window('2026-01-01T00:00Z', '2027-01-01T00:00Z'));
    const lengths = found.map((x) => (x.end - x.start) / 3_600_000);
    expect(lengths.filter((hours) => hours === 23)).toHaveLength(1);
    expect(lengths.filter((hours) => hours === 25)).toHaveLength(1);
    found.slice(1).forEach((x, i) => {
      expect(x.start).toBe(found[i]?.end);
    });
  });

  test('every second week counts from WKST (the example of RFC 5545 3.8.5.3)', () => {
    const dates = (wkst: string) =>
      expandOpening(
        opening({
          rrule: `FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=${wkst}`,
          start: '1997-08-05T09:00',
          timeZone: 'America/New_York',
        }),
        window('1997-01-01T00:00Z', '1998-01-01T00:00Z'),
      ).map((x) => new Date(x.start).toISOString().slice(5, 10));
    expect(dates('MO')).toEqual(['08-05', '08-10', '08-19', '08-24']);
    expect(dates('SU')).toEqual(['08-05', '08-17', '08-19', '08-31']);
  });

  test('COUNT counts excepted days, UNTIL is inclusive in all three forms', () => {
    const count = (rrule: string, except: string[] = []) =>
      expandOpening(
        opening({ rrule, start: '2026-01-05T09:00', except }),
        window('2026-01-01T00:00Z', '2026-12-01T00:00Z'),
      ).length;
    expect(count('FREQ=DAILY;COUNT=5', ['2026-01-06'])).toBe(4);
    expect(count('FREQ=DAILY;UNTIL=20260107')).toBe(3);
    expect(count('FREQ=DAILY;UNTIL=20260107T090000')).toBe(3);
    expect(count('FREQ=DAILY;UNTIL=20260107T085959')).toBe(2);
    expect(count('FREQ=DAILY;UNTIL=20260107T080000Z')).toBe(3);
    expect(count('FREQ=DAILY;UNTIL=20260107T075959Z')).toBe(2);
  });

  test('a start that does not match its rule is no occurrence', () => {
    const found = expandOpening(
      opening({ start: '2026-01-01T09:00' }),
      window('2026-01-01T00:00Z', '2026-01-06T00:00Z'),
    );
    expect(iso(found)).toEqual(['2026-01-05T08:00:00.000Z/2026-01-05T11:00:00.000Z']);
  });

  test('touching the window is not overlapping it', () => {
    expect(expandOpening(opening(), window('2026-01-05T11:00Z', '2026-01-12T08:00Z'))).toEqual([]);
    expect(expandOpening(opening(), window('2026-01-05T10:59Z', '2026-01-12T08:01Z'))).toHaveLength(2);
  });

  test.each<[string, Partial<Opening>]>([
    ['range timeZone', { timeZone: '+02:00' }],
    ['range timeZone', { timeZone: 'Europe/Atlantis' }],
    ['syntax start', { start: '2026-01-05' }],
    ['range start', { start: '2026-02-30T09:00' }],
    ['range durationMinutes', { durationMinutes: 0 }],
    ['range durationMinutes', { durationMinutes: 1e9 }],
    ['syntax except.1', { except: ['2026-01-05', 'never'] }],
    ['range except.0', { except: ['2026-13-01'] }],
  ])('refuses with %s', (expected, rest) => {
    expect(refusal(() => expandOpening(opening(rest), window('2026-01-01T00:00Z', '2026-02-01T00:00Z')))).toBe(
      expected,
    );
  });

  test('a window without end is refused', () => {
    expect(refusal(() => expandOpening(opening(), { start: 0, end: Infinity }))).toBe('range window');
    expect(refusal(() => expandOpening(opening(), { start: 0, end: 1e300 }))).toBe('range window');
  });

  test('an opening is expanded far from its start without walking there', () => {
    const far = expandOpening(
      opening({ rrule: 'FREQ=WEEKLY;INTERVAL=366;COUNT=10000', start: '1970-01-01T09:00' }),
      window('9990-01-01T00:00Z', '9999-01-01T00:00Z'),
    );
    expect(far.every(({ start, end }) => start < end)).toBe(true);
  });
});

test('isTimeZone knows zones, not offsets', () => {
  expect(
    ['Europe/Paris', 'Indian/Reunion', 'America/Argentina/Buenos_Aires', 'UTC'].filter((x) => !isTimeZone(x)),
  ).toEqual([]);
  expect(
    ['', '+02:00', 'Europe/Atlantis', 'Paris', ' Europe/Paris', '../etc/passwd', 'Europe/Paris[u-ca=iso8601]'].filter(
      isTimeZone,
    ),
  ).toEqual([]);
});
