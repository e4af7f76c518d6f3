import { isMainThread } from 'node:worker_threads';
import type { Interval, RemoteChange, RemoteObject } from '#domain';
import { certainBusy, GLANCE_STEPS, ianaZone, Meter, UTC, type Reading } from '#icalendar';
import { splitFeed, type Feed, type FeedObject } from './feed.js';
import { changesOf, isHistory, isInside, isKnown, partOf, unreadable } from './listing.js';

// Everything here reads what a server sent, and is called in a thread: no import may lead to the network.

/** How the events of a feed are to be understood. */
export interface FeedReading {
  readonly window: Interval;
  /** IANA zone. */
  readonly timeZone: string;
  readonly addresses: ReadonlySet<string>;
}

/** A part of a complete read. */
export interface FeedPart {
  /** What is new to the hub. */
  readonly changes: readonly RemoteChange[];
  /** What is there. */
  readonly present: readonly string[];
}

/** UIDs told at a time. */
const AT_A_TIME = 100;
/** Steps for the events of one UID: a tenth of a second. */
const OBJECT_STEPS = 300_000;
/** Steps for a whole feed: several seconds, and a hundred times what honest ones need. */
const FEED_STEPS = 10_000_000;
/** Occurrences told of one feed. */
const MAX_BUSY = 200_000;

/** What a feed says of itself. */
export function* aboutFeed({ body }: { readonly body: Uint8Array }): Generator<Pick<Feed, 'name' | 'timeZone'>> {
  const { name, timeZone } = splitFeed(textOf(body));
  yield { name, timeZone };
}

/**
 * What is new in a feed, beside the versions the hub knows; all of it when `anew`. Events that cost too much to read are
 * told as unreadable, so that the others are not lost.
 */
export function* feedParts({
  body,
  reading,
  known,
  anew,
}: {
  readonly body: Uint8Array;
  readonly reading: FeedReading;
  readonly known: ReadonlyMap<string, string | null>;
  readonly anew: boolean;
}): Generator<FeedPart> {
  const { objects } = splitFeed(textOf(body));
  const read = readingOf(reading);
  const bounds = { steps: FEED_STEPS, busy: MAX_BUSY };
  const glances = { steps: GLANCE_STEPS };
  const knownParts = byUid(known.keys());
  for (let at = 0; at < objects.length; at += AT_A_TIME) {
    const part = { changes: [] as RemoteChange[], present: [] as string[] };
    // Taken once: it is made each time, and may be large.
    for (const { id, body: text } of objects.slice(at, at + AT_A_TIME)) {
      for (const change of boundedChanges({ id, body: text }, read, bounds)) {
        part.present.push(...presentOf(change, knownParts));
        if (change.kind === 'unreadable') part.changes.push({ ...change, busy: certainBusy(text, read, glances) });
        else if (anew || isNews(change, known, read)) part.changes.push(change);
      }
    }
    yield part;
  }
}

/** The object that carries a reference, if there is one. */
export function* withReference({
  body,
  reading,
  reference,
}: {
  readonly body: Uint8Array;
  readonly reading: FeedReading;
  readonly reference: string;
}): Generator<RemoteObject> {
  const read = readingOf(reading);
  const bounds = { steps: FEED_STEPS, busy: MAX_BUSY };
  for (const object of splitFeed(textOf(body)).objects) {
    if (!object.body.includes(reference)) continue;
    for (const change of bounded(() => changesOf(object, read), object, bounds))
      if (change.kind === 'upsert' && change.object.reference === reference) yield change.object;
  }
}

/** What is no UTF-8 is replaced: one bad letter spoils no calendar. A thread lets the bytes go, which nobody else reads. */
function textOf(body: Uint8Array): string {
  const text = new TextDecoder().decode(body);
  if (!isMainThread && body.buffer instanceof ArrayBuffer) body.buffer.transfer(0);
  return text;
}

function readingOf({ window, timeZone, addresses }: FeedReading): Reading {
  return { window, local: ianaZone(timeZone) ?? UTC, addresses };
}

/** The changes of one UID that lie in the window. */
function boundedChanges(object: FeedObject, reading: Reading, left: { steps: number; busy: number }): RemoteChange[] {
  if (isHistory(object, reading)) return [];
  return bounded(() => changesOf(object, reading), object, left).filter(
    (change) => change.kind !== 'upsert' || isInside(change.object, reading),
  );
}

function bounded(
  read: () => RemoteChange[],
  object: FeedObject,
  left: { steps: number; busy: number },
): RemoteChange[] {
  const meter = new Meter(Math.min(OBJECT_STEPS, left.steps));
  try {
    const changes = meter.run(read);
    for (const change of changes) left.busy -= change.kind === 'upsert' ? change.object.busy.length : 0;
    return left.busy < 0 ? [unreadable(object, 'the feed holds too many occurrences')] : changes;
  } catch (error) {
    if (!meter.ranOut(error)) throw error;
    return [unreadable(object, error.message)];
  } finally {
    left.steps = Math.max(0, left.steps - meter.used);
  }
}

/** Known ids by the UID of which they may name a part. */
function byUid(ids: Iterable<string>): ReadonlyMap<string, readonly string[]> {
  const parts = new Map<string, string[]>();
  for (const id of ids) {
    const uid = partOf(id);
    if (uid !== null) parts.set(uid, [...(parts.get(uid) ?? []), id]);
  }
  return parts;
}

/** Of what cannot be read it is certain that it is there: nothing that was known of it may go. */
function presentOf(change: RemoteChange, known: ReadonlyMap<string, readonly string[]>): readonly string[] {
  if (change.kind === 'upsert') return [change.object.remoteId];
  return [change.remoteId, ...(known.get(change.remoteId) ?? [])];
}

function isNews(change: RemoteChange, known: ReadonlyMap<string, string | null>, reading: Reading): boolean {
  return change.kind !== 'upsert' || !isKnown(change.object, known.get(change.object.remoteId) ?? null, reading);
}
