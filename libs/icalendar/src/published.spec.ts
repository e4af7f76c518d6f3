import { describe, expect, it } from '@jest/globals';
import { readCalendarObject } from './calendar-object.js';
import { expand } from './expansion.js';
import { publishedCalendar, type PublishedCalendar, type PublishedEvent } from './published.js';
import { UTC } from './zones.js';

const at = (text: string): number => Date.parse(text);
const WINDOW = { start: at('2027-01-01T00:00:00Z'), end: at('2032-01-01T00:00:00Z') };

const visit = (start: string, end: string, more: Partial<PublishedEvent> = {}): PublishedEvent => ({
  uid: `${start}@x`,
  sequence: 3,
  changedAt: at('2027-01-02T03:04:05Z'),
  start: at(start),
  end: at(end),
  summary: 'É; a, b\\c\nd',
  status: 'CONFIRMED',
  ...more,
});

const calendar = (more: Partial<PublishedCalendar> = {}): string =>
  publishedCalendar({
    name: 'Dr Martin, Créteil',
    timeZone: 'Europe/Paris',
    from: at('2027-01-01T00:00:00Z'),
    refreshMinutes: 15,
    events: [],
    ...more,
  });

describe('a published calendar', () => {
  it.each(['Europe/Paris', 'Indian/Reunion', 'UTC'])('says the instants that were meant, written in %s', (timeZone) => {
    const events = [
      visit('2027-03-28T00:30:00Z', '2027-03-28T01:30:00Z'),
      visit('2027-06-07T07:00:00Z', '2027-06-07T07:30:00Z'),
      visit('2027-10-31T00:30:00Z', '2027-10-31T00:45:00Z'),
      visit('2027-10-31T01:30:00Z', '2027-10-31T01:45:00Z'),
      visit('2031-07-07T07:00:00Z', '2031-07-07T07:30:00Z'),
    ];
    const read = expand(readCalendarObject(calendar({ timeZone, events })), { window: WINDOW, local: UTC });
    expect(read.map(({ start, end }) => ({ start, end }))).toEqual(events.map(({ start, end }) => ({ start, end })));
    expect(read[0]?.event).toMatchObject({ summary: 'É; a, b\\c\nd', classification: 'PRIVATE', sequence: 3 });
  });

  it('is the same text for the same content, in lines of at most 75 octets', () => {
    const events = [visit('2027-06-07T07:00:00Z', '2027-06-07T07:30:00Z', { summary: 'é'.repeat(200) })];
    expect(calendar({ events })).toBe(calendar({ events }));
    expect(
      Math.max(
        ...calendar({ events })
          .split('\r\n')
          .map((line) => Buffer.byteLength(line)),
      ),
    ).toBeLessThanOrEqual(75);
  });

  it('names itself, says how often to look, and holds a component even without events', () => {
    const text = calendar();
    for (const line of [
      'X-WR-CALNAME:Dr Martin\\, Créteil',
      'REFRESH-INTERVAL;VALUE=DURATION:PT15M',
      'BEGIN:VTIMEZONE',
      'TZID:Europe/Paris',
    ])
      expect(text.split('\r\n')).toContain(line);
    expect(text).not.toContain('METHOD');
    expect(readCalendarObject(text)).toEqual([]);
  });
});
