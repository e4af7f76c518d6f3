import { describe, expect, it } from '@jest/globals';
import { readCalendarObject } from './calendar-object.js';
import { expand } from './expansion.js';
import { cancelledInstance, endsBefore, instanceAt, movedInstance, splitSeries } from './instances.js';
import { ianaZone } from './zones.js';

const local = ianaZone('Europe/Paris')!;
const now = Date.parse('2027-01-01T00:00:00Z');
const HOUR = 3_600_000;
const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };

const ALARM = ['BEGIN:VALARM', 'ACTION:DISPLAY', 'DESCRIPTION:Rappel', 'TRIGGER:-PT10M', 'END:VALARM'];
function series(lines: readonly string[]): string {
  const head = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Ailleurs//FR', 'X-WR-CALNAME:Garde', 'BEGIN:VEVENT'];
  const event = ['UID:garde', 'DTSTAMP:20260101T000000Z', ...lines, 'X-AUTRE;X-P="a:b":été', ...ALARM, 'END:VEVENT'];
  return [...head, ...event, 'END:VCALENDAR', ''].join('\r\n');
}
const ZONED = ['DTSTART;TZID=Europe/Paris:20270315T090000', 'DTEND;TZID=Europe/Paris:20270315T100000'];
const WEEKLY = series([...ZONED, 'RRULE:FREQ=WEEKLY;COUNT=5', 'SUMMARY:Garde']);
/** The third Monday, after the clocks went forward. */
const THIRD = Date.parse('2027-03-29T07:00:00Z');
const starts = (body: string): string[] =>
  expand(readCalendarObject(body), { window: WINDOW, local })
    .map(({ start, end }) => `${new Date(start).toISOString().slice(0, 16)} ${String((end - start) / HOUR)}`)
    .sort();
const edit = { instance: THIRD, local, now };
const lost = (before: string, after: string): string[] => {
  const stands = after.split('\r\n');
  return before.split('\r\n').filter((line) => !stands.includes(line));
};

describe('one instance of a series', () => {
  it('is moved in the form of its series, and all else stays byte for byte', () => {
    const moved = movedInstance(WEEKLY, edit, { start: THIRD + 26 * HOUR, end: THIRD + 27.5 * HOUR })!;
    expect(starts(moved)).toEqual([
      '2027-03-15T08:00 1',
      '2027-03-22T08:00 1',
      '2027-03-30T09:00 1.5',
      '2027-04-05T07:00 1',
      '2027-04-12T07:00 1',
    ]);
    expect(moved).toContain('RECURRENCE-ID;TZID=Europe/Paris:20270329T090000\r\n');
    expect(lost(WEEKLY, moved)).toEqual([]);
    expect(moved.startsWith(WEEKLY.slice(0, WEEKLY.indexOf('END:VCALENDAR')))).toBe(true);
    expect(moved.match(/X-AUTRE;X-P="a:b":été/g)).toHaveLength(2);
    expect(moved).not.toContain('THISANDFUTURE');

    const again = movedInstance(moved, edit, { start: THIRD + HOUR, end: THIRD + 2 * HOUR })!;
    expect(again.match(/BEGIN:VEVENT/g)).toHaveLength(2);
    expect(starts(again)).toContain('2027-03-29T08:00 1');
    expect(again).toContain('SEQUENCE:2\r\n');
  });

  it('is cancelled by an exclusion, with what was made of it before', () => {
    const cancelled = cancelledInstance(WEEKLY, edit)!;
    expect(starts(cancelled)).toHaveLength(4);
    expect(lost(WEEKLY, cancelled)).toEqual([]);
    expect(lost(cancelled, WEEKLY)).toEqual(['EXDATE;TZID=Europe/Paris:20270329T090000']);
    const moved = movedInstance(WEEKLY, edit, { start: THIRD + HOUR, end: THIRD + 2 * HOUR })!;
    expect(cancelledInstance(moved, edit)).toBe(cancelled);
    expect(cancelledInstance(cancelled, edit)).toBeNull();
    expect(movedInstance(cancelled, edit, { start: THIRD, end: THIRD + HOUR })).toBeNull();
  });

  it.each([
    ['UTC', ['DTSTART:20270315T080000Z', 'DURATION:PT1H'], 'T080000Z', Date.parse('2027-03-29T08:00:00Z')],
    ['floating', ['DTSTART:20270315T090000', 'DTEND:20270315T100000'], ':20270329T090000\r\n', THIRD],
    ['whole days', ['DTSTART;VALUE=DATE:20270315'], ';VALUE=DATE:20270329', Date.parse('2027-03-28T22:00:00Z')],
  ])('is named in the same type and zone as the series: %s', (_, times, form, instance) => {
    const body = series([...times, 'RRULE:FREQ=WEEKLY;UNTIL=20270430T000000Z']);
    const at = { instance, local, now };
    const cancelled = cancelledInstance(body, at)!;
    expect(cancelled).toContain('EXDATE');
    expect(cancelled).toContain(form);
    expect(starts(cancelled)).toHaveLength(starts(body).length - 1);
    const moved = movedInstance(body, at, { start: instance + 48 * HOUR, end: instance + 72 * HOUR })!;
    expect(starts(moved)).toHaveLength(starts(body).length);
    expect(starts(moved)).not.toEqual(starts(body));
  });

  it('is none of a single event, nor at another time', () => {
    expect(movedInstance(series([...ZONED]), edit, { start: THIRD, end: THIRD + HOUR })).toBeNull();
    expect(cancelledInstance(WEEKLY, { ...edit, instance: THIRD + HOUR })).toBeNull();
  });

  it('is not moved in a series without a UID, where it would stand at both times', () => {
    const nameless = WEEKLY.replace('UID:garde\r\n', '');
    expect(movedInstance(nameless, edit, { start: THIRD + HOUR, end: THIRD + 2 * HOUR })).toBeNull();
    expect(starts(cancelledInstance(nameless, edit)!)).not.toContain('2027-03-29T07:00');
  });
});

describe('this and following', () => {
  const same = (instance: number, hours = 1) => ({ start: instance, end: instance + hours * HOUR });
  const split = (body: string, to = same(THIRD)) => {
    const { before, after } = splitSeries(body, { ...edit, uid: 'garde-2', to })!;
    return { before, after: after! };
  };

  it.each([
    ['a count', WEEKLY],
    ['an end', series([...ZONED, 'RRULE:FREQ=WEEKLY;UNTIL=20270413T000000Z'])],
    [
      'a count with an exclusion',
      series([...ZONED, 'EXDATE;TZID=Europe/Paris:20270322T090000', 'RRULE:COUNT=5;FREQ=WEEKLY']),
    ],
    ['no hour', series(['DTSTART;VALUE=DATE:20270315', 'RRULE:FREQ=WEEKLY;COUNT=5'])],
  ])('makes two series of one with %s, and no instance is lost or doubled', (what, body) => {
    const instance = what === 'no hour' ? Date.parse('2027-03-28T22:00:00Z') : THIRD;
    const to = same(instance, what === 'no hour' ? 24 : 1);
    const { before, ...parts } = splitSeries(body, { ...edit, instance, uid: 'garde-2', to })!;
    const after = parts.after!;
    expect([...starts(before), ...starts(after)]).toEqual(starts(body));
    expect(starts(after)).toHaveLength(3);
    expect(after).toContain('UID:garde-2\r\n');
    expect(before).toContain('UID:garde\r\n');
    expect(before).not.toContain('COUNT');
    for (const line of ['X-AUTRE;X-P="a:b":été', ...ALARM])
      expect([before, after].every((one) => one.includes(line))).toBe(true);
  });

  it('overrides go with their instances', () => {
    const fourth = { ...edit, instance: THIRD + 7 * 24 * HOUR };
    const moved = movedInstance(WEEKLY, fourth, { start: fourth.instance + HOUR, end: fourth.instance + 2 * HOUR })!;
    const { before, after } = split(moved);
    expect(before).not.toContain('RECURRENCE-ID');
    expect(after).toContain('RECURRENCE-ID');
    expect(after.match(/UID:garde-2/g)).toHaveLength(2);
    expect([...starts(before), ...starts(after)]).toEqual(starts(moved));
  });

  it('is not done from the first instance, nor of a series with dates of its own', () => {
    const first = Date.parse('2027-03-15T08:00:00Z');
    expect(splitSeries(WEEKLY, { ...edit, instance: first, uid: 'x', to: same(first) })).toBeNull();
    const dates = series([...ZONED, 'RRULE:FREQ=WEEKLY;COUNT=5', 'RDATE;TZID=Europe/Paris:20270401T090000']);
    expect(splitSeries(dates, { ...edit, uid: 'x', to: same(THIRD) })).toBeNull();
  });

  it.each([
    ['a count', ['RRULE:FREQ=WEEKLY;COUNT=5', 'EXDATE;TZID=Europe/Paris:20270405T090000']],
    ['an end just at the last', ['RRULE:FREQ=WEEKLY;UNTIL=20270412T070000Z', 'EXDATE:20270405T070000Z']],
    ['a local end', ['RRULE:FREQ=WEEKLY;UNTIL=20270412T090000', 'EXDATE;VALUE=DATE:20270405']],
  ])('begins at another time of the day, with what was excluded: %s', (_, rules) => {
    const { before, after } = split(series([...ZONED, ...rules]), { start: THIRD + 2 * HOUR, end: THIRD + 5 * HOUR });
    expect(starts(before)).toEqual(['2027-03-15T08:00 1', '2027-03-22T08:00 1']);
    expect(starts(after)).toEqual(['2027-03-29T09:00 3', '2027-04-12T09:00 3']);
  });

  it('an override keeps its own time when those around it move', () => {
    const fourth = { ...edit, instance: THIRD + 7 * 24 * HOUR };
    const moved = movedInstance(WEEKLY, fourth, {
      start: fourth.instance + 7 * HOUR,
      end: fourth.instance + 8 * HOUR,
    })!;
    const { after } = split(moved, same(THIRD + HOUR));
    expect(starts(after)).toEqual(['2027-03-29T08:00 1', '2027-04-05T14:00 1', '2027-04-12T08:00 1']);
  });

  it('ends a series that goes on nowhere, and takes no other day, nor a rule that says the hour', () => {
    const { before, after } = splitSeries(WEEKLY, { ...edit, uid: 'x', to: null })!;
    expect([after, starts(before)]).toEqual([null, ['2027-03-15T08:00 1', '2027-03-22T08:00 1']]);
    expect([endsBefore(before, THIRD, local), endsBefore(WEEKLY, THIRD, local)]).toEqual([true, false]);
    expect(splitSeries(WEEKLY, { ...edit, uid: 'x', to: same(THIRD + 24 * HOUR) })).toBeNull();
    const hourly = series([...ZONED, 'RRULE:FREQ=WEEKLY;BYHOUR=9;COUNT=5']);
    expect(splitSeries(hourly, { ...edit, uid: 'x', to: same(THIRD + HOUR) })).toBeNull();
  });

  it('finds an instance where it stands by now, by the name that the series gives it', () => {
    const moved = movedInstance(WEEKLY, edit, same(THIRD + HOUR))!;
    expect([THIRD, THIRD + HOUR, THIRD + 2 * HOUR].map((at) => instanceAt(moved, at, local))).toEqual([
      null,
      THIRD,
      null,
    ]);
    expect(instanceAt(WEEKLY, THIRD, local)).toBe(THIRD);
  });
});
