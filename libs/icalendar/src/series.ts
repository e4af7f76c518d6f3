import type { Interval } from '#domain';
import { readCalendarObject, type CalendarEvent } from './calendar-object.js';
import { componentOf, contentLines, valueOf, type ContentLine } from './content-lines.js';
import { expand } from './expansion.js';
import { instantOf } from './times.js';
import { stamp } from './written-lines.js';
import { toWall, UTC, type Zone } from './zones.js';

export const DAY = 86_400_000;

/** Which instance of a series is meant, by the start that the series itself gives it. Epoch milliseconds. */
export interface InstanceEdit {
  readonly instance: number;
  /** Zone of floating times and days. */
  readonly local: Zone;
  /** For DTSTAMP. */
  readonly now: number;
}

/** A VEVENT with its BEGIN and END, or a stretch of anything else; `raw` of all in order is the object. */
export interface Block {
  readonly event: boolean;
  readonly lines: readonly ContentLine[];
}

/** A series: one master that makes it one, and the overrides of some of its instances. */
export interface Series {
  readonly blocks: readonly Block[];
  readonly events: readonly CalendarEvent[];
  readonly master: CalendarEvent;
  readonly masterBlock: Block;
  readonly start: ContentLine;
}

export function seriesOf(body: string): Series | null {
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
    const isBound = line.name === 'BEGIN' || line.name === 'END';
    const isEvent = isBound && componentOf(line) === 'VEVENT';
    if (isEvent && line.name === 'BEGIN') next(true);
    block.lines.push(line);
    if (isEvent && line.name === 'END') next(false);
  }
  return blocks;
}

/** Lines of the event itself, without BEGIN and END, and not of its alarms. */
export function ownLines(lines: readonly ContentLine[]): ContentLine[] {
  let depth = 0;
  return lines.slice(1, -1).filter((line) => {
    if (line.name === 'BEGIN') depth += 1;
    const own = depth === 0;
    if (line.name === 'END') depth -= 1;
    return own;
  });
}

export const rawOf = ({ lines }: Block): string[] => lines.map(({ raw }) => raw);

export function eventOf({ blocks, events }: Series, block: Block): CalendarEvent | undefined {
  return events[blocks.filter(({ event }) => event).indexOf(block)];
}

/** Instant of the instance that an override is for. */
export function keyOf(event: CalendarEvent | undefined, local: Zone): number | null {
  const id = event?.recurrenceId ?? null;
  return id === null ? null : instantOf(id, local);
}

/** Exclusions count: what was cancelled is no instance any more. */
export function isInstance({ master }: Series, { instance, local }: InstanceEdit): boolean {
  const window = { start: instance - DAY, end: instance + 2 * DAY };
  return expand([master], { window, local }).some(({ start }) => start === instance);
}

/** A time in the form of the master's DTSTART: its value type and its zone (RFC 5545 3.8.4.4). */
export function timed(name: string, instant: number, series: Series, { local }: Pick<InstanceEdit, 'local'>): string {
  const { start, master } = series;
  const parameters = start.text.slice('DTSTART'.length, start.text.length - valueOf(start).length - 1);
  const wall = toWall(master.start.zone ?? local, instant);
  if (master.start.kind === 'date') return `${name}${parameters}:${stamp(wall).slice(0, 8)}`;
  return `${name}${parameters}:${stamp(wall)}${master.start.zone === UTC ? 'Z' : ''}`;
}

/** Days cannot begin at an hour. */
export function isSayable({ master }: Series, to: Interval, { local }: Pick<InstanceEdit, 'local'>): boolean {
  if (to.start >= to.end) return false;
  return master.start.kind !== 'date' || [to.start, to.end].every((at) => toWall(local, at) % DAY === 0);
}
