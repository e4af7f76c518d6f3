import { createHash } from 'node:crypto';
import type { Interval, RemoteChange, RemoteObject } from '#domain';
import type { LocalTime } from './local-time.js';
import { identified, row as rowSchema, type Row } from './schemas.js';

const MAX_RAW = 64 * 1024;
const MINUTE = 60_000;

/**
 * The API gives its small numbers again once a purge has freed them. With the minute in which a row was made, a number
 * names one row for ever.
 */
export function remoteIdOf({ id, creationDate }: Pick<Row, 'id' | 'creationDate'>): string {
  return `${String(id)}.${(creationDate ?? '').replace(/\D/g, '')}`;
}

/** The number that the API knows. */
export function numberOf(remoteId: string): string {
  return remoteId.split('.')[0] ?? '';
}

/** Only the vendor's own word makes it certain; a status nobody has heard of is not that word. */
export function acceptanceOf({ status }: Row): RemoteObject['acceptance'] {
  if (status === 'CONFIRMED') return undefined;
  return status === 'REFUSED' ? 'declined' : 'awaited';
}

/** A row as the hub sees it, busy only inside `window` (`null` = wherever it is); `null` when it has no time. */
export function toRemoteObject(row: Row, time: LocalTime, window: Interval | null): RemoteObject | null {
  const start = time.read(row.startDate);
  if (start === null) return null;
  const when = { start, end: start + row.duration * MINUTE };
  const acceptance = acceptanceOf(row);
  const content = [when.start, when.end, row.title ?? null, acceptance ?? null];
  return {
    remoteId: remoteIdOf(row),
    version: versionOf(row),
    contentHash: hash(content),
    reference: row.reference ?? null,
    when,
    recurring: false,
    busy: acceptance === 'declined' ? [] : within(when, window),
    summary: row.title ?? null,
    modifiedAt: null,
    ...(acceptance === undefined ? {} : { acceptance }),
  };
}

/** The API counts no versions: all that can change of a row, in one word. */
export function versionOf({ startDate, duration, status, title, reference }: Row): string {
  return hash([startDate, duration, status, title ?? null, reference ?? null]).slice(0, 24);
}

/** An item of a listing or of the news as a change; `null` when it does not even say which row it is. */
export function toChange(item: unknown, time: LocalTime, window: Interval): RemoteChange | null {
  const known = identified.safeParse(item);
  if (!known.success) return null;
  const remoteId = remoteIdOf(known.data);
  const read = rowSchema.safeParse(item);
  if (read.success && read.data.deleted === 1) return { kind: 'removed', remoteId };
  const object = read.success ? toRemoteObject(read.data, time, window) : null;
  if (object !== null) return { kind: 'upsert', object };
  const reason = read.success ? 'startDate' : read.error.issues.map(({ path }) => path.join('.')).join(', ');
  const raw = JSON.stringify(item).slice(0, MAX_RAW);
  return { kind: 'unreadable', remoteId, version: null, reason: `unreadable: ${reason}`, raw };
}

/** The id a change is about. */
export function idOf(change: RemoteChange): string {
  return change.kind === 'upsert' ? change.object.remoteId : change.remoteId;
}

function within({ start, end }: Interval, window: Interval | null): readonly Interval[] {
  if (window === null) return [{ start, end }];
  if (start >= window.end || end <= window.start) return [];
  return [{ start: Math.max(start, window.start), end: Math.min(end, window.end) }];
}

function hash(content: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
