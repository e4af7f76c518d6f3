import { ConnectorBackends, Housekeeping, LaneRunner, RemoteWriter, RuntimeEffects, SyncLink } from '#application';
import { connectors } from '#connectors';
import {
  Database,
  PgBookings,
  PgCalendar,
  PgConnectionStore,
  PgDueWork,
  PgLanes,
  PgSyncStore,
  PgWrites,
} from '#persistence';
import { Drain, type Environment, type Logger, MasterKeyVault, Metrics } from '#platform';
import { openQueue, type Workers } from '#queue';
import { Dispatch } from './dispatch.js';
import { createHandlers, type Work } from './handlers.js';
import { JobMetrics } from './job-metrics.js';
import { Ticks } from './ticks.js';

/** Jobs of one kind at once. Most of them wait for a backend; the database sees each for a few milliseconds. */
const CONCURRENCY = 24;
/** A queue that is away says so with every attempt to reach it. */
const SAY_AGAIN_MS = 60_000;

/** Everything that runs in a worker process. */
export interface WorkerParts {
  readonly ticks: Ticks;
  readonly drain: Drain;
  readonly metrics: Metrics;
  ready(): Promise<Readonly<Record<string, boolean>>>;
  /** Ends in order: what runs may finish, for a while; what does not is done again by another process. */
  close(): Promise<void>;
}

/** The use cases behind the jobs, on PostgreSQL and the connectors of the registry. */
export function createWork(database: Database, environment: Environment): { work: Work; close: () => Promise<void> } {
  const vault = new MasterKeyVault(environment.UNISSON_KEYS);
  const effects = new RuntimeEffects();
  const store = new PgSyncStore(database, vault);
  const writes = new PgWrites(database, vault);
  const backends = new ConnectorBackends(new PgConnectionStore(database, vault), connectors, {
    timeoutMs: environment.VENDOR_TIMEOUT_MS,
    allowPrivateNetworks: environment.ALLOW_PRIVATE_NETWORKS,
    now: () => effects.now(),
  });
  const sync = new SyncLink(store, effects);
  const writer = new RemoteWriter(writes, sync, effects);
  const lanes = new LaneRunner({ lanes: new PgLanes(database), store, writes, backends, sync, writer, effects });
  const housekeeping = new Housekeeping(new PgBookings(database, vault), new PgCalendar(database), effects);
  return {
    work: {
      drainLane: async (lane) => void (await lanes.run({ ...lane, sync: 'none' })),
      syncLink: async ({ organizationId, linkId, full }) => {
        const link = await store.link(organizationId, linkId);
        if (link !== null) await lanes.run({ organizationId, agendaId: link.agendaId, sync: full ? 'full' : 'delta' });
      },
      expireHolds: async ({ organizationId, agendaId }) =>
        void (await housekeeping.expireHolds(organizationId, agendaId)),
      extendOpenings: ({ organizationId, agendaId }) => housekeeping.extendOpenings(organizationId, agendaId),
    },
    close: async () => {
      await lanes.drained();
      backends.close();
    },
  };
}

/** Puts a worker process together. Rejects when the database cannot be reached, or this machine's clock is wrong. */
export async function openWorker(environment: Environment, logger: Logger): Promise<WorkerParts> {
  const database = await Database.open({
    url: environment.DATABASE_URL,
    poolSize: environment.POOL_SIZE,
    applicationName: 'unisson-worker',
  });
  const metrics = new Metrics('worker');
  const jobMetrics = new JobMetrics(metrics);
  metrics.watchPool(() => database.load());
  const { work, close: closeWork } = createWork(database, environment);
  const handlers = createHandlers(work, jobMetrics);
  const queue = openQueue({
    databaseUrl: environment.DATABASE_URL,
    redisUrl: environment.REDIS_URL,
    onError: seldom(SAY_AGAIN_MS, (error) => logger.warn({ err: error }, 'the queue reports')),
  });
  const workers = await queue.work(handlers, { concurrency: CONCURRENCY }).catch(async (error: unknown) => {
    await queue.close(true);
    await database.close();
    throw error;
  });
  jobMetrics.watchWorkers(() => workers.state);
  const dispatch = new Dispatch({ alarm: queue.alarm, handlers, workersState: () => workers.state, logger });
  const drain = new Drain();
  const ticks = new Ticks({ due: new PgDueWork(database), dispatch, drain, logger });
  return {
    ticks,
    drain,
    metrics,
    ready: () => readiness(database, workers),
    close: async () => {
      // The parts below are still needed by what is above them.
      await within(8_000, Promise.all([workers.close(), dispatch.drained()]));
      await within(2_000, closeWork());
      await within(1_000, queue.close(true));
      await within(1_000, database.close());
    },
  };
}

async function readiness(database: Database, workers: Workers): Promise<Readonly<Record<string, boolean>>> {
  const reached = await database.ping().then(
    () => true,
    () => false,
  );
  // A queue that is away is no reason to be restarted: what is due is done without it.
  return { database: reached, clock: workers.state !== 'skewed' };
}

/** Waits at most `ms`; what is not over by then is left to the end of the process. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}

/** The same message again only after a while. */
function seldom(ms: number, report: (error: Error) => void): (error: Error) => void {
  const said = new Map<string, number>();
  return (error) => {
    const now = performance.now();
    const last = said.get(error.message);
    if (last !== undefined && now - last < ms) return;
    if (said.size > 100) said.clear();
    said.set(error.message, now);
    report(error);
  };
}
