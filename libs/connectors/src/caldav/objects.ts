import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import { quoted, readCalendarObject, remoteObject, Unreadable, type Reading } from '#icalendar';
import { readable, type DavClient } from './client.js';
import { normalTag, pathOf } from './hrefs.js';
import { caldav, dav, readResponses, type DavResponse } from './multistatus.js';
import { multiget } from './requests.js';

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

/** Takes objects one by one, so that no more than one is held as text. */
export interface ObjectSink {
  /** Called with the text of each answer before its objects. */
  prepare(answer: string, options: CallOptions): Promise<void>;
  take(object: StoredObject): void;
}

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
  async many(paths: readonly string[], sink: ObjectSink, options: CallOptions): Promise<void> {
    if (paths.length === 0) return;
    const open = new Set(paths);
    try {
      const { body, url } = await this.#client.report(
        { method: 'REPORT', url: this.#collection.href, body: multiget(paths) },
        options,
      );
      await sink.prepare(body, options);
      const take = (response: DavResponse): void => {
        const object = objectOf(response, url);
        if (object && open.delete(object.path)) sink.take(object);
      };
      await readable(readResponses(body, take));
    } catch (error) {
      // One object can spoil the whole answer: a missing one, a forbidden one, one that is not XML, one too large.
      if (!blamesContent(error)) throw error;
      const rest = [...open];
      if (rest.length > 1) {
        const half = Math.ceil(rest.length / 2);
        await this.many(rest.slice(0, half), sink, options);
        await this.many(rest.slice(half), sink, options);
        return;
      }
    }
    for (const path of open) {
      const object = await this.#tolerant(path, options);
      await sink.prepare(object.body ?? '', options);
      sink.take(object);
    }
  }

  /** Reads one object. Throws every failure but its absence. */
  async one(path: string, options: CallOptions): Promise<StoredObject> {
    const answer = await this.#client.send(
      { method: 'GET', url: new URL(path, this.#collection).href, headers: { Accept: 'text/calendar' } },
      options,
    );
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

/** The object a response is about; `null` when it says nothing certain. */
export function objectOf({ href, status, properties }: DavResponse, url: URL): StoredObject | null {
  const path = pathOf(href, url);
  if (path === null) return null;
  const body = properties.get(caldav('calendar-data'))?.text;
  if (body !== undefined && body.trim() !== '')
    return { path, version: normalTag(properties.get(dav('getetag'))?.text), body };
  return status === 404 || status === 410 ? { path, version: null, body: null } : null;
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
    return { kind: 'unreadable', remoteId: path, version, reason: error.message, raw: quoted(body) };
  }
}
