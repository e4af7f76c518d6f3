import { describe, expect, it } from '@jest/globals';
import { readCalendarObject } from './calendar-object.js';
import { certainBusy } from './certain-busy.js';
import { remoteObject, type Reading } from './remote-object.js';
import { newEvent } from './serialise.js';
import { ianaZone, UTC } from './zones.js';

const at = (text: string): number => Date.parse(text);
const READING: Reading = {
  window: { start: at('2027-06-01T00:00:00Z'), end: at('2027-07-01T00:00:00Z') },
  local: ianaZone('Europe/Paris') ?? UTC,
  addresses: new Set(),
};
const STEPS = 1_000_000;

function object(...events: readonly (readonly string[])[]): string {
  const lines = events.flatMap((event) => ['BEGIN:VEVENT', 'UID:1', ...event, 'END:VEVENT']);
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR', ''].join('\r\n');
}

/** Busy time in UTC, as text. */
function busy(body: string, steps = STEPS): string[] {
  const iso = (instant: number): string => new Date(instant).toISOString().slice(0, 16);
  return certainBusy(body, READING, { steps }).map(({ start, end }) => `${iso(start)} ${iso(end)}`);
}

/** As the object is read: what it is compared with here is put aside. */
function isUnreadable(body: string): boolean {
  try {
    remoteObject(readCalendarObject(body), { remoteId: 'a', version: null }, READING);
    return false;
  } catch {
    return true;
  }
}

const TIMES = ['DTSTART;TZID=Europe/Paris:20270607T100000', 'DTEND;TZID=Europe/Paris:20270607T103000'];
const HELD = ['2027-06-07T08:00 2027-06-07T08:30'];

describe('an event that cannot be understood', () => {
  it.each([
    ['a rule that is none', 'RRULE:FREQ=NEVER'],
    ['a rule of another calendar', 'RRULE:RSCALE=CHINESE;FREQ=YEARLY'],
    ['a torn exclusion', 'EXDATE:2027'],
    ['a torn guest', 'ATTENDEE;"CN":mailto:a@example.test'],
    ['a torn title', 'SUMMARY;=fr:Visite'],
  ])('takes its time all the same: %s', (_what, line) => {
    const body = object([...TIMES, line]);
    expect(isUnreadable(body)).toBe(true);
    expect(busy(body)).toEqual(HELD);
  });

  it('takes a day, or its length, in the zone of the agenda', () => {
    expect(busy(object(['DTSTART;VALUE=DATE:20270607', 'RRULE:x']))).toEqual(['2027-06-06T22:00 2027-06-07T22:00']);
    expect(busy(object(['DTSTART:20270607T100000', 'DURATION:PT1H', 'RRULE:x']))).toEqual([
      '2027-06-07T08:00 2027-06-07T09:00',
    ]);
  });

  it('takes it in a zone that is defined beside it', () => {
    const zone = ['BEGIN:VTIMEZONE', 'TZID:Ici', 'BEGIN:STANDARD', 'DTSTART:19700101T000000', 'TZOFFSETFROM:+0500'];
    const definition = [...zone, 'TZOFFSETTO:+0500', 'END:STANDARD', 'END:VTIMEZONE', 'BEGIN:VEVENT'].join('\r\n');
    const body = object(['DTSTART;TZID=Ici:20270607T100000', 'DURATION:PT30M', 'RRULE:x']);
    expect(busy(body.replace('BEGIN:VEVENT', definition))).toEqual(['2027-06-07T05:00 2027-06-07T05:30']);
  });

  it('is cut off, or stands beside one that says no time', () => {
    expect(busy(object([...TIMES]).replace(/END:VEVENT[^]*/, 'SUMM'))).toEqual(HELD);
    expect(busy(object(['DTSTART:gestern', 'DTEND:heute'], TIMES))).toEqual(HELD);
    expect(busy(object([...TIMES, 'BEGIN:VALARM', 'DTSTART:20270608T100000', 'END:VALARM', 'RRULE:x']))).toEqual(HELD);
  });

  it.each([
    ['is cancelled', [...TIMES, 'STATUS:CANCELLED']],
    ['is free', [...TIMES, 'TRANSP:TRANSPARENT']],
    ['has no length', ['DTSTART:20270607T100000Z']],
    ['lies outside the window', ['DTSTART:20280607T100000Z', 'DTEND:20280607T110000Z']],
    ['says no time', ['SUMMARY:x']],
    ['has a time in a zone that nobody knows', ['DTSTART;TZID=Nirgends:20270607T100000', 'DURATION:PT1H']],
    ['is one of ours', [...TIMES, 'X-UNISSON-REFERENCE:a-1']],
  ])('takes none when it %s', (_how, lines) => {
    expect(busy(object([...lines, 'RRULE:x']))).toEqual([]);
  });

  it('takes none of ours, whatever was made of it', () => {
    const content = { start: at('2027-06-07T08:00Z'), end: at('2027-06-07T08:30Z'), timeZone: 'UTC', summary: 'x' };
    const body = newEvent({ reference: 'a-1', content, now: 0 }).replace('END:VEVENT', 'RRULE:x\r\nEND:VEVENT');
    expect(isUnreadable(body)).toBe(true);
    expect(busy(body)).toEqual([]);
  });

  it('costs little, however much of it there is', () => {
    const left = { steps: 50_000 };
    const many = object(...Array.from({ length: 1000 }, () => [...TIMES, 'RRULE:x']));
    expect(certainBusy(many, READING, left).length).toBeLessThanOrEqual(50);
    expect(left.steps).toBeGreaterThanOrEqual(0);
    expect(certainBusy(object([...TIMES, 'RRULE:x']), READING, { steps: 10 })).toEqual([]);
    expect(certainBusy(object(['BEGIN:VALARM\r\n'.repeat(50_000)]), READING, { steps: STEPS })).toEqual([]);
    expect(certainBusy(object(['X:1\r\n'.repeat(300_000)]), READING, { steps: STEPS })).toEqual([]);
  });
});
