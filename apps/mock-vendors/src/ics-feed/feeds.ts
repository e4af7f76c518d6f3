import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Refusal } from '../core/refusal.js';

const MAX_MS = 8_640_000_000_000_000;
const instant = z.int().min(0).max(MAX_MS);
const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const title = z.string().max(500);

export const feedSeed = z.strictObject({
  id,
  name: z.string().max(200),
  /** Who may read it; left out: anybody who knows the address. */
  login: z.strictObject({ username: z.string().min(1), password: z.string().min(1) }).optional(),
});

/** What the practitioner does in whatever makes the feed. `spoil` adds an event without any time, `file` replaces all of it by a text, served as it is. */
export const editInput = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('create'), feed: id, start: instant, end: instant, title }),
  z.strictObject({ action: z.literal('move'), feed: id, uid: z.string(), start: instant, end: instant }),
  z.strictObject({ action: z.literal('delete'), feed: id, uid: z.string() }),
  z.strictObject({ action: z.literal('spoil'), feed: id }),
  z.strictObject({ action: z.literal('file'), feed: id, text: z.string() }),
]);

export type Edit = z.output<typeof editInput>;
type Seed = z.output<typeof feedSeed>;

/** One event. Times are epoch milliseconds, `[start, end)`. */
export interface FeedEvent {
  readonly uid: string;
  readonly start: number;
  readonly end: number;
  readonly title: string;
  readonly sequence: number;
}

interface Feed extends Seed {
  readonly events: Map<string, FeedEvent>;
  /** UIDs of events without any time. */
  readonly spoilt: Set<string>;
  file: string | null;
  changedAt: number;
}

/** A feed as it is served. */
export interface Served {
  readonly text: string;
  readonly etag: string;
  readonly changedAt: number;
}

/** Published calendars, and the hand that edits them. */
export class Feeds {
  readonly #feeds = new Map<string, Feed>();

  constructor(private readonly now: () => number) {}

  reset(): void {
    this.#feeds.clear();
  }

  put(seed: Seed): void {
    this.#feeds.set(seed.id, { ...seed, events: new Map(), spoilt: new Set(), file: null, changedAt: this.now() });
  }

  edit(edit: Edit): FeedEvent | null {
    const feed = this.feed(edit.feed);
    feed.changedAt = this.now();
    if (edit.action === 'file') feed.file = edit.text;
    if (edit.action === 'file') return null;
    feed.file = null;
    if (edit.action === 'create')
      return this.#keep(feed, { ...edit, uid: `${randomUUID()}@feed.example`, sequence: 0 });
    if (edit.action === 'spoil') {
      const uid = `${randomUUID()}@feed.example`;
      feed.spoilt.add(uid);
      return { uid, start: 0, end: 0, title: '', sequence: 0 };
    }
    const event = feed.events.get(edit.uid);
    if (!event) throw new Refusal(404, 'event_unknown');
    if (edit.action === 'move')
      return this.#keep(feed, { ...event, start: edit.start, end: edit.end, sequence: event.sequence + 1 });
    feed.events.delete(edit.uid);
    return null;
  }

  events(id: string): readonly FeedEvent[] {
    return [...this.feed(id).events.values()];
  }

  serve(id: string): Served {
    const feed = this.feed(id);
    const text = feed.file ?? written(feed);
    return {
      text,
      etag: `"${createHash('sha256').update(text).digest('hex').slice(0, 32)}"`,
      changedAt: feed.changedAt,
    };
  }

  feed(id: string): Feed {
    const feed = this.#feeds.get(id);
    if (!feed) throw new Refusal(404, 'feed_unknown');
    return feed;
  }

  #keep(feed: Feed, { uid, start, end, title, sequence }: FeedEvent): FeedEvent {
    const event = { uid, start, end, title, sequence };
    feed.events.set(uid, event);
    return event;
  }
}

function utc(instant: number): string {
  return new Date(instant).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

/** RFC 5545 3.3.11; unfolded, which most readers take and many writers do. */
function text(value: string): string {
  return value.replace(/[\\;,]/g, '\\$&').replace(/\r?\n/g, '\\n');
}

function written({ name, events, spoilt, changedAt }: Feed): string {
  const lines = [...events.values()].flatMap(({ uid, start, end, title, sequence }) => [
    'BEGIN:VEVENT',
    `UID:${uid}`,
    `DTSTAMP:${utc(changedAt)}`,
    `SEQUENCE:${String(sequence)}`,
    `DTSTART:${utc(start)}`,
    `DTEND:${utc(end)}`,
    `SUMMARY:${text(title)}`,
    'END:VEVENT',
  ]);
  const broken = [...spoilt].flatMap((uid) => [
    'BEGIN:VEVENT',
    `UID:${uid}`,
    `DTSTAMP:${utc(changedAt)}`,
    'END:VEVENT',
  ]);
  const head = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//mock-vendors//ics-feed//FR', `X-WR-CALNAME:${text(name)}`];
  return [...head, ...lines, ...broken, 'END:VCALENDAR', ''].join('\r\n');
}
