import { ConnectorError } from '#connector-sdk';
import { zoneClock, type Interval, type ZoneClock } from '#domain';

const SECOND = 1_000;
/** Years in which an agenda is kept. */
const RANGE = { start: Date.UTC(2005, 0), end: Date.UTC(2060, 0) };
const SHAPE = /^(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})$/;

/** The group's wall clock, as the API writes it: `2026-03-12 09:00:00`, without a zone. */
export class LocalTime {
  readonly #clock: ZoneClock;

  constructor(timeZone: string) {
    this.#clock = zoneClock(timeZone, RANGE);
  }

  /**
   * The instants meant; of an hour that comes twice the first (RFC 5545 3.3.5), unless the end would then come before the
   * start. `null` when they are none.
   */
  read(from: string, to: string): Interval | null {
    const [first, last] = [localOf(from), localOf(to)];
    if (first === null || last === null) return null;
    const start = this.#clock.instant(first);
    const end = this.#clock.instant(last);
    if (end > start || first === last) return { start, end };
    const [later] = this.#clock.instants({ start: last, end: last + SECOND }).filter((one) => one.start > start);
    return { start, end: later?.start ?? end };
  }

  /**
   * Throws `invalid` for what the API cannot say: parts of a second, the second of two equal hours, and what lasts from
   * one into the other, which looks as if it ended before it began.
   */
  write({ start, end }: Interval): { readonly start: string; readonly end: string } {
    const said = { start: this.text(start), end: this.text(end) };
    const meant = this.read(said.start, said.end);
    if (said.start < said.end && meant?.start === start && meant.end === end) return said;
    throw new ConnectorError('invalid', 'the backend keeps whole seconds, and the first of two equal hours only');
  }

  /** The local time at an instant. */
  text(instant: number): string {
    return textOf(this.#clock.local(instant));
  }
}

/** A local time so many milliseconds earlier on the clock. */
export function earlier(local: string, ms: number): string {
  return textOf((localOf(local) ?? 0) - ms);
}

/** A local time as milliseconds, as if it were UTC; `null` when it is none. */
export function localOf(text: string): number | null {
  const [, year, month, day, hour, minute, second] = (SHAPE.exec(text) ?? []).map(Number);
  if (year === undefined || month === undefined) return null;
  const local = Date.UTC(year, month - 1, day, hour, minute, second);
  return textOf(local) === text ? local : null;
}

function textOf(local: number): string {
  return new Date(local).toISOString().slice(0, 19).replace('T', ' ');
}
