import { describe, expect, it } from '@jest/globals';
import { readCalendarObject } from './calendar-object.js';
import { expand } from './expansion.js';
import { remoteObject } from './remote-object.js';
import { Unreadable } from './unreadable.js';
import { ianaZone, UTC } from './zones.js';

const PARIS = ianaZone('Europe/Paris') ?? UTC;
const REUNION = ianaZone('Indian/Reunion') ?? UTC;

function calendar(...events: readonly string[]): string {
  const parts = events.map(
    (event) =>
      `BEGIN:VEVENT\r\nUID:serie\r\n${event
        .split('\n')
        .map((line) => line.trim())
        .join('\r\n')}\r\nEND:VEVENT\r\n`,
  );
  return `BEGIN:VCALENDAR\r\n${parts.join('')}END:VCALENDAR\r\n`;
}

function spans(body: string, [from, to]: readonly [string, string], local = PARIS): string[] {
  const window = { start: Date.parse(from), end: Date.parse(to) };
  return expand(readCalendarObject(body), { window, local }).map(({ start, end }) =>
    [start, end].map((at) => new Date(at).toISOString().slice(0, 16)).join('/'),
  );
}

function busy(body: string, addresses: readonly string[] = []): number {
  const window = { start: Date.parse('2026-01-01T00:00:00Z'), end: Date.parse('2027-01-01T00:00:00Z') };
  return remoteObject(
    readCalendarObject(body),
    { remoteId: '/x', version: null },
    { window, local: PARIS, addresses: new Set(addresses) },
  ).busy.length;
}

const YEAR = ['2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'] as const;

describe('clock changes', () => {
  it('keeps the local hour of a weekly series over both changes', () => {
    const weekly = calendar(
      'DTSTART;TZID=Europe/Paris:20260323T090000\nDTEND;TZID=Europe/Paris:20260323T093000\nRRULE:FREQ=WEEKLY',
    );
    expect(spans(weekly, ['2026-03-20T00:00:00Z', '2026-04-04T00:00:00Z'])).toEqual([
      '2026-03-23T08:00/2026-03-23T08:30',
      '2026-03-30T07:00/2026-03-30T07:30',
    ]);
    expect(spans(weekly, ['2026-10-19T00:00:00Z', '2026-10-27T00:00:00Z'])).toEqual([
      '2026-10-19T07:00/2026-10-19T07:30',
      '2026-10-26T08:00/2026-10-26T08:30',
    ]);
  });

  it.each([
    ['America/New_York', '2026-03-02', ['14:00', '13:00']],
    ['Australia/Sydney', '2026-03-30', ['22:00', '23:00']],
    ['Africa/Casablanca', '2026-02-09', ['08:00', '09:00']],
  ])('follows the rules of %s', (zone, from, expected) => {
    const body = calendar(`DTSTART;TZID=${zone}:20250106T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO`);
    const start = Date.parse(`${from}T00:00:00Z`) - 86_400_000;
    const seen = spans(body, [new Date(start).toISOString(), new Date(start + 14 * 86_400_000).toISOString()]);
    expect(seen.map((span) => span.slice(11, 16))).toEqual(expected);
  });

  it('reads a time in the gap by the offset before it, a doubled one as the first', () => {
    const gap = calendar('DTSTART;TZID=Europe/Paris:20260329T023000\nDTEND;TZID=Europe/Paris:20260329T040000');
    expect(spans(gap, YEAR)).toEqual(['2026-03-29T01:30/2026-03-29T02:00']);
    const twice = calendar('DTSTART;TZID=Europe/Paris:20261025T023000\nDURATION:PT30M');
    expect(spans(twice, YEAR)).toEqual(['2026-10-25T00:30/2026-10-25T01:00']);
  });

  it('takes DTEND as an exact length, DURATION as a nominal one', () => {
    const exact = calendar(
      'DTSTART;TZID=Europe/Paris:20260327T200000\nDTEND;TZID=Europe/Paris:20260328T200000\nRRULE:FREQ=DAILY;COUNT=2',
    );
    expect(spans(exact, YEAR)[1]).toBe('2026-03-28T19:00/2026-03-29T19:00');
    const nominal = calendar('DTSTART;TZID=Europe/Paris:20260328T200000\nDURATION:P1D');
    expect(spans(nominal, YEAR)).toEqual(['2026-03-28T19:00/2026-03-29T18:00']);
    const hours = calendar('DTSTART;TZID=Europe/Paris:20260328T200000\nDURATION:PT24H');
    expect(spans(hours, YEAR)).toEqual(['2026-03-28T19:00/2026-03-29T19:00']);
  });

  it('blocks the local day of all-day events, and follows the zone of reading for floating ones', () => {
    const day = calendar('DTSTART;VALUE=DATE:20260329');
    expect(spans(day, YEAR)).toEqual(['2026-03-28T23:00/2026-03-29T22:00']);
    expect(spans(day, YEAR, REUNION)).toEqual(['2026-03-28T20:00/2026-03-29T20:00']);
    const floating = calendar('DTSTART:20260601T090000\nDTEND:20260601T100000');
    expect(spans(floating, YEAR)).toEqual(['2026-06-01T07:00/2026-06-01T08:00']);
    expect(spans(floating, YEAR, REUNION)).toEqual(['2026-06-01T05:00/2026-06-01T06:00']);
  });
});

describe('zones', () => {
  const own = [
    'BEGIN:VTIMEZONE', 'TZID:Cabinet', 'BEGIN:DAYLIGHT', 'DTSTART:00010101T000000', 'TZOFFSETFROM:+0230', 'TZOFFSETTO:+023015', 'END:DAYLIGHT', 'END:VTIMEZONE',
  ].join('\r\n'); // prettier-ignore
  const at = (tzid: string, definition = ''): string =>
    calendar(`DTSTART;TZID=${tzid}:20260601T090000\nDURATION:PT1H`).replace(
      'BEGIN:VEVENT',
      `${definition}${definition ? '\r\n' : ''}BEGIN:VEVENT`,
    );

  it.each([
    ['Europe/Paris', '07:00'],
    ['europe/paris', '07:00'],
    ['Romance Standard Time', '07:00'],
    ['/freeassociation.sourceforge.net/Europe/Paris', '07:00'],
    ['/mozilla.org/20050126_1/America/Argentina/Buenos_Aires', '12:00'],
    ['"tzone://Microsoft/Utc"', '09:00'],
  ])('knows %s', (tzid, time) => {
    expect(spans(at(tzid), YEAR)[0]?.slice(11, 16)).toBe(time);
  });

  it('uses a definition of the file for a name nobody knows, also with odd offsets and from the year 1', () => {
    const window = { start: Date.parse(YEAR[0]), end: Date.parse(YEAR[1]) };
    const [instance] = expand(readCalendarObject(at('Cabinet', own)), { window, local: PARIS });
    expect(new Date(instance!.start).toISOString()).toBe('2026-06-01T06:29:45.000Z');
  });

  it('prefers the zone database to a definition that contradicts it', () => {
    expect(spans(at('Europe/Paris', own.replace('Cabinet', 'Europe/Paris')), YEAR)[0]?.slice(11, 16)).toBe('07:00');
  });

  it('never takes an unknown zone for local time', () => {
    expect(() => spans(at('Nulle/Part'), YEAR)).toThrow(Unreadable);
  });
});

describe('overrides', () => {
  const daily =
    'DTSTART;TZID=Europe/Paris:20260601T090000\nDTEND;TZID=Europe/Paris:20260601T100000\nRRULE:FREQ=DAILY;COUNT=4';
  const starts = (...events: string[]): string[] => spans(calendar(...events), YEAR).map((span) => span.slice(5, 16));

  it('moves an instance, named in its own zone, in UTC or by its day, before or after its master', () => {
    const moved = (rid: string): string =>
      `RECURRENCE-ID${rid}\nDTSTART;TZID=Europe/Paris:20260610T150000\nDURATION:PT1H`;
    const expected = ['06-01T07:00', '06-03T07:00', '06-04T07:00', '06-10T13:00'];
    for (const rid of [
      ';TZID=Europe/Paris:20260602T090000',
      ':20260602T070000Z',
      ';VALUE=DATE:20260602',
      ';TZID=America/New_York:20260602T030000',
    ]) {
      expect(starts(daily, moved(rid))).toEqual(expected);
      expect(starts(moved(rid), daily)).toEqual(expected);
    }
  });

  it('keeps an override without master, and one that names no instance', () => {
    const stray = 'RECURRENCE-ID:20260720T070000Z\nDTSTART:20260720T070000Z\nDURATION:PT1H';
    expect(starts(stray)).toEqual(['07-20T07:00']);
    expect(starts(daily, stray)).toContain('07-20T07:00');
  });

  it('excludes by EXDATE in UTC, in another zone or by the day, also an overridden instance', () => {
    for (const exdate of [
      ':20260602T070000Z',
      ';TZID=America/New_York:20260602T030000',
      ';VALUE=DATE:20260602',
      ';TZID=Europe/Paris:20260602T090000',
    ]) {
      expect(starts(`${daily}\nEXDATE${exdate}`)).toEqual(['06-01T07:00', '06-03T07:00', '06-04T07:00']);
    }
    const override = 'RECURRENCE-ID:20260602T070000Z\nDTSTART:20260602T120000Z\nDURATION:PT1H';
    expect(starts(`${daily}\nEXDATE:20260602T070000Z`, override)).toEqual([
      '06-01T07:00',
      '06-03T07:00',
      '06-04T07:00',
    ]);
  });

  it('adds dates and periods of their own length', () => {
    const added = `${daily}\nRDATE;VALUE=PERIOD:20260620T070000Z/PT3H,20260621T070000Z/20260621T073000Z\nRDATE;TZID=Europe/Paris:20260622T090000`;
    expect(spans(calendar(added), YEAR).slice(4)).toEqual([
      '2026-06-20T07:00/2026-06-20T10:00',
      '2026-06-21T07:00/2026-06-21T07:30',
      '2026-06-22T07:00/2026-06-22T08:00',
    ]);
  });

  it('moves this and all future instances', () => {
    const future =
      'RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Paris:20260603T090000\nDTSTART;TZID=Europe/Paris:20260603T140000\nDURATION:PT2H';
    expect(spans(calendar(daily, future), YEAR).slice(2)).toEqual([
      '2026-06-03T12:00/2026-06-03T14:00',
      '2026-06-04T12:00/2026-06-04T14:00',
    ]);
  });

  it('counts instances that are excluded, and reads UNTIL as a date for the whole local day', () => {
    expect(starts('DTSTART:20260601T070000Z\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260602T070000Z')).toEqual([
      '06-01T07:00',
      '06-03T07:00',
    ]);
    expect(starts('DTSTART;TZID=Europe/Paris:20260601T233000\nRRULE:FREQ=DAILY;UNTIL=20260602')).toEqual([
      '06-01T21:30',
      '06-02T21:30',
    ]);
    expect(starts('DTSTART;VALUE=DATE:20260601\nRRULE:FREQ=DAILY;UNTIL=20260601T220000Z')).toHaveLength(2);
  });
});

describe('what makes an event busy', () => {
  const event = (lines: string): string => calendar(`DTSTART:20260601T070000Z\nDURATION:PT1H\n${lines}`);

  it.each([
    ['TRANSP:OPAQUE', 1],
    ['TRANSP:TRANSPARENT', 0],
    ['STATUS:CONFIRMED', 1],
    ['STATUS:TENTATIVE', 1],
    ['STATUS:CANCELLED', 0],
    ['STATUS:CANCELLED\nTRANSP:OPAQUE', 0],
    ['ATTENDEE;PARTSTAT=DECLINED:mailto:Moi@example.fr', 0],
    ['ATTENDEE;PARTSTAT=DECLINED:mailto:autre@example.fr', 1],
    ['ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:moi@example.fr', 1],
  ])('%s: %d', (lines, expected) => {
    expect(busy(event(lines), ['moi@example.fr'])).toBe(expected);
  });

  it('asks each instance by itself', () => {
    const daily = 'DTSTART:20260601T070000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5';
    const override = (day: number, lines: string): string =>
      `RECURRENCE-ID:2026060${String(day)}T070000Z\nDTSTART:2026060${String(day)}T070000Z\nDURATION:PT1H\n${lines}`;
    expect(busy(calendar(daily, override(2, 'STATUS:CANCELLED'), override(3, 'TRANSP:TRANSPARENT')))).toBe(3);
    expect(busy(calendar(`${daily}\nTRANSP:TRANSPARENT`, override(2, 'TRANSP:OPAQUE')))).toBe(1);
  });

  it('counts what is told without events, but for what is called free', () => {
    const told = (...lines: string[]): string =>
      ['BEGIN:VCALENDAR', 'BEGIN:VFREEBUSY', 'UID:1', ...lines, 'END:VFREEBUSY', 'END:VCALENDAR', ''].join('\n');
    expect(busy(told('FREEBUSY:20260601T070000Z/PT1H,20260602T070000Z/20260602T080000Z'))).toBe(2);
    expect(
      busy(told('FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260601T070000Z/PT1H', 'FREEBUSY;FBTYPE=X:20260603T070000Z/PT1H')),
    ).toBe(2);
    expect(busy(told('FREEBUSY:20260601T070000Z/PT1H,20260601T073000Z/PT2H,20260601T093000Z/PT1H'))).toBe(1);
    expect(readCalendarObject(told('FREEBUSY;FBTYPE=FREE:20260601T070000Z/PT1H'))).toEqual([]);
    expect(readCalendarObject(told('DTSTART:20260601T000000Z', 'DTEND:20260701T000000Z'))).toEqual([]);
    const event = 'BEGIN:VEVENT\nUID:1\nDTSTART:20260605T070000Z\nDURATION:PT1H\nEND:VEVENT\nBEGIN:VFREEBUSY';
    expect(busy(told('FREEBUSY:20260601T070000Z/PT1H').replace('BEGIN:VFREEBUSY', event))).toBe(2);
    for (const torn of [
      'FREEBUSY:20260601',
      'FREEBUSY:20260601T070000Z/x',
      'FREEBUSY;VALUE=DATE-TIME:20260601T070000Z',
    ])
      expect(() => readCalendarObject(told(torn))).toThrow(Unreadable);
    expect(readCalendarObject('BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\nEND:VTODO\nEND:VCALENDAR\n')).toEqual([]);
  });

  it('does not count an event without a length', () => {
    expect(busy(calendar('DTSTART:20260601T070000Z'))).toBe(0);
    expect(busy(calendar('DTSTART:20260601T070000Z\nDTEND:20260601T060000Z'))).toBe(0);
  });
});

describe('bounds', () => {
  it.each([
    'RRULE:FREQ=SECONDLY',
    'RRULE:FREQ=MINUTELY',
    'RRULE:FREQ=SECONDLY;COUNT=1000000000',
    'RRULE:FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11;BYMINUTE=0,10,20,30,40,50',
    `EXDATE:${Array<string>(100_000).fill('20260601T070000Z').join(',')}`,
  ])('refuses what would take too long: case %#', (line) => {
    const began = performance.now();
    const body = calendar(`DTSTART:19700101T070000Z\nDURATION:PT1H\n${line}`);
    expect(() => spans(body, YEAR)).toThrow(Unreadable);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it.each([
    ['DTSTART:19500101T070000Z\nRRULE:FREQ=DAILY', 365],
    ['DTSTART:16010101T070000Z\nRRULE:FREQ=YEARLY', 1],
    ['DTSTART:20260101T070000Z\nRRULE:FREQ=YEARLY;INTERVAL=1000000', 1],
    ['DTSTART:20260101T070000Z\nRRULE:FREQ=DAILY;UNTIL=70000101T000000Z', 365],
    ['DTSTART:20000101T070000Z\nRRULE:FREQ=DAILY;COUNT=9700', 203],
    ['DTSTART:20260101T070000Z\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30', 1],
    ['DTSTART:20200101T070000Z\nRRULE:FREQ=HOURLY;INTERVAL=12', 730],
    ['DTSTART:20260101T070000Z\nRRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30', 1],
  ])('expands what only looks long: %s', (lines, count) => {
    expect(spans(calendar(lines), YEAR)).toHaveLength(count);
  });

  it('reads 700 clones of one event as one', () => {
    expect(spans(calendar(...Array<string>(700).fill('DTSTART:20260601T070000Z\nDURATION:PT1H')), YEAR)).toHaveLength(
      1,
    );
  });

  it.each([
    'RRULE:FREQ=FORTNIGHTLY',
    'RRULE:FREQ=DAILY;BYMONTH=13',
    'RRULE:RSCALE=HEBREW;FREQ=YEARLY',
    'DURATION:PT',
    'DTEND:20260231T000000Z',
  ])('refuses %s', (line) => {
    expect(() => spans(calendar(`DTSTART:20260601T070000Z\n${line}`), YEAR)).toThrow(Unreadable);
  });
});
