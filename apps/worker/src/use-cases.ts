import {
  type Backends,
  ConnectorBackends,
  type ConnectionStore,
  type Effects,
  Housekeeping,
  LaneRunner,
  RemoteWriter,
  RuntimeEffects,
  SyncLink,
  type SyncStore,
  type Vault,
} from '#application';
import { connectors } from '#connectors';
import { type Database, PgBookings, PgCalendar, PgConnectionStore, PgLanes, PgSyncStore, PgWrites } from '#persistence';
import { type Environment, MasterKeyVault } from '#platform';
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
  const lanes = new LaneRunner({
    lanes: new PgLanes(database),
    store: sync,
    writes,
    backends,
    sync: syncLink,
    writer: new RemoteWriter(writes, syncLink, effects),
    effects,
  });
  const housekeeping = new Housekeeping(new PgBookings(database, vault), new PgCalendar(database), effects);
  const close = async (): Promise<void> => {
    await lanes.drained();
    backends.close();
  };
  return { vault, effects, sync, connections, backends, lanes, housekeeping, close };
}

/** What the jobs stand for. */
export function workOf({ lanes, sync, housekeeping }: UseCases): Work {
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
  };
}
