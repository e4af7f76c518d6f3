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

/** Parses one unfolded content line, given its name in upper case. Throws {@link Unreadable}. */
export function propertyOf(name: string, line: string): Property {
  // Text without parameters and escapes stands for itself.
  if (TEXTS.has(name) && line[name.length] === ':' && !line.includes('\\'))
    return { name: name.toLowerCase(), parameters: {}, values: [line.slice(name.length + 1)] };
  let parsed: unknown;
  try {
    parsed = ICAL.parse.property(line);
  } catch {
    // The parser's message quotes the line, which may hold a name.
    throw new Unreadable('the object is not valid iCalendar');
  }
  if (!isList(parsed) || typeof parsed[0] !== 'string') throw new Unreadable('a property cannot be read');
  return { name: parsed[0], parameters: isRecord(parsed[1]) ? parsed[1] : {}, values: parsed.slice(3) };
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
