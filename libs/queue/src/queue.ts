import type { Alarm } from '#application';
import { QueueAlarm } from './alarm.js';
import type { Backend, ErrorListener } from './backend.js';
import { PostgresBackend } from './postgres.js';
import { RedisBackend } from './redis.js';
import { DEFAULT_SETTINGS, type QueueSettings } from './settings.js';
import { type JobHandler, Workers } from './workers.js';

export interface QueueOptions {
  /** The hub's database, as the role `unisson_app`. Also the queue's store when there is no `redisUrl`. */
  readonly databaseUrl: string;
  readonly redisUrl?: string | undefined;
  /** Told of what goes wrong in the background: lost connections, failed jobs, a wrong clock. */
  readonly onError?: ErrorListener;
  readonly settings?: Partial<QueueSettings>;
}

/** An alarm clock with two possible stores. Connects by itself, and again after an outage. */
export class OpenQueue {
  readonly backend: 'postgres' | 'redis';
  readonly alarm: Alarm;
  readonly #alarm: QueueAlarm;
  readonly #store: Backend;
  readonly #settings: QueueSettings;
  readonly #onError: ErrorListener;
  readonly #workers = new Set<Workers>();
  #closing: Promise<void> | undefined;

  constructor(options: QueueOptions) {
    this.#settings = { ...DEFAULT_SETTINGS, ...options.settings };
    this.#onError = options.onError ?? (() => undefined);
    this.backend = options.redisUrl === undefined ? 'postgres' : 'redis';
    this.#store =
      options.redisUrl === undefined
        ? new PostgresBackend(options.databaseUrl, this.#settings, this.#onError)
        : new RedisBackend(options.redisUrl, this.#settings, this.#onError);
    this.#alarm = new QueueAlarm(this.#store, this.#settings);
    this.alarm = this.#alarm;
  }

  /** Takes jobs, `concurrency` at a time of each kind. Rejects with ClockSkewError when this machine's clock is wrong. */
  async work(handlers: readonly JobHandler[], options: { concurrency: number }): Promise<Workers> {
    const workers = new Workers(this.#store, handlers, {
      ...options,
      settings: this.#settings,
      onError: this.#onError,
    });
    await workers.start();
    this.#workers.add(workers);
    return workers;
  }

  /** Closes its workers too: without `force` their jobs are waited for. */
  close(force = false): Promise<void> {
    return (this.#closing ??= this.#close(force));
  }

  async #close(force: boolean): Promise<void> {
    await Promise.all([...this.#workers].map((workers) => workers.close(force)));
    await this.#alarm.close();
    await this.#store.close();
  }
}

export const openQueue = (options: QueueOptions): OpenQueue => new OpenQueue(options);
