import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { Backend, Consumer, ConsumerOptions, ErrorListener, Producer } from './backend.js';
import { EVENT_LOG_LENGTH, KEEP_FAILED, MAX_STALLED_COUNT, type QueueSettings } from './settings.js';

// In braces, so that on a Redis Cluster all keys of a queue live in one slot.
const PREFIX = '{unisson}';
const AWAY = ['reconnecting', 'close', 'end'];

function connect(redisUrl: string, options: { enableOfflineQueue: boolean }, onError: ErrorListener): Redis {
  const client = new Redis(redisUrl, {
    ...options,
    // BullMQ asks for it: a blocked worker waits for as long as it takes.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(times * 50, 500),
    connectTimeout: 5_000,
    keepAlive: 10_000,
  });
  client.on('error', onError);
  // Every queue and worker listens to the client it shares.
  client.setMaxListeners(0);
  return client;
}

/** BullMQ on Redis or Valkey. Locks and delays go by the server's clock here, so that a worker's own does no harm. */
export class RedisBackend implements Backend {
  readonly #producers: Redis;
  #workers: Redis | undefined;

  constructor(
    private readonly redisUrl: string,
    private readonly settings: QueueSettings,
    private readonly onError: ErrorListener,
  ) {
    this.#producers = connect(redisUrl, { enableOfflineQueue: false }, onError);
  }

  reachable(): boolean {
    return !AWAY.includes(this.#producers.status);
  }

  async producer(queue: string): Promise<Producer> {
    const opened = new Queue(queue, {
      connection: this.#producers,
      prefix: PREFIX,
      streams: { events: { maxLen: EVENT_LOG_LENGTH } },
    });
    opened.on('error', this.onError);
    return Promise.resolve(opened);
  }

  async checkForWorkers(): Promise<void> {
    await Promise.resolve();
  }

  consumer({ queue, processor, concurrency }: ConsumerOptions): Consumer {
    this.#workers ??= connect(this.redisUrl, { enableOfflineQueue: true }, this.onError);
    const { lockDuration, stalledInterval, runRetryDelay } = this.settings;
    const worker = new Worker(queue, processor, {
      connection: this.#workers,
      prefix: PREFIX,
      concurrency,
      lockDuration,
      stalledInterval,
      runRetryDelay,
      maxStalledCount: MAX_STALLED_COUNT,
      removeOnComplete: { count: 0 },
      removeOnFail: KEEP_FAILED,
    });
    worker.on('error', this.onError);
    // On Redis it connects whenever the server is there: nothing to wait for.
    return { ready: () => Promise.resolve(), close: (force = false) => worker.close(force) };
  }

  async close(): Promise<void> {
    // Not quit(): it waits for an answer that a server which is away never gives.
    this.#producers.disconnect();
    this.#workers?.disconnect();
    await Promise.resolve();
  }
}
