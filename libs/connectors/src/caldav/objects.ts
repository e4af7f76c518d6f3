import { ConnectorError, owned, type CallOptions } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import { readApart, readOnce, readOne } from './answers.js';
import type { DavAnswer, DavClient } from './client.js';
import { normalPath, normalTag } from './hrefs.js';
import { changeIn, objectsIn, type ObjectReading, type ReceivedObject, type StoredObject } from './reading.js';
import { multiget } from './requests.js';

/** Objects that a server may fail on, one by one, before it counts as down. */
const MAX_FAILURES = 10;
const NOTHING = new Uint8Array();

/** How the objects in an answer are to be understood, and who takes them. */
export interface ObjectSink {
  reading(answer: string | Uint8Array, options: CallOptions): Promise<ObjectReading>;
  take(change: RemoteChange): void;
}

/** Reads calendar objects of one collection. */
export class ObjectReader {
  readonly #client: DavClient;
  readonly #collection: URL;
  #failures = 0;
  /** The last request for many: a server makes one such answer at a time. */
  #asked: Promise<unknown> = Promise.resolve();

  constructor(client: DavClient, collection: URL) {
    this.#client = client;
    this.#collection = collection;
  }

  /** Reads up to `MOST_OBJECTS` objects in one request, and one by one those that the answer leaves open. */
  async many(paths: readonly string[], sink: ObjectSink, options: CallOptions): Promise<void> {
    if (paths.length === 0) return;
    const open = new Set(paths);
    try {
      const { content, url } = await this.#ask(paths, options);
      const input = { body: content, url: url.href, reading: await sink.reading(content, options) };
      for await (const objects of readApart(objectsIn, input, { ...options, ...readOnce(content) }))
        for (const { path, change } of objects) if (open.delete(path)) sink.take(change);
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
      const content = object.content ?? NOTHING;
      const amount = { characters: content.length, transfer: owned(content) };
      const reading = await sink.reading(content, options);
      sink.take(await readOne(changeIn, { object, reading }, { ...options, ...amount }));
    }
  }

  /** Reads one object. Throws every failure but its absence. */
  async one(path: string, options: CallOptions): Promise<StoredObject> {
    const { content, ...object } = await this.#received(path, options);
    return { ...object, body: content === null ? null : new TextDecoder().decode(content) };
  }

  /** Reads one object that must be there, at a version if one is given. Throws `not_found`, `stale`. */
  async standing(
    { remoteId, version }: { readonly remoteId: string; readonly version: string | null },
    options: CallOptions,
  ): Promise<StoredObject & { readonly body: string }> {
    const { body, ...stored } = await this.one(normalPath(remoteId), options);
    if (body === null) throw new ConnectorError('not_found', 'the event is gone', { status: 404 });
    if (version !== null && version !== stored.version)
      throw new ConnectorError('stale', 'the event has another version');
    return { ...stored, body };
  }

  #ask(paths: readonly string[], options: CallOptions): Promise<DavAnswer> {
    const request = { method: 'REPORT', url: this.#collection.href, body: multiget(paths), isListing: true } as const;
    const answer = this.#asked.then(() => this.#client.report(request, options));
    this.#asked = answer.catch(() => undefined);
    return answer;
  }

  async #received(path: string, options: CallOptions, isListing = false): Promise<ReceivedObject> {
    const url = new URL(path, this.#collection).href;
    const request = { method: 'GET', url, headers: { Accept: 'text/calendar' }, isListing } as const;
    const answer = await this.#client.send(request, options);
    if (answer.status === 404 || answer.status === 410) return { path, version: null, content: null };
    if (answer.status !== 200) throw this.#client.failure(answer, false);
    const { headers, content } = answer;
    if (/^\s*text\/html/i.test(headers['content-type'] ?? '') || /^\s*</.test(beginningOf(content))) {
      throw new ConnectorError('unavailable', 'the server sent a web page instead of an event', { status: 200 });
    }
    return { path, version: normalTag(headers['etag']), content };
  }

  async #tolerant(path: string, options: CallOptions): Promise<ReceivedObject> {
    try {
      // What a listing left open is read as patiently: it may be large.
      return await this.#received(path, options, true);
    } catch (error) {
      if (!ConnectorError.is(error) || !blamesContent(error) || ++this.#failures > MAX_FAILURES) throw error;
      return { path, version: null, content: NOTHING, refusal: error.message };
    }
  }
}

/** Enough of a text to tell what it is. */
function beginningOf(content: Uint8Array): string {
  return new TextDecoder().decode(content.subarray(0, 1024));
}

/** False for failures that say nothing about the objects asked for. */
export function blamesContent(error: unknown): boolean {
  if (!ConnectorError.is(error)) return false;
  if (error.kind === 'invalid') return true;
  return error.status !== undefined && ![401, 429, 502, 503, 504].includes(error.status);
}
