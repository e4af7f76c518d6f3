import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readCalendarObject } from './calendar-object.js';
import { contentLines, escapeText, fold } from './content-lines.js';
import { expand } from './expansion.js';
import { editedEvent, newEvent } from './serialise.js';
import { UTC } from './zones.js';

const START = Date.parse('2027-06-07T10:00:00Z');
const now = Date.parse('2027-01-01T00:00:00Z');

function writing(start = START, timeZone = 'Europe/Paris', summary = 'Consultation') {
  return { reference: 'rdv-1', now, content: { start, end: start + 1_800_000, timeZone, summary } };
}

function times(body: string): number[][] {
  const window = { start: Date.parse('2020-01-01T00:00:00Z'), end: Date.parse('2040-01-01T00:00:00Z') };
  return expand(readCalendarObject(body), { window, local: UTC }).map(({ start, end }) => [start, end]);
}

describe('a new event', () => {
  it('has what every server asks for, and nothing that makes one send mail', () => {
    const body = newEvent(writing());
    for (const line of [
      'UID:rdv-1@unisson',
      'DTSTAMP:20270101T000000Z',
      'DTSTART;TZID=Europe/Paris:20270607T120000',
      'DTEND;TZID=Europe/Paris:20270607T123000',
      'SUMMARY:Consultation',
      'TRANSP:OPAQUE',
      'STATUS:CONFIRMED',
      'SEQUENCE:0',
      'TZID:Europe/Paris',
      'X-UNISSON-REFERENCE:rdv-1',
    ]) {
      expect(body).toContain(`${line}\r\n`);
    }
    expect(body).not.toMatch(/METHOD|ORGANIZER|ATTENDEE/);
    expect(body.replace(/\r\n/g, '')).not.toMatch(/[\r\n]/);
  });

  it('defines its zone so that a reader without a zone database sees the same time', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          'Europe/Paris',
          'America/New_York',
          'Australia/Lord_Howe',
          'Africa/Casablanca',
          'Indian/Reunion',
          'Europe/Dublin',
        ),
        fc.integer({ min: 0, max: 600_000 }),
        (zone, hours) => {
          const start = Date.parse('2025-01-01T00:00:00Z') + (hours % 90_000) * 3_600_000;
          const body = newEvent(writing(start, zone))
            .replaceAll(`TZID=${zone}`, 'TZID=Inconnu')
            .replace(`TZID:${zone}`, 'TZID:Inconnu');
          expect(times(body)).toEqual([[start, start + 1_800_000]]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('folds at 75 octets without splitting a character, and gives any text back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        const line = `SUMMARY:${escapeText(text)}`;
        const folded = fold(line);
        expect(folded.split('\r\n').every((part) => Buffer.byteLength(part) <= 75)).toBe(true);
        expect(contentLines(folded)[0]?.text).toBe(line);
        const kept = text.replace(/\r\n?/g, '\n').replace(/[\u0000-\u0009\u000B-\u001F\u007F]/g, ' ');
        if (kept.isWellFormed())
          expect(readCalendarObject(newEvent(writing(START, 'UTC', text)))[0]?.summary).toBe(kept);
      }),
    );
  });

  it('writes an hour that the zone has twice in UTC', () => {
    const second = Date.parse('2027-10-31T01:30:00Z');
    expect(newEvent(writing(second))).toContain('DTSTART:20271031T013000Z\r\n');
    expect(times(newEvent(writing(second)))).toEqual([[second, second + 1_800_000]]);
  });
});

describe('an edit', () => {
  const extra = [
    'X-AUTRE;X-P="a:b;c":été \\, non',
    'ATTACH;VALUE=URI:https://exemple.fr/a',
    'CONFERENCE;VALUE=URI;LABEL=x:https://exemple.fr/b',
    'COLOR:red',
  ];
  const alarm = ['BEGIN:VALARM', 'ACTION:DISPLAY', 'SUMMARY:rappel', 'TRIGGER:-PT10M', 'DURATION:PT5M', 'END:VALARM'];
  const body = newEvent(writing()).replace(
    'END:VEVENT',
    [...extra, `X-LONG:${'é'.repeat(20)}`, ` ${'é'.repeat(30)}`, ...alarm, 'END:VEVENT'].join('\r\n'),
  );

  it('changes times and text, and keeps every other line byte for byte', () => {
    const later = START + 400 * 86_400_000;
    const edited = editedEvent(body, writing(later, 'Europe/Paris', 'Suivi')) ?? '';
    expect(times(edited)).toEqual([[later, later + 1_800_000]]);
    expect(edited).toContain(
      [...extra, `X-LONG:${'é'.repeat(20)}`, ` ${'é'.repeat(30)}`, ...alarm, 'END:VEVENT'].join('\r\n'),
    );
    expect(edited).toContain('SEQUENCE:1\r\n');
    expect(edited).toContain('SUMMARY:Suivi\r\n');
    expect(edited).not.toContain('SUMMARY:Consultation');
    expect(edited.match(/BEGIN:VTIMEZONE/g)).toHaveLength(1);
    expect(times(edited.replaceAll('Europe/Paris', 'Inconnu'))).toEqual([[later, later + 1_800_000]]);
  });

  it('makes an all-day, cancelled, transparent event what the hub wants', () => {
    const changed = body
      .replace(/DTSTART;.*/, 'DTSTART;VALUE=DATE:20270607')
      .replace(/DTEND;.*/, 'DURATION:P1D')
      .replace('STATUS:CONFIRMED', 'STATUS:CANCELLED')
      .replace('TRANSP:OPAQUE', 'TRANSP:TRANSPARENT');
    const [event, ...more] = readCalendarObject(editedEvent(changed, writing()) ?? '');
    expect(event).toMatchObject({ status: 'CONFIRMED', transparent: false, duration: null, start: { kind: 'time' } });
    expect(more).toEqual([]);
  });

  it('keeps a definition of the zone that has rules', () => {
    const ruled = [
      'BEGIN:VTIMEZONE',
      'TZID:Europe/Paris',
      'BEGIN:STANDARD',
      'DTSTART:19701025T030000',
      'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU',
      'TZOFFSETFROM:+0200',
      'TZOFFSETTO:+0100',
      'END:STANDARD',
      'END:VTIMEZONE',
    ].join('\r\n');
    const edited = editedEvent(body.replace(/BEGIN:VTIMEZONE[^]*END:VTIMEZONE/, ruled), writing()) ?? '';
    expect(edited).toContain(ruled);
    expect(edited.match(/BEGIN:VTIMEZONE/g)).toHaveLength(1);
  });

  it('does not touch a series', () => {
    expect(editedEvent(body.replace('SEQUENCE:0', 'RRULE:FREQ=DAILY'), writing())).toBeNull();
    expect(
      editedEvent(body.replace('END:VCALENDAR', 'BEGIN:VEVENT\r\nUID:2\r\nEND:VEVENT\r\nEND:VCALENDAR'), writing()),
    ).toBeNull();
  });
});
