import {
  Bookings,
  LaneLost,
  Lanes,
  referenceOf,
  summaryDigest,
  SyncStore,
  Writes,
  type Applied,
  type AppointmentRecord,
  type AppointmentRef,
  type ConfirmHoldCommand,
  type Failure,
  type Lease,
  type LinkRecord,
  type MoveCommand,
  type Patient,
  type PendingWrite,
  type PlaceCommand,
  type PlaceResult,
  type PullEnd,
  type Reason,
  type RequestKey,
  type SyncBase,
} from '#application';
import type { Action, AppointmentStatus, Interval, RemoteChange } from '#domain';
import { recordOf, type BookingFunctions } from './booking-functions.js';
import type { Lifecycle } from './lifecycle.js';
import type { SyncFunctions } from './sync-functions.js';
import * as tables from './tables.js';

/** The database as all processes share it. */
export interface HubDatabase {
  readonly tables: tables.Tables;
  readonly lifecycle: Lifecycle;
  readonly booking: BookingFunctions;
  readonly sync: SyncFunctions;
}

/** One transaction on the way: it takes time, and may fail or be cut off before or after its commit. */
export type Transact = <T>(work: (database: HubDatabase) => T) => Promise<T>;

const WAITING: readonly AppointmentStatus[] = ['pending', 'unknown'];

export class SimulatedBookings extends Bookings {
  constructor(private readonly transact: Transact) {
    super();
  }

  place(command: PlaceCommand): Promise<PlaceResult> {
    return this.transact(({ booking }) => booking.place(command));
  }

  confirmHold(command: ConfirmHoldCommand): Promise<PlaceResult> {
    return this.transact(({ booking }) => booking.confirmHold(command));
  }

  move(command: MoveCommand): Promise<PlaceResult> {
    return this.transact(({ booking }) => booking.move(command));
  }

  reassign(): Promise<PlaceResult> {
    return Promise.reject(new Error('one agenda is simulated'));
  }

  release({ id }: AppointmentRef): Promise<boolean> {
    return this.transact(({ lifecycle }) => lifecycle.end(id, ['held'], 'expired', { code: 'CANCELLED' }));
  }

  cancel(
    { id }: AppointmentRef,
    request: { version: number | null; reason: Reason; key: RequestKey | null },
  ): Promise<PlaceResult> {
    return this.transact(({ booking }) => booking.cancel(id, request));
  }

  get({ id }: AppointmentRef): Promise<AppointmentRecord | null> {
    return this.transact(({ tables: { appointments } }) => {
      const appointment = appointments.get(id);
      return appointment === undefined ? null : recordOf(appointment);
    });
  }

  answerKey(
    _organizationId: string,
    key: RequestKey,
    answer: { status: number; body: unknown; resource: string | null },
  ): Promise<{ status: number; body: unknown } | null> {
    return this.transact(({ booking }) => booking.answerKey(key, answer));
  }

  expireHolds(): Promise<number> {
    return this.transact(({ lifecycle }) => lifecycle.expireHolds({ start: -Infinity, end: Infinity }));
  }

  list(): Promise<readonly AppointmentRecord[]> {
    return Promise.reject(new Error('lists are not simulated'));
  }

  patients(): Promise<ReadonlyMap<string, Patient>> {
    return Promise.resolve(new Map());
  }

  findKey(): ReturnType<Bookings['findKey']> {
    return Promise.reject(new Error('keys are looked up by the booking functions'));
  }
}

export class SimulatedWrites extends Writes {
  constructor(private readonly transact: Transact) {
    super();
  }

  next(_organizationId: string, _agendaId: string, except: readonly string[]): Promise<PendingWrite | null> {
    return this.transact((database) => {
      const { writes, now } = database.tables;
      const due = [...writes.values()].filter(
        (write) => write.due && write.dueAt <= now() && !except.includes(write.appointmentId),
      );
      const [first] = due.sort((a, b) => a.askedAt - b.askedAt || (a.appointmentId < b.appointmentId ? -1 : 1));
      return first === undefined ? null : pendingOf(database, first);
    });
  }

  load({ id }: AppointmentRef): Promise<PendingWrite | null> {
    return this.transact((database) => {
      const write = database.tables.writes.get(id);
      return write === undefined ? null : pendingOf(database, write);
    });
  }

  sent(read: PendingWrite): Promise<boolean> {
    return this.transact(({ tables: database }) => {
      const appointment = database.from(read.appointmentId, WAITING);
      const write = database.writes.get(read.appointmentId);
      if (appointment === null || write === undefined || !database.isStill(read)) return false;
      if (database.safeties.compareAndSet && write.attempts !== read.attempts) return false;
      write.attempts += 1;
      write.unanswered += 1;
      write.lastSentAt = database.now();
      if (write.attempts > 1) appointment.status = 'unknown';
      return true;
    });
  }

  answered(write: PendingWrite): Promise<void> {
    return this.update(write, (row) => (row.unanswered = Math.max(0, row.unanswered - 1)));
  }

  postpone(write: PendingWrite, delayMs: number, failure: Failure | null): Promise<void> {
    return this.update(write, (row, now) =>
      Object.assign(row, { dueAt: now + delayMs, failures: row.failures + (failure === null ? 0 : 1) }),
    );
  }

  refuse(write: PendingWrite, reason: Reason): Promise<boolean> {
    return this.ended(write, ({ lifecycle }) => lifecycle.end(write.appointmentId, WAITING, 'refused', reason));
  }

  revertMove(write: PendingWrite): Promise<boolean> {
    return this.ended(write, ({ lifecycle }) => lifecycle.revertMove(write.appointmentId));
  }

  compensate(write: PendingWrite, reason: Reason): Promise<boolean> {
    return this.ended(write, ({ lifecycle }) => lifecycle.compensate(write.appointmentId, WAITING, 'refused', reason));
  }

  finish(write: PendingWrite): Promise<boolean> {
    return this.ended(write, ({ lifecycle, tables: { appointments } }) => {
      const ending = appointments.get(write.appointmentId)?.ending ?? 'cancelled';
      return lifecycle.end(write.appointmentId, ['compensating'], ending, null);
    });
  }

  renewReference(read: PendingWrite): Promise<boolean> {
    return this.transact(({ tables: database }) => {
      const appointment = database.from(read.appointmentId, WAITING);
      const write = database.writes.get(read.appointmentId);
      if (appointment === null || write === undefined || !database.isStill(read)) return false;
      Object.assign(write, { attempts: 0, unanswered: 0, dueAt: database.now() });
      appointment.generation += 1;
      return true;
    });
  }

  settle(write: PendingWrite): Promise<void> {
    return this.transact(({ tables: database }) => {
      const row = database.writes.get(write.appointmentId);
      if (row && database.isStill(write)) row.due = false;
    });
  }

  private ended(write: PendingWrite, end: (database: HubDatabase) => boolean): Promise<boolean> {
    return this.transact((database) => database.tables.isStill(write) && end(database));
  }

  private update(
    { appointmentId }: PendingWrite,
    change: (row: tables.WriteRow, now: number) => unknown,
  ): Promise<void> {
    return this.transact(({ tables: { writes, now } }) => {
      const row = writes.get(appointmentId);
      if (row?.due === true) change(row, now());
    });
  }
}

export class SimulatedSyncStore extends SyncStore {
  constructor(private readonly transact: Transact) {
    super();
  }

  link(): Promise<LinkRecord | null> {
    return this.transact(linkOf);
  }

  linkOfAgenda(): Promise<LinkRecord | null> {
    return this.transact(linkOf);
  }

  clock(): Promise<string> {
    return this.transact(({ tables: { now } }) => String(now()));
  }

  reference(_link: LinkRecord, appointmentId: string): Promise<string | null> {
    return this.transact(({ tables: { appointments } }) => {
      const appointment = appointments.get(appointmentId);
      return appointment === undefined ? null : referenceOf(appointmentId, appointment.generation);
    });
  }

  versions(): Promise<ReadonlyMap<string, string | null>> {
    return this.transact(({ tables: { mirrors } }) => {
      return new Map(
        [...mirrors.values()].filter(({ gone }) => !gone).map(({ remoteId, version }) => [remoteId, version]),
      );
    });
  }

  async digested(_link: LinkRecord, changes: readonly RemoteChange[]): Promise<readonly RemoteChange[]> {
    return changes.map((change) => {
      if (change.kind !== 'upsert' || change.object.summary === null) return change;
      return { kind: 'upsert', object: { ...change.object, summary: summaryDigest(change.object.summary) } };
    });
  }

  base(_link: LinkRecord, changes: readonly RemoteChange[], window: Interval | null): Promise<SyncBase> {
    return this.transact(({ sync }) => sync.base(changes, window));
  }

  async apply(_link: LinkRecord, actions: readonly Action[], end: PullEnd | null, lease: Lease): Promise<Applied> {
    if (actions.length === 0 && end === null) return { changes: 0, due: 0 };
    const due = await this.transact(({ sync, tables: { lane, safeties } }) => {
      return safeties.fencing && String(lane.fence) !== lease.fence ? null : sync.apply(actions, end);
    });
    if (due === null) throw new LaneLost();
    return { changes: actions.length, due };
  }

  async reconciled(): Promise<void> {
    // A record for people.
  }

  async unannounced(): Promise<void> {
    // Nothing is pushed here.
  }

  putBackendRules(): Promise<boolean> {
    // The simulated backend has no rules.
    return Promise.resolve(false);
  }

  failed(_link: LinkRecord, _failure: Failure, retryMs: number): Promise<void> {
    return this.transact(({ tables: { link, now } }) => {
      link.pollAt = now() + retryMs;
    });
  }

  hinted(): Promise<number | null> {
    return this.transact(({ tables: { link, now } }) => {
      link.pollAt = now();
      return 0;
    });
  }
}

export class SimulatedLanes extends Lanes {
  constructor(private readonly transact: Transact) {
    super();
  }

  acquire(organizationId: string, agendaId: string, leaseMs: number): Promise<Lease | null> {
    return this.transact(({ tables: { lane, now } }) => {
      if (lane.until >= now()) return null;
      lane.fence += 1;
      lane.until = now() + leaseMs;
      return { organizationId, agendaId, fence: String(lane.fence) };
    });
  }

  extend({ fence }: Lease, leaseMs: number): Promise<boolean> {
    return this.set(fence, leaseMs);
  }

  async release({ fence }: Lease): Promise<void> {
    await this.set(fence, -Infinity);
  }

  private set(fence: string, leaseMs: number): Promise<boolean> {
    return this.transact(({ tables: { lane, now } }) => {
      if (String(lane.fence) !== fence) return false;
      lane.until = now() + leaseMs;
      return true;
    });
  }
}

function linkOf({ tables: { link, now } }: HubDatabase): LinkRecord {
  return {
    organizationId: tables.ORGANIZATION,
    id: tables.LINK,
    agendaId: tables.AGENDA,
    connectionId: tables.CONNECTION,
    remoteAgendaId: tables.REMOTE_AGENDA,
    direction: 'two-way',
    disclosure: 'initials',
    policy: link.policy,
    status: 'active',
    phase: 'live',
    paused: false,
    rewriting: false,
    manners: null,
    mannersDue: false,
    timeZone: 'Europe/Paris',
    cursor: link.cursor,
    ageMs: link.asOf === -Infinity ? null : now() - link.asOf,
    rulesAgeMs: null,
    reconciledMs: link.reconciledAt === -Infinity ? null : now() - link.reconciledAt,
    dueInMs: link.pollAt - now(),
    brake: link.braked
      ? { released: link.released, held: link.held.filter((id) => !link.released.includes(id)) }
      : null,
    pace: { wantedMs: null, pushed: false, localHour: 12, staleAfterMs: 120_000, links: 1, throttledMs: null },
    comparedInARow: 0,
    push: { live: false, announced: false, silent: 0, isSilent: false, hintedAt: null },
  };
}

function pendingOf({ tables: { appointments, mirrors, now } }: HubDatabase, write: tables.WriteRow): PendingWrite {
  const appointment = appointments.get(write.appointmentId)!;
  const mirror = [...mirrors.values()].find(
    (candidate) => !candidate.gone && candidate.appointmentId === appointment.id,
  );
  return {
    organizationId: tables.ORGANIZATION,
    appointmentId: appointment.id,
    agendaId: tables.AGENDA,
    linkId: tables.LINK,
    status: appointment.status,
    version: appointment.version,
    when: { start: appointment.start, end: appointment.end },
    reference: referenceOf(appointment.id, appointment.generation),
    generation: appointment.generation,
    patient: tables.PATIENT,
    motifLabel: tables.MOTIF_LABEL,
    attempts: write.attempts,
    unanswered: write.unanswered,
    sinceSentMs: write.lastSentAt === null ? null : now() - write.lastSentAt,
    failures: write.failures,
    askedAt: write.askedAt,
    departing: write.departing,
    mirror: mirror === undefined ? null : { remoteId: mirror.remoteId, version: mirror.version, when: mirror.when },
  };
}
