import { changesOf, ianaZone, toWall, UTC, type Zone } from './zones.js';

const DAY = 86_400_000;
export const PRODUCT = '-//Unisson//Unisson//FR';

function digits(value: number, size: number): string {
  return String(value).padStart(size, '0');
}

/** A DATE-TIME without its zone; the wall time written as if it were UTC. */
export function stamp(wall: number): string {
  const date = new Date(wall);
  const day = digits(date.getUTCFullYear(), 4) + digits(date.getUTCMonth() + 1, 2) + digits(date.getUTCDate(), 2);
  return `${day}T${digits(date.getUTCHours(), 2)}${digits(date.getUTCMinutes(), 2)}${digits(date.getUTCSeconds(), 2)}`;
}

function offset(milliseconds: number): string {
  const size = Math.abs(milliseconds) / 1000;
  const parts = [Math.floor(size / 3600), Math.floor(size / 60) % 60, ...(size % 60 === 0 ? [] : [size % 60])];
  return (milliseconds < 0 ? '-' : '+') + parts.map((part) => digits(part, 2)).join('');
}

/** A time in a zone; one that the zone has twice is written in UTC, where the second could not be told from the first. */
export function timeLine(name: string, instant: number, zone: Zone | null): string {
  if (zone === null) return `${name}:${stamp(instant)}Z`;
  const wall = toWall(zone, instant);
  const twice = [-1, 1].some((way) => {
    const other = zone.offsetAt(instant + way * DAY) - zone.offsetAt(instant);
    return other !== 0 && toWall(zone, instant - other) === wall;
  });
  return twice ? `${name}:${stamp(instant)}Z` : `${name};TZID=${zone.name}:${stamp(wall)}`;
}

/**
 * Definition of a zone (RFC 5545 3.6.5) for the time around events: its changes one by one from the last one before
 * the first to a year after the last, which is exact for every zone, also for one whose rule changes each year.
 */
export function zoneLines(zone: Zone, first: number, last = first): string[] {
  const { initial, transitions } = changesOf((at) => zone.offsetAt(at), first - 400 * DAY, last + 400 * DAY);
  const changes = [{ at: -Infinity, offset: initial }, ...transitions];
  const standard = Math.min(...changes.map((change) => change.offset));
  const parts = changes.map(({ at, offset: to }, index) => {
    const from = changes[index - 1]?.offset ?? to;
    const part = to === standard ? 'STANDARD' : 'DAYLIGHT';
    return [
      `BEGIN:${part}`,
      `DTSTART:${at === -Infinity ? '19700101T000000' : stamp(at + from)}`,
      `TZOFFSETFROM:${offset(from)}`,
      `TZOFFSETTO:${offset(to)}`,
      `END:${part}`,
    ];
  });
  return ['BEGIN:VTIMEZONE', `TZID:${zone.name}`, ...parts.flat(), 'END:VTIMEZONE'];
}

/** The zone to write times in; `null` for UTC. */
export function writtenZone(name: string): Zone | null {
  const zone = ianaZone(name);
  return zone === UTC ? null : zone;
}

/** Lines as a text, each ended (RFC 5545 3.1). */
export function joined(lines: readonly string[]): string {
  return [...lines, ''].join('\r\n');
}
