import { overlaps, type Interval } from '#domain';
import type { Booking } from './booking.js';
import type { Actor, AppointmentRecord, Reason, RequestKey, Slot } from './model.js';
import type { Bookings } from './ports.js';
import type { SearchSlots } from './search-slots.js';
import { counted } from './visibility.js';

type Alternative = Slot & { readonly timeZone: string };
type Collaborator = Extract<Actor, { kind: 'collaborator' }>;

export interface BulkRef {
  readonly organizationId: string;
  readonly id: string;
}

export interface BulkRecord {
  readonly id: string;
  readonly state: 'running' | 'done';
  readonly reason: Reason;
  readonly actor: Collaborator;
  readonly items: readonly BulkItem[];
}

/** `left`: it was not cancelled, and `problem` says why. */
export interface BulkItem {
  readonly appointmentId: string;
  readonly agendaId: string;
  /** Epoch milliseconds. */
  readonly start: number;
  /** As it was listed: one that was changed since is left. */
  readonly version: number;
  readonly state: 'due' | 'cancelled' | 'left';
  readonly problem: string | null;
}

export interface BulkCommand extends BulkRef {
  readonly agendaIds: readonly string[];
  readonly window: Interval;
  /** Those that were looked at; others in the window stay. */
  readonly appointmentIds: readonly string[];
  readonly reason: Reason;
  readonly actor: Collaborator;
  readonly key: RequestKey | null;
}

export abstract class BulkStore {
  /** Notes what is to be cancelled; the id of the first such request with the same key, or `reused`. */
  abstract create(command: BulkCommand): Promise<{ readonly id: string } | 'reused'>;
  /** How many of its appointments each agenda has, whatever has become of them. */
  abstract perAgenda(command: BulkCommand): Promise<ReadonlyMap<string, number>>;
  abstract get(ref: BulkRef): Promise<BulkRecord | null>;
  /** This process is at it: a worker does not come for a while. */
  abstract keep(ref: BulkRef): Promise<void>;
  /** Cancelled or being cancelled: its patient is to be called back; left when a successor of it stands. Again without harm. */
  abstract cancelled(ref: BulkRef, appointmentId: string): Promise<void>;
  abstract left(ref: BulkRef, appointmentId: string, problem: string): Promise<void>;
  /** Done, when nothing is due any more. */
  abstract finish(ref: BulkRef): Promise<void>;
}

/** What a bulk cancellation would do to one patient. */
export interface Affected {
  readonly record: AppointmentRecord;
  /** Other times after the window, none offered to two patients first. */
  readonly alternatives: readonly Alternative[];
}

/** Most appointments of one bulk cancellation. */
export const MOST_AFFECTED = 200;
const OFFERED = 3;
const LIVE = ['pending', 'unknown', 'confirmed', 'conflict'] as const;

/** "Dr X is ill on Thursday": shows who is affected and where they could go, then cancels one by one. */
export class BulkCancellation {
  constructor(
    private readonly parts: {
      readonly store: BulkStore;
      readonly booking: Booking;
      readonly bookings: Bookings;
      readonly slots: SearchSlots;
    },
  ) {}

  /** Live appointments that start in the window, with other times for each; `null` when there are too many. */
  async preview(
    organizationId: string,
    agendaIds: readonly string[],
    window: Interval,
  ): Promise<readonly Affected[] | null> {
    await counted(0);
    const { start: from, end: to } = window;
    const query = { organizationId, agendaIds, from, to, statuses: LIVE, after: null, limit: MOST_AFFECTED + 1 };
    const records = await this.parts.bookings.list(query);
    if (records.length > MOST_AFFECTED) return null;
    const free = await this.freeAfter(organizationId, records, to);
    const turns = new Map<string, number>();
    return records.map((record) => {
      const group = groupOf(record);
      const turn = turns.get(group) ?? 0;
      turns.set(group, turn + 1);
      return { record, alternatives: (free.get(group) ?? []).slice(turn, turn + OFFERED) };
    });
  }

  async create(command: BulkCommand): Promise<{ readonly id: string } | 'reused'> {
    await counted(await this.parts.store.perAgenda(command));
    return this.parts.store.create(command);
  }

  /** Goes on with what is due, at most `waitMs` (one at least): this request, or a worker after it. `null` when unknown. */
  async run(ref: BulkRef, waitMs: number): Promise<BulkRecord | null> {
    const { store, booking } = this.parts;
    const end = Date.now() + waitMs;
    const bulk = await store.get(ref);
    if (bulk === null || bulk.state === 'done') return bulk;
    const { reason, actor } = bulk;
    for (const { appointmentId, version } of bulk.items.filter(({ state }) => state === 'due')) {
      await store.keep(ref);
      const asked = { organizationId: ref.organizationId, id: appointmentId, version, key: null };
      const answer = await booking.cancel({ ...asked, reason, actor, waitMs: 0 });
      if (answer.outcome === 'booked') await store.cancelled(ref, appointmentId);
      else await store.left(ref, appointmentId, answer.problem);
      if (Date.now() >= end) break;
    }
    await store.finish(ref);
    return store.get(ref);
  }

  /** Free times of each agenda and motif after the window, that do not overlap one another. */
  private async freeAfter(
    organizationId: string,
    records: readonly AppointmentRecord[],
    from: number,
  ): Promise<ReadonlyMap<string, readonly Alternative[]>> {
    const found = new Map<string, readonly Alternative[]>();
    for (const record of records) {
      const group = groupOf(record);
      if (found.has(group)) continue;
      const patients = records.filter((other) => groupOf(other) === group).length;
      const wanted = patients + OFFERED - 1;
      const { agendaId, motifId } = record;
      const query = { organizationId, agendaIds: [agendaId], motifId, from, limit: wanted * 12 };
      found.set(group, apart((await this.parts.slots.next(query))?.slots ?? []).slice(0, wanted));
    }
    return found;
  }
}

function groupOf({ agendaId, motifId }: AppointmentRecord): string {
  return `${agendaId} ${motifId}`;
}

/** The first of those that overlap. */
function apart(slots: readonly Alternative[]): Alternative[] {
  const chosen: Alternative[] = [];
  for (const slot of slots) {
    const last = chosen.at(-1);
    if (last === undefined || !overlaps(last, slot)) chosen.push(slot);
  }
  return chosen;
}
