import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ConnectorError } from '#connector-sdk';
import { bytesOf, isSignature, signatureOf, textOf } from './bytes.js';
import { readLines, writeLine } from './csv.js';
import { icsSnapshot } from './ics-snapshot.js';
import { csvSnapshot, type Row } from './snapshot.js';

const ZONE = 'Europe/Paris';
const TITLES = 'date_debut;heure_debut;date_fin;heure_fin;objet;commentaire';
const HEAD = '#EXPORT;PETIT;Europe/Paris;01/01/2027;31/12/2027;7';

const csvFile = (...lines: string[]): string =>
  [HEAD, TITLES, ...lines, `#FIN;${String(lines.length)}`, ''].join('\r\n');
const read = (text: string): ReturnType<typeof csvSnapshot> => csvSnapshot(text, 'PETIT', ZONE);

function kindOf(attempt: () => unknown): string {
  try {
    attempt();
    return 'read';
  } catch (error) {
    return ConnectorError.is(error) ? error.kind : 'other';
  }
}

const seen = (row: Row | undefined): unknown =>
  row?.kind === 'entry' && row.when ? [row.when.start, row.when.end, row.title, row.reference] : row?.kind;

describe('bytes', () => {
  it('of windows-1252 are read, and UTF-8 where it is', () => {
    const text = '12 € — œuvre « été » ’';
    expect(bytesOf(text)).toHaveLength(text.length);
    expect(textOf(bytesOf(text))).toBe(text);
    expect(textOf(Buffer.from(text, 'utf8').toString('latin1'))).toBe(text);
    expect(textOf(bytesOf('你好 🩺 e\u0301'))).toBe('你好 🩺 é');
  });

  it('are signed, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (raw) => {
        const bytes = Buffer.from(raw).toString('latin1');
        const signature = signatureOf(bytes, 'cle');
        expect([isSignature(`${signature}\n`, bytes, 'cle'), isSignature(signature, `${bytes}x`, 'cle')]).toEqual([
          true,
          false,
        ]);
        expect(isSignature('', bytes, 'cle')).toBe(false);
      }),
    );
  });
});

describe('lines', () => {
  it('come back as they were written, but for line breaks', () => {
    const text = fc.string().map((one) => one.replace(/[\u0000-\u001F\u007F]/g, ''));
    const columns = fc.array(text, { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(columns, { minLength: 1 }), (lines) => {
        expect(readLines(lines.map(writeLine).join('\r\n'))?.map((line) => line.columns)).toEqual(lines);
      }),
    );
    expect(writeLine(['a\r\nb', 'c'])).toBe('a b;c');
  });

  it('of an open quote are no lines', () => {
    expect(readLines('a;"b\r\nc;d')).toBeNull();
    expect(readLines('a;"b\r\n""c"";d"')?.map((line) => line.columns)).toEqual([['a', 'b\r\n"c";d']]);
  });
});

describe('a CSV export', () => {
  const visit = '07/06/2027;09:00;07/06/2027;09:30;"Dupont; ""Zoé""";REF ref-1';

  it('is read', () => {
    const { number, window, rows } = read(csvFile(visit, '07/06/2027;23:30;08/06/2027;00:15;Garde;'));
    expect([number, new Date(window.start).toISOString(), new Date(window.end).toISOString()]).toEqual([
      7,
      '2026-12-31T23:00:00.000Z',
      '2027-12-31T23:00:00.000Z',
    ]);
    const at = Date.parse;
    expect(rows.map(seen)).toEqual([
      [at('2027-06-07T07:00:00Z'), at('2027-06-07T07:30:00Z'), 'Dupont; "Zoé"', 'ref-1'],
      [at('2027-06-07T21:30:00Z'), at('2027-06-07T22:15:00Z'), 'Garde', null],
    ]);
  });

  it('cut off anywhere says nothing', () => {
    const whole = csvFile(visit, visit.replace('09:00', '08:30'));
    // Without its last line break it is still whole.
    for (let to = 0; to < whole.length - 2; to += 1) expect(kindOf(() => read(whole.slice(0, to)))).toBe('unavailable');
    expect(kindOf(() => read(whole))).toBe('read');
  });

  it.each([
    ['a line missing', csvFile(visit, visit).replace(`${visit}\r\n`, '')],
    ['another agenda', csvFile(visit).replace('PETIT', 'GRAND')],
    ['another zone', csvFile(visit).replace('Europe/Paris', 'Indian/Reunion')],
    ['other columns', csvFile(visit).replace('date_debut', 'date')],
    ['no range', csvFile(visit).replace('01/01/2027', '')],
    ['a web page', '<html>Connexion</html>'],
    ['nothing', ''],
  ])('with %s says nothing', (_, text) => {
    expect(kindOf(() => read(text))).toBe('unavailable');
  });

  it('that is empty and whole is an empty agenda: whether so much may go at once, the deletion brake says', () => {
    expect(read(csvFile()).rows).toEqual([]);
  });

  it.each(['31/02/2027;09:00;31/02/2027;09:30;x;', '7/6/2027;9:00;;;x;', '07/06/2027;09:30;07/06/2027;09:00;x;', 'x'])(
    'sets the line %s aside, and reads the others',
    (line) => {
      expect(read(csvFile(line, visit)).rows.map(({ kind }) => kind)).toEqual(['unreadable', 'entry']);
    },
  );
});

describe('an ICS export', () => {
  const event = (...lines: string[]): string => ['BEGIN:VEVENT', ...lines, 'END:VEVENT'].join('\r\n');
  const calendar = (...events: string[]): string =>
    [
      ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'X-WR-TIMEZONE:Europe/Paris', 'X-AB-EXPORT:PETIT|01/01/2027|31/12/2027|7'],
      ...[...events, `X-AB-NOMBRE:${String(events.length)}`, 'END:VCALENDAR', ''],
    ].join('\r\n');
  const readIcs = (text: string) => icsSnapshot(text, { agendaId: 'PETIT', zone: ZONE, window: null });
  const floating = event('UID:1', 'DTSTART:20270607T090000', 'DTEND:20270607T093000', 'SUMMARY:Visite');
  const zoned = event(
    ...['UID:2', 'DTSTART;TZID=Europe/Paris:20270608T090000', 'DTEND;TZID=Europe/Paris:20270608T093000'],
    ...['SUMMARY:Visite', 'X-AB-COMMENTAIRE:REF ref-1'],
  );

  it('is read: floating times are the practice’s', () => {
    const at = Date.parse;
    expect(readIcs(calendar(floating, zoned)).rows.map(seen)).toEqual([
      [at('2027-06-07T07:00:00Z'), at('2027-06-07T07:30:00Z'), 'Visite', null],
      [at('2027-06-08T07:00:00Z'), at('2027-06-08T07:30:00Z'), 'Visite', 'ref-1'],
    ]);
  });

  it('cut off anywhere says nothing', () => {
    const whole = calendar(floating, zoned);
    for (let to = 0; to < whole.length - 2; to += 1)
      expect(kindOf(() => readIcs(whole.slice(0, to)))).toBe('unavailable');
    expect(kindOf(() => readIcs(whole.replace(`${floating}\r\n`, '')))).toBe('unavailable');
  });

  it('of one UID for two events is two, of a series one', () => {
    const other = floating.replace('T090000', 'T140000').replace('T093000', 'T143000');
    expect(readIcs(calendar(floating, other)).rows).toHaveLength(2);
    const series = floating.replace('SUMMARY', 'RRULE:FREQ=DAILY;COUNT=3\r\nSUMMARY');
    const later = floating.replace('T090000', 'T100000').replace('T093000', 'T103000');
    const moved = later.replace('DTSTART:', 'RECURRENCE-ID:20270608T090000\r\nDTSTART:');
    const [row, ...others] = readIcs(calendar(series, moved)).rows;
    expect([others, row?.kind === 'entry' && [row.recurring, row.busy.length]]).toEqual([[], [true, 3]]);
  });

  it('sets an event aside that cannot be read', () => {
    const broken = event('UID:3', 'SUMMARY:?');
    expect(readIcs(calendar(broken, zoned)).rows.map(({ kind }) => kind)).toEqual(['unreadable', 'entry']);
  });
});
