import { describe, expect, it } from '@jest/globals';
import { readCalendarObject } from './calendar-object.js';
import { expand } from './expansion.js';
import { ifCheap, Meter, TooCostly } from './meter.js';
import { Unreadable } from './unreadable.js';
import { UTC } from './zones.js';

const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2027-07-01T00:00:00Z') };

function calendar(...lines: string[]): string {
  return `BEGIN:VCALENDAR\n${lines.join('\n')}\nEND:VCALENDAR\n`;
}

function event(...lines: string[]): string {
  return `BEGIN:VEVENT\nUID:1\nDTSTART:20270104T090000Z\nDURATION:PT30M\n${lines.join('\n')}\nEND:VEVENT`;
}

function read(body: string): number {
  return expand(readCalendarObject(body), { window: WINDOW, local: UTC }).length;
}

/** Steps of a reading, however it ends. */
function stepsOf(body: string, limit: number): number {
  const meter = new Meter(limit);
  try {
    meter.run(() => read(body));
  } catch (error) {
    if (!(error instanceof Unreadable || error instanceof TooCostly)) throw error;
  }
  return meter.used;
}

const EVERY_YEAR = Array.from({ length: 1500 }, (_, n) => `${String(1000 + n)}0101T000000`).join(',');
const HOSTILE: Readonly<Record<string, string>> = {
  'every second for ever': calendar(event('RRULE:FREQ=SECONDLY')),
  'a billion times': calendar(event('RRULE:FREQ=SECONDLY;COUNT=1000000000;INTERVAL=1')),
  'a second that never comes': calendar(event('RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30')),
  'a day that never comes': calendar(event('RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30')),
  'since the year 1': calendar(
    'BEGIN:VEVENT\nUID:1\nDTSTART:00010101T000000Z\nRRULE:FREQ=MINUTELY;COUNT=999999999\nEND:VEVENT',
  ),
  'every time of day': calendar(
    event(
      `RRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=${range(24)};BYMINUTE=${range(60)};BYSECOND=${range(60)}`,
    ),
  ),
  'a date in each of many years': calendar(event(`RDATE;TZID=Europe/Paris:${EVERY_YEAR}`)),
  'many events': calendar(
    ...Array.from({ length: 1000 }, (_, n) => event('RRULE:FREQ=SECONDLY').replace('UID:1', `UID:${String(n)}`)),
  ),
  'a zone with a rule for each second': calendar(
    'BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:19000101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=SECONDLY\nEND:STANDARD\nEND:VTIMEZONE',
    event('RDATE;TZID=X:20270105T000000'),
  ),
};

function range(to: number): string {
  return Array.from({ length: to }, (_, n) => String(n)).join(',');
}

describe('what reading costs', () => {
  it.each(Object.keys(HOSTILE))('%s: no more than it may', (name) => {
    const limit = 300_000;
    // What is done between two counts is small.
    expect(stepsOf(HOSTILE[name] ?? '', limit)).toBeLessThan(limit + 200_000);
  });

  it('an ordinary series is cheap; what is hostile or large is not done on an event loop', () => {
    expect(ifCheap(200, () => read(calendar(event('RRULE:FREQ=WEEKLY;BYDAY=MO,TU'))))).toEqual({ result: 52 });
    for (const body of Object.values(HOSTILE)) {
      const cheap = ifCheap(body.length, () => attempt(body));
      expect(cheap === null || stepsOf(body, 10_000) <= 10_000).toBe(true);
    }
    expect(ifCheap(40_000, () => 1)).toBeNull();
  });

  it('a meter inside another counts for both, and each knows its own end', () => {
    const [outer, inner] = [new Meter(10), new Meter(1000)];
    const error = caught(() => outer.run(() => inner.run(() => read(HOSTILE['every second for ever'] ?? ''))));
    expect([outer.ranOut(error), inner.ranOut(error)]).toEqual([true, false]);
  });
});

function attempt(body: string): number {
  try {
    return read(body);
  } catch (error) {
    if (error instanceof Unreadable) return 0;
    throw error;
  }
}

function caught(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
}
