import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readCalendarObject } from './calendar-object.js';
import { contentLines } from './content-lines.js';
import { Meter } from './meter.js';
import { movedInstance, instanceAt } from './instances.js';
import { editedEvent } from './serialise.js';
import { Unreadable } from './unreadable.js';
import { UTC } from './zones.js';

const MB = 2 ** 20;
const START = Date.parse('2027-03-01T08:00:00Z');

/** An attachment as clients put it into an event: in base64, folded. */
function attached(bytes: number, lineBreak = '\r\n'): string {
  const folds = Math.ceil(bytes / 74);
  return `ATTACH;FMTTYPE=application/pdf;ENCODING=BASE64;VALUE=BINARY:${`${'A'.repeat(74)}${lineBreak} `.repeat(folds)}AA==`;
}

function event(...extra: readonly string[]): string {
  const own = ['UID:1', 'DTSTART:20270301T080000Z', ...extra, 'DTEND:20270301T083000Z', 'SUMMARY:Consultation'];
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'BEGIN:VEVENT', ...own, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n');
}

const writing = {
  reference: 'a-1',
  content: { start: START + 3_600_000, end: START + 5_400_000, timeZone: 'UTC', summary: 'Suivi' },
  now: START,
};

describe('an event with a large attachment', () => {
  it.each([
    ['folded', attached(8 * MB)],
    ['folded with bare line feeds', attached(8 * MB, '\n')],
    ['in one line', `ATTACH;ENCODING=BASE64;VALUE=BINARY:${'A'.repeat(8 * MB)}`],
    ['beside a long description', `${attached(2 * MB)}\r\nX-ALT-DESC;FMTTYPE=text/html:${'<p>'.repeat(MB)}`],
  ])('is read, %s, at the price of a small one', (_form, line) => {
    const meter = new Meter(300_000);
    const [read, ...more] = meter.run(() => readCalendarObject(event(line)));
    expect(read).toMatchObject({ uid: '1', summary: 'Consultation', end: { wall: START + 1_800_000 } });
    expect(more).toEqual([]);
    expect(meter.used).toBeLessThan(50_000);
  });

  it('is moved with its attachment, byte for byte', () => {
    const line = attached(3 * MB);
    const edited = editedEvent(event(line), writing) ?? '';
    expect(edited.includes(`\r\n${line}\r\n`)).toBe(true);
    expect(readCalendarObject(edited)[0]).toMatchObject({ summary: 'Suivi', start: { wall: writing.content.start } });
  });

  it('has its series changed, which keeps the attachment', () => {
    const line = attached(2 * MB);
    const body = event(line, 'RRULE:FREQ=DAILY');
    const instance = instanceAt(body, START + 86_400_000, UTC);
    expect(instance).not.toBeNull();
    const to = { start: START + 90_000_000, end: START + 91_800_000 };
    const moved = movedInstance(body, { instance: instance ?? 0, local: UTC, now: START }, to) ?? '';
    expect(moved.includes(`\r\n${line}\r\n`)).toBe(true);
    expect(readCalendarObject(moved)).toHaveLength(2);
  });
});

describe('long lines', () => {
  it('count when something is read of them', () => {
    expect(() => contentLines(event(`DESCRIPTION:${'x'.repeat(2 * MB)}`))).not.toThrow();
    expect(() => contentLines(event(`SUMMARY:${'x'.repeat(2 * MB)}`))).toThrow(Unreadable);
    expect(() => contentLines(event(`EXDATE:${'20270301T080000Z,'.repeat(MB / 8)}`))).toThrow(Unreadable);
  });

  it('hide nothing that stands behind a lone CR', () => {
    const body = event(`ATTACH:${'A'.repeat(20_000)}\rSTATUS:CANCELLED`);
    expect(readCalendarObject(body)[0]).toMatchObject({ status: 'CANCELLED' });
  });

  it('do not make many short ones readable', () => {
    expect(() => contentLines(event(attached(MB), 'X-A:1\r\n'.repeat(MB / 4)))).toThrow(Unreadable);
  });

  it('are the lines that they are when they are short', () => {
    const unlong = fc.constantFrom('X-A:b', 'COMMENT;X="a:b":c', ' fold', '\tfold', '', 'no name', 'SUMMARY:été', 'é');
    const breaks = fc.constantFrom('\r\n', '\n', '\r', '\r\n\r\n');
    fc.assert(
      fc.property(fc.array(fc.tuple(unlong, breaks), { maxLength: 12 }), fc.nat(12), (parts, at) => {
        // The same text with and without what makes a line long: but for that, it must be the same lines.
        const body = (filling: string): string =>
          parts.map(([text, end], n) => (n === at && text !== '' ? text + filling : text) + end).join('');
        const [short, long] = [contentLines(body('~')), contentLines(body('~'.repeat(20_000)))];
        const shortened = (text: string): string => text.replace(/~+/, '~');
        expect(long.map(({ raw, text, name }) => [shortened(raw), shortened(text), name])).toEqual(
          short.map(({ raw, text, name }) => [raw, text, name]),
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('components', () => {
  /** A task beside an event, with the lines between the beginning of the task and the end of the event. */
  const beside = (...between: readonly string[]): string =>
    ['BEGIN:VCALENDAR', 'BEGIN:VTODO', ...between, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n');
  const whole = ['BEGIN:VEVENT', 'UID:1', 'DTSTART:20270301T080000Z'];

  it('of what nobody reads may end by a slip', () => {
    expect(readCalendarObject(beside('END:VTOOD', ...whole))).toHaveLength(1);
  });

  it.each([
    ['that end with the event behind them, whose beginning was lost', beside('SUMMARY:x', 'DTSTART:20270301T080000Z')],
    ['that end with the calendar', beside('END:VCALENDAR', 'BEGIN:VCALENDAR', ...whole)],
    ['of interest that end by a slip', beside('END:VTODO', ...whole, 'END:VEVNT')],
  ])('are refused %s', (_what, body) => {
    expect(() => readCalendarObject(body)).toThrow(new Unreadable('components do not nest'));
  });

  it.each(['', 'Service unavailable', 'BEGIN:XCALENDAR\r\nEND:XCALENDAR\r\n'])(
    'are not in what is no calendar: %s',
    (body) => {
      expect(() => readCalendarObject(body)).toThrow(new Unreadable('the object is no calendar'));
    },
  );

  it.each(['VCALENDAR', 'VTODO', 'VTIMEZONE'])('that hold no event are no unreadable ones: %s', (name) => {
    expect(readCalendarObject(`BEGIN:${name}\r\nUID:1\r\nEND:${name}\r\n`)).toEqual([]);
  });
});
