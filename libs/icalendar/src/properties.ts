import ICAL from 'ical.js';
import { Unreadable } from './unreadable.js';

/** A property as ical.js reads it (jCal, RFC 7265 3.4). */
export interface Property {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly values: readonly unknown[];
}

export interface Component {
  readonly name: string;
  readonly properties: readonly Property[];
  readonly components: readonly Component[];
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of type TEXT, and with one value. */
const TEXTS = new Set(['CLASS', 'STATUS', 'SUMMARY', 'TRANSP', 'TZID', 'UID']);

/** With one value of type DATE-TIME, unless they say otherwise. */
const TIMES = new Set(['DTEND', 'DTSTART', 'LAST-MODIFIED', 'RECURRENCE-ID']);
/** With several. */
const LISTS = new Set(['EXDATE', 'RDATE']);
/** A line whose value is of that form, with nothing but a zone that needs no decoding (RFC 6868). */
const TIME_LINE = /^[^:;]+(?:;TZID=([^\s":;,^]+))?:(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(Z?)$/;
const SAID_TYPE = /;VALUE=[^";:]*(?=[;:])/gi;
/** A parameter without a value, or a semicolon too many; not one without which a time would be another. */
const BARE_PARAMETER = /;(?!(?:TZID|RANGE)[;:])[A-Z0-9-]*(?=[;:])/gi;
const NONE = {};

/** Parses one unfolded content line, given its name in upper case. Throws {@link Unreadable}. */
export function propertyOf(name: string, line: string): Property {
  // Text without parameters and escapes stands for itself.
  if (TEXTS.has(name) && line[name.length] === ':' && !line.includes('\\'))
    return { name: name.toLowerCase(), parameters: NONE, values: [line.slice(name.length + 1)] };
  if (TIMES.has(name)) return timeOf(name, line) ?? parsed(typed(name, line));
  return parsed(LISTS.has(name) ? typed(name, line) : line);
}

/** The line with the type that its value shows where that is a time or a period, whatever it is said to be. */
function typed(name: string, line: string): string {
  const value = line.slice(line.lastIndexOf(':'));
  if (!/[T/]/i.test(value)) return line;
  const bare = line.replace(SAID_TYPE, '');
  return value.includes('/') ? `${bare.slice(0, name.length)};VALUE=PERIOD${bare.slice(name.length)}` : bare;
}

/** The most common lines, which need no parser; `null` for any other. */
function timeOf(name: string, line: string): Property | null {
  const parts = TIME_LINE.exec(line);
  if (parts === null) return null;
  const [, tzid, year = '', month = '', day = '', hour = '', minute = '', second = '', utc = ''] = parts;
  return {
    name: name.toLowerCase(),
    parameters: tzid === undefined ? NONE : { tzid },
    values: [`${year}-${month}-${day}T${hour}:${minute}:${second}${utc}`],
  };
}

function parsed(line: string): Property {
  const property = jcalOf(line) ?? jcalOf(line.replace(BARE_PARAMETER, ''));
  if (property === null) throw new Unreadable('the object is not valid iCalendar');
  if (!isList(property) || typeof property[0] !== 'string') throw new Unreadable('a property cannot be read');
  return { name: property[0], parameters: isRecord(property[1]) ? property[1] : NONE, values: property.slice(3) };
}

/** `null` for a line that cannot be read: the parser's message quotes it, and it may hold a name. */
function jcalOf(line: string): unknown {
  try {
    return ICAL.parse.property(line);
  } catch {
    return null;
  }
}

export function all(from: Component, name: string): Property[] {
  return from.properties.filter((each) => each.name === name);
}

export function first(from: Component, name: string): Property | undefined {
  return from.properties.find((each) => each.name === name);
}

/** The first value of a property as text; `null` when there is none. */
export function textOf(from: Component, name: string): string | null {
  const value = first(from, name)?.values[0];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : null;
}

/** A parameter's text; `null` when absent. Of several values the first counts. */
export function parameterOf(from: Property, name: string): string | null {
  const value = from.parameters[name];
  const single: unknown = isList(value) ? value[0] : value;
  return typeof single === 'string' ? single : null;
}

/** A recurrence as ical.js hands it out: lower-case part names. */
export function recurrenceOf(from: Property): Readonly<Record<string, unknown>> {
  const value = from.values[0];
  if (!isRecord(value)) throw new Unreadable('a recurrence cannot be read');
  return value;
}
