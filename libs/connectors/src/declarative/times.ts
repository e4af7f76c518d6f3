import { ConnectorError } from '#connector-sdk';
import { zoneClock, type Interval } from '#domain';
import type { AgendaDocument } from './parts.js';

const DAY_MS = 86_400_000;
/** Times outside of these years are taken for mistakes. */
const SENSIBLE: Interval = { start: Date.UTC(1970, 0), end: Date.UTC(2200, 0) };

/** How a backend writes times. */
export interface Times {
  /** Epoch milliseconds; `null` for what is no time. */
  read(value: unknown): number | null;
  /** Throws `invalid` for an instant that the backend's way of writing cannot tell. */
  write(instant: number): string | number;
  /** The local date of an instant, `YYYY-MM-DD`. */
  date(instant: number): string;
}

export function timesOf(times: AgendaDocument['times']): Times {
  switch (times.format) {
    case 'epoch-ms':
      return epoch(1);
    case 'epoch-s':
      return epoch(1000);
    case 'instant':
      return { read: readInstant, write: writeInstant, date: utcDate };
    case 'local':
      return local(times.pattern, times.zone);
  }
}

function epoch(unit: number): Times {
  return {
    read: (value) => {
      const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
      return typeof number === 'number' && Number.isInteger(number) ? sensible(number * unit) : null;
    },
    write: (instant) => whole(instant, unit) / unit,
    date: utcDate,
  };
}

const INSTANT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(Z|[+-]\d\d:?\d\d)$/;

function readInstant(value: unknown): number | null {
  const [, day, time, zone] = typeof value === 'string' ? (INSTANT.exec(value) ?? []) : [];
  if (day === undefined || time === undefined || zone === undefined) return null;
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
  const instant = Date.parse(`${day}T${time}${offset}`);
  return Number.isNaN(instant) ? null : sensible(instant);
}

function writeInstant(instant: number): string {
  return new Date(instant).toISOString().replace('.000Z', 'Z');
}

function utcDate(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}

/** Naive local times: read by RFC 5545 3.3.5; what they cannot tell is not written. */
function local(pattern: string, zone: string): Times {
  const unit = pattern.endsWith('ss') ? 1000 : 60_000;
  const shape = new RegExp(`^${pattern.replace(/YYYY|MM|DD|HH|mm|ss/g, (name) => `(?<${name}>\\d{${name.length}})`)}$`);
  const clock = (around: number): ReturnType<typeof zoneClock> =>
    zoneClock(zone, { start: around - 2 * DAY_MS, end: around + 2 * DAY_MS });
  const text = (wall: number): string => {
    const iso = new Date(wall).toISOString();
    const values: Record<string, string> = {
      ...{ YYYY: iso.slice(0, 4), MM: iso.slice(5, 7), DD: iso.slice(8, 10) },
      ...{ HH: iso.slice(11, 13), mm: iso.slice(14, 16), ss: iso.slice(17, 19) },
    };
    return pattern.replace(/YYYY|MM|DD|HH|mm|ss/g, (name) => values[name] ?? '');
  };
  const read = (value: unknown): number | null => {
    const found = typeof value === 'string' ? shape.exec(value)?.groups : undefined;
    if (!found) return null;
    const [year, month, day] = ['YYYY', 'MM', 'DD'].map((name) => Number(found[name]));
    const wall = Date.UTC(
      year ?? 0,
      (month ?? 0) - 1,
      day,
      Number(found['HH']),
      Number(found['mm']),
      Number(found['ss'] ?? 0),
    );
    return text(wall) === value ? sensible(clock(wall).instant(wall)) : null;
  };
  return {
    read,
    write: (instant) => {
      const written = text(clock(instant).local(whole(instant, unit)));
      if (read(written) !== instant)
        throw new ConnectorError(
          'invalid',
          'the local time comes twice that night: the agenda cannot tell which is meant',
        );
      return written;
    },
    date: (instant) => new Date(clock(instant).local(instant)).toISOString().slice(0, 10),
  };
}

function sensible(instant: number): number | null {
  return instant >= SENSIBLE.start && instant < SENSIBLE.end ? instant : null;
}

function whole(instant: number, unit: number): number {
  if (instant % unit !== 0) throw new ConnectorError('invalid', 'the agenda cannot tell a time this exactly');
  return instant;
}
