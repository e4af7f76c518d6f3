import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import { detached } from '#icalendar';
import { readApart, readOnce } from './answers.js';
import type { DavAnswer, DavClient } from './client.js';
import { blamesContent } from './objects.js';
import { listedIn, type ListedPart, type ObjectReading } from './reading.js';
import { syncCollection } from './requests.js';

/** The events of the first part: the sooner it is there, the sooner they can be taken in. */
const FIRST_PART = 100;
/** Those of any other: few enough to be taken in by one transaction. */
const PART = 200;
/** Parts read ahead of the one that is taken in. */
const AHEAD = 2;
/** Of the time that a server has for an answer. */
const SHARE = 0.9;

/** A listing of a whole calendar, but for the events that came with it. */
export interface Listing {
  readonly token: string;
  /** Members without their data. */
  readonly open: readonly string[];
  readonly truncated: boolean;
}

type Parts = AsyncGenerator<readonly RemoteChange[], Listing | null>;

/** Where to read, and how. */
export interface Place {
  readonly client: DavClient;
  readonly collection: URL;
  readonly reading: (answer: Uint8Array, options: CallOptions) => Promise<ObjectReading>;
}

/**
 * A listing of a whole calendar by sync-collection, its events with it, as far as the server adds them: so many at a time. `null`
 * where it cannot, not in time, or sends more than can be read; nothing was yielded then. Throws when its answer breaks off.
 */
export async function* atOnce(place: Place, options: CallOptions): Parts {
  const parts = partsOf(place, options);
  const asked: ReturnType<Parts['next']>[] = [];
  try {
    for (;;) {
      while (asked.length <= AHEAD) {
        const part = parts.next();
        // Told when its turn comes.
        part.catch(() => undefined);
        asked.push(part);
      }
      const step = await asked.shift();
      if (step?.done === true) return step.value;
      if (step) yield step.value;
    }
  } finally {
    await parts.return(null);
  }
}

async function* partsOf(place: Place, options: CallOptions): Parts {
  const answer = await asked(place, options);
  if (answer === null) return null;
  const { content, url } = answer;
  const open = new Set<string>();
  let [token, truncated, told] = ['', false, false];
  let part: RemoteChange[] = [];
  const take = (read: ListedPart): void => {
    for (const { path, isGone, change } of read.members) {
      // A listing of all members has nothing to remove: some servers name old tombstones all the same.
      if (isGone) continue;
      if (change === null) open.add(path);
      else part.push(change);
    }
    truncated ||= read.truncated;
    token = read.syncToken ?? token;
  };
  const input = { body: content, url: url.href, reading: await place.reading(content, options), most: Infinity };
  try {
    for await (const read of readApart(listedIn, input, { ...options, ...readOnce(content) })) {
      take(read);
      if (part.length < (told ? PART : FIRST_PART)) continue;
      yield part;
      [part, told] = [[], true];
    }
  } catch (error) {
    if (told || !isTooMuch(error)) throw error;
    return null;
  }
  if (token === '' && told) throw new ConnectorError('unavailable', 'the listing has no token');
  if (token === '') return null;
  if (part.length > 0) yield part;
  return { token: detached(token), open: [...open], truncated };
}

/** What takes too much to be read with others may be read by itself. */
function isTooMuch(error: unknown): boolean {
  return ConnectorError.is(error) && error.kind === 'invalid';
}

async function asked({ client, collection }: Place, { signal }: CallOptions): Promise<DavAnswer | null> {
  const body = syncCollection('', true);
  const request = { method: 'REPORT', url: collection.href, depth: '0', body, isListing: true } as const;
  // Late is not lost: a listing without the events may still come in time.
  const limit = AbortSignal.timeout(Math.floor(client.listingTimeoutMs * SHARE));
  try {
    return await client.report(request, { signal: AbortSignal.any([signal, limit]) });
  } catch (error) {
    const isLate = limit.aborted && !signal.aborted;
    if (isLate || blamesContent(error)) return null;
    throw error;
  }
}
