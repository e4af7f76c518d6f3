import { createHash } from 'node:crypto';
import type { Interval, RemoteChange, RemoteObject } from '#domain';
import { appointment as schema, identified, type Appointment } from './schemas.js';

const MAX_RAW = 64 * 1024;
const CANCELLED = 'CANCELLED';

/** Whether it no longer stands. Every other status, known or not, keeps the time busy. */
export function isCancelled({ status }: { readonly status?: string | null | undefined }): boolean {
  return status === CANCELLED;
}

/** An appointment as the hub sees it; busy only inside `window`, `null` = wherever it is. */
export function toRemoteObject(appointment: Appointment, window: Interval | null): RemoteObject {
  const { startDateTime: start, endDateTime: end } = appointment;
  const inside = window === null || (start < window.end && window.start < end);
  const busy = inside
    ? [{ start: Math.max(start, window?.start ?? start), end: Math.min(end, window?.end ?? end) }]
    : [];
  return {
    remoteId: appointment.id,
    version: appointment.updateDate,
    contentHash: hash(appointment),
    reference: appointment.externalId ?? null,
    when: { start, end },
    recurring: false,
    busy,
    summary: appointment.title ?? null,
    modifiedAt: Date.parse(appointment.updateDate),
  };
}

/** An item of a listing as a change; `null` when it does not even say which appointment it is. */
export function toChange(item: unknown, window: Interval): RemoteChange | null {
  const known = identified.safeParse(item);
  if (!known.success) return null;
  const { id, updateDate, status } = known.data;
  if (isCancelled({ status })) return { kind: 'removed', remoteId: id };
  const read = schema.safeParse(item);
  if (read.success) return { kind: 'upsert', object: toRemoteObject(read.data, window) };
  return {
    kind: 'unreadable',
    remoteId: id,
    version: updateDate ?? null,
    reason: `unreadable: ${read.error.issues.map(({ path }) => path.join('.')).join(', ')}`,
    raw: JSON.stringify(item).slice(0, MAX_RAW),
  };
}

/** The id a change is about. */
export function idOf(change: RemoteChange): string {
  return change.kind === 'upsert' ? change.object.remoteId : change.remoteId;
}

function hash({ startDateTime, endDateTime, title }: Appointment): string {
  return createHash('sha256')
    .update(JSON.stringify([startDateTime, endDateTime, title ?? null]))
    .digest('hex');
}
