import { describe, expect, it } from '@jest/globals';
import { readCalendarObject } from './calendar-object.js';
import { expand } from './expansion.js';
import { ianaZone, toWall, UTC } from './zones.js';

const NEW_YORK = ianaZone('America/New_York') ?? UTC;

/** Local starts `YYYY-MM-DD`, with the time when it is not 09:00, of an event in New York before a local date. */
function starts(lines: string, until: string): string[] {
  const properties = lines.includes('DTSTART') ? lines : `DTSTART;TZID=America/New_York:19970902T090000\n${lines}`;
  const body = `BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n${properties}\nDURATION:PT5M\nEND:VEVENT\nEND:VCALENDAR\n`;
  const window = { start: Date.parse('1997-01-01T00:00:00Z'), end: Date.parse(`${until}T04:30:00Z`) };
  return expand(readCalendarObject(body), { window, local: UTC }).map(({ start }) => {
    const local = new Date(toWall(NEW_YORK, start)).toISOString();
    return local.slice(11, 16) === '09:00' ? local.slice(0, 10) : local.slice(0, 16);
  });
}

/** `1997-09: 2 4 6; 1997-10: 1` as days. */
function days(text: string): string[] {
  return text.split(';').flatMap((part) => {
    const [month = '', list = ''] = part.trim().split(': ');
    return list.split(' ').map((day) => `${month}-${day.padStart(2, '0')}`);
  });
}

const sequence = (from: number, to: number, step = 1): string =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, n) => String(from + n * step)).join(' ');

/** Rule, local date before which instances are wanted, expected days: RFC 5545 3.8.5.3, in its order. */
const EXAMPLES: readonly (readonly [string, string, string])[] = [
  ['RRULE:FREQ=DAILY;COUNT=10', '2000-01-01', `1997-09: ${sequence(2, 11)}`],
  ['RRULE:FREQ=DAILY;UNTIL=19971224T000000Z', '2000-01-01', `1997-09: ${sequence(2, 30)}; 1997-10: ${sequence(1, 31)}; 1997-11: ${sequence(1, 30)}; 1997-12: ${sequence(1, 23)}`],
  ['RRULE:FREQ=DAILY;INTERVAL=2', '1997-12-04', `1997-09: ${sequence(2, 30, 2)}; 1997-10: ${sequence(2, 30, 2)}; 1997-11: ${sequence(1, 29, 2)}; 1997-12: 1 3`],
  ['RRULE:FREQ=DAILY;INTERVAL=10;COUNT=5', '2000-01-01', '1997-09: 2 12 22; 1997-10: 2 12'],
  ['RRULE:FREQ=WEEKLY;COUNT=10', '2000-01-01', '1997-09: 2 9 16 23 30; 1997-10: 7 14 21 28; 1997-11: 4'],
  ['RRULE:FREQ=WEEKLY;UNTIL=19971224T000000Z', '2000-01-01', '1997-09: 2 9 16 23 30; 1997-10: 7 14 21 28; 1997-11: 4 11 18 25; 1997-12: 2 9 16 23'],
  ['RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=SU', '1998-02-18', '1997-09: 2 16 30; 1997-10: 14 28; 1997-11: 11 25; 1997-12: 9 23; 1998-01: 6 20; 1998-02: 3 17'],
  ['RRULE:FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH', '2000-01-01', '1997-09: 2 4 9 11 16 18 23 25 30; 1997-10: 2'],
  ['RRULE:FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH', '2000-01-01', '1997-09: 2 4 9 11 16 18 23 25 30; 1997-10: 2'],
  ['DTSTART;TZID=America/New_York:19970901T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR', '2000-01-01', '1997-09: 1 3 5 15 17 19 29; 1997-10: 1 3 13 15 17 27 29 31; 1997-11: 10 12 14 24 26 28; 1997-12: 8 10 12 22'],
  ['RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH', '2000-01-01', '1997-09: 2 4 16 18 30; 1997-10: 2 14 16'],
  ['DTSTART;TZID=America/New_York:19970905T090000\nRRULE:FREQ=MONTHLY;COUNT=10;BYDAY=1FR', '2000-01-01', '1997-09: 5; 1997-10: 3; 1997-11: 7; 1997-12: 5; 1998-01: 2; 1998-02: 6; 1998-03: 6; 1998-04: 3; 1998-05: 1; 1998-06: 5'],
  ['DTSTART;TZID=America/New_York:19970905T090000\nRRULE:FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR', '2000-01-01', '1997-09: 5; 1997-10: 3; 1997-11: 7; 1997-12: 5'],
  ['DTSTART;TZID=America/New_York:19970907T090000\nRRULE:FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU', '2000-01-01', '1997-09: 7 28; 1997-11: 2 30; 1998-01: 4 25; 1998-03: 1 29; 1998-05: 3 31'],
  ['DTSTART;TZID=America/New_York:19970922T090000\nRRULE:FREQ=MONTHLY;COUNT=6;BYDAY=-2MO', '2000-01-01', '1997-09: 22; 1997-10: 20; 1997-11: 17; 1997-12: 22; 1998-01: 19; 1998-02: 16'],
  ['DTSTART;TZID=America/New_York:19970928T090000\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-3', '1998-03-01', '1997-09: 28; 1997-10: 29; 1997-11: 28; 1997-12: 29; 1998-01: 29; 1998-02: 26'],
  ['RRULE:FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15', '2000-01-01', '1997-09: 2 15; 1997-10: 2 15; 1997-11: 2 15; 1997-12: 2 15; 1998-01: 2 15'],
  ['DTSTART;TZID=America/New_York:19970930T090000\nRRULE:FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1', '2000-01-01', '1997-09: 30; 1997-10: 1 31; 1997-11: 1 30; 1997-12: 1 31; 1998-01: 1 31; 1998-02: 1'],
  ['DTSTART;TZID=America/New_York:19970910T090000\nRRULE:FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15', '2000-01-01', '1997-09: 10 11 12 13 14 15; 1999-03: 10 11 12 13'],
  ['RRULE:FREQ=MONTHLY;INTERVAL=2;BYDAY=TU', '1998-04-01', '1997-09: 2 9 16 23 30; 1997-11: 4 11 18 25; 1998-01: 6 13 20 27; 1998-03: 3 10 17 24 31'],
  ['DTSTART;TZID=America/New_York:19970610T090000\nRRULE:FREQ=YEARLY;COUNT=10;BYMONTH=6,7', '2002-01-01', '1997-06: 10; 1997-07: 10; 1998-06: 10; 1998-07: 10; 1999-06: 10; 1999-07: 10; 2000-06: 10; 2000-07: 10; 2001-06: 10; 2001-07: 10'],
  ['DTSTART;TZID=America/New_York:19970310T090000\nRRULE:FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3', '2005-01-01', '1997-03: 10; 1999-01: 10; 1999-02: 10; 1999-03: 10; 2001-01: 10; 2001-02: 10; 2001-03: 10; 2003-01: 10; 2003-02: 10; 2003-03: 10'],
  ['DTSTART;TZID=America/New_York:19970101T090000\nRRULE:FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200', '2007-01-01', '1997-01: 1; 1997-04: 10; 1997-07: 19; 2000-01: 1; 2000-04: 9; 2000-07: 18; 2003-01: 1; 2003-04: 10; 2003-07: 19; 2006-01: 1'],
  ['DTSTART;TZID=America/New_York:19970519T090000\nRRULE:FREQ=YEARLY;BYDAY=20MO', '2000-01-01', '1997-05: 19; 1998-05: 18; 1999-05: 17'],
  ['DTSTART;TZID=America/New_York:19970512T090000\nRRULE:FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO', '2000-01-01', '1997-05: 12; 1998-05: 11; 1999-05: 17'],
  ['DTSTART;TZID=America/New_York:19970313T090000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=TH', '2000-01-01', '1997-03: 13 20 27; 1998-03: 5 12 19 26; 1999-03: 4 11 18 25'],
  ['DTSTART;TZID=America/New_York:19970605T090000\nRRULE:FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8', '1998-01-01', '1997-06: 5 12 19 26; 1997-07: 3 10 17 24 31; 1997-08: 7 14 21 28'],
  ['EXDATE;TZID=America/New_York:19970902T090000\nRRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13', '2001-01-01', '1998-02: 13; 1998-03: 13; 1998-11: 13; 1999-08: 13; 2000-10: 13'],
  ['DTSTART;TZID=America/New_York:19970913T090000\nRRULE:FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13', '1998-07-01', '1997-09: 13; 1997-10: 11; 1997-11: 8; 1997-12: 13; 1998-01: 10; 1998-02: 7; 1998-03: 7; 1998-04: 11; 1998-05: 9; 1998-06: 13'],
  ['DTSTART;TZID=America/New_York:19961105T090000\nRRULE:FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8', '2005-01-01', '2000-11: 7; 2004-11: 2'],
  ['DTSTART;TZID=America/New_York:19970904T090000\nRRULE:FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3', '2000-01-01', '1997-09: 4; 1997-10: 7; 1997-11: 6'],
  ['DTSTART;TZID=America/New_York:19970929T090000\nRRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2', '1998-04-01', '1997-09: 29; 1997-10: 30; 1997-11: 27; 1997-12: 30; 1998-01: 29; 1998-02: 26; 1998-03: 30'],
  ['DTSTART;TZID=America/New_York:19970805T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO', '2000-01-01', '1997-08: 5 10 19 24'],
  ['DTSTART;TZID=America/New_York:19970805T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU', '2000-01-01', '1997-08: 5 17 19 31'],
  ['DTSTART;TZID=America/New_York:20070115T090000\nRRULE:FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5', '2009-01-01', '2007-01: 15 30; 2007-02: 15; 2007-03: 15 30'],
]; // prettier-ignore

describe('the examples of RFC 5545 3.8.5.3', () => {
  it.each(EXAMPLES)('%s', (lines, until, expected) => {
    expect(starts(lines, until)).toEqual(days(expected));
  });

  it('every day in January for three years, said in two ways', () => {
    const expected = [1998, 1999, 2000].flatMap((year) => days(`${String(year)}-01: ${sequence(1, 31)}`));
    const start = 'DTSTART;TZID=America/New_York:19980101T090000\n';
    const byYear = starts(
      `${start}RRULE:FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA`,
      '2002-01-01',
    );
    expect(byYear).toEqual(expected);
    expect(starts(`${start}RRULE:FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1`, '2002-01-01')).toEqual(expected);
  });

  it('hours and minutes', () => {
    const at = (times: string): string[] =>
      times.split(' ').map((time) => (time === '09:00' ? '1997-09-02' : `1997-09-02T${time}`));
    expect(starts('RRULE:FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z', '2000-01-01')).toEqual(
      at('09:00 12:00 15:00'),
    );
    expect(starts('RRULE:FREQ=MINUTELY;INTERVAL=15;COUNT=6', '2000-01-01')).toEqual(
      at('09:00 09:15 09:30 09:45 10:00 10:15'),
    );
    expect(starts('RRULE:FREQ=MINUTELY;INTERVAL=90;COUNT=4', '2000-01-01')).toEqual(at('09:00 10:30 12:00 13:30'));
    const daily = starts('RRULE:FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40', '1997-09-10');
    expect(starts('RRULE:FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16', '1997-09-10')).toEqual(daily);
    expect(daily).toHaveLength(8 * 24);
  });
});
