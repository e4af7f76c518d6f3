import { ConnectorError, type CallOptions, type PullItem, type PullRequest } from '#connector-sdk';
import type { Interval, RemoteChange } from '#domain';
import { detached } from '#icalendar';
import { atOnce } from './at-once.js';
import { prepareToRead, readApart, readOnce } from './answers.js';
import type { DavAnswer, DavClient } from './client.js';
import { withSlash } from './hrefs.js';
import { memberTags } from './listing.js';
import { CALENDAR_SERVER } from './multistatus.js';
import { blamesContent, ObjectReader } from './objects.js';
import { listedIn, MOST_OBJECTS, type ObjectReading } from './reading.js';
import { CTAG, syncCollection } from './requests.js';

/** What the pulls of one session learn of their server. */
export interface Listings {
  /** Whether it lists changes with their data, or at least does not stumble over being asked to. */
  withData: boolean;
  /** The same of everything. */
  atOnce: boolean;
  /** The last changes did not come in time: they may be many, and are waited for as long as for everything. */
  late: boolean;
}

/** What a pull needs beside the request. */
export interface SyncParts {
  readonly client: DavClient;
  readonly listings: Listings;
  /** How to read the objects in an answer: only some need the account's own addresses. */
  readonly reading: (answer: string | Uint8Array, options: CallOptions) => Promise<ObjectReading>;
}

type Cursor =
  | { readonly kind: 'none' }
  /** RFC 6578. */
  | { readonly kind: 'token'; readonly value: string }
  /** Calendar version of a server without RFC 6578; empty when it has none. */
  | { readonly kind: 'tags'; readonly value: string };

function cursorOf(text: string | null): Cursor {
  if (text === null) return { kind: 'none' };
  const [, kind, value = ''] = /^(token|tags):([^]*)$/.exec(text) ?? [];
  if (kind === 'token' || kind === 'tags') return { kind, value };
  throw new ConnectorError('cursor_expired', 'the cursor is not one of ours');
}

/** Answers to a token that mean that it is dead, as different servers give them (RFC 6578 3.2 knows only the first). */
const DEAD_TOKEN = new Set([403, 400, 409, 410, 412, 418, 422, 500, 501, 507]);
/** Answers of servers without RFC 6578, or that will not list everything at once (its 3.6). */
const NO_SYNC = new Set([400, 403, 405, 409, 415, 422, 500, 501, 507]);
const MAX_PAGES = 10_000;
/** Parts asked for, and read, ahead of the one that is taken in. */
const AHEAD = 1;

/** One answer to sync-collection. */
interface Page {
  /** Empty when the answer has none. */
  readonly token: string;
  /** Each with what it means, when the answer holds it. */
  readonly changed: ReadonlyMap<string, RemoteChange | null>;
  readonly removed: ReadonlySet<string>;
  readonly truncated: boolean;
}

async function readPage({ content, url }: DavAnswer, reading: ObjectReading, options: CallOptions): Promise<Page> {
  const changed = new Map<string, RemoteChange | null>();
  const removed = new Set<string>();
  let truncated = false;
  let token = '';
  const input = { body: content, url: url.href, reading, most: MOST_OBJECTS };
  for await (const part of readApart(listedIn, input, { ...options, ...readOnce(content) })) {
    for (const { path, isGone, change } of part.members) {
      if (isGone) removed.add(path);
      else changed.set(path, change);
    }
    truncated ||= part.truncated;
    token = part.syncToken ?? token;
  }
  for (const path of changed.keys()) removed.delete(path);
  return { token: detached(token), changed, removed, truncated };
}

function unread(paths: readonly string[]): Page['changed'] {
  return new Map(paths.map((path) => [path, null]));
}

/** One pull of one calendar. */
export class CollectionSync {
  readonly #client: DavClient;
  readonly #parts: SyncParts;
  readonly #request: PullRequest;
  readonly #collection: URL;
  readonly #reader: ObjectReader;
  /** Members found by a complete listing; `null` in a delta. */
  #present: Set<string> | null = null;

  constructor(parts: SyncParts, request: PullRequest) {
    this.#client = parts.client;
    this.#parts = parts;
    this.#request = request;
    this.#collection = parts.client.resolve(withSlash(request.agendaId));
    this.#reader = new ObjectReader(parts.client, this.#collection);
  }

  async *pull(options: CallOptions): AsyncGenerator<PullItem> {
    const cursor = cursorOf(this.#request.cursor);
    if (cursor.kind === 'none' && this.#request.only !== undefined) {
      yield* this.#part(this.#request.only, options);
      return;
    }
    if (cursor.kind === 'tags') {
      yield* this.#byTags(cursor.value, options);
      return;
    }
    const token = cursor.kind === 'token' ? cursor.value : null;
    if (token === null) {
      prepareToRead();
      this.#present = new Set();
    }
    const first = (token === null ? yield* this.#whole(options) : null) ?? (await this.#report(token, options));
    if (first) yield* this.#pages(first, options);
    else yield* this.#byTags(null, options);
  }

  /** The events that a listing of everything has with it, and what it leaves open; `null` where it takes one without them. */
  async *#whole(options: CallOptions): AsyncGenerator<PullItem, Page | null> {
    const { listings, reading } = this.#parts;
    if (!listings.atOnce) return null;
    const events = atOnce({ client: this.#client, collection: this.#collection, reading }, options);
    try {
      for (;;) {
        const step = await events.next();
        if (step.done === true) {
          listings.atOnce = step.value !== null;
          return step.value && { ...step.value, changed: unread(step.value.open), removed: new Set() };
        }
        yield { type: 'changes', changes: this.#taken(step.value) };
      }
    } catch (error) {
      listings.atOnce = false;
      throw error;
    } finally {
      // Whoever stops in between leaves no thread behind that reads for nobody.
      await events.return(null);
    }
  }

  /** Changes since a token; `null` when the server cannot do that. Throws `cursor_expired` for a dead token. */
  async #report(token: string | null, options: CallOptions): Promise<Page | null> {
    const page = token === null ? null : await this.#reportWithData(token, options);
    if (page) return page;
    try {
      const listed = await this.#listed(token ?? '', false, options);
      // It was the data that it stumbled over.
      if (token !== null) this.#parts.listings.withData = false;
      if (listed.token !== '') return listed;
    } catch (error) {
      if (!ConnectorError.is(error) || error.status === undefined) throw error;
      if (!(token === null ? NO_SYNC : DEAD_TOKEN).has(error.status)) throw error;
    }
    if (token === null) return null;
    throw new ConnectorError('cursor_expired', 'the server no longer knows the sync token');
  }

  /** The same with what changed, in one request; `null` when that does not come of it. */
  async #reportWithData(token: string, options: CallOptions): Promise<Page | null> {
    if (!this.#parts.listings.withData) return null;
    try {
      const page = await this.#listed(token, true, options);
      return page.token === '' ? null : page;
    } catch (error) {
      if (!blamesContent(error)) throw error;
      return null;
    }
  }

  async #listed(token: string, withData: boolean, options: CallOptions): Promise<Page> {
    const { listings } = this.#parts;
    const body = syncCollection(token, withData);
    const isListing = token === '' || listings.late;
    const request = { method: 'REPORT', url: this.#collection.href, depth: '0', body, isListing } as const;
    const answer = await this.#client.report(request, options).catch((error: unknown) => {
      listings.late = ConnectorError.is(error) && error.status === undefined;
      throw error;
    });
    listings.late = false;
    return readPage(answer, await this.#parts.reading(answer.content, options), options);
  }

  async *#pages(first: Page, options: CallOptions): AsyncGenerator<PullItem> {
    const seen = new Set<string>();
    for (let page: Page | null = first; page;) {
      const { token, truncated, changed, removed } = page;
      // A listing of all members has nothing to remove: some servers name old tombstones all the same.
      yield* this.#deliver({ changed, removed: this.#present ? [] : [...removed] }, options);
      if (!truncated) {
        yield this.#end(`token:${token}`);
        return;
      }
      if (seen.has(token) || seen.size > MAX_PAGES)
        throw new ConnectorError('unavailable', 'the server pages in circles');
      seen.add(token);
      page = await this.#report(token, options);
    }
  }

  async *#deliver(
    { changed, removed }: { changed: Page['changed']; removed: readonly string[] },
    options: CallOptions,
  ): AsyncGenerator<PullItem> {
    if (removed.length > 0) {
      yield { type: 'changes', changes: removed.map((remoteId) => ({ kind: 'removed' as const, remoteId })) };
    }
    const listed = [...changed.values()].filter((change) => change !== null);
    if (listed.length > 0) yield { type: 'changes', changes: this.#taken(listed) };
    const open = [...changed].filter(([, change]) => change === null).map(([path]) => path);
    for await (const read of this.#batches(open, options)) {
      const changes = this.#taken(read);
      if (changes.length > 0) yield { type: 'changes', changes };
    }
  }

  /** What a complete listing notes as present, and what a delta passes on. */
  #taken(read: readonly RemoteChange[]): readonly RemoteChange[] {
    const changes = this.#present ? read.filter(({ kind }) => kind !== 'removed') : read;
    for (const change of changes)
      this.#present?.add(change.kind === 'upsert' ? change.object.remoteId : change.remoteId);
    return changes;
  }

  /** What comes next is asked for and read while the last part is taken in. */
  async *#batches(paths: readonly string[], options: CallOptions): AsyncGenerator<RemoteChange[]> {
    const reads: Promise<RemoteChange[]>[] = [];
    for (let at = 0; at < paths.length || reads.length > 0; at += MOST_OBJECTS) {
      if (at < paths.length) {
        const read = this.#read(paths.slice(at, at + MOST_OBJECTS), options);
        // Told when its turn comes.
        read.catch(() => undefined);
        reads.push(read);
      }
      if (reads.length > AHEAD || at + MOST_OBJECTS >= paths.length) yield (await reads.shift()) ?? [];
    }
  }

  async #read(paths: readonly string[], options: CallOptions): Promise<RemoteChange[]> {
    const changes: RemoteChange[] = [];
    const reading: SyncParts['reading'] = (answer, call) => this.#parts.reading(answer, call);
    await this.#reader.many(paths, { reading, take: (change) => changes.push(change) }, options);
    return changes;
  }

  /** Without RFC 6578: the calendar's version says whether anything changed, entity tags say what. */
  async *#byTags(known: string | null, options: CallOptions): AsyncGenerator<PullItem> {
    const tag = await this.#calendarTag(options);
    const cursor = `tags:${tag ?? ''}`;
    if (known !== null && tag !== null && known === tag) {
      yield this.#end(cursor);
      return;
    }
    const tags = await memberTags(this.#place, null, options);
    const mirror = known === null ? new Map<string, string | null>() : await this.#request.known();
    const same = (path: string, version: string | null): boolean => version !== null && mirror.get(path) === version;
    const [unchanged, changed] = [
      [...tags].filter(([path, version]) => same(path, version)),
      [...tags].filter(([path, version]) => !same(path, version)),
    ];
    this.#present = new Set(unchanged.map(([path]) => path));
    yield* this.#deliver({ changed: unread(changed.map(([path]) => path)), removed: [] }, options);
    yield this.#end(cursor);
  }

  /**
   * One part of the window. What is known there is asked for by name where the server does not list it: it may have moved
   * elsewhere, and servers miss instances of series.
   */
  async *#part(only: Interval, options: CallOptions): AsyncGenerator<PullItem> {
    const listed = await memberTags(this.#place, only, options);
    const missing = [...(await this.#request.known()).keys()].filter((path) => !listed.has(path));
    const present = (this.#present = new Set());
    yield* this.#deliver({ changed: unread([...listed.keys(), ...missing]), removed: [] }, options);
    yield { type: 'end', cursor: null, complete: { window: only, present } };
  }

  get #place(): { client: DavClient; collection: URL } {
    return { client: this.#client, collection: this.#collection };
  }

  async #calendarTag(options: CallOptions): Promise<string | null> {
    const request = { method: 'PROPFIND', url: this.#collection.href, depth: '0', body: CTAG } as const;
    const { responses } = await this.#client.multistatus(request, options);
    if (responses[0]?.status === 404) throw new ConnectorError('not_found', 'the calendar is gone', { status: 404 });
    return responses[0]?.properties.get(`{${CALENDAR_SERVER}}getctag`)?.text.trim() ?? null;
  }

  #end(cursor: string): PullItem {
    const complete = this.#present ? { window: this.#request.window, present: this.#present } : null;
    return { type: 'end', cursor, complete };
  }
}
