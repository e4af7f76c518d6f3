import type { Interval } from '#domain';
import { shortHash } from './bytes.js';
import { readLines, type CsvLine } from './csv.js';
import { noExport } from './errors.js';
import { instantOf } from './local-time.js';

/** What one line or event of an export says, without a name of its own. */
export type Row =
  | {
      readonly kind: 'entry';
      readonly when: Interval | null;
      /** Where it occupies; cut to a window when it is told. */
      readonly busy: readonly Interval[];
      readonly recurring: boolean;
      readonly title: string | null;
      /** Ours, by the comment that our orders leave. */
      readonly reference: string | null;
      /** UID of the export; `null` where there is none. */
      readonly uid: string | null;
      /** Of times and text. */
      readonly hash: string;
    }
  | {
      readonly kind: 'unreadable';
      readonly uid: string | null;
      readonly hash: string;
      readonly reason: string;
      readonly raw: string;
    };

/** One whole export of one agenda. */
export interface Snapshot {
  /** Grows with every export. */
  readonly number: number;
  /** The time that it covers. */
  readonly window: Interval;
  readonly rows: readonly Row[];
}

const DAY_MS = 86_400_000;
const COMMENT = /^REF ([a-z0-9-]{1,64})$/;
const MAX_RAW = 64 * 1024;

export function referenceOf(comment: string): string | null {
  return COMMENT.exec(comment.trim())?.[1] ?? null;
}

/** The time between two dates, both included. */
export function windowOf(from: string, to: string, zone: string): Interval {
  const [start, end] = [instantOf(from, '00:00', zone), instantOf(to, '00:00', zone)];
  if (start === null || end === null || end < start) throw noExport('the export does not say what time it covers');
  return { start, end: end + DAY_MS };
}

/** Lines between a first one that names the file's kind and a last one that counts the others. Throws where the file is not whole. */
export function wholeFile(
  text: string,
  kind: string,
): { readonly head: readonly string[]; readonly lines: readonly CsvLine[] } {
  const lines = readLines(text);
  const [first, last] = [lines?.[0], lines?.at(-1)];
  if (!lines || first?.columns[0] !== kind || last?.columns[0] !== '#FIN' || lines.length < 2)
    throw noExport('the export is not whole');
  return { head: first.columns, lines: lines.slice(1, -1) };
}

/** Throws unless the last line counted as many lines as there are. */
export function checkCount(text: string, count: number): void {
  const said = /#FIN;(\d{1,6})\s*$/.exec(text)?.[1];
  if (said === undefined || Number(said) !== count) throw noExport('the export does not hold as many lines as it says');
}

/** An export in CSV. */
export function csvSnapshot(text: string, agendaId: string, zone: string): Snapshot {
  const { head, lines } = wholeFile(text, '#EXPORT');
  const [, code, written, from = '', to = '', number = ''] = head;
  const [titles, ...entries] = lines;
  if (code !== agendaId || !/^\d{1,15}$/.test(number)) throw noExport('the export is of something else');
  if (written !== zone) throw noExport('the export is written in another time zone than the settings say');
  if (titles?.columns[0] !== 'date_debut') throw noExport('the export has other columns');
  checkCount(text, entries.length);
  const window = windowOf(from, to, zone);
  return { number: Number(number), window, rows: entries.map(({ columns, raw }) => rowOf(columns, raw, zone)) };
}

function rowOf(columns: readonly string[], raw: string, zone: string): Row {
  const [date = '', time = '', endDate = '', endTime = '', title = '', comment = ''] = columns;
  const [start, end] = [instantOf(date, time, zone), instantOf(endDate, endTime, zone)];
  if (start === null || end === null || end <= start) {
    const reason = 'unreadable: the times of the line';
    return { kind: 'unreadable', uid: null, hash: shortHash(raw), reason, raw: raw.slice(0, MAX_RAW) };
  }
  const when = { start, end };
  return {
    kind: 'entry',
    ...{ when, busy: [when], recurring: false, title: title === '' ? null : title, uid: null },
    reference: referenceOf(comment),
    hash: shortHash(JSON.stringify([start, end, title])),
  };
}
