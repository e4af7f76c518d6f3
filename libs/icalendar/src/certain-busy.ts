import type { Interval } from '#domain';
import { readCalendarObject } from './calendar-object.js';
import { componentOf, contentLines, type ContentLine } from './content-lines.js';
import { Meter } from './meter.js';
import { remoteObject, type Reading } from './remote-object.js';
import { Unreadable } from './unreadable.js';
import { joined } from './written-lines.js';

/** What tells when an event takes time, and whether it is ours. */
const TELLING = new Set(['DTSTART', 'DTEND', 'DURATION', 'STATUS', 'TRANSP', 'UID', 'X-UNISSON-REFERENCE']);
const NOWHERE = { remoteId: '', version: null };
const MAX_DEPTH = 8;
/** Events looked at of one object. */
const MOST = 50;
/** Steps for one object. */
const STEPS = 100_000;
/** Steps for all objects of an answer or a feed. */
export const GLANCE_STEPS = 1_000_000;

/**
 * The time that an object certainly takes though it cannot be understood as a whole (a rule that nobody knows, a torn line):
 * each of its events by itself, a series by its first instance, where that can be read. None of an event of ours. Sorted, inside
 * the window; takes its steps from those that are `left`.
 */
export function certainBusy(body: string, reading: Reading, left: { steps: number }): Interval[] {
  const meter = new Meter(Math.min(STEPS, left.steps));
  try {
    return meter.run(() => busyIn(body, reading));
  } catch (error) {
    if (error instanceof Unreadable || meter.ranOut(error)) return [];
    throw error;
  } finally {
    left.steps = Math.max(0, left.steps - meter.used);
  }
}

function busyIn(body: string, reading: Reading): Interval[] {
  const { zones, events } = partsOf(contentLines(body));
  return events
    .slice(0, MOST)
    .flatMap((event) => busyOf(joined(['BEGIN:VCALENDAR', ...zones, ...event, 'END:VCALENDAR']), reading))
    .sort((a, b) => a.start - b.start || a.end - b.end);
}

function busyOf(event: string, reading: Reading): readonly Interval[] {
  try {
    const read = readCalendarObject(event);
    return read.some(({ reference }) => reference !== null) ? [] : remoteObject(read, NOWHERE, reading).busy;
  } catch (error) {
    if (error instanceof Unreadable) return [];
    throw error;
  }
}

/** The definitions of zones, and of each event what is telling, also of one that is cut off. */
function partsOf(lines: readonly ContentLine[]): { zones: string[]; events: string[][] } {
  const parts = { zones: [] as string[], events: [] as string[][] };
  const open: string[] = [];
  for (const line of lines) {
    const begins = line.name === 'BEGIN';
    if (begins && open.push(componentOf(line)) > MAX_DEPTH) throw new Unreadable('components are nested too deeply');
    if (open.includes('VTIMEZONE')) parts.zones.push(line.raw);
    else if (begins && open.at(-1) === 'VEVENT') parts.events.push(['BEGIN:VEVENT', 'END:VEVENT']);
    else if (open.at(-1) === 'VEVENT' && TELLING.has(line.name)) parts.events.at(-1)?.splice(-1, 0, line.raw);
    if (line.name === 'END') open.pop();
  }
  return parts;
}
