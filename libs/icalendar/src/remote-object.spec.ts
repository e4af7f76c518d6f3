import { describe, expect, it } from '@jest/globals';
import { readCalendarObject, uidOf } from './calendar-object.js';
import { contentHash, remoteObject } from './remote-object.js';
import { UTC } from './zones.js';

const NONE: ReadonlySet<string> = new Set();
const window = { start: Date.parse('2026-06-01T00:00:00Z'), end: Date.parse('2026-07-01T00:00:00Z') };

function event(lines: readonly string[], uid = 'x@ailleurs'): string {
  return ['BEGIN:VCALENDAR', 'BEGIN:VEVENT', `UID:${uid}`, ...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n');
}

const hash = (body: string): string => contentHash(readCalendarObject(body), NONE);
const read = (body: string) =>
  remoteObject(
    readCalendarObject(body),
    { remoteId: '/a.ics', version: '"1"' },
    { window, local: UTC, addresses: NONE },
  );

const BASE = [
  'DTSTAMP:20260101T000000Z',
  'DTSTART:20260607T100000Z',
  'DTEND:20260607T103000Z',
  'SUMMARY:Réunion\\, salle 2',
];

describe('the content hash', () => {
  it('does not see formatting, order, the zone of a single event, DTSTAMP, SEQUENCE or unknown properties', () => {
    const same = [
      [
        'SUMMARY;LANGUAGE=fr:Réunion',
        ' \\, salle 2',
        'SEQUENCE:7',
        'DTSTAMP:20260202T000000Z',
        'DTEND;TZID=Europe/Paris:20260607T123000',
        'DTSTART;TZID="Europe/Paris":20260607T120000',
        'X-A:b',
      ],
      [
        ...BASE,
        'TRANSP:OPAQUE',
        'STATUS:CONFIRMED',
        'CLASS:PUBLIC',
        'BEGIN:VALARM',
        'ACTION:DISPLAY',
        'TRIGGER:-PT5M',
        'END:VALARM',
      ],
    ];
    for (const lines of same) expect(hash(event(lines))).toBe(hash(event(BASE)));
    expect(hash(event(BASE).replaceAll('\r\n', '\n'))).toBe(hash(event(BASE)));
  });

  it.each([
    ['DTSTART:20260607T100000Z', 'DTSTART:20260607T100500Z'],
    ['DTEND:20260607T103000Z', 'DTEND:20260607T104000Z'],
    ['SUMMARY:Réunion\\, salle 2', 'SUMMARY:Autre'],
    ['SUMMARY', 'TRANSP:TRANSPARENT\r\nSUMMARY'],
    ['SUMMARY', 'STATUS:CANCELLED\r\nSUMMARY'],
    ['SUMMARY', 'RRULE:FREQ=WEEKLY\r\nSUMMARY'],
    ['SUMMARY', 'RRULE:FREQ=WEEKLY\r\nEXDATE:20260614T100000Z\r\nSUMMARY'],
    ['SUMMARY', 'RDATE:20260614T100000Z\r\nSUMMARY'],
  ])('sees %s become %s', (from, to) => {
    expect(hash(event(BASE).replace(from, to))).not.toBe(hash(event(BASE)));
  });

  it('reads the parts of a rule in any order, and the zone of a series', () => {
    const rule = (text: string, zone = 'Europe/Paris'): string =>
      hash(event([`DTSTART;TZID=${zone}:20260607T120000`, `RRULE:${text}`]));
    expect(rule('FREQ=WEEKLY;BYDAY=MO;INTERVAL=1')).toBe(rule('BYDAY=MO;FREQ=WEEKLY'));
    expect(rule('FREQ=WEEKLY')).not.toBe(rule('FREQ=WEEKLY', 'Africa/Lagos'));
  });
});

describe('a remote object', () => {
  it('is cut to the window and tells its first instance', () => {
    const object = read(
      event(['DTSTART:20260530T220000Z', 'DTEND:20260601T020000Z', 'LAST-MODIFIED:20260501T000000Z']),
    );
    expect(object.when).toEqual({ start: Date.parse('2026-05-30T22:00:00Z'), end: Date.parse('2026-06-01T02:00:00Z') });
    expect(object.busy).toEqual([{ start: window.start, end: Date.parse('2026-06-01T02:00:00Z') }]);
    expect(object).toMatchObject({ recurring: false, reference: null, modifiedAt: Date.parse('2026-05-01T00:00:00Z') });
  });

  it('knows our own by its UID, a copy by the property, and takes no foreign UID for a reference', () => {
    expect(read(event(BASE, uidOf('rdv-1'))).reference).toBe('rdv-1');
    expect(read(event([...BASE, 'X-UNISSON-REFERENCE:rdv-1'], 'copie')).reference).toBe('rdv-1');
    expect(read(event(BASE, '9b2c1a80-1c35-4d52-9b0c-0f6b2a5d1e11')).reference).toBeNull();
  });

  it.each(['PRIVATE', 'CONFIDENTIAL', 'X-SECRET'])(
    'tells no text of a %s event, except of our own',
    (classification) => {
      expect(read(event([...BASE, `CLASS:${classification}`])).summary).toBeNull();
      expect(read(event([...BASE, `CLASS:${classification}`], uidOf('rdv-1'))).summary).toBe('Réunion, salle 2');
      expect(read(event(BASE)).summary).toBe('Réunion, salle 2');
    },
  );

  it('has no time to hold when it has no length', () => {
    expect(read(event(['DTSTART:20260607T100000Z']))).toMatchObject({ when: null, busy: [] });
  });
});
