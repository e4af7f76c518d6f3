import type { Interval } from '#domain';
import { escapeText, fold } from './content-lines.js';
import { joined, PRODUCT, stamp, timeLine, writtenZone, zoneLines } from './written-lines.js';
import type { Zone } from './zones.js';

/** One event of a published calendar. Times are epoch milliseconds. */
export interface PublishedEvent extends Interval {
  /** Stable for as long as the event lives, through every change of it. */
  readonly uid: string;
  /** Grows with every change (RFC 5545 3.8.7.4). */
  readonly sequence: number;
  /** When it last changed; also its DTSTAMP, so that one state always gives one text (RFC 5545 3.8.7.2). */
  readonly changedAt: number;
  readonly summary: string;
  readonly status: 'CONFIRMED' | 'TENTATIVE';
}

/** A calendar for others to subscribe to. */
export interface PublishedCalendar {
  readonly name: string;
  /** IANA zone in which times are written. */
  readonly timeZone: string;
  /** Instant before which there are no events, epoch milliseconds. */
  readonly from: number;
  /** How often a subscriber should look, in minutes (RFC 7986 5.7). */
  readonly refreshMinutes: number;
  readonly events: readonly PublishedEvent[];
}

/**
 * The text of a published calendar (RFC 5545, RFC 7986). The same content always gives the same text. The zone's definition
 * is there even without events: a calendar must hold some component.
 */
export function publishedCalendar({ name, timeZone, from, refreshMinutes, events }: PublishedCalendar): string {
  const zone = writtenZone(timeZone);
  const last = events.reduce((latest, { end }) => Math.max(latest, end), from);
  const refresh = `PT${String(refreshMinutes)}M`;
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    `PRODID:${PRODUCT}`,
    'CALSCALE:GREGORIAN',
    `NAME:${escapeText(name)}`,
    `X-WR-CALNAME:${escapeText(name)}`,
    `X-WR-TIMEZONE:${zone?.name ?? 'UTC'}`,
    `REFRESH-INTERVAL;VALUE=DURATION:${refresh}`,
    `X-PUBLISHED-TTL:${refresh}`,
    ...(zone ? zoneLines(zone, from, last) : []),
    ...events.flatMap((event) => eventLines(event, zone)),
    'END:VCALENDAR',
  ];
  return joined(lines.map(fold));
}

function eventLines(
  { uid, sequence, changedAt, start, end, summary, status }: PublishedEvent,
  zone: Zone | null,
): string[] {
  return [
    'BEGIN:VEVENT',
    `UID:${escapeText(uid)}`,
    `DTSTAMP:${stamp(changedAt)}Z`,
    `LAST-MODIFIED:${stamp(changedAt)}Z`,
    `SEQUENCE:${String(sequence)}`,
    timeLine('DTSTART', start, zone),
    timeLine('DTEND', end, zone),
    `SUMMARY:${escapeText(summary)}`,
    'CLASS:PRIVATE',
    'TRANSP:OPAQUE',
    `STATUS:${status}`,
    'END:VEVENT',
  ];
}
