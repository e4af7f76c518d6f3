import { createHash } from 'node:crypto';
import { overlaps, type Interval, type RemoteChange, type RemoteObject } from '#domain';
import { ianaZone, Meter, quoted, readCalendarObject, remoteObject, Unreadable, UTC } from '#icalendar';
import * as schemas from './schemas.js';
import type { Absence, Rdv } from './schemas.js';
import { intervalOf, ZONE } from './times.js';

/** Who does not come, or was told not to, takes no time. */
const FREEING = new Set(['excused', 'revoked']);
const REFERENCE = /\[unisson ([a-z0-9-]{1,64})\]/;
/** Steps for one series, which is read on the event loop: a few milliseconds, and many times what a practice writes. */
const SERIES_STEPS = 10_000;
const EVERYTHING: Interval = { start: -8e15, end: 8e15 };

/** The only place where an absence can carry our reference is its title. */
export function titleOf(title: string, reference: string): string {
  return `${title} [unisson ${reference}]`;
}

export function absenceId(remoteId: string): string | null {
  return /^absence_(\d+)$/.exec(remoteId)?.[1] ?? null;
}

/** An absence as the hub sees it; busy only inside `window`, `null` = wherever it is. Throws `Unreadable`. */
export function absenceObject(absence: Absence, window: Interval | null): RemoteObject {
  const remoteId = `absence_${absence.id}`;
  const title = absence.title ?? null;
  if (absence.rrule != null) return series(absence, remoteId, window);
  const when = intervalOf(absence);
  if (when === null) throw new Unreadable('an absence without a length');
  const hash = hashOf([when.start, when.end, title]);
  return {
    ...{ remoteId, version: hash, contentHash: hash },
    reference: REFERENCE.exec(title ?? '')?.[1] ?? null,
    ...{ when, recurring: false, busy: busyIn(when, window) },
    summary: title,
    modifiedAt: null,
  };
}

/** A series is read from the calendar file that the vendor sends along: it holds the rule with its zone. */
function series({ ical, title }: Absence, remoteId: string, window: Interval | null): RemoteObject {
  if (ical == null) throw new Unreadable('a series without its calendar file');
  // The vendor ends its rules with a semicolon, which RFC 5545 does not know.
  const text = ical.replace(/^(RRULE:.*?);+\s*$/gm, '$1');
  const local = ianaZone(ZONE) ?? UTC;
  const reading = { window: window ?? { start: 0, end: 0 }, local, addresses: new Set<string>() };
  const meter = new Meter(SERIES_STEPS);
  let object: RemoteObject;
  try {
    object = meter.run(() => remoteObject(readCalendarObject(text), { remoteId, version: null }, reading));
  } catch (error) {
    throw meter.ranOut(error) ? new Unreadable(error.message) : error;
  }
  const hash = hashOf([object.contentHash, title ?? null]);
  return { ...object, recurring: true, version: hash, contentHash: hash, reference: null, summary: title ?? null };
}

/** What a rendez-vous means for the agenda; nothing of it is about the patient. */
export function rdvObject({ id, starts_at: start, ends_at: end, motif }: Rdv, window: Interval): RemoteObject {
  const hash = hashOf([start, end]);
  return {
    ...{ remoteId: `rdv_${id}`, version: hash, contentHash: hash, reference: null },
    ...{ when: { start, end }, recurring: false, busy: busyIn({ start, end }, window) },
    summary: motif?.name ?? null,
    modifiedAt: null,
  };
}

/** An item of the list of absences; `null` when it is another agent's. */
export function absenceChange(item: unknown, agentId: number, window: Interval): RemoteChange | null {
  const glimpse = schemas.absenceGlimpse.safeParse(item);
  if (!glimpse.success || glimpse.data.agent?.id !== agentId) return null;
  return readable(`absence_${glimpse.data.id}`, item, () => {
    const read = schemas.absence.safeParse(item);
    if (!read.success) throw new Unreadable(fieldsOf(read.error.issues));
    return absenceObject(read.data, window);
  });
}

/** An item of the list of rendez-vous; `null` when it is another agent's, or takes no time any more. */
export function rdvChange(item: unknown, agentId: number, window: Interval): RemoteChange | null {
  const glimpse = schemas.glimpse.safeParse(item);
  if (glimpse.success && !glimpse.data.agents.some(({ id }) => id === agentId)) return null;
  if (glimpse.success && FREEING.has(glimpse.data.status ?? '')) return null;
  return readable(`rdv_${(item as { id: number }).id}`, item, () => {
    const read = schemas.rdv.safeParse(item);
    if (!read.success) throw new Unreadable(fieldsOf(read.error.issues));
    return rdvObject(read.data, window);
  });
}

/** True when a listing of the window holds it. */
export function isInside(change: RemoteChange, window: Interval): boolean {
  if (change.kind !== 'upsert') return true;
  const { when, busy } = change.object;
  return busy.length > 0 || (when !== null && overlaps(when, window));
}

function readable(remoteId: string, item: unknown, read: () => RemoteObject): RemoteChange {
  try {
    return { kind: 'upsert', object: read() };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const raw = JSON.stringify(item);
    return { kind: 'unreadable', remoteId, version: hashOf(raw), reason: error.message, raw: quoted(raw) };
  }
}

function busyIn(when: Interval, window: Interval | null): Interval[] {
  const within = window ?? EVERYTHING;
  if (!overlaps(when, within)) return [];
  return [{ start: Math.max(when.start, within.start), end: Math.min(when.end, within.end) }];
}

function fieldsOf(issues: readonly { readonly path: readonly PropertyKey[] }[]): string {
  return `unreadable: ${issues.map(({ path }) => path.map(String).join('.')).join(', ')}`;
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url');
}
