import { createHash } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import {
  ConnectorError,
  type CallOptions,
  type ConnectorContext,
  type PullItem,
  type PullRequest,
  type RemoteAgenda,
  type Session,
} from '#connector-sdk';
import type { RemoteChange, RemoteObject } from '#domain';
import { ianaZone, UTC, type Reading } from '#icalendar';
import { FeedClient, type Fetched } from './client.js';
import type { Secrets, Settings } from './config.js';
import { readCursor, writeCursor, type Cursor } from './cursor.js';
import { splitFeed, type Feed, type FeedObject } from './feed.js';
import { belongsTo, changesOf, isHistory, isInside, isKnown } from './listing.js';

/** The one agenda of a feed. */
const AGENDA = 'feed';
/** Objects between which other work gets its turn: each may be a series to expand. */
const AT_A_TIME = 50;
const DAY = 86_400_000;
/** Busy time told of an object that is looked for outside a pull. */
const LOOK = { before: 31 * DAY, after: 400 * DAY };

/** One complete read. */
interface Listing {
  readonly request: PullRequest;
  readonly reading: Reading;
  readonly present: Set<string>;
  /** All is told, also what did not change: the first read, and the first of each window. */
  readonly anew: boolean;
}

/** A conversation with one published calendar. */
export class FeedSession implements Session {
  readonly #client: FeedClient;
  readonly #context: ConnectorContext;
  readonly #addresses: ReadonlySet<string>;
  /** Names what is read and how, without telling the address. */
  readonly #source: string;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#client = new FeedClient(secrets, context);
    this.#context = context;
    this.#addresses = new Set(settings.addresses?.map((address) => address.toLowerCase()));
    this.#source = digest(JSON.stringify([secrets.url, [...this.#addresses]])).slice(0, 22);
  }

  async verify(options: CallOptions): Promise<{ account: string }> {
    await this.#feed(options);
    return { account: this.#client.address.hostname };
  }

  async listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    const { name, timeZone } = await this.#feed(options);
    return [{ id: AGENDA, name: name ?? this.#client.address.hostname, writable: false, timeZone }];
  }

  /**
   * Either nothing has changed, which ends an empty delta, or the whole feed is read, as a complete listing of the
   * window. A window that has moved is always read anew: what lay beyond the old one was never looked at.
   */
  async *pull(request: PullRequest, options: CallOptions): AsyncGenerator<PullItem> {
    const reading = this.#reading(request);
    const read = `${this.#source} ${String(request.window.start)} ${String(request.window.end)} ${request.timeZone}`;
    const last = readCursor(request.cursor);
    const base = last?.read === read ? last : null;
    const fetched = await this.#client.fetch(base, options);
    const cursor = fetched === null ? base : cursorOf(fetched, read);
    if (fetched === null || cursor?.body === base?.body) {
      yield { type: 'end', cursor: cursor && writeCursor(cursor), complete: null };
      return;
    }
    const present = new Set<string>();
    yield* this.#changes(await splitFeed(fetched.body), { request, reading, present, anew: base === null }, options);
    yield { type: 'end', cursor: cursor && writeCursor(cursor), complete: { window: request.window, present } };
  }

  create(): Promise<never> {
    return readOnly();
  }

  update(): Promise<never> {
    return readOnly();
  }

  cancel(): Promise<never> {
    return readOnly();
  }

  /** What the hub wrote elsewhere may come back through a feed. */
  async find(
    { agendaId, reference }: { readonly agendaId: string; readonly reference: string },
    options: CallOptions,
  ): Promise<RemoteObject | null> {
    const now = this.#context.now();
    const window = { start: now - LOOK.before, end: now + LOOK.after };
    const reading = this.#reading({ agendaId, window, timeZone: 'UTC' });
    const { objects } = await this.#feed(options);
    for (const object of objects) {
      if (!object.body.includes(reference)) continue;
      for (const change of changesOf(object, reading))
        if (change.kind === 'upsert' && change.object.reference === reference) return change.object;
    }
    return null;
  }

  close(): void {
    this.#client.close();
  }

  async #feed(options: CallOptions): Promise<Feed> {
    const fetched = await this.#client.fetch(null, options);
    return splitFeed(fetched?.body ?? '');
  }

  /** What is new to the hub; notes what is there. */
  async *#changes(
    { objects }: Feed,
    { request, reading, present, anew }: Listing,
    { signal }: CallOptions,
  ): AsyncGenerator<PullItem> {
    const known = await request.known();
    const isAsked = (change: RemoteChange): boolean => anew || isNews(change, known, reading);
    for (let at = 0; at < objects.length; at += AT_A_TIME) {
      if (signal.aborted) throw new ConnectorError('unavailable', 'the call was given up');
      const changes = objects
        .slice(at, at + AT_A_TIME)
        .flatMap((object) => listed(object, reading, { known, present }))
        .filter(isAsked);
      if (changes.length > 0) yield { type: 'changes', changes };
      await breathe();
    }
  }

  #reading({ agendaId, window, timeZone }: Pick<PullRequest, 'agendaId' | 'window' | 'timeZone'>): Reading {
    if (agendaId !== AGENDA) throw new ConnectorError('not_found', 'a feed holds one agenda only');
    const local = timeZone === 'UTC' ? UTC : ianaZone(timeZone);
    if (local === null) throw new ConnectorError('invalid', 'an unknown time zone');
    return { window, local, addresses: this.#addresses };
  }
}

/** The changes of one UID that lie in the window; notes what is there. */
function listed(
  object: FeedObject,
  reading: Reading,
  { known, present }: { known: ReadonlyMap<string, string | null>; present: Set<string> },
): RemoteChange[] {
  if (isHistory(object, reading)) return [];
  const changes = changesOf(object, reading).filter(
    (change) => change.kind !== 'upsert' || isInside(change.object, reading),
  );
  for (const change of changes) {
    if (change.kind === 'upsert') present.add(change.object.remoteId);
    // It is there, whatever it is: nothing that was known of it may go.
    else for (const id of [change.remoteId, ...known.keys()]) if (belongsTo(id, change.remoteId)) present.add(id);
  }
  return changes;
}

function isNews(change: RemoteChange, known: ReadonlyMap<string, string | null>, reading: Reading): boolean {
  if (change.kind !== 'upsert') return true;
  return !isKnown(change.object, known.get(change.object.remoteId) ?? null, reading);
}

function cursorOf({ body, etag, lastModified }: Fetched, read: string): Cursor {
  return { read, etag, lastModified, body: digest(body) };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function readOnly(): Promise<never> {
  return Promise.reject(new ConnectorError('forbidden', 'a published calendar cannot be written'));
}
