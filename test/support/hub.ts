import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  Alerts,
  Approval,
  BackendHolds,
  Booking,
  Brake,
  BusyChanging,
  BusyWriter,
  CleanUp,
  ConflictInbox,
  ConnectorBackends,
  Connections,
  FirstSync,
  Housekeeping,
  LaneRunner,
  LinkLifecycle,
  Links,
  LinkStages,
  newId,
  Quarantine,
  RemoteWriter,
  RuntimeEffects,
  SearchSlots,
  Subscriptions,
  Succession,
  SyncLink,
  WriteThrough,
  type Actor,
  type Alarm,
  type Backends,
  type Bookings,
  type Lanes,
  type Mailer,
  type SyncStore,
  type Vault,
  type Writes,
} from '#application';
import { connectors } from '#connectors';
import type { ConflictPolicy } from '#domain';
import {
  Database,
  PgAlertStore,
  PgBackendHolds,
  PgBookings,
  PgBrakeStore,
  PgBusyChanges,
  PgCalendar,
  PgConflicts,
  PgConnectionStore,
  PgDisconnections,
  PgDueWork,
  PgEvents,
  PgHealthStore,
  PgInterest,
  PgKeptAnswers,
  PgLanes,
  PgLinkStore,
  PgPlans,
  PgQuarantineStore,
  PgStages,
  PgSubscriptionStore,
  PgSuccession,
  PgSyncStore,
  PgWrites,
} from '#persistence';

/** The hub's parts in this process, on a real database, without HTTP. */
export interface TestHub {
  readonly database: Database;
  readonly booking: Booking;
  readonly bookings: PgBookings;
  readonly calendar: PgCalendar;
  readonly conflicts: PgConflicts;
  readonly connections: Connections;
  readonly due: PgDueWork;
  readonly events: PgEvents;
  readonly housekeeping: Housekeeping;
  readonly holds: BackendHolds | null;
  readonly inbox: ConflictInbox;
  readonly lanes: LaneRunner;
  readonly links: Links;
  readonly lifecycle: LinkLifecycle;
  readonly succession: Succession;
  readonly approval: Approval;
  readonly cleanUp: CleanUp;
  readonly alerts: Alerts;
  readonly subscriptions: Subscriptions;
  readonly brake: Brake;
  readonly quarantine: Quarantine;
  readonly busy: BusyChanging;
  readonly interest: PgInterest;
  readonly search: SearchSlots;
  readonly sync: PgSyncStore;
  readonly writes: PgWrites;
  close(): Promise<void>;
}

/** A key ring that every process of one test shares. */
export const TEST_KEYS = `t1:${Buffer.alloc(32, 7).toString('base64')}`;

const SILENT: Alarm = { wake: () => Promise.resolve() };

export interface TestHubOptions {
  readonly url: string;
  readonly publicUrl?: string;
  readonly poolSize?: number;
  readonly timeoutMs?: number;
  /** Rings for nobody when left out. */
  readonly alarm?: Alarm;
  /** The platform's vault when left out. */
  readonly vault?: Vault;
  /** Sends alerts; none are mailed when left out. */
  readonly mailer?: Mailer;
  readonly alertEveryMs?: number;
  /** True: what is held here is held at the backend too, where it can be. */
  readonly keepsHolds?: boolean;
  /** Lets a test stand between the saga and its ports. */
  readonly around?: Around;
}

/** What a test puts around the ports that the use cases are given; the hub's own members stay bare. */
export interface Around {
  bookings?: (bookings: Bookings) => Bookings;
  writes?: (writes: Writes) => Writes;
  sync?: (store: SyncStore) => SyncStore;
  lanes?: (lanes: Lanes) => Lanes;
  backends?: (backends: Backends) => Backends;
}

function wrap<Port>(around: ((port: Port) => Port) | undefined, port: Port): Port {
  return around === undefined ? port : around(port);
}

export async function openHub({
  url,
  publicUrl,
  poolSize = 8,
  timeoutMs = 3000,
  around = {},
  alarm = SILENT,
  ...given
}: TestHubOptions): Promise<TestHub> {
  const database = await Database.open({ url, poolSize, applicationName: 'unisson-test' });
  const vault = given.vault ?? (await import('./test-vault.js')).testVault(database);
  const effects = new RuntimeEffects();
  const bookings = new PgBookings(database, vault);
  const calendar = new PgCalendar(database);
  const writes = new PgWrites(database, vault);
  const sync = new PgSyncStore(database, vault);
  const connectionStore = new PgConnectionStore(database, vault);
  const context = { timeoutMs, allowPrivateNetworks: true, now: () => Date.now() };
  const opened = new ConnectorBackends(connectionStore, connectors, context);
  const backends = wrap(around.backends, opened);
  const usedSync = wrap(around.sync, sync);
  const usedWrites = wrap(around.writes, writes);
  const usedBookings = wrap(around.bookings, bookings);
  const leases = new PgLanes(database);
  const syncLink = new SyncLink(usedSync, effects);
  const plans = new PgPlans(database);
  const stages = new LinkStages({
    store: new PgStages(database, vault),
    firstSync: new FirstSync(plans, syncLink),
    sync: syncLink,
    effects,
  });
  const lanes = new LaneRunner({
    lanes: wrap(around.lanes, leases),
    store: usedSync,
    writes: usedWrites,
    backends,
    sync: syncLink,
    writer: new RemoteWriter(usedWrites, syncLink, effects),
    busyWriter: new BusyWriter(new PgBusyChanges(database), syncLink, effects),
    stages,
    effects,
  });
  const search = new SearchSlots(calendar);
  const conflicts = new PgConflicts(database);
  const through = new WriteThrough({ bookings: usedBookings, lanes, alarm, effects });
  const [links, disconnections] = [new PgLinkStore(database, vault), new PgDisconnections(database)];
  const health = new PgHealthStore(database);
  const holds =
    given.keepsHolds === true ? new BackendHolds({ store: new PgBackendHolds(database), backends, effects }) : null;
  const outside = { connections: connectionStore, connectors, context, backends, alarm, effects };
  const subscriptions = new Subscriptions({
    store: new PgSubscriptionStore(database, vault),
    sync,
    backends,
    alarm,
    effects,
    publicUrl: publicUrl ?? null,
    newSecret: () => randomBytes(32).toString('base64url'),
  });
  return {
    database,
    bookings,
    calendar,
    lanes,
    search,
    sync,
    writes,
    conflicts,
    inbox: new ConflictInbox(conflicts, through),
    booking: new Booking(usedBookings, search, through, holds),
    holds,
    connections: new Connections(connectionStore, connectors, backends, effects),
    due: new PgDueWork(database),
    events: new PgEvents(database),
    housekeeping: new Housekeeping(usedBookings, calendar, new PgKeptAnswers(database), holds),
    lifecycle: new LinkLifecycle({ ...outside, links, disconnections }),
    succession: new Succession({ ...outside, store: new PgSuccession(database), sync, subscriptions }),
    approval: new Approval({ plans, links, lanes, alarm, effects }),
    cleanUp: new CleanUp({ store: disconnections, lanes: leases, backends, effects }),
    alerts: new Alerts({
      health,
      store: new PgAlertStore(database),
      mailer: given.mailer ?? null,
      settings: { everyMs: given.alertEveryMs ?? 3_600_000, fallback: null },
    }),
    links: new Links({ store: connectionStore, health, backends, alarm, effects, subscriptions }),
    subscriptions,
    brake: new Brake(new PgBrakeStore(database), lanes, alarm),
    quarantine: new Quarantine(new PgQuarantineStore(database, vault), lanes),
    busy: new BusyChanging(new PgBusyChanges(database), through),
    interest: new PgInterest(database),
    async close() {
      await lanes.drained();
      opened.close();
      await database.close();
    },
  };
}

/** Where a practice's agenda is kept. */
export interface RemoteAccount {
  readonly connectorId: string;
  readonly settings: object;
  readonly secrets: object;
  readonly remoteAgendaId: string;
}

/** Connects an agenda of a practice to a backend, as an administrator would, and reads it once unless `sync` is false. */
export async function linkAgenda(
  hub: TestHub,
  practice: { organization: string; collaborator: string; agenda: string },
  account: RemoteAccount,
  options: {
    disclosure?: 'full' | 'initials' | 'busy';
    policy?: ConflictPolicy;
    sync?: boolean;
    approved?: boolean;
  } = {},
): Promise<string> {
  const actor: Actor = { kind: 'collaborator', id: practice.collaborator, key: newId() };
  const organizationId = practice.organization;
  const created = await hub.connections.create({
    organizationId,
    id: newId(),
    actor,
    label: 'Agenda du cabinet',
    ...account,
  });
  if (created.outcome !== 'created') throw new Error(`connection: ${JSON.stringify(created)}`);
  const link = {
    organizationId,
    id: newId(),
    agendaId: practice.agenda,
    connectionId: created.connection.id,
    remoteAgendaId: account.remoteAgendaId,
    direction: 'two-way' as const,
    disclosure: options.disclosure ?? 'full',
    policy: options.policy ?? 'practitioner-wins',
    approved: options.approved ?? true,
    actor,
  };
  const linked = await hub.links.create(link);
  if (linked.outcome !== 'linked') throw new Error(`link: ${JSON.stringify(linked)}`);
  if (options.sync === false) return link.id;
  const whole = { organizationId, agendaId: practice.agenda, sync: 'full' } as const;
  let ran = await hub.lanes.run(whole);
  // A worker beside us may have begun with it.
  for (let again = 0; again < 50 && ran === 'busy'; again += 1) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    ran = await hub.lanes.run(whole);
  }
  if (ran !== 'done') throw new Error(`first sync: ${ran}`);
  return link.id;
}

/**
 * What the log says of a subject, once it shows everything written so far: an event appears when no older transaction
 * runs any more on the whole server, other tests' included (docs/adr/0004).
 */
export async function eventsOf(hub: TestHub, organizationId: string, subject: string): Promise<string[]> {
  const written = await hub.database.withOrganization(organizationId, async (transaction) => {
    const [row] = await transaction.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM event WHERE organization_id = $1 AND subject_id = $2',
      [organizationId, subject],
    );
    return row?.n ?? 0;
  });
  for (const end = performance.now() + 10_000; ; await delay(50)) {
    const { events } = await hub.events.after({ organizationId, cursor: null, limit: 500 });
    const shown = events.filter(({ subjectId }) => subjectId === subject);
    if (shown.length >= written || performance.now() > end)
      return shown.map(({ type, actor }) => `${type} by ${(actor as Actor).kind}`);
  }
}
