import type { Interval } from '#domain';
import { readCalendarObject, type CalendarEvent } from './calendar-object.js';
import { contentLines, fold, valueOf, type ContentLine } from './content-lines.js';
import { expand } from './expansion.js';
import { instantOf } from './times.js';
import { joined, stamp } from './written-lines.js';
import { toWall, UTC, type Zone } from './zones.js';

const DAY = 86_400_000;
const SECOND = 1000;

/** Which instance of a series is meant, by the start that the series itself gives it. Epoch milliseconds. */
export interface InstanceEdit {
  readonly instance: number;
  /** Zone of floating times and days. */
  readonly local: Zone;
  /** For DTSTAMP. */
  readonly now: number;
}

/** A VEVENT with its BEGIN and END, or a stretch of anything else; `raw` of all in order is the object. */
interface Block {
  readonly event: boolean;
  readonly lines: readonly ContentLine[];
}

/** A series: one master that makes it one, and the overrides of some of its instances. */
interface Series {
  readonly blocks: readonly Block[];
  readonly events: readonly CalendarEvent[];
  readonly master: CalendarEvent;
  readonly masterBlock: Block;
  readonly start: ContentLine;
}

/** Properties of a master that an override does not take over. */
const OF_SERIES = new Set(['RRULE', 'RDATE', 'EXDATE', 'EXRULE', 'RECURRENCE-ID']);
const OF_TIME = new Set(['DTSTART', 'DTEND', 'DURATION', 'DTSTAMP', 'LAST-MODIFIED', 'SEQUENCE']);

/**
 * The object with one instance at another time (RFC 5545 3.8.4.4): everything else, the master included, stays byte for
 * byte. `null` when the object is not one series, or `instance` is none of it.
 */
export function movedInstance(body: string, edit: InstanceEdit, to: Interval): string | null {
  const series = seriesOf(body);
  if (series === null || !isInstance(series, edit)) return null;
  const own = overrideOf(series, edit);
  const { lines } = own ?? series.masterBlock;
  const dropped = new Set(ownLines(lines).filter(({ name }) => OF_TIME.has(name) || OF_SERIES.has(name)));
  const event = [
    'BEGIN:VEVENT',
    fold(timed('RECURRENCE-ID', edit.instance, series, edit)),
    fold(timed('DTSTART', to.start, series, edit)),
    fold(timed('DTEND', to.end, series, edit)),
    `DTSTAMP:${stamp(edit.now)}Z`,
    `SEQUENCE:${String(sequenceOf(series, own) + 1)}`,
    ...lines.slice(1, -1).flatMap((line) => (dropped.has(line) ? [] : [line.raw])),
    'END:VEVENT',
  ];
  const last = series.blocks.findLast((block) => block.event);
  return joined(
    series.blocks.flatMap((block) => {
      if (block === own) return event;
      return own === undefined && block === last ? [...rawOf(block), ...event] : rawOf(block);
    }),
  );
}

/** The object without one instance (EXDATE, RFC 5545 3.8.5.1), and without an override of it. `null` as for a move. */
export function cancelledInstance(body: string, edit: InstanceEdit): string | null {
  const series = seriesOf(body);
  if (series === null || !isInstance(series, edit)) return null;
  const own = overrideOf(series, edit);
  const excluded = fold(timed('EXDATE', edit.instance, series, edit));
  return joined(
    series.blocks.flatMap((block) => {
      if (block === own) return [];
      if (block !== series.masterBlock) return rawOf(block);
      return block.lines.flatMap((line) => (line === series.start ? [line.raw, excluded] : [line.raw]));
    }),
  );
}

/**
 * "This and following": the series until just before an instance, and a second one with a UID of its own from there on;
 * RANGE=THISANDFUTURE is never written (RFC 5545 3.2.13, left out by most clients). Overrides go with their instances.
 * `null` as for a move, or when the series has more than one rule or dates of its own.
 */
export function splitSeries(
  body: string,
  edit: InstanceEdit & { readonly uid: string },
): { before: string; after: string } | null {
  const series = seriesOf(body);
  if (series === null || !isInstance(series, edit)) return null;
  const { master, masterBlock } = series;
  const rules = ownLines(masterBlock.lines).filter(({ name }) => name === 'RRULE');
  const [rule] = rules;
  if (rule === undefined || rules.length > 1 || master.dates.length + master.periods.length > 0) return null;
  const earlier = expand([{ ...master, excludedDates: [] }], {
    local: edit.local,
    window: { start: -8e15, end: edit.instance },
  }).filter(({ start }) => start < edit.instance);
  if (earlier.length === 0) return null;
  const isLater = (block: Block): boolean => {
    const key = keyOf(eventOf(series, block), edit.local);
    return key !== null && key >= edit.instance;
  };
  const before = series.blocks.flatMap((block) => {
    if (block.event && block !== masterBlock && isLater(block)) return [];
    return block.lines.map((line) => (line === rule ? fold(ended(rule, series, edit)) : line.raw));
  });
  const times = firstTimes(series, edit);
  const after = series.blocks.flatMap((block) => {
    if (block.event && block !== masterBlock && !isLater(block)) return [];
    const own = new Set(block.event ? ownLines(block.lines) : []);
    return block.lines.map((line) => {
      if (!own.has(line)) return line.raw;
      if (line.name === 'UID') return fold(`UID:${edit.uid}`);
      if (block !== masterBlock) return line.raw;
      if (line === rule) return fold(`RRULE:${counted(valueOf(rule), earlier.length)}`);
      return times.get(line.name) ?? line.raw;
    });
  });
  return { before: joined(before), after: joined(after) };
}

function seriesOf(body: string): Series | null {
  const blocks = blocksOf(contentLines(body));
  const events = readCalendarObject(body);
  const masters = events.filter(({ recurrenceId }) => recurrenceId === null);
  const [master] = masters;
  if (master === undefined || masters.length > 1 || new Set(events.map(({ uid }) => uid)).size > 1) return null;
  if (master.rules.length + master.dates.length + master.periods.length === 0) return null;
  const masterBlock = blocks.filter(({ event }) => event)[events.indexOf(master)];
  const start = masterBlock && ownLines(masterBlock.lines).find(({ name }) => name === 'DTSTART');
  if (masterBlock === undefined || start === undefined) return null;
  return { blocks, events, master, masterBlock, start };
}

function blocksOf(lines: readonly ContentLine[]): Block[] {
  let block: { event: boolean; lines: ContentLine[] } = { event: false, lines: [] };
  const blocks = [block];
  const next = (event: boolean): void => {
    block = { event, lines: [] };
    blocks.push(block);
  };
  for (const line of lines) {
    const isEvent = valueOf(line).trim().toUpperCase() === 'VEVENT';
    if (line.name === 'BEGIN' && isEvent) next(true);
    block.lines.push(line);
    if (line.name === 'END' && isEvent) next(false);
  }
  return blocks;
}

/** Lines of the event itself, without BEGIN and END, and not of its alarms. */
function ownLines(lines: readonly ContentLine[]): ContentLine[] {
  let depth = 0;
  return lines.slice(1, -1).filter((line) => {
    if (line.name === 'BEGIN') depth += 1;
    const own = depth === 0;
    if (line.name === 'END') depth -= 1;
    return own;
  });
}

const rawOf = ({ lines }: Block): string[] => lines.map(({ raw }) => raw);

function eventOf({ blocks, events }: Series, block: Block): CalendarEvent | undefined {
  return events[blocks.filter(({ event }) => event).indexOf(block)];
}

/** Instant of the instance that an override is for. */
function keyOf(event: CalendarEvent | undefined, local: Zone): number | null {
  const id = event?.recurrenceId ?? null;
  return id === null ? null : instantOf(id, local);
}

function overrideOf(series: Series, { instance, local }: InstanceEdit): Block | undefined {
  return series.blocks.find((block) => block.event && keyOf(eventOf(series, block), local) === instance);
}

/** Exclusions count: what was cancelled is no instance any more. */
function isInstance({ master }: Series, { instance, local }: InstanceEdit): boolean {
  const window = { start: instance - DAY, end: instance + 2 * DAY };
  return expand([master], { window, local }).some(({ start }) => start === instance);
}

/** A time in the form of the master's DTSTART: its value type and its zone (RFC 5545 3.8.4.4). */
function timed(name: string, instant: number, series: Series, { local }: Pick<InstanceEdit, 'local'>): string {
  const { start, master } = series;
  const parameters = start.text.slice('DTSTART'.length, start.text.length - valueOf(start).length - 1);
  const wall = toWall(master.start.zone ?? local, instant);
  if (master.start.kind === 'date') return `${name}${parameters}:${stamp(wall).slice(0, 8)}`;
  return `${name}${parameters}:${stamp(wall)}${master.start.zone === UTC ? 'Z' : ''}`;
}

function sequenceOf({ master, masterBlock }: Series, own: Block | undefined): number {
  const line = ownLines((own ?? masterBlock).lines).find(({ name }) => name === 'SEQUENCE');
  return Math.max(master.sequence, line === undefined ? 0 : Number(valueOf(line)) || 0);
}

/** The rule with its end just before an instance; in UTC for a zoned start (RFC 5545 3.3.10). */
function ended(rule: ContentLine, { master }: Series, { instance, local }: InstanceEdit): string {
  const last = instance - (master.start.kind === 'date' ? DAY / 2 : SECOND);
  const wall = toWall(master.start.zone ?? local, last);
  const floating = master.start.zone === null;
  const until = master.start.kind === 'date' ? stamp(wall).slice(0, 8) : floating ? stamp(wall) : `${stamp(last)}Z`;
  return `RRULE:${partsOf(valueOf(rule)).join(';')};UNTIL=${until}`;
}

/** Parts of a rule but its end. */
const partsOf = (rule: string): string[] => rule.split(';').filter((part) => !/^(COUNT|UNTIL)=/i.test(part));

/** What is left of a rule that counts. */
function counted(rule: string, used: number): string {
  return rule.replace(
    /(^|;)COUNT=(\d+)/i,
    (_, before: string, count: string) => `${before}COUNT=${String(Number(count) - used)}`,
  );
}

/** DTSTART and DTEND of the second series, as lines; a DURATION stays. */
function firstTimes(series: Series, edit: InstanceEdit): ReadonlyMap<string, string> {
  const [first] = expand([series.master], {
    local: edit.local,
    window: { start: edit.instance - DAY, end: edit.instance + 2 * DAY },
  }).filter(({ start }) => start === edit.instance);
  return new Map([
    ['DTSTART', fold(timed('DTSTART', edit.instance, series, edit))],
    ['DTEND', fold(timed('DTEND', first?.end ?? edit.instance, series, edit))],
  ]);
}
