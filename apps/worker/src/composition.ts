import { Database, PgDueWork } from '#persistence';
import { Drain, type Environment, type Logger, Metrics, watchKeyService } from '#platform';
import { openQueue, type Workers } from '#queue';
import { auditWork } from './audit.js';
import { Dispatch } from './dispatch.js';
import { createHandlers } from './handlers.js';
import { JobMetrics } from './job-metrics.js';
import { Ticks } from './ticks.js';
import { createUseCases, workOf } from './use-cases.js';

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
  watchKeyService(environment, metrics, logger);
  const queue = openQueue({
    databaseUrl: environment.DATABASE_URL,
    redisUrl: environment.REDIS_URL,
    onError: seldom(SAY_AGAIN_MS, (error) => logger.warn({ err: error }, 'the queue reports')),
  });
  const useCases = createUseCases(database, environment, queue.alarm);
  const work = { ...workOf(useCases), ...auditWork(database, environment, logger) };
  const handlers = createHandlers(work, jobMetrics);
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
      // From the outside in: what is below is still needed by what is above it.
      await within(8_000, Promise.all([workers.close(), dispatch.drained()]));
      await within(2_000, useCases.close());
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
