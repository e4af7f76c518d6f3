import { createPostgresBackend, DEFAULT_SCHEMA, type PgPool, Queue, Worker } from 'bullmq';
import pg from 'pg';
import { jobs } from '#application';
import type { Backend, Consumer, ConsumerOptions, ErrorListener, Producer } from './backend.js';
import { ClockSkewError } from './errors.js';
import { EVENT_LOG_LENGTH, KEEP_FAILED, MAX_STALLED_COUNT, type QueueSettings } from './settings.js';

const PRODUCER_CONNECTIONS = 2;
/** The worker of every queue keeps one connection to listen on; the others take jobs. */
const WORKER_CONNECTIONS = jobs.length + 4;

function openPool(databaseUrl: string, max: number, onError: ErrorListener): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max,
    application_name: 'unisson-queue',
    options: `-c search_path=${DEFAULT_SCHEMA} -c statement_timeout=5000`,
    // A connection that a firewall forgot answers nothing, for ever: without these, neither would we.
    query_timeout: 5_000,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  // Without a listener, an idle connection that the server ends would end the process.
  pool.on('error', onError);
  // Every queue and worker listens to the pool it shares.
  pool.setMaxListeners(0);
  return pool;
}

// BullMQ describes a pool by an interface of its own, to which the overloads of pg's types are not assignable.
const forBullMq = (pool: pg.Pool): PgPool => pool as unknown as PgPool;

/** BullMQ on PostgreSQL, in the schema that migrateQueue made. */
export class PostgresBackend implements Backend {
  readonly #producers: pg.Pool;
  readonly #workers: pg.Pool;

  constructor(
    databaseUrl: string,
    private readonly settings: QueueSettings,
    private readonly onError: ErrorListener,
  ) {
    this.#producers = openPool(databaseUrl, PRODUCER_CONNECTIONS, onError);
    this.#workers = openPool(databaseUrl, WORKER_CONNECTIONS, onError);
  }

  reachable(): boolean {
    return true;
  }

  async producer(queue: string): Promise<Producer> {
    // A BullMQ queue remembers for ever that its first connection failed: make sure that it does not.
    await this.#producers.query('SELECT 1');
    const opened = new Queue(
      queue,
      { connection: forBullMq(this.#producers), streams: { events: { maxLen: EVENT_LOG_LENGTH } } },
      createPostgresBackend,
    );
    opened.on('error', this.onError);
    try {
      await opened.waitUntilReady();
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  async checkForWorkers(): Promise<void> {
    const before = Date.now();
    const { rows } = await this.#workers.query<{ now: string }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now',
    );
    const after = Date.now();
    const theirs = Number(rows[0]?.now);
    // The server read its clock somewhere between the two: only what lies outside is certainly skew.
    const skew = theirs < before ? before - theirs : theirs > after ? after - theirs : 0;
    if (Math.abs(skew) > this.settings.maxClockSkew) throw new ClockSkewError(skew);
    // Left by a worker whose clock ran ahead: until then nobody would look for dead workers.
    await this.#workers.query(
      `DELETE FROM meta WHERE field = 'stalled-check' AND value::bigint > (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $1`,
      [this.settings.maxClockSkew],
    );
  }

  consumer({ queue, processor, concurrency }: ConsumerOptions): Consumer {
    const { lockDuration, stalledInterval, runRetryDelay } = this.settings;
    const worker = new Worker(
      queue,
      processor,
      {
        connection: forBullMq(this.#workers),
        concurrency,
        lockDuration,
        stalledInterval,
        runRetryDelay,
        maxStalledCount: MAX_STALLED_COUNT,
        removeOnComplete: { count: 0 },
        removeOnFail: KEEP_FAILED,
      },
      createPostgresBackend,
    );
    worker.on('error', this.onError);
    return {
      ready: () => worker.waitUntilReady(),
      close: async (force = false) => {
        const closing = worker.close(force);
        // BullMQ leaves an idle worker's wait for a job to its timer when it is not to wait for anything.
        if (force) await worker.getBackend().disconnectBlocking(false);
        await closing;
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#producers.end(), this.#workers.end()]);
  }
}
