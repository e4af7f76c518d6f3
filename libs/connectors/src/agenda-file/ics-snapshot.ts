import type { Interval } from '#domain';
import {
  contentLines,
  ianaZone,
  Meter,
  readCalendarObject,
  remoteObject,
  Unreadable,
  UTC,
  valueOf,
  type ContentLine,
  type Reading,
} from '#icalendar';
import { shortHash } from './bytes.js';
import { noExport } from './errors.js';
import { referenceOf, windowOf, type Row, type Snapshot } from './snapshot.js';

/** Steps for one entry: a tenth of a second. */
const ENTRY_STEPS = 300_000;
const MAX_RAW = 64 * 1024;
const MAX_CHARACTERS = 16 * 1024 * 1024;
const RECURS = /^(RRULE|RDATE|RECURRENCE-ID)\b/im;

interface Block {
  readonly text: string;
  readonly uid: string | null;
  readonly comment: string;
}

/** An export in iCalendar. `window`: where busy time is wanted; left out, all that the export covers. */
export function icsSnapshot(
  text: string,
  { agendaId, zone, window }: { readonly agendaId: string; readonly zone: string; readonly window: Interval | null },
): Snapshot {
  const blocks = wholeCalendar(text);
  const [code, from = '', to = '', number = ''] = (propertyOf(text, 'X-AB-EXPORT') ?? '').split('|');
  if (code !== agendaId || !/^\d{1,15}$/.test(number)) throw noExport('the export is of something else');
  if (propertyOf(text, 'X-WR-TIMEZONE') !== zone)
    throw noExport('the export is written in another time zone than the settings say');
  const covered = windowOf(from, to, zone);
  const reading = { window: window ?? covered, local: ianaZone(zone) ?? UTC, addresses: new Set<string>() };
  return { number: Number(number), window: covered, rows: grouped(blocks).map((group) => rowOf(group, reading)) };
}

/** The events of a calendar that has its end, and as many events as it says. */
function wholeCalendar(text: string): Block[] {
  if (text.length > MAX_CHARACTERS || !/^\uFEFF?BEGIN:VCALENDAR/.test(text) || !/END:VCALENDAR\s*$/.test(text))
    throw noExport('the export is not whole');
  const blocks = [...text.matchAll(/^BEGIN:VEVENT[^]*?^END:VEVENT[ \t]*\r?$/gm)].map(([block]) => blockOf(block));
  const begun = text.match(/^BEGIN:VEVENT/gm)?.length ?? 0;
  if (begun !== blocks.length || propertyOf(text, 'X-AB-NOMBRE') !== String(blocks.length))
    throw noExport('the export does not hold as many events as it says');
  return blocks;
}

/** The events of a series belong together; of all others each stands for itself, whatever UID the program gave it. */
function grouped(blocks: readonly Block[]): Block[][] {
  const groups: Block[][] = [];
  const series = new Map<string, Block[]>();
  const recurring = new Set(blocks.filter(({ text, uid }) => uid !== null && RECURS.test(text)).map(({ uid }) => uid));
  for (const block of blocks) {
    const known = block.uid !== null && recurring.has(block.uid) ? series.get(block.uid) : undefined;
    if (known) known.push(block);
    else {
      const group = [block];
      groups.push(group);
      if (block.uid !== null && recurring.has(block.uid)) series.set(block.uid, group);
    }
  }
  return groups;
}

function rowOf(group: readonly Block[], reading: Reading): Row {
  const [leading] = group;
  const raw = group.map(({ text }) => text).join('\r\n');
  const uid = leading?.uid ?? null;
  const meter = new Meter(ENTRY_STEPS);
  try {
    const object = meter.run(() => {
      const events = readCalendarObject(`BEGIN:VCALENDAR\r\n${raw}\r\nEND:VCALENDAR\r\n`);
      return remoteObject(events, { remoteId: '', version: null }, reading);
    });
    return {
      kind: 'entry',
      ...{ when: object.when, busy: object.busy, recurring: object.recurring, title: object.summary, uid },
      reference: referenceOf(leading?.comment ?? ''),
      hash: shortHash(object.contentHash),
    };
  } catch (error) {
    if (!(error instanceof Unreadable || meter.ranOut(error))) throw error;
    return { kind: 'unreadable', uid, hash: shortHash(raw), reason: error.message, raw: raw.slice(0, MAX_RAW) };
  }
}

function blockOf(text: string): Block {
  const lines = linesOf(text);
  const value = (property: string): string | null => {
    const line = lines.find(({ name }) => name === property);
    return line === undefined ? null : valueOf(line).trim();
  };
  const uid = value('UID');
  return { text, uid: uid === '' ? null : uid, comment: value('X-AB-COMMENTAIRE') ?? '' };
}

/** Of an event too large to be one, none. */
function linesOf(text: string): ContentLine[] {
  try {
    return contentLines(text);
  } catch (error) {
    if (error instanceof Unreadable) return [];
    throw error;
  }
}

function propertyOf(text: string, name: string): string | null {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? null;
}
