import {
  Alarm,
  Backends,
  Booking,
  BusyWriter,
  Calendar,
  Effects,
  LaneRunner,
  LinkStages,
  RemoteWriter,
  SearchSlots,
  StoreUnavailable,
  SyncLink,
  WriteThrough,
  type Backend,
  type Bookings,
} from '#application';
import type { Capabilities, Session } from '#connector-sdk';
import { Deadline, SimulatedSession } from './session.js';
import {
  SimulatedBookings,
  SimulatedLanes,
  SimulatedSyncStore,
  SimulatedWrites,
  type HubDatabase,
  type Transact,
} from './stores.js';
import * as names from './tables.js';
import type { World } from './world.js';

/** Start of virtual time: a midnight, so that windows of whole days hold still. */
export const EPOCH = Date.UTC(2026, 0, 5);
const TICK_MS = 1_000;
/** Longer than a lease: the lane may be another's by then. */
const LONGEST_PAUSE_MS = 30_000;
const DAY = 86_400_000;

/** The use cases of one process. */
export interface Application {
  readonly booking: Booking;
  readonly bookings: Bookings;
}

/** How the vendor is talked to; a run may hand in a broken variant. */
export interface Conversation {
  readonly capabilities: Capabilities;
  session(honest: Session): Session;
}

/** One process of the hub: the production classes over the simulated ports. It may die at any await. */
export class Host implements Application {
  readonly booking: Booking;
  readonly bookings: Bookings;
  private readonly lanes: LaneRunner;
  private alive = true;
  private pausedUntil = 0;

  constructor(
    private readonly world: World,
    conversation: Conversation,
    private readonly died: () => void,
  ) {
    const effects = new SimulatedEffects(this, world);
    const transact: Transact = (work) => this.transact(work);
    const store = new SimulatedSyncStore(transact);
    const writes = new SimulatedWrites(transact);
    const sync = new SyncLink(store, effects);
    const writer = new RemoteWriter(writes, sync, effects);
    const backend: Backend = {
      session: conversation.session(new SimulatedSession(world, this)),
      capabilities: conversation.capabilities,
    };
    const backends = new SimulatedBackends(backend);
    this.bookings = new SimulatedBookings(transact);
    this.lanes = new LaneRunner({
      lanes: new SimulatedLanes(transact),
      store,
      writes,
      backends,
      sync,
      writer,
      // Nobody changes the practitioner's own time: of the store, only this is ever called.
      busyWriter: Object.assign(new BusyWriter(null!, sync, effects), { next: () => Promise.resolve(null) }),
      // Links of the simulation are live from the beginning: nothing here is ever called.
      stages: new LinkStages({ store: null!, firstSync: null!, sync, effects }),
      effects,
    });
    const alarm = new SimulatedAlarm(world);
    this.booking = new Booking(
      this.bookings,
      new SearchSlots(new NoCalendar()),
      new WriteThrough({ bookings: this.bookings, lanes: this.lanes, alarm, effects }),
    );
    this.tick(world.random.between(0, TICK_MS));
  }

  /** False from the instant on at which the process is dead: what it waits for never comes. */
  survives(): boolean {
    if (this.alive && this.world.fails(this.world.faults.crash)) this.crash();
    return this.alive;
  }

  crash(): void {
    if (!this.alive) return;
    this.alive = false;
    this.died();
  }

  /** Drains the lane, as a worker does that was woken. */
  drain(): void {
    this.work('none');
  }

  private transact<T>(work: (database: HubDatabase) => T): Promise<T> {
    const { scheduler, random, faults, database } = this.world;
    const takes = this.world.fails(faults.slowTransaction) ? random.between(50, 500) : random.between(1, 5);
    return new Promise((resolve, reject) => {
      if (!this.survives()) return;
      const broken = this.world.fails(faults.databaseError);
      scheduler.quietly(takes, () => {
        // What was sent before the process died may still be committed.
        if (!this.alive && random.chance(0.5)) return;
        if (broken && random.chance(0.5)) return this.resume(() => reject(new StoreUnavailable('connection')));
        const value = work(database);
        database.tables.check();
        this.resume(() => (broken ? reject(new StoreUnavailable('connection')) : resolve(value)));
      });
    });
  }

  /** Goes on with what was waited for, as soon as the process moves; never, when it is dead. */
  resume(settle: () => void): void {
    const { scheduler, random, faults } = this.world;
    if (!this.survives()) return;
    if (this.pausedUntil <= scheduler.now && this.world.fails(faults.pause))
      this.pausedUntil = scheduler.now + random.between(1_000, LONGEST_PAUSE_MS);
    if (this.pausedUntil > scheduler.now) {
      scheduler.quietly(this.pausedUntil - scheduler.now, () => this.resume(settle));
      return;
    }
    scheduler.wakes();
    settle();
  }

  /** What a worker's ticks find due; and an administrator looks at deletions that the brake held back. */
  private tick(afterMs: number): void {
    this.world.scheduler.quietly(afterMs, () => {
      if (!this.alive) return;
      this.tick(TICK_MS);
      const { appointments, writes, link, now } = this.world.database.tables;
      for (const { holdUntil } of appointments.values())
        if (holdUntil !== null && holdUntil <= now()) return this.expire();
      if (link.braked && this.world.random.chance(0.05)) {
        link.released = link.held;
        this.work('delta');
      } else if (link.pollAt <= now()) this.work(link.reconciledAt < now() - DAY ? 'full' : 'delta');
      for (const write of writes.values()) if (write.due && write.dueAt <= now()) return this.work('none');
    });
  }

  private expire(): void {
    this.world.scheduler.wakes();
    this.bookings.expireHolds(names.ORGANIZATION, names.AGENDA).catch((error: unknown) => this.note(error));
  }

  private work(sync: 'none' | 'delta' | 'full'): void {
    if (!this.alive) return;
    this.world.scheduler.wakes();
    const run = this.lanes.run({ organizationId: names.ORGANIZATION, agendaId: names.AGENDA, sync });
    run.catch((error: unknown) => this.note(error));
  }

  /** A database that is away for a moment is no news; anything else is. */
  private note(error: unknown): void {
    if (!(error instanceof StoreUnavailable)) this.world.scheduler.fail(error);
  }
}

class SimulatedEffects extends Effects {
  /** No two machines agree on the time; leases and expiry must not care. */
  private readonly skew: number;

  constructor(
    private readonly host: Host,
    private readonly world: World,
  ) {
    super();
    this.skew = world.random.between(-30_000, 30_000);
  }

  now(): number {
    return EPOCH + 12 * 3_600_000 + this.world.scheduler.now + this.skew;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.world.scheduler.quietly(ms, () => {
        this.host.resume(resolve);
      });
    });
  }

  random(): number {
    return this.world.random.next();
  }

  deadline(ms: number): Deadline {
    return new Deadline(this.world.scheduler.now + ms);
  }
}

class SimulatedBackends extends Backends {
  constructor(private readonly backend: Backend) {
    super();
  }

  open(): Promise<Backend> {
    return Promise.resolve(this.backend);
  }
}

/** Wakes some process a little later, or nobody. */
class SimulatedAlarm extends Alarm {
  constructor(private readonly world: World) {
    super();
  }

  wake(): Promise<void> {
    if (!this.world.fails(0.2))
      this.world.scheduler.quietly(this.world.random.between(5, 100), () => this.world.host()?.drain());
    return Promise.resolve();
  }
}

/** A refused booking looks for alternatives; here there are none. */
class NoCalendar extends Calendar {
  windows(): ReturnType<Calendar['windows']> {
    return Promise.resolve(null);
  }
  factsAt(): ReturnType<Calendar['factsAt']> {
    return Promise.resolve(null);
  }
  standing(): ReturnType<Calendar['standing']> {
    return Promise.resolve({ secretariat: null, visits: [], usualAgendaIds: [] });
  }
  agendas(): ReturnType<Calendar['agendas']> {
    return Promise.resolve([]);
  }
  motifs(): ReturnType<Calendar['motifs']> {
    return Promise.resolve([]);
  }
  collaborator(): Promise<boolean> {
    return Promise.resolve(true);
  }
  expandRules(): Promise<void> {
    return Promise.resolve();
  }
}
