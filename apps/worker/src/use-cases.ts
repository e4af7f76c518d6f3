import { randomBytes } from 'node:crypto';
import {
  type Alarm,
  Alerts,
  BackendHolds,
  type Backends,
  BusyWriter,
  CleanUp,
  ConnectorBackends,
  type ConnectionStore,
  type Effects,
  FirstSync,
  type HealthStore,
  Housekeeping,
  type KeyRotation,
  LaneRunner,
  LinkStages,
  Exports,
  GrantNotices,
  OverbookingNotices,
  Patients,
  RemoteWriter,
  RuntimeEffects,
  Subscriptions,
  SyncLink,
  syncLink as syncLinkJob,
  type SyncStore,
  type Vault,
  WaitingLooks,
  WriteThrough,
} from '#application';
import { connectors } from '#connectors';
import {
  type Database,
  PgAlertStore,
  PgBackendHolds,
  PgBookings,
  PgBusyChanges,
  PgCalendar,
  PgConnectionStore,
  PgDisconnections,
  PgHealthStore,
  PgKeptAnswers,
  PgLanes,
  PgExports,
  PgGrantNotices,
  PgOverbookingStore,
  PgPatients,
  PgPlans,
  PgStages,
  PgSubscriptionStore,
  PgSyncStore,
  PgWaitingOffers,
  PgWrites,
} from '#persistence';
import type { AuditWork } from './audit.js';
import { type Environment, SmtpMailer } from '#platform';
import { openKeys } from './organization-keys.js';
import { deskWork } from './desk.js';
import type { Work } from './handlers.js';
import { Shares } from './shares.js';

/** Pulls, and lanes, at once in this process, of the 24 it has room for: a backend that hangs, or an organization with many, leaves room. */
const SHARES = { connection: 4, organization: 12 };
/** The same for lanes with due writes; what hangs at one kind of backend leaves room for an organization's others. */
const WRITING = { connection: 6, connector: 8, organization: SHARES.organization };

/** The application on PostgreSQL and the connectors of the registry, as far as this app needs it. */
export interface UseCases {
  readonly vault: Vault;
  readonly rotation: KeyRotation;
  readonly patients: Patients;
  readonly effects: Effects;
  readonly alarm: Alarm;
  readonly sync: SyncStore;
  readonly connections: ConnectionStore;
  readonly backends: Backends;
  readonly lanes: LaneRunner;
  readonly housekeeping: Housekeeping;
  readonly health: HealthStore;
  readonly alerts: Alerts;
  readonly overbookings: OverbookingNotices;
  readonly exports: Exports;
  readonly grantNotices: GrantNotices;
  readonly desk: ReturnType<typeof deskWork>;
  readonly cleanUp: CleanUp;
  readonly subscriptions: Subscriptions;
  readonly waiting: WaitingLooks;
  /** Waits for what runs, then ends the conversations with backends. */
  close(): Promise<void>;
}

/** A link due again within this is woken for it. */
const SOON_MS = 1_000;
const SECRET_BYTES = 32;

export function createUseCases(database: Database, environment: Environment, alarm: Alarm): UseCases {
  const { vault, rotation } = openKeys(database, environment);
  const effects = new RuntimeEffects();
  const sync = new PgSyncStore(database, vault);
  const writes = new PgWrites(database, vault);
  const connections = new PgConnectionStore(database, vault);
  const backends = new ConnectorBackends(connections, connectors, {
    timeoutMs: environment.VENDOR_TIMEOUT_MS,
    listingTimeoutMs: environment.VENDOR_LISTING_TIMEOUT_MS,
    allowPrivateNetworks: environment.ALLOW_PRIVATE_NETWORKS,
    now: () => effects.now(),
  });
  const syncLink = new SyncLink(sync, effects);
  const leases = new PgLanes(database);
  const stages = new LinkStages({
    store: new PgStages(database, vault),
    firstSync: new FirstSync(new PgPlans(database), syncLink),
    sync: syncLink,
    effects,
  });
  const lanes = new LaneRunner({
    lanes: leases,
    store: sync,
    writes,
    backends,
    sync: syncLink,
    writer: new RemoteWriter(writes, syncLink, effects),
    busyWriter: new BusyWriter(new PgBusyChanges(database), syncLink, effects),
    stages,
    effects,
  });
  const [bookings, calendar] = [new PgBookings(database, vault), new PgCalendar(database)];
  const patients = new Patients(new PgPatients(database, vault));
  const holds = new BackendHolds({ store: new PgBackendHolds(database), backends, effects });
  const housekeeping = new Housekeeping(bookings, calendar, new PgKeptAnswers(database), holds);
  const waiting = createWaiting({ database, vault, lanes, alarm, effects, holds });
  const health = new PgHealthStore(database);
  const [mailer, fallback] = [SmtpMailer.from(environment), environment.UNISSON_ALERT_TO ?? null];
  const alerts = new Alerts({
    health,
    store: new PgAlertStore(database),
    mailer,
    settings: { everyMs: environment.UNISSON_ALERT_EVERY_MINUTES * 60_000, fallback },
  });
  const notices = noticesOf(database, mailer, fallback);
  const cleanUp = new CleanUp({ store: new PgDisconnections(database), lanes: leases, backends, effects });
  const subscriptions = new Subscriptions({
    store: new PgSubscriptionStore(database, vault),
    sync,
    backends,
    alarm,
    effects,
    publicUrl: environment.PUBLIC_URL?.replace(/\/+$/, '') ?? null,
    newSecret: () => randomBytes(SECRET_BYTES).toString('base64url'),
  });
  const close = (): Promise<void> => lanes.drained().then(() => backends.close());
  const parts = { rotation, vault, effects, alarm, sync, connections, backends, lanes, housekeeping };
  const desk = deskWork(database, parts);
  return { ...parts, patients, desk, health, alerts, ...notices, cleanUp, subscriptions, waiting, close };
}

/** Who looks after those who wait. */
function createWaiting(
  parts: Pick<UseCases, 'vault' | 'lanes' | 'alarm' | 'effects'> & {
    readonly database: Database;
    readonly holds: BackendHolds;
  },
): WaitingLooks {
  const { database, vault, lanes, alarm, effects, holds } = parts;
  const bookings = new PgBookings(database, vault);
  const through = new WriteThrough({ bookings, lanes, alarm, effects });
  const [offers, calendar] = [new PgWaitingOffers(database, vault), new PgCalendar(database)];
  return new WaitingLooks({ offers, bookings, calendar, through, effects, holds });
}

/** What is sealed, and with what. */
function custody({ rotation, patients }: UseCases): Pick<Work, 'rotateKeys' | 'retainIdentities'> {
  return {
    retainIdentities: async ({ organizationId }) => {
      await patients.retain(organizationId);
    },
    rotateKeys: async ({ organizationId }) => {
      await rotation.run(organizationId);
    },
  };
}

/** What the jobs stand for. */
export function workOf(useCases: UseCases): Omit<Work, keyof AuditWork> {
  const { alarm, lanes, sync, connections, housekeeping, alerts, overbookings, exports, grantNotices } = useCases;
  const { desk, cleanUp, subscriptions, waiting } = useCases;
  const shares = new Shares(SHARES);
  const comparing = new Shares(SHARES);
  const writing = new Shares(WRITING);
  return {
    ...desk,
    ...custody(useCases),
    drainLane: async ({ organizationId, agendaId }) => {
      const link = await sync.linkOfAgenda(organizationId, agendaId);
      const connection = link && (await connections.account(organizationId, link.connectionId));
      if (connection === null) return;
      const owners = { connection: connection.id, connector: connection.connectorId, organization: organizationId };
      await writing.run(owners, () => lanes.run({ organizationId, agendaId, sync: 'none' }));
    },
    syncLink: async ({ organizationId, linkId, full }) => {
      const link = await sync.link(organizationId, linkId);
      if (link === null) return;
      const run = () => lanes.run({ organizationId, agendaId: link.agendaId, sync: full ? 'full' : 'delta' });
      // Left out, it is still due.
      await shares.run({ connection: link.connectionId, organization: organizationId }, run);
      // A hint that came meanwhile is not left to the next look.
      const soon = (await sync.link(organizationId, linkId))?.dueInMs ?? Infinity;
      if (soon > -SOON_MS / 4 && soon < SOON_MS)
        await alarm
          .wake(syncLinkJob, { organizationId, linkId, full: false }, { delayMs: Math.max(0, soon) })
          .catch(() => undefined);
    },
    reconcileLink: async ({ organizationId, linkId }) => {
      const link = await sync.link(organizationId, linkId);
      if (link === null) return;
      const run = () => lanes.run({ organizationId, agendaId: link.agendaId, sync: 'reconcile' });
      await comparing.run({ connection: link.connectionId, organization: organizationId }, run);
    },
    expireHolds: async ({ organizationId, agendaId }) => {
      await housekeeping.expireHolds(organizationId, agendaId);
    },
    extendOpenings: ({ organizationId, agendaId }) => housekeeping.extendOpenings(organizationId, agendaId),
    forgetAnswers: async ({ organizationId }) => {
      await housekeeping.forgetAnswers(organizationId);
    },
    cleanUp: ({ organizationId, linkId }) => cleanUp.run(organizationId, linkId),
    watchLinks: ({ organizationId }) => alerts.watch(organizationId),
    tellOverbookings: async ({ organizationId }) => {
      await exports.expire(organizationId);
      await overbookings.tell(organizationId);
      await grantNotices.tell(organizationId);
    },
    renewSubscription: async ({ organizationId, linkId }) => {
      await subscriptions.renew(organizationId, linkId);
    },
    offerWaiting: (agenda) => waiting.look(agenda),
  };
}

function noticesOf(
  database: Database,
  mailer: ReturnType<typeof SmtpMailer.from>,
  fallback: string | null,
): Pick<UseCases, 'overbookings' | 'exports' | 'grantNotices'> {
  return {
    overbookings: new OverbookingNotices({ store: new PgOverbookingStore(database), mailer, fallback }),
    exports: new Exports(new PgExports(database)),
    grantNotices: new GrantNotices({ store: new PgGrantNotices(database), mailer }),
  };
}
