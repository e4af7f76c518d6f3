import { setImmediate as breathe } from 'node:timers/promises';
import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import { readCalendarObject } from './calendar-object.js';
import type { DavClient, DavListing } from './client.js';
import { normalTag, pathOf } from './hrefs.js';
import { caldav, dav } from './multistatus.js';
import { remoteObject, type Reading } from './remote-object.js';
import { multiget } from './requests.js';
import { Unreadable } from './unreadable.js';

/** A calendar object as received; `null` body: the server has no such object. */
export interface StoredObject {
  readonly path: string;
  readonly version: string | null;
  readonly body: string | null;
  /** Why the server does not hand it out, though it is there. */
  readonly refusal?: string;
}

/** Members asked for in one request. */
export const BATCH = 500;
/** Objects that a server may fail on, one by one, before it counts as down. */
const MAX_FAILURES = 10;
const MAX_RAW_BYTES = 64 * 1024;
const TURN_MS = 15;

/** Reads calendar objects of one collection. */
export class ObjectReader {
  readonly #client: DavClient;
  readonly #collection: URL;
  #failures = 0;

  constructor(client: DavClient, collection: URL) {
    this.#client = client;
    this.#collection = collection;
  }

  /** Reads up to {@link BATCH} objects in one request, and one by one those that the answer leaves open. */
  async many(paths: readonly string[], options: CallOptions): Promise<StoredObject[]> {
    const only = paths[0];
    if (only === undefined) return [];
    let listing: DavListing;
    try {
      listing = await this.#client.multistatus({ method: 'REPORT', url: this.#collection.href, body: multiget(paths) }, options);
    } catch (error) {
      // One object can spoil the whole answer: a missing one, a forbidden one, one that is not XML, one too large.
      if (!blamesContent(error)) throw error;
      if (paths.length === 1) return [await this.#tolerant(only, options)];
      const half = Math.ceil(paths.length / 2);
      const first = await this.many(paths.slice(0, half), options);
      return [...first, ...(await this.many(paths.slice(half), options))];
    }
    const found = objectsOf(listing);
    const objects: StoredObject[] = [];
    for (const path of paths) objects.push(found.get(path) ?? (await this.#tolerant(path, options)));
    return objects;
  }

  /** Reads one object. Throws every failure but its absence. */
  async one(path: string, options: CallOptions): Promise<StoredObject> {
    const answer = await this.#client.send({ method: 'GET', url: new URL(path, this.#collection).href, headers: { Accept: 'text/calendar' } }, options);
    if (answer.status === 404 || answer.status === 410) return { path, version: null, body: null };
    if (answer.status !== 200) throw await this.#client.failure(answer, false);
    if (/^\s*text\/html/i.test(answer.headers['content-type'] ?? '') || /^\s*</.test(answer.body)) {
      throw new ConnectorError('unavailable', 'the server sent a web page instead of an event', { status: 200 });
    }
    return { path, version: normalTag(answer.headers['etag']), body: answer.body };
  }

  async #tolerant(path: string, options: CallOptions): Promise<StoredObject> {
    try {
      return await this.one(path, options);
    } catch (error) {
      if (!ConnectorError.is(error) || !blamesContent(error) || ++this.#failures > MAX_FAILURES) throw error;
      return { path, version: null, body: '', refusal: error.message };
    }
  }
}

/** False for failures that say nothing about the objects asked for. */
function blamesContent(error: unknown): boolean {
  if (!ConnectorError.is(error)) return false;
  if (error.kind === 'invalid') return true;
  return error.status !== undefined && ![401, 429, 502, 503, 504].includes(error.status);
}

/** Objects in an answer by path; those it says nothing certain about are left out. */
export function objectsOf({ url, responses }: DavListing): Map<string, StoredObject> {
  const found = new Map<string, StoredObject>();
  for (const { href, status, properties } of responses) {
    const path = pathOf(href, url);
    if (path === null) continue;
    const body = properties.get(caldav('calendar-data'))?.text;
    if (body !== undefined && body.trim() !== '') {
      found.set(path, { path, version: normalTag(properties.get(dav('getetag'))?.text), body });
    } else if ((status === 404 || status === 410) && !found.has(path)) {
      found.set(path, { path, version: null, body: null });
    }
  }
  return found;
}

/** What a stored object means to the hub; an object without events, or none at all, is a removal. */
export function changeOf({ path, version, body, refusal }: StoredObject, reading: Reading): RemoteChange {
  if (body === null) return { kind: 'removed', remoteId: path };
  if (refusal !== undefined) return { kind: 'unreadable', remoteId: path, version, reason: refusal, raw: '' };
  try {
    const events = readCalendarObject(body);
    if (events.length === 0) return { kind: 'removed', remoteId: path };
    return { kind: 'upsert', object: remoteObject(events, { remoteId: path, version }, reading) };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { kind: 'unreadable', remoteId: path, version, reason: error.message, raw: shortened(body) };
  }
}

/** {@link changeOf} for many, leaving the event loop its turns. */
export async function changesOf(objects: readonly StoredObject[], reading: Reading): Promise<RemoteChange[]> {
  const changes: RemoteChange[] = [];
  let since = performance.now();
  for (const object of objects) {
    changes.push(changeOf(object, reading));
    if (performance.now() - since < TURN_MS) continue;
    await breathe();
    since = performance.now();
  }
  return changes;
}

function shortened(body: string): string {
  if (Buffer.byteLength(body) <= MAX_RAW_BYTES) return body;
  const bytes = Buffer.from(body).subarray(0, MAX_RAW_BYTES);
  // A character cut in two would grow into a replacement character of three bytes.
  return bytes.toString().replace(/\uFFFD$/, '');
}
