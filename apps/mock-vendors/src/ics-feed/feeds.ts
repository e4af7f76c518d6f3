import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Diary, DiaryAgenda, DiaryChange, DiaryEntry, Dump, Hand, NewDiaryEntry } from '../core/diary.js';
import { parsed, Refusal } from '../core/refusal.js';

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

const feedSeed = z.strictObject({
  id,
  name: z.string().max(200),
  /** Who may read it; left out: anybody who knows the address. */
  login: z.strictObject({ username: z.string().min(1), password: z.string().min(1) }).optional(),
});

const seedInput = z.strictObject({ feeds: z.array(feedSeed) });

type Seed = z.output<typeof feedSeed>;

/** One event. Times are epoch milliseconds, `[start, end)`. */
interface FeedEvent {
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

/** Published calendars, and the hand that edits them. The tool behind them refuses nothing. */
export class Feeds implements Diary {
  readonly #feeds = new Map<string, Feed>();

  constructor(private readonly now: () => number) {}

  agendas(): readonly DiaryAgenda[] {
    return [...this.#feeds.values()].map(({ id, name }) => ({ id, name, zone: 'Europe/Paris' }));
  }

  entries(agendaId: string): readonly DiaryEntry[] {
    return [...this.feed(agendaId).events.values()].map((event) => shown(agendaId, event));
  }

  put(_by: Hand, agendaId: string, { start, end, title }: NewDiaryEntry): DiaryEntry {
    const event = { uid: `${randomUUID()}@feed.example`, start, end, title, sequence: 0 };
    this.#changed(agendaId).events.set(event.uid, event);
    return shown(agendaId, event);
  }

  move(_by: Hand, agendaId: string, id: string, { force: _force, ...to }: DiaryChange): DiaryEntry {
    const before = this.#event(agendaId, id);
    const event = { ...before, ...to, sequence: before.sequence + 1 };
    this.#changed(agendaId).events.set(id, event);
    return shown(agendaId, event);
  }

  remove(_by: Hand, agendaId: string, id: string): void {
    this.#event(agendaId, id);
    this.#changed(agendaId).events.delete(id);
  }

  reset(): void {
    this.#feeds.clear();
  }

  seed(input: unknown): void {
    for (const seed of parsed(seedInput, input).feeds)
      this.#feeds.set(seed.id, { ...seed, events: new Map(), spoilt: new Set(), file: null, changedAt: this.now() });
  }

  dump(): Dump {
    const living = this.agendas().flatMap(({ id }) => this.entries(id));
    return { entries: living.map((entry) => ({ ...entry, deleted: false })) };
  }

  /** Adds an event without any time. */
  spoil(agendaId: string): { id: string } {
    const uid = `${randomUUID()}@feed.example`;
    this.#changed(agendaId).spoilt.add(uid);
    return { id: uid };
  }

  /** Replaces all of a feed by a text, served as it is until the next edit. */
  replace(agendaId: string, text: string): void {
    this.#changed(agendaId).file = text;
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
    if (!feed) throw new Refusal(404, 'agenda_unknown');
    return feed;
  }

  #event(agendaId: string, id: string): FeedEvent {
    const event = this.feed(agendaId).events.get(id);
    if (!event) throw new Refusal(404, 'entry_unknown');
    return event;
  }

  #changed(agendaId: string): Feed {
    const feed = this.feed(agendaId);
    feed.changedAt = this.now();
    feed.file = null;
    return feed;
  }
}

function shown(agendaId: string, { uid, start, end, title }: FeedEvent): DiaryEntry {
  return { id: uid, agendaId, start, end, title, by: 'practitioner' };
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
