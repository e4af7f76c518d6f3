import {
  Alerts,
  type Backends,
  CleanUp,
  ConnectorBackends,
  type ConnectionStore,
  type Effects,
  FirstSync,
  type HealthStore,
  Housekeeping,
  LaneRunner,
  LinkStages,
  RemoteWriter,
  RuntimeEffects,
  SyncLink,
  type SyncStore,
  type Vault,
} from '#application';
import { connectors } from '#connectors';
import {
  type Database,
  PgAlertStore,
  PgBookings,
  PgCalendar,
  PgConnectionStore,
  PgDisconnections,
  PgHealthStore,
  PgLanes,
  PgPlans,
  PgStages,
  PgSyncStore,
  PgWrites,
} from '#persistence';
import { type Environment, MasterKeyVault, SmtpMailer } from '#platform';
import type { Work } from './handlers.js';

/** The application on PostgreSQL and the connectors of the registry, as far as this app needs it. */
export interface UseCases {
  readonly vault: Vault;
  readonly effects: Effects;
  readonly sync: SyncStore;
  readonly connections: ConnectionStore;
  readonly backends: Backends;
  readonly lanes: LaneRunner;
  readonly housekeeping: Housekeeping;
  readonly health: HealthStore;
  readonly alerts: Alerts;
  readonly cleanUp: CleanUp;
  /** Waits for what runs, then ends the conversations with backends. */
  close(): Promise<void>;
}

export function createUseCases(database: Database, environment: Environment): UseCases {
  const vault = new MasterKeyVault(environment.UNISSON_KEYS);
  const effects = new RuntimeEffects();
  const sync = new PgSyncStore(database, vault);
  const writes = new PgWrites(database, vault);
  const connections = new PgConnectionStore(database, vault);
  const backends = new ConnectorBackends(connections, connectors, {
    timeoutMs: environment.VENDOR_TIMEOUT_MS,
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
    stages,
    effects,
  });
  const housekeeping = new Housekeeping(new PgBookings(database, vault), new PgCalendar(database), effects);
  const health = new PgHealthStore(database);
  const alerts = new Alerts({
    health,
    store: new PgAlertStore(database),
    mailer: SmtpMailer.from(environment),
    settings: {
      everyMs: environment.UNISSON_ALERT_EVERY_MINUTES * 60_000,
      fallback: environment.UNISSON_ALERT_TO ?? null,
    },
  });
  const cleanUp = new CleanUp({ store: new PgDisconnections(database), lanes: leases, backends, effects });
  const close = async (): Promise<void> => {
    await lanes.drained();
    backends.close();
  };
  return { vault, effects, sync, connections, backends, lanes, housekeeping, health, alerts, cleanUp, close };
}

/** What the jobs stand for. */
export function workOf({ lanes, sync, housekeeping, alerts, cleanUp }: UseCases): Work {
  return {
    drainLane: async ({ organizationId, agendaId }) => {
      await lanes.run({ organizationId, agendaId, sync: 'none' });
    },
    syncLink: async ({ organizationId, linkId, full }) => {
      const link = await sync.link(organizationId, linkId);
      if (link === null) return;
      await lanes.run({ organizationId, agendaId: link.agendaId, sync: full ? 'full' : 'delta' });
    },
    expireHolds: async ({ organizationId, agendaId }) => {
      await housekeeping.expireHolds(organizationId, agendaId);
    },
    extendOpenings: ({ organizationId, agendaId }) => housekeeping.extendOpenings(organizationId, agendaId),
    cleanUp: ({ organizationId, linkId }) => cleanUp.run(organizationId, linkId),
    watchLinks: ({ organizationId }) => alerts.watch(organizationId),
  };
}
