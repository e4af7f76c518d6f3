import { createHash } from 'node:crypto';
import type { Interval, RemoteChange, RemoteObject } from '#domain';
import { identified, entry as entrySchema, type Entry } from './schemas.js';

const MAX_RAW = 64 * 1024;

/** An entry as the hub sees it; busy only inside `window`, `null` = wherever it is. */
export function toRemoteObject(entry: Entry, window: Interval | null): RemoteObject {
  const { start, end } = entry;
  const inside = window === null || (start < window.end && window.start < end);
  const busy = inside
    ? [{ start: Math.max(start, window?.start ?? start), end: Math.min(end, window?.end ?? end) }]
    : [];
  return {
    remoteId: entry.id,
    version: String(entry.version),
    contentHash: hash(entry),
    reference: entry.reference ?? null,
    when: { start, end },
    recurring: false,
    busy,
    summary: entry.title ?? null,
    modifiedAt: entry.updatedAt ?? null,
  };
}

/** An item of a listing or delta as a change; `null` when it does not even say which entry it is. */
export function toChange(item: unknown, window: Interval): RemoteChange | null {
  const read = entrySchema.safeParse(item);
  if (read.success) return { kind: 'upsert', object: toRemoteObject(read.data, window) };
  const known = identified.safeParse(item);
  if (!known.success) return null;
  const { id, version } = known.data;
  return {
    kind: 'unreadable',
    remoteId: id,
    version: version == null ? null : String(version),
    reason: `unreadable: ${read.error.issues.map(({ path }) => path.join('.')).join(', ')}`,
    raw: JSON.stringify(item).slice(0, MAX_RAW),
  };
}

/** The id a change is about. */
export function idOf(change: RemoteChange): string {
  return change.kind === 'upsert' ? change.object.remoteId : change.remoteId;
}

function hash({ start, end, title }: Entry): string {
  return createHash('sha256')
    .update(JSON.stringify([start, end, title ?? null]))
    .digest('hex');
}
