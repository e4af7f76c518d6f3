import type { Interval } from '#domain';
import { fold, valueOf, type ContentLine } from './content-lines.js';
import { expand } from './expansion.js';
import {
  DAY,
  eventOf,
  isInstance,
  isSayable,
  keyOf,
  ownLines,
  seriesOf,
  timed,
  type Block,
  type InstanceEdit,
  type Series,
} from './series.js';
import { instantOf } from './times.js';
import { joined, stamp } from './written-lines.js';
import { toInstant, toWall } from './zones.js';

const SECOND = 1000;

/**
 * "This and following": the series until just before an instance, and a second one with a UID of its own from there on,
 * at another time of the same day where `to` says so; without `to` the series ends there. RANGE=THISANDFUTURE is never
 * written (RFC 5545 3.2.13, left out by most clients). Overrides go with their instances. `null` as for a move, when
 * nothing comes before, or when the series has more than one rule, dates of its own, or a rule that says the hour.
 */
export function splitSeries(
  body: string,
  edit: InstanceEdit & { readonly uid: string; readonly to: Interval | null },
): { before: string; after: string | null } | null {
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
  if (edit.to === null) return { before: joined(before), after: null };
  const later = laterLines(series, rule, { ...edit, to: edit.to, used: earlier.length });
  if (later === null) return null;
  const after = series.blocks.flatMap((block) => {
    if (block.event && block !== masterBlock && !isLater(block)) return [];
    const own = new Set(block.event ? ownLines(block.lines) : []);
    return block.lines.flatMap((line) => {
      if (own.has(line) && line.name === 'UID') return [fold(`UID:${edit.uid}`)];
      return own.has(line) ? later(line, block) : [line.raw];
    });
  });
  return { before: joined(before), after: joined(after) };
}

/** How the second series says each line of the first; `null` when it cannot be at its other time. */
function laterLines(
  series: Series,
  rule: ContentLine,
  edit: InstanceEdit & { readonly to: Interval; readonly used: number },
): ((line: ContentLine, block: Block) => readonly string[]) | null {
  const { master, masterBlock } = series;
  const { local, instance, to } = edit;
  const zone = master.start.zone ?? local;
  const shift = toWall(zone, to.start) - toWall(zone, instance);
  const [first] = expand([master], { local, window: { start: instance - DAY, end: instance + 2 * DAY } }).filter(
    ({ start }) => start === instance,
  );
  const isLonger = first?.end !== undefined && first.end - instance !== to.end - to.start;
  if (!isSayable(series, to, edit) || (shift !== 0 && !isShiftable(series, rule, toWall(zone, instance), shift)))
    return null;
  const moved = (instant: number): number => (shift === 0 ? instant : toInstant(zone, toWall(zone, instant) + shift));
  const times = new Map<string, readonly string[]>([
    ['DTSTART', [fold(timed('DTSTART', to.start, series, edit)), ...exclusions(series, edit, shift, moved)]],
    ['DTEND', [fold(timed('DTEND', to.end, series, edit))]],
    ...(isLonger ? [['DURATION', [fold(timed('DTEND', to.end, series, edit))]] as const] : []),
  ]);
  return (line, block) => {
    const key = line.name === 'RECURRENCE-ID' && shift !== 0 ? keyOf(eventOf(series, block), local) : null;
    if (key !== null) return [fold(timed('RECURRENCE-ID', moved(key), series, edit))];
    if (block !== masterBlock) return [line.raw];
    if (line === rule) return [fold(`RRULE:${shifted(counted(valueOf(rule), edit.used), moved, shift)}`)];
    if (line.name === 'EXDATE' && shift !== 0 && !isOfDays(line)) return [];
    return times.get(line.name) ?? [line.raw];
  };
}

const isOfDays = (line: ContentLine): boolean => /;VALUE=DATE[;:]/i.test(line.text);

/** What was excluded from there on, at its other time. */
function exclusions(series: Series, edit: InstanceEdit, shift: number, moved: (instant: number) => number): string[] {
  if (shift === 0) return [];
  return series.master.excludedDates
    .filter(({ kind }) => kind === 'time')
    .map((time) => instantOf(time, edit.local))
    .filter((instant) => instant >= edit.instance)
    .map((instant) => fold(timed('EXDATE', moved(instant), series, edit)));
}

/** Whether all later instances are the same ones at another time of their days. */
function isShiftable({ events, master }: Series, rule: ContentLine, wall: number, shift: number): boolean {
  const text = valueOf(rule);
  if (/(^|;)(BYHOUR|BYMINUTE|BYSECOND)=/i.test(text) || /FREQ=(HOURLY|MINUTELY|SECONDLY)/i.test(text)) return false;
  if (master.start.kind === 'date' || master.excludedRules.length > 0) return false;
  return !events.some(({ andFuture }) => andFuture) && Math.floor(wall / DAY) === Math.floor((wall + shift) / DAY);
}

/** UNTIL with the instances that it ends. */
function shifted(rule: string, moved: (instant: number) => number, shift: number): string {
  if (shift === 0) return rule;
  return rule.replace(
    /(^|;)UNTIL=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(Z?)/i,
    (_, before: string, ...parts: string[]) => {
      const [year, month, day, hour, minute, second, utc] = parts;
      const wall = Date.parse(
        `${String(year)}-${String(month)}-${String(day)}T${String(hour)}:${String(minute)}:${String(second)}Z`,
      );
      const until = utc === '' ? stamp(wall + shift) : `${stamp(moved(wall))}Z`;
      return `${before}UNTIL=${until}`;
    },
  );
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
