import { createHash } from 'node:crypto';
import type { Interval, RemoteChange, RemoteObject } from '#domain';
import type { LocalTime } from './local-time.js';
import { identified, vevent as veventSchema, type Vevent } from './schemas.js';

const MAX_RAW = 64 * 1024;
const REFERENCE = /\[([a-z0-9-]{1,64})\]/;

/** How rows of a group are understood. */
export interface Understanding {
  readonly time: LocalTime;
  /** What our rows are signed with. */
  readonly taker: string;
}

/** Where a row keeps whose it is: in its comments, which a person may add to. */
export function commentsOf(reference: string): string {
  return `[${reference}]`;
}

/**
 * `busy`: an appointment or a plage. `idle`: an opening to the internet, or a note, which take no time and are none of
 * the hub's business. `gone`: deleted, until somebody restores it.
 */
export function meaningOf({ type, note, deleted }: Vevent): 'busy' | 'idle' | 'gone' {
  if (deleted) return 'gone';
  return note || type === 'VfreebusyEvent' ? 'idle' : 'busy';
}

/** A busy row as the hub sees it (busy only inside `window`; `null` = wherever it is), or why it cannot. */
export function toRemoteObject(
  row: Vevent,
  { time, taker }: Understanding,
  window: Interval | null,
): RemoteObject | { readonly unreadable: string } {
  const when = time.read(row.start, row.end);
  if (isRepeated(row)) return { unreadable: 'recurrence' };
  if (when === null || when.start > when.end) return { unreadable: 'start, end' };
  return {
    remoteId: String(row.id),
    version: versionOf(row),
    contentHash: hash([when.start, when.end, row.text ?? null]),
    reference: row.taker === taker ? referenceIn(row.comments ?? '') : null,
    when,
    recurring: false,
    busy: within(when, window),
    summary: row.text ?? null,
    modifiedAt: time.read(row.updated_at, row.updated_at)?.start ?? null,
  };
}

function isRepeated({ recurrence, rrule }: Vevent): boolean {
  return recurrence != null || rrule != null;
}

function referenceIn(comments: string): string | null {
  return REFERENCE.exec(comments)?.[1] ?? null;
}

/** The API counts no versions: all that can change of a row, and when it did, to the second. */
export function versionOf(row: Vevent): string {
  const { start, end, text, comments, taker, type, note, deleted, updated_at: updated } = row;
  return hash([start, end, text, comments, taker, type, note, deleted, updated]).slice(0, 24);
}

/** A record of a listing or delta. */
export interface Read {
  readonly id: number;
  readonly updatedAt: string;
  /** `removed` also for what takes no time: whether it was known before, the caller knows. */
  readonly change: RemoteChange;
}

/** Reads a record; `null` when it does not even say which one it is. */
export function readRecord(record: unknown, understanding: Understanding, window: Interval): Read | null {
  const known = identified.safeParse(record);
  if (!known.success) return null;
  const { id, updated_at: updatedAt } = known.data;
  const remoteId = String(id);
  const read = veventSchema.safeParse(record);
  if (read.success && meaningOf(read.data) !== 'busy') return { id, updatedAt, change: { kind: 'removed', remoteId } };
  const object = read.success
    ? toRemoteObject(read.data, understanding, window)
    : { unreadable: read.error.issues.map(({ path }) => path.join('.')).join(', ') };
  if (!('unreadable' in object)) return { id, updatedAt, change: { kind: 'upsert', object } };
  const raw = JSON.stringify(record).slice(0, MAX_RAW);
  const reason = `unreadable: ${object.unreadable}`;
  return { id, updatedAt, change: { kind: 'unreadable', remoteId, version: hash([record]).slice(0, 24), reason, raw } };
}

function within({ start, end }: Interval, window: Interval | null): readonly Interval[] {
  if (start >= end) return [];
  if (window === null) return [{ start, end }];
  if (start >= window.end || end <= window.start) return [];
  return [{ start: Math.max(start, window.start), end: Math.min(end, window.end) }];
}

function hash(content: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
