import type { Interval } from '#domain';
import { componentOf, contentLines, escapeText, fold, valueOf, type ContentLine } from './content-lines.js';
import { uidOf } from './calendar-object.js';
import { joined, PRODUCT, stamp, timeLine, writtenZone, zoneLines } from './written-lines.js';

/** An event as the hub wants it written. */
export interface Writing {
  readonly reference: string;
  /** `timeZone` is the IANA zone of the place of consultation. */
  readonly content: Interval & { readonly timeZone: string; readonly summary: string };
  /** Epoch milliseconds for DTSTAMP. */
  readonly now: number;
}

/**
 * A new event. It is private, so that people with whom the practitioner shares the calendar see busy time only; it
 * carries neither organizer nor attendees, so that no server sends mail.
 */
export function newEvent({ reference, content, now }: Writing): string {
  const zone = writtenZone(content.timeZone);
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    `PRODID:${PRODUCT}`,
    'CALSCALE:GREGORIAN',
    ...(zone ? zoneLines(zone, content.start) : []),
    'BEGIN:VEVENT',
    `UID:${uidOf(reference)}`,
    `DTSTAMP:${stamp(now)}Z`,
    `CREATED:${stamp(now)}Z`,
    `LAST-MODIFIED:${stamp(now)}Z`,
    'SEQUENCE:0',
    timeLine('DTSTART', content.start, zone),
    timeLine('DTEND', content.end, zone),
    `SUMMARY:${escapeText(content.summary)}`,
    'CLASS:PRIVATE',
    'TRANSP:OPAQUE',
    'STATUS:CONFIRMED',
    `X-UNISSON-REFERENCE:${reference}`,
    'END:VEVENT',
    'END:VCALENDAR',
  ];
  return joined(lines.map(fold));
}

/** Properties that an edit replaces; every other line stays as it was received. */
const REPLACED = new Set([
  'DTSTART',
  'DTEND',
  'DURATION',
  'SUMMARY',
  'DTSTAMP',
  'LAST-MODIFIED',
  'SEQUENCE',
  'STATUS',
  'TRANSP',
]);

/**
 * The object with new times and text, all else kept byte for byte: alarms, attachments, attendees, unknown properties.
 * `null` when the object is not exactly one single event.
 */
export function editedEvent(body: string, { content, now }: Writing): string | null {
  const lines = contentLines(body);
  const from = lines.findIndex((line) => begins(line, 'VEVENT'));
  const to = lines.findIndex((line) => line.name === 'END' && componentOf(line) === 'VEVENT');
  if (from < 0 || to < from || lines.slice(to).some((line) => begins(line, 'VEVENT'))) return null;
  const own = ownProperties(lines.slice(from + 1, to));
  if (own.some(({ name }) => name === 'RRULE' || name === 'RDATE' || name === 'RECURRENCE-ID')) return null;
  const sequence = own.find(({ name }) => name === 'SEQUENCE');
  const zone = writtenZone(content.timeZone);
  const replaced = new Set(own.filter(({ name }) => REPLACED.has(name)));
  const event = [
    timeLine('DTSTART', content.start, zone),
    timeLine('DTEND', content.end, zone),
    `SUMMARY:${escapeText(content.summary)}`,
    `DTSTAMP:${stamp(now)}Z`,
    `LAST-MODIFIED:${stamp(now)}Z`,
    `SEQUENCE:${String((Number(sequence ? valueOf(sequence) : 0) || 0) + 1)}`,
    'STATUS:CONFIRMED',
    'TRANSP:OPAQUE',
  ].map(fold);
  const kept = lines.slice(from + 1, to).filter((line) => !replaced.has(line));
  const raw = (list: readonly ContentLine[]): string[] =>
    list.filter((line) => !stale.has(line)).map((line) => line.raw);
  const before = lines.slice(0, from);
  const rest = lines.slice(to);
  const outside = zone ? zonesOf([...before, ...rest], zone.name) : [];
  const stale = new Set(outside.filter((block) => !block.some(({ name }) => name === 'RRULE')).flat());
  const definition = zone && outside.flat().length === stale.size ? zoneLines(zone, content.start).map(fold) : [];
  return joined([...raw(before), ...definition, 'BEGIN:VEVENT', ...event, ...raw(kept), ...raw(rest)]);
}

function begins(line: ContentLine, component: string): boolean {
  return line.name === 'BEGIN' && componentOf(line) === component;
}

/** Lines of the event itself, not of its alarms. */
function ownProperties(lines: readonly ContentLine[]): ContentLine[] {
  let depth = 0;
  return lines.filter((line) => {
    if (line.name === 'BEGIN') depth++;
    const own = depth === 0;
    if (line.name === 'END') depth--;
    return own;
  });
}

/** Definitions of one zone. Those without rules (ours) cover few years and are written anew. */
function zonesOf(lines: readonly ContentLine[], name: string): ContentLine[][] {
  const blocks: ContentLine[][] = [];
  let block: ContentLine[] | null = null;
  for (const line of lines) {
    if (begins(line, 'VTIMEZONE')) block = [];
    block?.push(line);
    if (!block || line.name !== 'END' || componentOf(line) !== 'VTIMEZONE') continue;
    if (block.some((each) => each.name === 'TZID' && valueOf(each) === name)) blocks.push(block);
    block = null;
  }
  return blocks;
}
