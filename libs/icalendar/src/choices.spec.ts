import { describe, expect, it } from '@jest/globals';
import { readCalendarObject } from './calendar-object.js';
import { expand } from './expansion.js';
import { Unreadable } from './unreadable.js';
import { ianaZone, UTC } from './zones.js';

const LOCAL = ianaZone('Europe/Paris') ?? UTC;
const PARIS = ';TZID=Europe/Paris:';

/** Events of one UID, each given by its lines. */
function calendar(events: readonly string[], more = ''): string {
  const all = events.map((lines) => `BEGIN:VEVENT\nUID:1\n${lines.replaceAll(' ', '\n')}\nEND:VEVENT\n`);
  return `BEGIN:VCALENDAR\n${more}${all.join('')}END:VCALENDAR\n`;
}

/** Instances as `start/minutes`, UTC, of 2026 unless another window is given. */
function instances(body: string, from = '2026-01-01', to = '2027-01-01'): string {
  const window = { start: Date.parse(from), end: Date.parse(to) };
  return expand(readCalendarObject(body), { window, local: LOCAL })
    .map(({ start, end }) => `${new Date(start).toISOString().slice(5, 16)}/${(end - start) / 60_000}`)
    .join(' ');
}

const NINE = `DTSTART${PARIS}20260105T090000 DURATION:PT30M`;

/** What ADR 20 says, the calendar, its instances. */
const CHOICES: readonly (readonly [string, string, string])[] = [
  [
    'DTSTART that its rule does not match',
    calendar([`${NINE} RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=3`]),
    '01-05T08:00/30 01-06T08:00/30 01-13T08:00/30',
  ],
  [
    'YEARLY with BYMONTHDAY alone',
    calendar([`${NINE} RRULE:FREQ=YEARLY;BYMONTHDAY=5;COUNT=3`]),
    '01-05T08:00/30 02-05T08:00/30 03-05T08:00/30',
  ],
  [
    'several rules: each counts what it matches',
    calendar([`${NINE} RRULE:FREQ=WEEKLY;COUNT=2 RRULE:FREQ=MONTHLY;BYMONTHDAY=20;COUNT=2`]),
    '01-05T08:00/30 01-12T08:00/30 01-20T08:00/30 02-20T08:00/30',
  ],
  [
    'COUNT=-1',
    calendar([`${NINE} RRULE:FREQ=WEEKLY;COUNT=-1;UNTIL=20260119`]),
    '01-05T08:00/30 01-12T08:00/30 01-19T08:00/30',
  ],
  [
    'BYWEEKNO without a day',
    calendar([`${NINE} RRULE:FREQ=YEARLY;BYWEEKNO=3,5;COUNT=3`]),
    '01-05T08:00/30 01-12T08:00/30 01-26T08:00/30',
  ],
  [
    'BYSETPOS in the week of DTSTART',
    calendar([`DTSTART${PARIS}20260107T090000 DURATION:PT30M RRULE:FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=1;COUNT=3`]),
    '01-07T08:00/30 01-12T08:00/30 01-19T08:00/30',
  ],
  [
    'BYDAY with and without numbers',
    calendar([`${NINE} RRULE:FREQ=MONTHLY;BYDAY=2MO,TU;COUNT=4`]),
    '01-05T08:00/30 01-06T08:00/30 01-12T08:00/30 01-13T08:00/30',
  ],
  [
    'EXDATE of an overridden instance',
    calendar([
      `${NINE} RRULE:FREQ=DAILY;COUNT=2 EXDATE${PARIS}20260106T090000`,
      `RECURRENCE-ID${PARIS}20260106T090000 DTSTART${PARIS}20260106T150000 DURATION:PT30M`,
    ]),
    '01-05T08:00/30',
  ],
  [
    'override that names no instance',
    calendar([
      `${NINE} RRULE:FREQ=DAILY;COUNT=2`,
      `RECURRENCE-ID${PARIS}20260301T090000 DTSTART${PARIS}20260301T100000 DURATION:PT30M`,
    ]),
    '01-05T08:00/30 01-06T08:00/30 03-01T09:00/30',
  ],
  [
    'override without its master',
    calendar([`RECURRENCE-ID${PARIS}20260105T090000 DTSTART${PARIS}20260105T100000 DURATION:PT30M`]),
    '01-05T09:00/30',
  ],
  [
    'several masters',
    calendar([`${NINE} SEQUENCE:1`, `DTSTART${PARIS}20260105T110000 DURATION:PT30M SEQUENCE:2`, `${NINE} SEQUENCE:0`]),
    '01-05T10:00/30',
  ],
  [
    'RANGE=THISANDFUTURE',
    calendar([
      `${NINE} RRULE:FREQ=DAILY;COUNT=4`,
      `RECURRENCE-ID;RANGE=THISANDFUTURE${PARIS}20260107T090000 DTSTART${PARIS}20260107T100000 DURATION:PT1H`,
    ]),
    '01-05T08:00/30 01-06T08:00/30 01-07T09:00/60 01-08T09:00/60',
  ],
  [
    'all-day event with DTEND = DTSTART, or none',
    calendar(['DTSTART;VALUE=DATE:20260105 DTEND;VALUE=DATE:20260105']),
    '01-04T23:00/1440',
  ],
  ['an all-day event without an end', calendar(['DTSTART;VALUE=DATE:20260105']), '01-04T23:00/1440'],
  ['DTEND before DTSTART', calendar([`DTSTART${PARIS}20260105T090000 DTEND${PARIS}20260105T080000`]), '01-05T08:00/0'],
  [
    'UNTIL as a date on a timed series',
    calendar([`${NINE} RRULE:FREQ=DAILY;UNTIL=20260106`]),
    '01-05T08:00/30 01-06T08:00/30',
  ],
  [
    'UNTIL as a local time',
    calendar([`${NINE} RRULE:FREQ=DAILY;UNTIL=20260106T090000`]),
    '01-05T08:00/30 01-06T08:00/30',
  ],
  [
    'EXDATE as a date on a timed series',
    calendar([`${NINE} RRULE:FREQ=DAILY;COUNT=3 EXDATE;VALUE=DATE:20260106`]),
    '01-05T08:00/30 01-07T08:00/30',
  ],
  [
    'RECURRENCE-ID as a date on a timed series',
    calendar([
      `${NINE} RRULE:FREQ=DAILY;COUNT=2`,
      `RECURRENCE-ID;VALUE=DATE:20260106 DTSTART${PARIS}20260106T150000 DURATION:PT30M`,
    ]),
    '01-05T08:00/30 01-06T14:00/30',
  ],
  [
    'RECURRENCE-ID without TZID on a zoned series',
    calendar([
      'DTSTART;TZID=America/New_York:20260105T090000 DURATION:PT30M RRULE:FREQ=DAILY;COUNT=2',
      `RECURRENCE-ID:20260106T090000 DTSTART${PARIS}20260106T170000 DURATION:PT30M`,
    ]),
    '01-05T14:00/30 01-06T16:00/30',
  ],
  [
    'a value of another type than VALUE says',
    calendar(['DTSTART;VALUE=DATE:20260105T090000Z DTEND;VALUE=DATE:20260105T093000Z']),
    '01-05T09:00/30',
  ],
  [
    'DTEND without TZID beside a zoned DTSTART',
    calendar(['DTSTART;TZID=America/New_York:20260105T090000 DTEND:20260105T093000']),
    '01-05T14:00/30',
  ],
  [
    'Windows TZID',
    calendar(['DTSTART;TZID="romance_Standard_Time":20260105T090000 DURATION:PT30M']).replaceAll('_', ' '),
    '01-05T08:00/30',
  ],
  ['TZID with a solidus', calendar(['DTSTART;TZID=/Europe/Paris:20260105T090000 DURATION:PT30M']), '01-05T08:00/30'],
  [
    'prefixed TZID',
    calendar(['DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Paris:20260105T090000 DURATION:PT30M']),
    '01-05T08:00/30',
  ],
  [
    'IANA name whose VTIMEZONE differs',
    calendar(
      [NINE],
      'BEGIN:VTIMEZONE\nTZID:Europe/Paris\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0500\nEND:STANDARD\nEND:VTIMEZONE\n',
    ),
    '01-05T08:00/30',
  ],
  [
    'unknown TZID with a VTIMEZONE',
    calendar(
      ['DTSTART;TZID=Chez-nous:20260105T090000 DURATION:PT30M'],
      'BEGIN:VTIMEZONE\nTZID:Chez-nous\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0500\nEND:STANDARD\nEND:VTIMEZONE\n',
    ),
    '01-05T04:00/30',
  ],
  [
    'DTEND: exact length over a clock change',
    calendar([`DTSTART${PARIS}20260327T120000 DTEND${PARIS}20260328T120000 RRULE:FREQ=DAILY;COUNT=2`]),
    '03-27T11:00/1440 03-28T11:00/1440',
  ],
  [
    'DURATION: nominal length over a clock change',
    calendar([`DTSTART${PARIS}20260327T120000 DURATION:P1D RRULE:FREQ=DAILY;COUNT=2`]),
    '03-27T11:00/1440 03-28T11:00/1380',
  ],
  [
    'VFREEBUSY',
    `BEGIN:VFREEBUSY\nUID:1\n${[
      'FREEBUSY:20260105T080000Z/PT30M',
      'FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260106T080000Z/20260106T083000Z',
      'FREEBUSY;FBTYPE=X-AUTRE:20260107T080000Z/PT30M',
      'FREEBUSY;FBTYPE=FREE:20260108T080000Z/PT30M',
    ].join('\n')}\nEND:VFREEBUSY\n`,
    '01-05T08:00/30 01-06T08:00/30 01-07T08:00/30',
  ],
  ['a local time in a gap', calendar([`DTSTART${PARIS}20260329T023000 DURATION:PT30M`]), '03-29T01:30/30'],
  ['a doubled local time', calendar([`DTSTART${PARIS}20261025T023000 DURATION:PT30M`]), '10-25T00:30/30'],
  [
    'COUNT and EXDATE',
    calendar([`${NINE} RRULE:FREQ=DAILY;COUNT=3 EXDATE${PARIS}20260106T090000`]),
    '01-05T08:00/30 01-07T08:00/30',
  ],
];

describe('where RFC 5545 leaves room (ADR 20)', () => {
  it.each(CHOICES)('%s', (_case, body, expected) => {
    expect(instances(body)).toBe(expected);
  });

  it('unknown TZID: never floating', () => {
    const body = calendar(['DTSTART;TZID=Chez-nous:20260105T090000 DURATION:PT30M']);
    expect(() => instances(body)).toThrow(Unreadable);
  });

  it('an event that ends where the window begins', () => {
    expect(instances(calendar(['DTSTART:20260105T083000Z DURATION:PT30M']), '2026-01-05T09:00:00Z')).toBe('');
    expect(instances(calendar(['DTSTART:20260105T083000Z DURATION:PT31M']), '2026-01-05T09:00:00Z')).not.toBe('');
  });
});

describe('leap years, last days and far horizons', () => {
  it.each([
    [
      '29 February each year',
      'DTSTART:20240229T080000Z DURATION:PT30M RRULE:FREQ=YEARLY',
      '2024-01-01',
      '2033-01-01',
      '02-29T08:00/30 02-29T08:00/30 02-29T08:00/30',
    ],
    [
      'the 366th day',
      'DTSTART:20241231T080000Z DURATION:PT30M RRULE:FREQ=YEARLY;BYYEARDAY=366',
      '2024-01-01',
      '2030-01-01',
      '12-31T08:00/30 12-31T08:00/30',
    ],
    [
      'the last day of a month',
      'DTSTART:20260131T080000Z DURATION:PT30M RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3',
      '2026-01-01',
      '2027-01-01',
      '01-31T08:00/30 02-28T08:00/30 03-31T08:00/30',
    ],
    [
      'the 31st where there is one',
      'DTSTART:20260131T080000Z DURATION:PT30M RRULE:FREQ=MONTHLY;COUNT=3',
      '2026-01-01',
      '2027-01-01',
      '01-31T08:00/30 03-31T08:00/30 05-31T08:00/30',
    ],
    [
      'the 31st, else the last day (RFC 7529)',
      'DTSTART:20260131T080000Z DURATION:PT30M RRULE:RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD;COUNT=4',
      '2026-01-01',
      '2027-01-01',
      '01-31T08:00/30 02-28T08:00/30 03-31T08:00/30 04-30T08:00/30',
    ],
    [
      'the 31st, else the next day, seen from that day on',
      'DTSTART:20260131T080000Z DURATION:PT30M RRULE:RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD',
      '2026-03-01',
      '2026-06-01',
      '03-01T08:00/30 03-31T08:00/30 05-01T08:00/30 05-31T08:00/30',
    ],
    [
      'a day that stands for several, and for itself, once',
      'DTSTART:20260128T080000Z DURATION:PT30M RRULE:RSCALE=GREGORIAN;FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=28,29,30,31;SKIP=BACKWARD;COUNT=6',
      '2026-01-01',
      '2027-01-01',
      '01-28T08:00/30 01-29T08:00/30 01-30T08:00/30 01-31T08:00/30 04-28T08:00/30 04-29T08:00/30',
    ],
    [
      'the first of a month, also for the month before, once',
      'DTSTART:20260101T080000Z DURATION:PT30M RRULE:RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=1,30;SKIP=FORWARD;COUNT=5',
      '2026-01-01',
      '2027-01-01',
      '01-01T08:00/30 01-30T08:00/30 02-01T08:00/30 03-01T08:00/30 03-30T08:00/30',
    ],
    [
      '29 February, else 1 March',
      'DTSTART:20240229T080000Z DURATION:PT30M RRULE:RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD;COUNT=3',
      '2024-01-01',
      '2027-01-01',
      '02-29T08:00/30 03-01T08:00/30 03-01T08:00/30',
    ],
    [
      'the 31st day from the end, else the last one of the month before',
      'DTSTART:20260101T080000Z DURATION:PT30M RRULE:RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=-31;SKIP=BACKWARD',
      '2026-01-15',
      '2026-06-01',
      '01-31T08:00/30 03-01T08:00/30 03-31T08:00/30 05-01T08:00/30 05-31T08:00/30',
    ],
    [
      'the 31st day from the end, else the first one',
      'DTSTART:20260101T080000Z DURATION:PT30M RRULE:RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=-31;SKIP=FORWARD;COUNT=4',
      '2026-01-01',
      '2027-01-01',
      '01-01T08:00/30 02-01T08:00/30 03-01T08:00/30 04-01T08:00/30',
    ],
    [
      'the second and the last quarter of an hour, every other hour',
      'DTSTART:20260105T081500Z DURATION:PT5M RRULE:FREQ=HOURLY;INTERVAL=2;BYMINUTE=0,15,30,45;BYSETPOS=2,-1;COUNT=4',
      '2026-01-01',
      '2027-01-01',
      '01-05T08:15/5 01-05T08:45/5 01-05T10:15/5 01-05T10:45/5',
    ],
    [
      'whole days, whatever hour the rule names',
      'DTSTART;VALUE=DATE:20260105 RRULE:FREQ=DAILY;BYHOUR=9,15;COUNT=2',
      '2026-01-01',
      '2027-01-01',
      '01-04T23:00/1440 01-05T23:00/1440',
    ],
    [
      'a weekday that every month has, whatever is left out',
      'DTSTART:20260130T080000Z DURATION:PT30M RRULE:RSCALE=GREGORIAN;FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR;SKIP=FORWARD;COUNT=3',
      '2026-01-01',
      '2027-01-01',
      '01-30T08:00/30 03-27T08:00/30 05-29T08:00/30',
    ],
    [
      'week 53',
      'DTSTART:20201228T080000Z DURATION:PT30M RRULE:FREQ=YEARLY;BYWEEKNO=53',
      '2020-01-01',
      '2027-01-01',
      '12-28T08:00/30 12-28T08:00/30',
    ],
    [
      'a century without a leap day',
      'DTSTART:20960229T080000Z DURATION:PT30M RRULE:FREQ=YEARLY',
      '2096-01-01',
      '2105-01-01',
      '02-29T08:00/30 02-29T08:00/30',
    ],
    [
      'a series that began long ago',
      'DTSTART:19700105T080000Z DURATION:PT30M RRULE:FREQ=WEEKLY;INTERVAL=2',
      '2026-01-01',
      '2026-02-01',
      '01-05T08:00/30 01-19T08:00/30',
    ],
    [
      'a series that begins beyond the window',
      'DTSTART:20800105T080000Z DURATION:PT30M RRULE:FREQ=DAILY',
      '2026-01-01',
      '2027-01-01',
      '',
    ],
  ])('%s', (_case, lines, from, to, expected) => {
    expect(instances(calendar([lines]), from, to)).toBe(expected);
  });
});
