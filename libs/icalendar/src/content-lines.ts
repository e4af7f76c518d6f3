import { spend } from './meter.js';
import { propertyOf, type Component, type Property } from './properties.js';
import { Unreadable } from './unreadable.js';

/** One content line (RFC 5545 3.1). */
export interface ContentLine {
  /** As received: with its folds, without the final line break. */
  readonly raw: string;
  /** Unfolded. */
  readonly text: string;
  /** Property name, upper case; empty when the line is none. */
  readonly name: string;
}

/** Characters of an object, without its {@link LongLine}s. */
const MAX_CHARACTERS = 1024 * 1024;
const CHARACTERS_A_STEP = 16;
const MAX_LINES = 60_000;
const MAX_DEPTH = 8;
/** Longer lines of which the hub reads nothing are left as they are: attachments, descriptions with pictures in them. */
const LONG = 16 * 1024;
/** Finding the end of a long line takes a fraction of what it takes to read it. */
const LONG_CHARACTERS_A_STEP = 256;
/** More than any name of a property has. */
const NAME = 128;

/**
 * Content lines of an object, blank lines dropped. Throws {@link Unreadable} when it is larger than an event may be, long lines
 * that nobody reads aside.
 */
export function contentLines(body: string): ContentLine[] {
  const long = body.length > LONG ? longLines(body) : [];
  const aside = long.reduce((sum, { from, to }) => sum + to - from, 0);
  if (body.length - aside > MAX_CHARACTERS) throw new Unreadable('the object is too large');
  spend((body.length - aside) / CHARACTERS_A_STEP + aside / LONG_CHARACTERS_A_STEP);
  const lines: ContentLine[] = [];
  let at = body.startsWith('\uFEFF') ? 1 : 0;
  for (const { from, to, name } of long) {
    addLines(lines, body.slice(at, from));
    lines.push(new LongLine(body.slice(from, to), name));
    at = to;
  }
  addLines(lines, body.slice(at));
  return lines;
}

function addLines(lines: ContentLine[], body: string): void {
  let first = '';
  let folds: string[] = [];
  const flush = (): void => {
    if (first !== '') lines.push(contentLine(first, folds));
    if (lines.length > MAX_LINES) throw new Unreadable('the object has too many lines');
  };
  const text = body.replaceAll('\r\n', '\n');
  // Splitting by a text takes half the time of splitting by a pattern.
  for (const line of text.split(text.includes('\r') ? /[\n\r]/ : '\n')) {
    if (first !== '' && (line.startsWith(' ') || line.startsWith('\t'))) {
      folds.push(line);
    } else if (line !== '') {
      flush();
      first = line;
      if (folds.length > 0) folds = [];
    }
  }
  flush();
}

function contentLine(first: string, folds: readonly string[]): ContentLine {
  const text = folds.length === 0 ? first : [first, ...folds.map((fold) => fold.slice(1))].join('');
  return {
    raw: folds.length === 0 ? text : [first, ...folds].join('\r\n'),
    text,
    name: nameOf(text),
  };
}

/** A line that nobody is likely to read: it is unfolded when somebody does. */
class LongLine implements ContentLine {
  readonly #received: string;
  readonly name: string;

  constructor(received: string, name: string) {
    this.#received = received;
    this.name = name;
  }

  get raw(): string {
    return this.#received
      .replace(/\r?\n$/, '')
      .replaceAll('\r\n', '\n')
      .replaceAll('\n', '\r\n');
  }

  get text(): string {
    return this.raw.replace(/\r\n[ \t]/g, '');
  }
}

/** Where long lines of no interest stand, with their folds and the line break after them; of an object that is too large, some. */
function longLines(body: string): { readonly from: number; readonly to: number; readonly name: string }[] {
  const found = [];
  let rest = 0;
  for (let from = 0, to = 0; from < body.length && rest <= MAX_CHARACTERS; from = to) {
    to = endOfLine(body, from);
    const name = to - from > LONG ? nameOf(body.slice(from, from + NAME)) : '';
    if (name !== '' && !isOfInterest(name) && isAlone(body, from, to)) found.push({ from, to, name });
    else rest += to - from;
  }
  return found;
}

/** Where the line after this one begins, which is not one of its folds. */
function endOfLine(body: string, from: number): number {
  let end = from;
  do end = body.indexOf('\n', end) + 1;
  while (end > 0 && (body[end] === ' ' || body[end] === '\t'));
  return end === 0 ? body.length : end;
}

/** A lone CR ends a line, too: what stands behind it may be of interest. And a fold may follow after a blank line. */
function isAlone(body: string, from: number, to: number): boolean {
  return !/\r(?!\n)/.test(body.slice(from, to)) && !/[\r\n]/.test(body[to] ?? '');
}

function isOfInterest(name: string): boolean {
  return name === 'BEGIN' || name === 'END' || PROPERTIES.has(name);
}

function nameOf(text: string): string {
  let end = 0;
  while (isOfName(text.charCodeAt(end))) end += 1;
  return text[end] === ':' || text[end] === ';' ? text.slice(0, end).toUpperCase() : '';
}

/** A letter, a digit or a hyphen; not what stands behind the last character. */
function isOfName(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 45;
}

/** What follows the name and parameters of a line; quoted parameters may hold colons. */
export function valueOf(line: ContentLine): string {
  if (line.text[line.name.length] === ':') return line.text.slice(line.name.length + 1);
  let quoted = false;
  for (let at = 0; at < line.text.length; at++) {
    const character = line.text[at];
    if (character === '"') quoted = !quoted;
    else if (character === ':' && !quoted) return line.text.slice(at + 1);
  }
  return '';
}

const COMPONENTS = new Set(['VEVENT', 'VFREEBUSY', 'VTIMEZONE', 'STANDARD', 'DAYLIGHT']);
const PROPERTIES = new Set([
  'ATTENDEE', 'CLASS', 'DTEND', 'DTSTART', 'DURATION', 'EXDATE', 'EXRULE', 'FREEBUSY', 'LAST-MODIFIED', 'RDATE',
  'RECURRENCE-ID', 'RRULE', 'SEQUENCE', 'STATUS', 'SUMMARY', 'TRANSP', 'TZID', 'TZOFFSETFROM', 'TZOFFSETTO', 'UID',
  'X-LIC-LOCATION', 'X-UNISSON-REFERENCE',
]); // prettier-ignore

/**
 * The object reduced to what the hub reads: events and zones without alarms, attachments and descriptions, in one
 * VCALENDAR. A broken line of no interest does no harm then. Definitions of zones known by name are left out as well.
 * Throws {@link Unreadable} when components do not nest, and for a line of interest that cannot be read.
 */
export function reduced(lines: readonly ContentLine[], isKnownZone: (tzid: string) => boolean): Component {
  const calendar: Written = { name: 'vcalendar', properties: [], components: [] };
  const open: Open[] = [];
  let index = -1;
  for (const line of lines) {
    index += 1;
    const inside = open.at(-1);
    if (line.name === 'BEGIN') {
      const component = componentOf(line);
      const written = writtenIn(inside, component, {
        calendar,
        isKnownZone: () => isKnownZone(tzidAfter(lines, index)),
      });
      if (open.push({ component, written }) > MAX_DEPTH) throw new Unreadable('components are nested too deeply');
    } else if (line.name === 'END') {
      close(open, componentOf(line));
    } else if (inside?.written && inside.written !== calendar && isRead(line)) {
      inside.written.properties.push(propertyOf(line.name, line.text));
    }
  }
  if (open.length > 0) throw new Unreadable('the object is cut off');
  return calendar;
}

/** Of what nobody reads, a name may be a slip: of nothing that is open, and of nothing whose beginning may have been lost. */
function close(open: Open[], component: string): void {
  const inside = open.at(-1);
  const mayBeLost = component === 'VCALENDAR' || COMPONENTS.has(component);
  const isSlip = inside?.written === null && !mayBeLost && !open.some((each) => each.component === component);
  if (inside?.component !== component && !isSlip) throw new Unreadable('components do not nest');
  open.pop();
}

function isRead(line: ContentLine): boolean {
  if (!PROPERTIES.has(line.name)) return false;
  const { name, text } = line;
  return text[name.length] === ':' ? text.length > name.length + 1 : valueOf(line) !== '';
}

interface Written extends Component {
  readonly properties: Property[];
  readonly components: Component[];
}

interface Open {
  readonly component: string;
  /** Where what is in it goes; `null`: nowhere. */
  readonly written: Written | null;
}

/** What several VCALENDARs hold, or none, is in one. */
function writtenIn(
  outer: Open | undefined,
  component: string,
  { calendar, isKnownZone }: { readonly calendar: Written; readonly isKnownZone: () => boolean },
): Written | null {
  if (!outer && component === 'VCALENDAR') return calendar;
  const parent = outer ? outer.written : calendar;
  if (parent === null || !isWanted(component, isKnownZone)) return null;
  const written: Written = { name: component.toLowerCase(), properties: [], components: [] };
  parent.components.push(written);
  return written;
}

function isWanted(component: string, isKnownZone: () => boolean): boolean {
  return COMPONENTS.has(component) && !(component === 'VTIMEZONE' && isKnownZone());
}

/** Name of the component that a line begins or ends, upper case. */
export function componentOf(line: ContentLine): string {
  return valueOf(line).trim().toUpperCase();
}

/** TZID of the definition that begins at a line; empty when it has none. */
function tzidAfter(lines: readonly ContentLine[], index: number): string {
  for (let at = index + 1; at < lines.length; at++) {
    const line = lines[at];
    if (!line || line.name === 'END') return '';
    if (line.name === 'TZID') return valueOf(line);
  }
  return '';
}

/** Folds a line at 75 octets without splitting a character (RFC 5545 3.1). */
export function fold(text: string): string {
  const lines: string[] = [];
  let line = '';
  let octets = 0;
  for (const character of text) {
    const size = Buffer.byteLength(character);
    if (octets + size > 75) {
      lines.push(line);
      line = ' ';
      octets = 1;
    }
    line += character;
    octets += size;
  }
  return [...lines, line].join('\r\n');
}

/** Escapes a TEXT value (RFC 5545 3.3.11); control characters have no place in one. */
export function escapeText(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[\u0000-\u0009\u000B-\u001F\u007F]/g, ' ')
    .replace(/[\\;,]/g, (character) => `\\${character}`)
    .replace(/\n/g, '\\n');
}
