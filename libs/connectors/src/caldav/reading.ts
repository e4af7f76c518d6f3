import type { Interval, RemoteChange, RemoteObject } from '#domain';
import {
  cancelledInstance,
  certainBusy,
  editedEvent,
  endsBefore,
  GLANCE_STEPS,
  ianaZone,
  instanceAt,
  isRecurring,
  Meter,
  movedInstance,
  quoted,
  readCalendarObject,
  remoteObject,
  splitSeries,
  Unreadable,
  UTC,
  type Writing,
} from '#icalendar';
import { normalTag, pathOf, withSlash } from './hrefs.js';
import { caldav, dav, multistatusParts, type DavResponse } from './multistatus.js';

// Everything here reads what a server sent, and is called in a thread: no import may lead to the network.

/** A calendar object as received; `null` body: the server has no such object. */
export interface StoredObject {
  readonly path: string;
  readonly version: string | null;
  readonly body: string | null;
  /** Why the server does not hand it out, though it is there. */
  readonly refusal?: string;
}

/** The same, not yet read. */
export interface ReceivedObject extends Omit<StoredObject, 'body'> {
  readonly content: Uint8Array | null;
}

/** How objects are to be understood. */
export interface ObjectReading {
  /** `series` where the window counts for series only: of a single event all is told. */
  readonly window: Interval;
  readonly seriesOnly?: boolean;
  /** IANA zone of floating times and all-day events; `null`: that of the event itself, else UTC. */
  readonly timeZone: string | null;
  readonly addresses: ReadonlySet<string>;
}

/** What an object of an answer means to the hub. */
export interface ReadObject {
  readonly path: string;
  readonly change: RemoteChange;
}

/** Objects read of one answer. */
export const MOST_OBJECTS = 500;
/** Characters of an object that is read in an answer with others. Larger ones are asked for alone: what one needs, all would lack. */
const MOST_CHARACTERS = 256 * 1024;

const ALWAYS = { start: -8e15, end: 8e15 };
/** Steps for one object: a tenth of a second. */
const OBJECT_STEPS = 300_000;
/** Steps for the objects of one answer: several seconds, and a hundred times what honest calendars need. */
const ANSWER_STEPS = 10_000_000;
/** Occurrences told of the objects of one answer. */
const MAX_BUSY = 100_000;

/** The object a response is about; `null` when it says nothing certain, or more than is read of an answer with others. */
export function objectOf(
  { href, status, properties }: DavResponse,
  url: URL,
  most = MOST_CHARACTERS,
): StoredObject | null {
  const path = pathOf(href, url);
  const body = properties.get(caldav('calendar-data'))?.text;
  if (path === null || (body?.length ?? 0) > most) return null;
  if (body !== undefined && body.trim() !== '')
    return { path, version: normalTag(properties.get(dav('getetag'))?.text), body };
  return status === 404 || status === 410 ? { path, version: null, body: null } : null;
}

/** Reads the objects of an answer to calendar-multiget piece by piece. Throws `XmlError`. */
export function* objectsIn({
  body,
  url,
  reading,
}: {
  readonly body: string | Uint8Array;
  readonly url: string;
  readonly reading: ObjectReading;
}): Generator<readonly ReadObject[]> {
  const base = new URL(url);
  const bounds = boundsOf(ANSWER_STEPS);
  for (const { responses } of multistatusParts(body)) {
    const stored = responses.flatMap((response) => objectOf(response, base) ?? []);
    yield stored.map((object) => ({ path: object.path, change: boundedChange(object, reading, bounds) }));
  }
}

/** A member of a collection as an answer lists it. */
export interface ListedMember {
  readonly path: string;
  readonly isGone: boolean;
  /** What it means to the hub, when the answer holds it. */
  readonly change: RemoteChange | null;
}

/** One piece of a listing. */
export interface ListedPart {
  readonly members: readonly ListedMember[];
  /** There is more: the answer has a 507 for the collection itself (RFC 6578 3.6). */
  readonly truncated: boolean;
  /** Where the piece holds it. */
  readonly syncToken: string | null;
}

/**
 * Reads an answer to sync-collection piece by piece, and of the objects in it at most so many, and no more than may be read
 * of one answer: the others are listed, and can be asked for. Throws `XmlError`.
 */
export function* listedIn({
  body,
  url,
  reading,
  most,
}: {
  readonly body: string | Uint8Array;
  readonly url: string;
  readonly reading: ObjectReading;
  readonly most: number;
}): Generator<ListedPart> {
  const base = new URL(url);
  const itself = pathOf(base.pathname, base);
  const bounds = boundsOf(ANSWER_STEPS);
  let left = most;
  const changeOfListed = (response: DavResponse): RemoteChange | null => {
    const object = response.properties.has(caldav('calendar-data')) ? objectOf(response, base) : null;
    if (object === null || left === 0 || bounds.steps < OBJECT_STEPS || bounds.busy < 0) return null;
    left -= 1;
    const change = boundedChange(object, reading, bounds);
    return bounds.busy < 0 ? null : change;
  };
  for (const { responses, syncToken } of multistatusParts(body)) {
    const members: ListedMember[] = [];
    let truncated = false;
    for (const response of responses) {
      const { href, status } = response;
      const path = pathOf(href, base);
      if (path === null) continue;
      if (path.endsWith('/') || withSlash(path) === itself) truncated ||= status === 507;
      else members.push({ path, isGone: status === 404 || status === 410, change: changeOfListed(response) });
    }
    yield { members, truncated, syncToken };
  }
}

/** Reads one object as it came, in UTF-8. */
export function* changeIn({
  object: { content, ...object },
  reading,
}: {
  object: ReceivedObject;
  reading: ObjectReading;
}): Generator<RemoteChange> {
  const body = content === null ? null : new TextDecoder().decode(content);
  yield boundedChange({ ...object, body }, reading, boundsOf(OBJECT_STEPS));
}

/** One event that must be readable. Throws `Unreadable`. */
export function* objectIn({
  object: { path, version, body },
  reading,
}: {
  object: StoredObject & { readonly body: string };
  reading: ObjectReading;
}): Generator<RemoteObject> {
  const object = understood({ path, version, body }, reading);
  if (object === null) throw new Unreadable('the object holds no event');
  yield object;
}

/** An event with other times and text; see `editedEvent`. */
export function* editIn({ body, writing }: { body: string; writing: Writing }): Generator<string | null> {
  yield editedEvent(body, writing);
}

/** A series and one of its instances, by the start at which it stands. */
export interface SeriesEdit {
  readonly body: string;
  readonly instance: number;
  /** IANA zone of floating times and days. */
  readonly timeZone: string;
  readonly now: number;
}

/** What is to be written; `done`: no instance stands there, and the object is as if it had been changed. `null`: it cannot be. */
export type Edited<Written> = Written | 'done' | null;

/** A series with one instance moved or, without `to`, cancelled; see `movedInstance`. */
export function* instanceIn({
  body,
  timeZone,
  to,
  ...edit
}: SeriesEdit & { readonly to: Interval | null }): Generator<Edited<string>> {
  const local = ianaZone(timeZone) ?? UTC;
  const instance = instanceAt(body, edit.instance, local);
  if (instance === null) yield to === null || instanceAt(body, to.start, local) !== null ? 'done' : null;
  else if (to === null) yield cancelledInstance(body, { ...edit, instance, local });
  else yield movedInstance(body, { ...edit, instance, local }, to);
}

/** A series in two; see `splitSeries`. */
export function* splitIn({
  body,
  timeZone,
  ...edit
}: SeriesEdit & { readonly uid: string; readonly to: Interval | null }): Generator<
  Edited<NonNullable<ReturnType<typeof splitSeries>>>
> {
  const local = ianaZone(timeZone) ?? UTC;
  const instance = instanceAt(body, edit.instance, local);
  if (instance === null) yield endsBefore(body, edit.instance, local) ? 'done' : null;
  else yield splitSeries(body, { ...edit, instance, local });
}

/** What is left for the objects of an answer. */
interface Bounds {
  steps: number;
  busy: number;
  /** For the times of objects that cannot be read. */
  readonly glances: { steps: number };
}

function boundsOf(steps: number): Bounds {
  return { steps, busy: MAX_BUSY, glances: { steps: GLANCE_STEPS } };
}

/** What an object means; of one that cannot be read, the time that it takes all the same. */
function boundedChange(object: StoredObject, reading: ObjectReading, left: Bounds): RemoteChange {
  const change = meteredChange(object, reading, left);
  if (change.kind !== 'unreadable') return change;
  const { window, timeZone, addresses } = reading;
  const local = (timeZone === null ? null : ianaZone(timeZone)) ?? UTC;
  return { ...change, busy: certainBusy(object.body ?? '', { window, local, addresses }, left.glances) };
}

function meteredChange(object: StoredObject, reading: ObjectReading, left: Bounds): RemoteChange {
  const meter = new Meter(Math.min(OBJECT_STEPS, left.steps));
  try {
    const change = meter.run(() => changeOf(object, reading));
    if (change.kind !== 'upsert') return change;
    left.busy -= change.object.busy.length;
    return left.busy < 0 ? unreadable(object, 'the answer holds too many occurrences') : change;
  } catch (error) {
    if (!meter.ranOut(error)) throw error;
    return unreadable(object, error.message);
  } finally {
    left.steps = Math.max(0, left.steps - meter.used);
  }
}

/** What a stored object means to the hub; an object without events, or none at all, is a removal. Throws `TooCostly`. */
export function changeOf(object: StoredObject, reading: ObjectReading): RemoteChange {
  const { path, version, body, refusal } = object;
  if (body === null) return { kind: 'removed', remoteId: path };
  if (refusal !== undefined) return { kind: 'unreadable', remoteId: path, version, reason: refusal, raw: '' };
  try {
    const read = understood({ path, version, body }, reading);
    return read === null ? { kind: 'removed', remoteId: path } : { kind: 'upsert', object: read };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return unreadable(object, error.message);
  }
}

function unreadable({ path, version, body }: StoredObject, reason: string): RemoteChange {
  return { kind: 'unreadable', remoteId: path, version, reason, raw: quoted(body ?? '') };
}

/** `null`: it holds no event. Throws `Unreadable`, `TooCostly`. */
function understood(
  { path, version, body }: StoredObject & { readonly body: string },
  { window, seriesOnly = false, timeZone, addresses }: ObjectReading,
): RemoteObject | null {
  const events = readCalendarObject(body);
  if (events.length === 0) return null;
  const local = (timeZone === null ? null : ianaZone(timeZone)) ?? events.find(({ start }) => start.zone)?.start.zone;
  const whole = seriesOnly && !isRecurring(events) ? ALWAYS : window;
  return remoteObject(events, { remoteId: path, version }, { window: whole, local: local ?? UTC, addresses });
}
