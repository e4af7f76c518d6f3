import { createHash } from 'node:crypto';
import type { Interval, RemoteChange, RemoteObject } from '#domain';
import { senseless } from './errors.js';
import { appointment, identified, type Appointment } from './schemas.js';

const MAX_RAW = 64 * 1024;

/** Cancelled; whatever else it may be called, it takes time. */
export function isDeleted({ status }: Appointment): boolean {
  return status === 'deleted';
}

/** A hold: nobody's appointment yet. */
export function isHold({ status }: Appointment): boolean {
  return status === 'temporary';
}

/** An appointment as the hub sees it; busy only inside `window`, `null` = wherever it is. */
export function toRemoteObject(row: Appointment, window: Interval | null): RemoteObject {
  const { start_date: start, end_date: end } = row;
  const inside = window === null || (start < window.end && window.start < end);
  return {
    remoteId: String(row.id),
    version: String(row.lock_version),
    contentHash: hash(row),
    reference: row.partner_reference ?? null,
    when: { start, end },
    recurring: false,
    busy: inside ? [{ start: Math.max(start, window?.start ?? start), end: Math.min(end, window?.end ?? end) }] : [],
    summary: row.title ?? null,
    modifiedAt: row.updated_at ?? null,
  };
}

/**
 * A row of a listing as a change; `null` for a hold. One that does not even say which it is breaks the listing. `only`:
 * what stands on another agenda than this one was taken away.
 */
export function toChange(item: unknown, window: Interval, only?: number): RemoteChange | null {
  const read = appointment.safeParse(item);
  if (read.success) {
    if (isHold(read.data)) return null;
    const { agenda_id: agenda } = read.data;
    if (isDeleted(read.data) || (only !== undefined && agenda != null && agenda !== only))
      return { kind: 'removed', remoteId: String(read.data.id) };
    return { kind: 'upsert', object: toRemoteObject(read.data, window) };
  }
  const known = identified.safeParse(item);
  if (!known.success) throw senseless(false, 200);
  return {
    kind: 'unreadable',
    remoteId: String(known.data.id),
    version: known.data.lock_version == null ? null : String(known.data.lock_version),
    reason: `unreadable: ${read.error.issues.map(({ path }) => path.join('.')).join(', ')}`,
    raw: JSON.stringify(item).slice(0, MAX_RAW),
  };
}

function hash({ start_date, end_date, title }: Appointment): string {
  return createHash('sha256')
    .update(JSON.stringify([start_date, end_date, title ?? null]))
    .digest('hex');
}
