import { overlaps } from './interval.js';
import type { Interval } from './interval.js';
import type { HubAppointment, KnownObject, ReconcileInput } from './reconcile-types.js';
import type { RemoteChange, RemoteObject } from './remote.js';

/** One object that was read, with its base and whose it is. */
export interface Sighting {
  readonly object: RemoteObject;
  /** The last common state; of the former object when the backend gave ours a new id. */
  readonly base: KnownObject | null;
  /** True when `base` stood under another id. */
  readonly renamed: boolean;
  readonly appointmentId: string | null;
  /** `null` for a foreign object, or when the hub no longer has the appointment. */
  readonly appointment: HubAppointment | null;
}

/** What a run has read, every change taken into account before anything is called deleted. */
export interface Reading {
  readonly sightings: readonly Sighting[];
  readonly unreadable: readonly Extract<RemoteChange, { kind: 'unreadable' }>[];
  /** Known objects that are gone and did not come back under another id. */
  readonly lost: readonly KnownObject[];
  /** Known objects of ours that came back under another id. */
  readonly renamed: ReadonlySet<KnownObject>;
  /** Appointments that an object which is still there stands for. */
  readonly mirrored: ReadonlySet<string>;
  readonly knownById: ReadonlyMap<string, KnownObject>;
  readonly appointmentById: ReadonlyMap<string, HubAppointment>;
}

/** True when both are the same times, or neither is any: an empty interval holds no time. */
export function sameTime(a: Interval | null, b: Interval | null): boolean {
  if (isNoTime(a) || isNoTime(b)) return isNoTime(a) && isNoTime(b);
  return a?.start === b?.start && a?.end === b?.end;
}

function isNoTime(when: Interval | null): boolean {
  return when === null || when.start >= when.end;
}

/** True when a listing of `window` must contain the object. */
export function liesInside(known: KnownObject, window: Interval): boolean {
  return (known.when !== null && overlaps(known.when, window)) || known.busy.some((busy) => overlaps(busy, window));
}

/** Sorts out what was read. */
export function read(input: ReconcileInput): Reading {
  const changes = new Map<string, RemoteChange>();
  for (const change of input.changes) {
    const id = change.kind === 'upsert' ? change.object.remoteId : change.remoteId;
    // Deleted first, so that the order is that of the last change for each object.
    changes.delete(id);
    changes.set(id, change);
  }
  const gone = input.known.filter((known) => isGone(known, changes.get(known.remoteId), input));
  const goneIds = new Set(gone.map((known) => known.remoteId));
  const mirrored = new Set<string>();
  for (const { remoteId, appointmentId } of input.known) {
    if (appointmentId !== null && !goneIds.has(remoteId)) mirrored.add(appointmentId);
  }
  const objects = [...changes.values()].flatMap((change) => (change.kind === 'upsert' ? [change.object] : []));
  const formerOf = new Map(
    gone.flatMap((known) => (known.appointmentId === null ? [] : [[known.appointmentId, known]])),
  );
  const newcomers = findNewcomers(objects, input, { mirrored, formerOf });
  const renamed = new Set([...newcomers.values()].flatMap(({ id }) => formerOf.get(id) ?? []));
  const knownById = new Map(input.known.map((known) => [known.remoteId, known]));
  const appointmentById = new Map(input.appointments.map((appointment) => [appointment.id, appointment]));
  const sightings = objects.map((object): Sighting => {
    const newcomer = newcomers.get(object.remoteId);
    const former = newcomer && formerOf.get(newcomer.id);
    const base = former ?? knownById.get(object.remoteId) ?? null;
    const appointmentId = newcomer?.id ?? base?.appointmentId ?? null;
    const appointment = appointmentId === null ? null : (appointmentById.get(appointmentId) ?? null);
    return { object, base, renamed: former !== undefined, appointmentId, appointment };
  });
  return {
    sightings,
    knownById,
    appointmentById,
    unreadable: [...changes.values()].filter((change) => change.kind === 'unreadable'),
    lost: gone.filter((known) => !renamed.has(known)),
    renamed,
    mirrored: new Set([...mirrored, ...[...newcomers.values()].map(({ id }) => id)]),
  };
}

function isGone(known: KnownObject, change: RemoteChange | undefined, { complete }: ReconcileInput): boolean {
  if (change) return change.kind === 'removed';
  if (!complete || complete.present.has(known.remoteId)) return false;
  // Without a time there is no telling whether it was read; it can go only if nothing hangs on it.
  if (known.when === null && known.busy.length === 0) return known.appointmentId === null;
  return liesInside(known, complete.window);
}

/**
 * Objects never seen before that carry the reference of an appointment which no object stands for: by remote id, the
 * appointment. Users copy events with everything in them, so of several only the likeliest is ours, and an object once
 * taken for foreign stays foreign.
 */
function findNewcomers(
  objects: readonly RemoteObject[],
  { known, appointments }: ReconcileInput,
  { mirrored, formerOf }: { mirrored: ReadonlySet<string>; formerOf: ReadonlyMap<string, KnownObject> },
): Map<string, HubAppointment> {
  const knownIds = new Set(known.map(({ remoteId }) => remoteId));
  const candidates = new Map<string, RemoteObject[]>();
  for (const object of objects) {
    if (object.reference === null || knownIds.has(object.remoteId)) continue;
    candidates.set(object.reference, [...(candidates.get(object.reference) ?? []), object]);
  }
  const found = new Map<string, HubAppointment>();
  for (const appointment of appointments) {
    if (mirrored.has(appointment.id)) continue;
    const former = formerOf.get(appointment.id);
    const likelihood = (object: RemoteObject) =>
      (former?.contentHash === object.contentHash ? 4 : 0) +
      (former && sameTime(former.when, object.when) ? 2 : 0) +
      (sameTime(appointment.when, object.when) ? 1 : 0);
    const [ours] = (candidates.get(appointment.reference) ?? []).sort(
      (a, b) => likelihood(b) - likelihood(a) || (a.remoteId < b.remoteId ? -1 : 1),
    );
    if (ours) found.set(ours.remoteId, appointment);
  }
  return found;
}
