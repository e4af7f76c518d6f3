import { ConnectorError } from '#connector-sdk';
import { zoneClock, type ZoneClock } from '#domain';

const MINUTE = 60_000;
const DAY = 86_400_000;
/** Years in which an agenda is kept. */
const RANGE = { start: Date.UTC(2010, 0), end: Date.UTC(2060, 0) };
const SHAPE = /^(\d{2})-(\d{2})-(\d{4}) (\d{2}):(\d{2})$/;

/** The practice's wall clock, as the API writes it: `15-11-2026 10:00`, to the minute and without a zone. */
export class LocalTime {
  readonly #clock: ZoneClock;

  constructor(timeZone: string) {
    this.#clock = zoneClock(timeZone, RANGE);
  }

  /** The instant meant; of an hour that comes twice the first (RFC 5545 3.3.5). `null` when it is none. */
  read(text: string): number | null {
    const [, day, month, year, hour, minute] = (SHAPE.exec(text) ?? []).map(Number);
    if (day === undefined || month === undefined || year === undefined) return null;
    const local = Date.UTC(year, month - 1, day, hour, minute);
    return this.#text(local) === text ? this.#clock.instant(local) : null;
  }

  /** Throws `invalid` for what the API cannot say: seconds, and the second of two equal hours. */
  write(instant: number): string {
    const local = this.#clock.local(instant);
    if (instant % MINUTE !== 0) throw new ConnectorError('invalid', 'the backend keeps whole minutes only');
    if (this.#clock.instant(local) !== instant)
      throw new ConnectorError('invalid', 'this hour comes twice, and the backend would take it for the first one');
    return this.#text(local);
  }

  /** The day of an instant, `days` later. */
  day(instant: number, days: number): string {
    return this.#text(this.#clock.local(instant) + days * DAY).slice(0, 10);
  }

  #text(local: number): string {
    const at = new Date(local);
    const two = (n: number): string => String(n).padStart(2, '0');
    const day = `${two(at.getUTCDate())}-${two(at.getUTCMonth() + 1)}-${String(at.getUTCFullYear()).padStart(4, '0')}`;
    return `${day} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
  }
}
