import { isLive } from './appointment.js';
import { judgeDeletion, judgeMove } from './conflict-policy.js';
import type { Disagreement } from './conflict-policy.js';
import { overlaps, union } from './interval.js';
import type { Interval } from './interval.js';
import { sameTime } from './reconcile-reading.js';
import type { Sighting } from './reconcile-reading.js';
import type { Action, ConflictReason, HubAppointment, ReconcileInput, ReconcileLink } from './reconcile-types.js';
import type { RemoteObject } from './remote.js';

type Ours = Sighting & { readonly appointment: HubAppointment };

/** What to do about an object that stands for an appointment; `null` = nothing. */
export function planOurs(sighting: Ours, input: ReconcileInput): Action | null {
  const { status } = sighting.appointment;
  if (!isLive(status)) return planDead(sighting, input);
  if (status === 'held' || status === 'compensating') return refresh(sighting);
  const { object } = sighting;
  const unusable = whyUnusable(sighting);
  if (unusable) return isChanged(sighting) ? conflict(sighting, unusable) : refresh(sighting);
  // Changed or not: it may have been freed while it lay outside the window, where nobody could see it.
  if (object.busy.length === 0 && object.when && overlaps(object.when, input.window)) return planFreed(sighting, input);
  if (object.when === null) return null;
  return status === 'conflict' ? planContested(sighting, object.when, input) : planTimes(sighting, object.when, input);
}

function planFreed({ object, base, appointment }: Ours, { link }: ReconcileInput): Action {
  const when = base?.when ?? appointment.when;
  return planDeleted({ appointment, remoteId: object.remoteId, when, object }, link);
}

/** What stood for an appointment when it was deleted, or freed. */
export interface Deleted {
  readonly appointment: Pick<HubAppointment, 'id' | 'status' | 'when' | 'changedAt' | 'awaited'>;
  readonly remoteId: string;
  /** Where it was last seen to stand. */
  readonly when: Interval | null;
  /** What he left behind; `null` when it is gone. */
  readonly object: RemoteObject | null;
}

/** What becomes of an appointment that the practitioner deleted or freed in his own tool. */
export function planDeleted(
  { appointment, remoteId, when, object }: Deleted,
  { policy, writable }: Pick<ReconcileLink, 'policy' | 'writable'>,
): Action {
  const names = { appointmentId: appointment.id, remoteId, object };
  if (isDeclined(appointment, object)) return { type: 'follow-cancel', ...names, declined: true };
  const verdict = judgeDeletion({ policy, ...changes(appointment, when, object) });
  if (verdict === 'theirs') return { type: 'follow-cancel', ...names };
  if (verdict === 'ours' && writable && appointment.status !== 'conflict') return { type: 'recreate', ...names };
  return { type: 'conflict', ...names, reason: 'deleted-there', base: when };
}

/** It was asked for, and never accepted. A refused move of what was accepted before is none of these. */
function isDeclined({ status, awaited = null }: Deleted['appointment'], object: RemoteObject | null): boolean {
  if (status !== 'pending' && status !== 'unknown') return false;
  return awaited === null ? object?.acceptance === 'declined' : awaited === 'visit';
}

function changes(
  { status, when, changedAt = null }: Deleted['appointment'],
  base: Interval | null,
  object: RemoteObject | null,
): Omit<Disagreement, 'policy'> {
  const hubChanged = status !== 'confirmed' && base !== null && !sameTime(base, when);
  return { hubChanged, changedAt, modifiedAt: object?.modifiedAt ?? null };
}

/**
 * A person decides what becomes of it. What the policy can tell meanwhile, it tells: where he moves it to, it stands; the
 * hub does not win before that person said so.
 */
function planContested(sighting: Ours, when: Interval, { link }: ReconcileInput): Action | null {
  const { object, base, appointment } = sighting;
  if (sameTime(when, base === null ? appointment.when : base.when)) return refresh(sighting);
  const policy = link.policy === 'hub-wins' ? 'ask' : link.policy;
  const verdict = judgeMove({ policy, ...changes(appointment, base?.when ?? null, object) });
  if (sameTime(when, appointment.when) || verdict === 'theirs') {
    return { type: 'follow-move', appointmentId: appointment.id, object, to: when };
  }
  return conflict(sighting, 'both-moved');
}

function whyUnusable({ object }: Ours): ConflictReason | null {
  if (object.recurring) return 'became-recurring';
  return object.when === null || object.when.start >= object.when.end ? 'lost-its-time' : null;
}

/** Keeps the mirror as fresh as what was read; `null` when it is. Busy time is claimed for foreign objects only. */
export function refresh(sighting: Sighting): Action | null {
  const { object, base, appointmentId } = sighting;
  const stale =
    isChanged(sighting) ||
    base?.version !== object.version ||
    (appointmentId === null && !sameBusy(base.busy, object.busy));
  return stale ? { type: 'mirror', object, appointmentId } : null;
}

/** A version alone is no change; the same version with other content is one (some servers repeat versions). */
function isChanged({ object, base, renamed }: Sighting): boolean {
  return base === null || renamed || base.contentHash !== object.contentHash || !sameTime(base.when, object.when);
}

function planTimes(sighting: Ours, when: Interval, { link }: ReconcileInput): Action | null {
  const { appointment, object } = sighting;
  if (object.acceptance === 'awaited' && appointment.status !== 'confirmed') return planAwaited(sighting, when);
  if (sameTime(when, appointment.when)) return planSettled(sighting);
  // A change of ours under way: the outbox writes it, with the version of the mirror.
  if (!isChanged(sighting) && appointment.status !== 'confirmed') return refresh(sighting);
  // What was asked for was answered with another time: that is his answer, and no disagreement.
  if (isAsked(appointment)) return { type: 'follow-move', appointmentId: appointment.id, object, to: when };
  return planMoved(sighting, when, link);
}

/** Somebody there has yet to accept it. Where he has put it meanwhile, it does not stand before he has. */
function planAwaited(sighting: Ours, when: Interval): Action | null {
  const { object, base, appointment } = sighting;
  const isKnown = base !== null && isAsked(appointment);
  const mayGo = appointment.inFlight === true && !isChanged(sighting);
  if (isKnown || mayGo || !sameTime(when, appointment.when)) return refresh(sighting);
  return { type: 'await', appointmentId: appointment.id, object };
}

function isAsked({ status, awaited }: HubAppointment): boolean {
  return (awaited ?? null) !== null && status !== 'confirmed';
}

/** The times differ. */
function planMoved(sighting: Ours, when: Interval, link: ReconcileLink): Action | null {
  const { object, base, appointment } = sighting;
  const before = base?.when ?? null;
  const movedThere = base === null || !sameTime(before, when);
  const names = { appointmentId: appointment.id, object };
  const given = { policy: link.policy, ...changes(appointment, before, object) };
  const verdict = movedThere ? judgeMove(given) : 'ours';
  if (verdict === 'theirs') return { type: 'follow-move', ...names, to: when };
  if (verdict === 'ask') return conflict(sighting, 'both-moved');
  if (link.writable) return { type: 'write-back', ...names, remoteId: object.remoteId };
  return movedThere || appointment.status === 'confirmed' ? conflict(sighting, 'not-writable') : refresh(sighting);
}

/** The times agree. */
function planSettled(sighting: Ours): Action | null {
  const { object, base, renamed, appointment } = sighting;
  const names = { appointmentId: appointment.id, object };
  // Wanted back where it stands: what was sent before may still take it away.
  if (appointment.status !== 'confirmed' && appointment.inFlight === true && !isChanged(sighting))
    return refresh(sighting);
  if (appointment.status !== 'confirmed' || base === null || renamed) return { type: 'confirm', ...names };
  const retitled =
    isChanged(sighting) &&
    object.summary !== null &&
    object.summary !== base.summary &&
    object.summary !== appointment.summary;
  return retitled ? { type: 'follow-retitle', ...names } : refresh(sighting);
}

/**
 * Removed only when it surely is ours and blocks time for nothing: an object never seen before may be a copy, unless it
 * lies where a late write of ours would put it, and none that he deleted himself. What is left alone is the
 * practitioner's from now on.
 */
function planDead({ object, base, appointment }: Ours, { link }: ReconcileInput): Action {
  const surelyOurs = (base !== null || sameTime(object.when, appointment.when)) && appointment.endedThere !== true;
  if (link.writable && surelyOurs && !object.recurring && object.busy.length > 0) {
    return { type: 'remove-stray', appointmentId: appointment.id, object };
  }
  return { type: 'mirror', object, appointmentId: null };
}

function conflict({ object, base, appointment }: Ours, reason: ConflictReason): Action {
  const { remoteId } = object;
  return { type: 'conflict', appointmentId: appointment.id, remoteId, object, reason, base: base?.when ?? null };
}

/** Compares the time covered, however it is cut into intervals. */
function sameBusy(a: readonly Interval[], b: readonly Interval[]): boolean {
  const [x, y] = [union(a), union(b)];
  return x.length === y.length && x.every((interval, index) => sameTime(interval, y[index] ?? null));
}
