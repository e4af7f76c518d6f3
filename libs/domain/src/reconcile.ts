import { isLive, type AppointmentStatus } from './appointment.js';
import { subtract } from './interval.js';
import { planDeleted, planOurs, refresh } from './reconcile-ours.js';
import { liesInside, read, sameTime } from './reconcile-reading.js';
import type { Reading } from './reconcile-reading.js';
import type { Action, KnownObject, ReconcileInput, ReconcileLink } from './reconcile-types.js';
import type { RemoteObject } from './remote.js';

/** What the practitioner's agenda held before it was lost; deleting it there settles a conflict, too. */
const CERTAINLY_THERE: ReadonlySet<AppointmentStatus> = new Set(['confirmed', 'pending', 'conflict']);
/** Differs from the hash of any content: once it can be read, it has changed. */
const UNREADABLE = 'unreadable';
/** Everything that vanished from a complete listing stays, from this many objects on. */
const EMPTIED = 3;

interface DeletionCount {
  readonly lost: readonly KnownObject[];
  /** Gone, but not lost. */
  readonly ignored: readonly KnownObject[];
  readonly deletions: number;
  readonly total: number;
}

/**
 * Plans one run of two-way synchronisation: what was read (`changes`, `complete`) and what the hub wants
 * (`appointments`), each against the last common state (`known`). Pure: no clock, no I/O, never throws.
 *
 * The plan first frees time (`forget`, `follow-cancel`), then takes it. Once it has been applied, the same input with
 * the new mirrors and appointments gives no further action, but for what waits for somebody: `brake`, `quarantine`, and
 * a `remove-stray` not yet carried out. Two appointments that swapped places give two `follow-move`: they must be
 * applied together.
 */
export function reconcile(input: ReconcileInput): Action[] {
  const reading = read(input);
  const seen = reading.sightings.flatMap((sighting) => {
    const { appointment } = sighting;
    return (appointment ? planOurs({ ...sighting, appointment }, input) : refresh(sighting)) ?? [];
  });
  const freed = seen.filter(isDeletion);
  const [expected, lost] = splitLost(reading, input);
  const held = [...lost, ...freed].map(({ remoteId }) => remoteId);
  const total = input.knownTotal ?? input.known.length;
  const isReleased = (remoteId: string) => input.released?.has(remoteId) === true;
  const deletions = held.filter((remoteId) => !isReleased(remoteId)).length;
  const unseen = lost.filter(({ remoteId }) => !isReleased(remoteId));
  const ignored = [...reading.renamed, ...expected, ...lost.filter(({ remoteId }) => isReleased(remoteId))];
  const braked = isStillHeld(input, held, deletions) || mustBrake(input, { lost: unseen, ignored, deletions, total });
  return [
    ...(braked ? [{ type: 'brake', deletions: held.length, known: total, held } as const] : []),
    ...[...reading.renamed].map(forget),
    ...(braked
      ? []
      : [...expected.map(forget), ...lost.map((known) => planLost(known, reading, input.link)), ...freed]),
    ...seen.filter((action) => !isDeletion(action)),
    ...reading.unreadable.flatMap((change) => planUnreadable(change, reading.knownById.get(change.remoteId) ?? null)),
  ];
}

function isDeletion(action: Action): action is Extract<Action, { type: 'follow-cancel' | 'recreate' | 'conflict' }> {
  const { type } = action;
  // A request that was refused, and says so, was answered: nothing was lost.
  if (type === 'follow-cancel') return action.declined !== true || action.object?.acceptance !== 'declined';
  return type === 'recreate' || (type === 'conflict' && action.reason === 'deleted-there');
}

function forget({ remoteId }: KnownObject): Action {
  return { type: 'forget', remoteId };
}

/**
 * What cannot be understood takes the time that can be told of it, beside what it took before: unknown is not free. It is not for
 * such an object to say that one of ours takes other time.
 */
function planUnreadable(
  { remoteId, version, reason, raw, busy = [] }: Reading['unreadable'][number],
  base: KnownObject | null,
): Action[] {
  const quarantine: Action = { type: 'quarantine', remoteId, version, reason, raw };
  const before = base?.busy ?? [];
  // What the window cuts off moves with it, day by day: only what is not taken yet is new.
  const told = subtract(busy, before);
  const [first] = told;
  if (first === undefined || (base !== null && base.appointmentId !== null)) return [quarantine];
  const object: RemoteObject = {
    ...{ remoteId, version, contentHash: UNREADABLE, reference: null, summary: null, modifiedAt: null },
    when: base?.when ?? first,
    recurring: before.length + told.length > 1,
    busy: [...before, ...told].sort((a, b) => a.start - b.start || a.end - b.end),
  };
  return [{ type: 'mirror', object, appointmentId: null }, quarantine];
}

/** Tells the removals that the hub itself asked for from the others. */
function splitLost({ lost }: Reading, { appointments }: ReconcileInput): [KnownObject[], KnownObject[]] {
  const leaving = new Set(
    appointments.filter(({ status }) => status === 'compensating' || !isLive(status)).map(({ id }) => id),
  );
  const isExpected = ({ appointmentId }: KnownObject) => appointmentId !== null && leaving.has(appointmentId);
  return [lost.filter(isExpected), lost.filter((known) => !isExpected(known))];
}

/**
 * Only what the practitioner's agenda certainly held is a deletion of his: while the outcome of a create is unknown, the
 * object may be on its way back, and a hold ends by other means.
 */
function planLost(known: KnownObject, reading: Reading, link: ReconcileLink): Action {
  if (known.appointmentId === null) return forget(known);
  const appointment = reading.appointmentById.get(known.appointmentId);
  if (appointment === undefined || reading.mirrored.has(appointment.id)) return forget(known);
  const moving = appointment.status === 'unknown' && !sameTime(known.when, appointment.when);
  if (!moving && !CERTAINLY_THERE.has(appointment.status)) return forget(known);
  return planDeleted({ appointment, remoteId: known.remoteId, when: known.when, object: null }, link);
}

/**
 * An agenda that was emptied of a few objects, and nothing of them has come back: the question that a person was asked still
 * stands, whatever else was made there, or cancelled here, in between. Of more objects the share is judged anew each time.
 */
function isStillHeld(
  { held = new Set(), link, changes, complete }: ReconcileInput,
  missing: readonly string[],
  deletions: number,
): boolean {
  if (held.size === 0 || held.size > link.maxDeletions || deletions === 0) return false;
  const there = new Set(complete?.present);
  for (const change of changes) if (change.kind === 'upsert') there.add(change.object.remoteId);
  for (const remoteId of missing) there.delete(remoteId);
  return [...held].every((remoteId) => !there.has(remoteId));
}

function mustBrake({ link, known, complete }: ReconcileInput, run: DeletionCount): boolean {
  if (run.deletions > link.maxDeletions && run.deletions > link.maxDeletionShare * run.total) return true;
  if (!complete || run.lost.length < EMPTIED) return false;
  const gone = new Set([...run.lost, ...run.ignored]);
  return known.every((object) => gone.has(object) || !liesInside(object, complete.window));
}
