import { describe, expect, it } from '@jest/globals';
import { readCalendarObject } from './calendar-object.js';
import { withoutKnownZones } from './known-zones.js';
import { Unreadable } from './unreadable.js';

const PARIS = zone('Europe/Paris');
const EVENT = 'BEGIN:VEVENT\nUID:1\nDTSTART;TZID=Europe/Paris:20270104T090000\nEND:VEVENT\n';

function zone(tzid: string): string {
  const part = 'BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\n';
  return `BEGIN:VTIMEZONE\nTZID:${tzid}\n${part}END:VTIMEZONE\n`;
}

function calendar(...parts: string[]): string {
  return `BEGIN:VCALENDAR\n${parts.join('')}END:VCALENDAR\n`;
}

/** Starts of the events, or why they cannot be read. */
function read(body: string): string {
  try {
    return readCalendarObject(body)
      .map(({ start }) => `${String(start.wall)} ${start.zone?.name ?? ''}`)
      .join();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return error.message;
  }
}

describe('withoutKnownZones', () => {
  it.each([
    ['one', calendar(PARIS, EVENT), calendar(EVENT)],
    ['several', calendar(PARIS, EVENT, zone('Europe/Berlin'), EVENT), calendar(EVENT, EVENT)],
    ['a Windows name', calendar(zone('Romance Standard Time'), EVENT), calendar(EVENT)],
    ['with CRLF', calendar(PARIS, EVENT).replaceAll('\n', '\r\n'), calendar(EVENT).replaceAll('\n', '\r\n')],
    ['before everything', `${PARIS}${EVENT}`, EVENT],
  ])('leaves out a definition: %s', (_, body, rest) => {
    expect(withoutKnownZones(body)).toBe(rest);
  });

  it.each([
    ['a zone of its own', calendar(zone('Cabinet'), EVENT)],
    ['no name', calendar(PARIS.replace('TZID:Europe/Paris\n', ''), EVENT)],
    ['the last line goes on', calendar(PARIS, ' X\n', EVENT)],
    ['a part that does not end', calendar(PARIS.replace('END:STANDARD\n', ''), EVENT)],
    ['no end', calendar('BEGIN:VTIMEZONE\nTZID:Europe/Paris\n', EVENT)],
    ['within a line', calendar(EVENT.replace('UID:1', `UID:1\nSUMMARY:${PARIS.trim()}`))],
    ['longer than any', calendar(PARIS.replace('END:VTIMEZONE', `X-Y:${'y'.repeat(5000)}\nEND:VTIMEZONE`), EVENT)],
    ['cut off', `BEGIN:VCALENDAR\n${PARIS.trim()}`],
  ])('leaves everything as it is: %s', (_, body) => {
    expect(withoutKnownZones(body)).toBe(body);
  });

  it('looks for so many and no more', () => {
    const many = Array.from({ length: 20 }, () => PARIS).join('');
    expect(withoutKnownZones(calendar(many, EVENT))).toContain('BEGIN:VTIMEZONE');
    expect(read(calendar(many, EVENT))).toBe(read(calendar(EVENT)));
  });

  it('changes nothing of what an event means, or of why it has none', () => {
    expect(read(calendar(PARIS, EVENT))).toBe(`${String(Date.UTC(2027, 0, 4, 9))} Europe/Paris`);
    expect(read(calendar('BEGIN:VTIMEZONE\nTZID:Europe/Paris\n', EVENT, PARIS))).toBe('components do not nest');
    expect(read(calendar(PARIS.replace('END:STANDARD\n', ''), EVENT))).toBe('components do not nest');
    expect(read(calendar(zone('Cabinet'), EVENT.replace('Europe/Paris', 'Cabinet')))).toMatch(/Cabinet/);
  });
});
