import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import { detached } from '#icalendar';
import { readApart, readOnce } from './answers.js';
import type { DavAnswer, DavClient } from './client.js';
import { pathOf, withSlash } from './hrefs.js';
import { blamesContent } from './objects.js';
import { listedIn, type ListedMember, type ObjectReading } from './reading.js';
import { syncCollection } from './requests.js';

/** The events of the first part: the sooner it is there, the sooner they can be taken in. */
const FIRST_PART = 100;
/** Those of any other: few enough to be taken in by one transaction. */
const PART = 200;
/** Of the time that a server has for an answer. */
const SHARE = 0.9;

/** A listing of a whole calendar, but for the events that came with it. */
export interface Listing {
  readonly token: string;
  /** Members without their data. */
  readonly open: readonly string[];
  /** There is more: the answer has a 507 for the collection itself (RFC 6578 3.6). */
  readonly truncated: boolean;
}

/** Where to read, and how. */
export interface Place {
  readonly client: DavClient;
  readonly collection: URL;
  readonly reading: (answer: Uint8Array, options: CallOptions) => Promise<ObjectReading>;
}

/**
 * A listing of a whole calendar by sync-collection, its events with it, as far as the server adds them: so many at a time. `null`
 * where it cannot, or not in time; nothing was yielded then. Throws when its answer breaks off, or takes too much to be read.
 */
export async function* atOnce(
  place: Place,
  options: CallOptions,
): AsyncGenerator<readonly RemoteChange[], Listing | null> {
  const answer = await asked(place, options);
  if (answer === null) return null;
  const { content, url } = answer;
  const itself = pathOf(url.pathname, url);
  const open = new Set<string>();
  let [token, truncated, told] = ['', false, false];
  let part: RemoteChange[] = [];
  const sort = ({ path, status, change }: ListedMember): void => {
    // A listing of all members has nothing to remove: some servers name old tombstones all the same.
    if (path === null || status === 404 || status === 410) return;
    if (path.endsWith('/') || withSlash(path) === itself) truncated ||= status === 507;
    else if (change === null) open.add(path);
    else part.push(change);
  };
  const input = { body: content, url: url.href, reading: await place.reading(content, options), most: Infinity };
  for await (const { members, syncToken } of readApart(listedIn, input, { ...options, ...readOnce(content) })) {
    members.forEach(sort);
    token = syncToken ?? token;
    if (part.length < (told ? PART : FIRST_PART)) continue;
    yield part;
    [part, told] = [[], true];
  }
  if (token === '' && told) throw new ConnectorError('unavailable', 'the listing has no token');
  if (token === '') return null;
  if (part.length > 0) yield part;
  return { token: detached(token), open: [...open], truncated };
}

async function asked({ client, collection }: Place, { signal }: CallOptions): Promise<DavAnswer | null> {
  const request = { method: 'REPORT', url: collection.href, depth: '0', body: syncCollection('', true) } as const;
  // Late is not lost: a listing without the events may still come in time.
  const limit = AbortSignal.timeout(Math.floor(client.timeoutMs * SHARE));
  try {
    return await client.report(request, { signal: AbortSignal.any([signal, limit]) });
  } catch (error) {
    const isLate = limit.aborted && !signal.aborted;
    if (isLate || blamesContent(error)) return null;
    throw error;
  }
}
