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

function property(value: unknown): Property {
  if (!isList(value) || typeof value[0] !== 'string') throw new Unreadable('a property cannot be read');
  return { name: value[0], parameters: isRecord(value[1]) ? value[1] : {}, values: value.slice(3) };
}

function component(value: unknown): Component {
  if (!isList(value) || typeof value[0] !== 'string') throw new Unreadable('a component cannot be read');
  return {
    name: value[0],
    properties: isList(value[1]) ? value[1].map(property) : [],
    components: isList(value[2]) ? value[2].map(component) : [],
  };
}

/** Parses one VCALENDAR. Throws {@link Unreadable}. */
export function parseComponent(text: string): Component {
  let parsed: unknown;
  try {
    parsed = ICAL.parse(text);
  } catch {
    // The parser's message quotes the line, which may hold a name.
    throw new Unreadable('the object is not valid iCalendar');
  }
  return component(parsed);
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
