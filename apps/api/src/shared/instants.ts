import { z } from 'zod';

const QUARTER_MS = 900_000;
const MAX_CACHED_OFFSETS = 20_000;
const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);

const formatters = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** Minutes east of UTC in a zone at an instant. Zones change their offset at whole quarters of an hour only. */
function offsetMinutes(instant: number, timeZone: string): number {
  const quarter = Math.floor(instant / QUARTER_MS);
  const name = `${String(quarter)}|${timeZone}`;
  const known = offsets.get(name);
  if (known !== undefined) return known;
  let formatter = formatters.get(timeZone);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    formatters.set(timeZone, formatter);
  }
  const [, sign, hours = '0', minutes = '0'] = /GMT([+-])(\d\d):(\d\d)/.exec(formatter.format(instant)) ?? [];
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  if (offsets.size >= MAX_CACHED_OFFSETS) offsets.clear();
  offsets.set(name, offset);
  return offset;
}

/** An instant as RFC 3339 with the zone's offset; milliseconds only when there are some. */
export function formatInstant(instant: number, timeZone: string): string {
  const offset = offsetMinutes(instant, timeZone);
  const local = new Date(instant + offset * 60_000).toISOString().slice(0, instant % 1000 === 0 ? 19 : 23);
  const minutes = Math.abs(offset);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${local}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** An instant as input: RFC 3339 with an offset, read as epoch milliseconds. */
export const instantInput = z.iso
  .datetime({
    offset: true,
    abort: true,
    error: 'must be an RFC 3339 instant with an offset, such as 2027-03-01T09:00:00+01:00',
  })
  .max(40)
  .transform((text) => Date.parse(text))
  .refine((instant) => instant >= EARLIEST && instant < LATEST, {
    message: 'must lie between the years 2000 and 2100',
  });

/** An instant as output. */
export const instantView = z.string().meta({ format: 'date-time', examples: ['2027-03-01T09:00:00+01:00'] });

export const timeZoneView = z
  .string()
  .meta({ description: 'IANA time zone of the place of consultation.', examples: ['Europe/Paris'] });
