import { createHash } from 'node:crypto';
import { contentLines, detached, Unreadable, valueOf, wellKnown, type ContentLine } from '#icalendar';

// Called in a thread: no import may lead to the network.

/** What came instead of a calendar; nothing is known of the agenda then, least of all that it is empty. */
export class NoFeed extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'NoFeed';
  }
}

/** A calendar that is too large to be read. */
export class LargeFeed extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'LargeFeed';
  }
}

/** All events of one UID, as a calendar object of their own, so that one bad event harms no other. */
export interface FeedObject {
  /** The UID; a digest where there is none, or none that could be kept. */
  readonly id: string;
  readonly body: string;
}

/** A published calendar that arrived whole. */
export interface Feed {
  /** `X-WR-CALNAME`; `null` when the feed does not say. */
  readonly name: string | null;
  /** IANA zone by `X-WR-TIMEZONE`; `null` when the feed does not say. */
  readonly timeZone: string | null;
  readonly objects: readonly FeedObject[];
}

const MAX_CHARACTERS = 16 * 1024 * 1024;
const MAX_BLOCKS = 50_000;
const MAX_ID = 500;
const DIGESTED_AT_ONCE = 1024 * 1024;
const BOUNDARY = /^(BEGIN|END):(VCALENDAR|VEVENT|VFREEBUSY|VTIMEZONE)[ \t\r]*$/gim;

interface Block {
  readonly component: string;
  readonly text: string;
}

/**
 * Takes a feed apart. Throws {@link NoFeed} for what is not a whole calendar (a torn answer ends without END:VCALENDAR),
 * {@link LargeFeed} for one that is too large. An event that is cut off inside a whole calendar stays, for its reader to refuse.
 */
export function splitFeed(body: string): Feed {
  if (body.length > MAX_CHARACTERS) throw new LargeFeed('the feed is larger than what is read');
  if (!/^\uFEFF?\s*BEGIN:VCALENDAR/i.test(body)) throw new NoFeed('the answer is not a calendar');
  const { head, blocks } = blocksOf(body.replace(/^\uFEFF/, ''));
  return { ...aboutOf(contentLines(head)), objects: objectsOf(blocks) };
}

function aboutOf(lines: readonly ContentLine[]): Pick<Feed, 'name' | 'timeZone'> {
  const zone = valueIn(lines, 'X-WR-TIMEZONE');
  return {
    name: valueIn(lines, 'X-WR-CALNAME')?.slice(0, 200) ?? null,
    timeZone: zone === null ? null : (wellKnown(zone)?.name ?? null),
  };
}

function blocksOf(body: string): { head: string; blocks: readonly Block[] } {
  const scan = new Scan(body);
  for (const { 0: whole, 1: verb = '', 2: component = '', index } of body.matchAll(BOUNDARY)) {
    if (verb.toUpperCase() === 'BEGIN') scan.begin(component.toUpperCase(), index);
    else scan.end(component.toUpperCase(), index, index + whole.length);
  }
  return scan.finish();
}

/** Finds events and zones by their first and last lines. */
class Scan {
  readonly #body: string;
  readonly #blocks: Block[] = [];
  #inside = false;
  #open: { readonly component: string; readonly at: number } | null = null;
  /** Where the calendar's own properties end. */
  #headTo: number | null = null;

  constructor(body: string) {
    this.#body = body;
  }

  begin(component: string, at: number): void {
    if (component === 'VCALENDAR') {
      if (this.#inside) throw new NoFeed('the feed is cut off');
      this.#inside = true;
      return;
    }
    if (!this.#inside) throw new NoFeed('the answer is not a calendar');
    this.#headTo ??= at;
    this.#close(at);
    this.#open = { component, at };
  }

  end(component: string, at: number, after: number): void {
    if (component === 'VCALENDAR') {
      this.#headTo ??= at;
      this.#close(at);
      this.#inside = false;
    } else if (this.#open?.component === component) {
      this.#close(after);
    }
  }

  finish(): { head: string; blocks: readonly Block[] } {
    if (this.#inside || this.#headTo === null) throw new NoFeed('the feed is cut off');
    return { head: this.#body.slice(0, this.#headTo), blocks: this.#blocks };
  }

  #close(to: number): void {
    if (this.#open === null) return;
    this.#blocks.push({ component: this.#open.component, text: this.#body.slice(this.#open.at, to) });
    this.#open = null;
    if (this.#blocks.length > MAX_BLOCKS) throw new LargeFeed('the feed holds too many events');
  }
}

function objectsOf(blocks: readonly Block[]): FeedObject[] {
  const zones = new Map<string, string>();
  const events = new Map<string, string[]>();
  for (const { component, text } of blocks) {
    const lines = ownLines(text);
    if (component === 'VTIMEZONE') {
      // Escaped as any text; in the events it is a parameter, and is not (RFC 5545 3.3.11, 3.2).
      const name = valueIn(lines, 'TZID')?.replace(/\\([\\;,])/g, '$1') ?? null;
      if (name !== null && wellKnown(name) === null && !zones.has(name)) zones.set(name, text);
    } else {
      const id = idOf(lines, text);
      const group = events.get(id);
      if (group) group.push(text);
      else events.set(id, [text]);
    }
  }
  return [...events].map(([id, texts]) => ({
    id,
    // Made when it is asked for: all of them together are as large as the feed.
    get body() {
      return wrapped(texts, zones);
    },
  }));
}

/** Lines of a component itself, not of its alarms. Of one too large to be an event, none. */
function ownLines(text: string): ContentLine[] {
  try {
    let depth = 0;
    return contentLines(text).filter(({ name }) => {
      if (name === 'BEGIN') depth++;
      if (name === 'END') depth--;
      return depth === 1;
    });
  } catch (error) {
    if (error instanceof Unreadable) return [];
    throw error;
  }
}

function valueIn(lines: readonly ContentLine[], property: string): string | null {
  const line = lines.find(({ name }) => name === property);
  const value = line === undefined ? '' : valueOf(line).trim();
  return value === '' ? null : detached(value);
}

/** Stamps that change each time a feed is made; they tell nothing about an event without UID. */
const STAMPS = new Set(['DTSTAMP', 'CREATED', 'LAST-MODIFIED', 'SEQUENCE']);

function idOf(lines: readonly ContentLine[], text: string): string {
  const uid = valueIn(lines, 'UID');
  if (uid !== null && uid.length <= MAX_ID && !/[\u0000-\u001F\u007F]/.test(uid)) return uid;
  const facts = lines.filter(({ name }) => !STAMPS.has(name)).map((line) => line.text);
  return `sha256:${digestOf(uid ?? (lines.length > 0 ? facts.sort().join('\n') : text))}`;
}

/** SHA-256 of a text in UTF-8, base64url, without a copy of it as a whole. */
export function digestOf(text: string): string {
  const digest = createHash('sha256');
  for (let from = 0; from < text.length;) {
    let to = from + DIGESTED_AT_ONCE;
    // The second half of a surrogate pair stays with the first.
    if (/[\uDC00-\uDFFF]/.test(text.charAt(to))) to += 1;
    digest.update(text.slice(from, to));
    from = to;
  }
  return digest.digest('base64url');
}

/** One calendar object with the definitions it needs of zones that nobody else knows. */
function wrapped(texts: readonly string[], zones: ReadonlyMap<string, string>): string {
  const events = texts.join('\r\n');
  const unfolded = zones.size === 0 ? '' : events.replace(/\r?\n[ \t]/g, '');
  const needed = [...zones].filter(([name]) => unfolded.includes(name)).map(([, text]) => text);
  return ['BEGIN:VCALENDAR', ...needed, events, 'END:VCALENDAR', ''].join('\r\n');
}
