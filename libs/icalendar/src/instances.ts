import type { Interval } from '#domain';
import { readCalendarObject } from './calendar-object.js';
import { fold, valueOf } from './content-lines.js';
import { expand, intervalOf } from './expansion.js';
import {
  DAY,
  eventOf,
  isInstance,
  isSayable,
  keyOf,
  ownLines,
  rawOf,
  seriesOf,
  timed,
  type Block,
  type InstanceEdit,
  type Series,
} from './series.js';
import { joined, stamp } from './written-lines.js';
import type { Zone } from './zones.js';

export { splitSeries } from './series-split.js';

/** In which a series that goes on shows it. */
const LONG = 3 * 366 * DAY;

/** Properties of a master that an override does not take over. */
const OF_SERIES = new Set(['RRULE', 'RDATE', 'EXDATE', 'EXRULE', 'RECURRENCE-ID']);
const OF_TIME = new Set(['DTSTART', 'DTEND', 'DURATION', 'DTSTAMP', 'LAST-MODIFIED', 'SEQUENCE']);

/**
 * The instance that now stands at a start, by the start that the series itself gives it; of several there, one that was
 * not moved. `null`: none stands there, or the object is not one series.
 */
export function instanceAt(body: string, start: number, local: Zone): number | null {
  const series = seriesOf(body);
  if (series === null) return null;
  const there = expand(series.events, { local, window: { start, end: start + 1 } }).filter(
    (each) => each.start === start,
  );
  const keys = there.flatMap(({ event }) => {
    if (event === series.master) return [start];
    const key = keyOf(event, local);
    // What an override moved that is meant for all that follow has no name of its own.
    return key === null || (event.andFuture && intervalOf(event, local).start !== start) ? [] : [key];
  });
  return keys.includes(start) ? start : (keys[0] ?? null);
}

/** Whether nothing of a series stands at an instant or later. */
export function endsBefore(body: string, instant: number, local: Zone): boolean {
  return expand(readCalendarObject(body), { local, window: { start: instant, end: instant + LONG } }).length === 0;
}

/**
 * The object with one instance at another time (RFC 5545 3.8.4.4): everything else, the master included, stays byte for
 * byte. `null` when the object is not one series, `instance` is none of it, `to` cannot be said as its start is, or no UID
 * binds an override to its master.
 */
export function movedInstance(body: string, edit: InstanceEdit, to: Interval): string | null {
  const series = seriesOf(body);
  if (series === null || series.master.uid === '') return null;
  if (!isInstance(series, edit) || !isSayable(series, to, edit)) return null;
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

function overrideOf(series: Series, { instance, local }: InstanceEdit): Block | undefined {
  return series.blocks.find((block) => block.event && keyOf(eventOf(series, block), local) === instance);
}

function sequenceOf({ master, masterBlock }: Series, own: Block | undefined): number {
  const line = ownLines((own ?? masterBlock).lines).find(({ name }) => name === 'SEQUENCE');
  return Math.max(master.sequence, line === undefined ? 0 : Number(valueOf(line)) || 0);
}
