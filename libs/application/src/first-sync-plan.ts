import { overlaps, type Action, type Interval, type RemoteObject } from '#domain';
import type { LinkDirection } from './model.js';

/** An appointment that is not over, as the hub holds it. */
export interface PlannedAppointment extends Interval {
  readonly id: string;
  /** With its buffers. */
  readonly occupies: Interval;
  readonly motif: string;
}

/**
 * What the first synchronisation does with one object or appointment:
 *
 * - `create`: an appointment is written into the practitioner's agenda;
 * - `adopt`: an object that stands there already is one of ours, from an earlier link;
 * - `follow`: the same, and the practitioner moved it meanwhile: the appointment follows; `cancel`: he freed it;
 * - `overwrite`: the same, and the hub's time is written over it;
 * - `mirror`: time of his that can no longer be booked; `leave`: an object of his that takes no time;
 * - `remove`: ours from an earlier link, whose appointment was cancelled since;
 * - `conflict`: an appointment overlaps time of his: both stay, and a person decides;
 * - `unreadable`: an object that could not be understood: it is put aside.
 */
export type PlanStep =
  'create' | 'adopt' | 'follow' | 'overwrite' | 'cancel' | 'mirror' | 'leave' | 'remove' | 'conflict' | 'unreadable';

/** One line of the plan; nothing about a patient, and no title of the practitioner's. */
export interface PlanItem {
  readonly step: PlanStep;
  /** Where it stands after the step; epoch milliseconds, `[start, end)`; `null` when it has no time. */
  readonly when: Interval | null;
  readonly appointmentId: string | null;
  readonly remoteId: string | null;
  readonly motif: string | null;
}

export interface FirstSyncPlan {
  readonly counts: Readonly<Record<PlanStep, number>>;
  /** In order of time; the first {@link MAX_ITEMS}. */
  readonly items: readonly PlanItem[];
}

/** Most lines of a plan: more than this nobody reads, and counts tell. */
export const MAX_ITEMS = 1_000;

const STEPS: Partial<Record<Action['type'], PlanStep>> = {
  confirm: 'adopt',
  await: 'adopt',
  'follow-retitle': 'adopt',
  'follow-move': 'follow',
  'follow-cancel': 'cancel',
  'write-back': 'overwrite',
  'remove-stray': 'remove',
  conflict: 'conflict',
  quarantine: 'unreadable',
};

/** Turns what reconcile would do on a first read, and what the hub holds, into a plan. Pure. */
export function planFirstSync(
  direction: LinkDirection,
  actions: readonly Action[],
  appointments: readonly PlannedAppointment[],
): FirstSyncPlan {
  const motifs = new Map(appointments.map(({ id, motif }) => [id, motif]));
  const theirs = actions.flatMap((action) => itemOf(action, motifs));
  const known = new Set(theirs.flatMap(({ appointmentId }) => appointmentId ?? []));
  const busy = actions.flatMap((action) =>
    action.type === 'mirror' && action.appointmentId === null ? action.object.busy : [],
  );
  const ours = appointments
    .filter(({ id }) => !known.has(id))
    .flatMap(({ id, start, end, occupies, motif }): PlanItem[] => {
      const step = busy.some((interval) => overlaps(interval, occupies)) ? 'conflict' : 'create';
      if (step === 'create' && direction === 'read-only') return [];
      return [{ step, when: { start, end }, appointmentId: id, remoteId: null, motif }];
    });
  const items = [...theirs, ...ours].sort(byTime);
  const counts: Record<PlanStep, number> = {
    ...{ create: 0, adopt: 0, follow: 0, overwrite: 0, cancel: 0 },
    ...{ mirror: 0, leave: 0, remove: 0, conflict: 0, unreadable: 0 },
  };
  for (const { step } of items) counts[step] += 1;
  return { counts, items: items.slice(0, MAX_ITEMS) };
}

function itemOf(action: Action, motifs: ReadonlyMap<string, string>): PlanItem[] {
  const step = stepOf(action);
  if (step === undefined) return [];
  const object = 'object' in action ? action.object : null;
  const appointmentId = 'appointmentId' in action ? action.appointmentId : null;
  const remoteId = 'remoteId' in action ? action.remoteId : (object?.remoteId ?? null);
  const motif = motifs.get(appointmentId ?? '') ?? null;
  return [{ step, when: timeOf(object), appointmentId, remoteId, motif }];
}

function timeOf(object: RemoteObject | null): Interval | null {
  return object?.when ?? object?.busy[0] ?? null;
}

function stepOf(action: Action): PlanStep | undefined {
  if (action.type !== 'mirror') return STEPS[action.type];
  if (action.appointmentId !== null) return 'adopt';
  return action.object.busy.length > 0 ? 'mirror' : 'leave';
}

function byTime(a: PlanItem, b: PlanItem): number {
  const name = ({ remoteId, appointmentId }: PlanItem): string => `${remoteId ?? ''} ${appointmentId ?? ''}`;
  return (a.when?.start ?? 0) - (b.when?.start ?? 0) || (name(a) < name(b) ? -1 : 1);
}
