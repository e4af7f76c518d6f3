import { createHash } from 'node:crypto';
import type { Interval, RemoteChange, RemoteObject } from '#domain';
import { appointment as schema, identified, type Appointment } from './schemas.js';

const MAX_RAW = 64 * 1024;
const MARK = 'unisson ';

/** What tells our appointments apart, in the comment that the practice reads. */
export function commentOf(reference: string): string {
  return `${MARK}${reference}`;
}

export function isCanceled({ state }: { readonly state?: string | null | undefined }): boolean {
  return state === 'canceled';
}

export function intervalOf({ start_at: start, duration }: Appointment): Interval {
  return { start, end: start + Math.round(duration * 1000) };
}

/** What stands for a version: the vendor counts none. It begins with where the appointment is, and ends with all that matters. */
export function versionOf(appointment: Appointment): string {
  const { start, end } = intervalOf(appointment);
  const rest = [appointment.state, textOf(appointment), appointment.patient_comment, appointment.updated_at];
  return `${start}-${end}-${hash(rest).slice(0, 12)}`;
}

/** Where the appointment of a version stood; `null`: not a version of ours. */
export function placeOf(version: string | null): Interval | null {
  const [, start, end] = /^(\d+)-(\d+)-/.exec(version ?? '') ?? [];
  return start === undefined || end === undefined ? null : { start: Number(start), end: Number(end) };
}

/** An appointment as the hub sees it; busy only inside `window`, `null` = wherever it is. */
export function toRemoteObject(appointment: Appointment, window: Interval | null): RemoteObject {
  const { start, end } = intervalOf(appointment);
  const inside = window === null || (start < window.end && window.start < end);
  const busy = inside
    ? [{ start: Math.max(start, window?.start ?? start), end: Math.min(end, window?.end ?? end) }]
    : [];
  return {
    remoteId: String(appointment.id),
    version: versionOf(appointment),
    contentHash: hash([start, end, textOf(appointment)]),
    reference: referenceOf(appointment),
    when: { start, end },
    recurring: false,
    busy,
    summary: textOf(appointment),
    modifiedAt: null,
  };
}

/** An item of a listing as a change; `null` when it does not even say which appointment it is. */
export function toChange(item: unknown, window: Interval): RemoteChange | null {
  const known = identified.safeParse(item);
  if (!known.success) return null;
  const remoteId = String(known.data.id);
  if (isCanceled(known.data)) return { kind: 'removed', remoteId };
  const read = schema.safeParse(item);
  if (read.success) return { kind: 'upsert', object: toRemoteObject(read.data, window) };
  return {
    kind: 'unreadable',
    remoteId,
    version: null,
    reason: `unreadable: ${read.error.issues.map(({ path }) => path.join('.')).join(', ')}`,
    raw: JSON.stringify(item).slice(0, MAX_RAW),
  };
}

/** The id a change is about. */
export function idOf(change: RemoteChange): string {
  return change.kind === 'upsert' ? change.object.remoteId : change.remoteId;
}

/** The patient's name, which carries what the link discloses; the practice's own words where there is no patient. */
export function textOf({ patient_attributes: patient, patient_comment: comment }: Appointment): string | null {
  return patient?.last_name ?? comment ?? null;
}

function referenceOf({ patient_comment: comment }: Appointment): string | null {
  return comment?.startsWith(MARK) === true ? comment.slice(MARK.length) : null;
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
