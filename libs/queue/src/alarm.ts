import { randomUUID } from 'node:crypto';
import type { JobsOptions } from 'bullmq';
import { Alarm, type JobDefinition } from '#application';
import type { Backend, Producer } from './backend.js';
import { QueueUnavailableError } from './errors.js';
import type { QueueSettings } from './settings.js';

/** The deduplication key of a wake-up, see `wake`. */
export function deduplicationOf(key: string, dueAt: number | null): string {
  return dueAt === null ? key : `${key}@${Math.ceil(dueAt / 1000)}`;
}

/** Wakes workers through BullMQ. Each job definition has a queue of its own, so that none of them starves another. */
export class QueueAlarm extends Alarm {
  readonly #producers = new Map<string, Promise<Producer>>();
  #downUntil = 0;

  constructor(
    private readonly backend: Backend,
    private readonly settings: QueueSettings,
  ) {
    super();
  }

  /**
   * Throws QueueUnavailableError within `wakeTimeout` when the store does not take it.
   * Wake-ups with one key are one job while it waits; the key is free again from the instant at which a worker starts, so
   * that what happens during a run causes another run. A delayed one has a key of its own (with the second at which it is
   * due): it must not swallow an earlier wake-up.
   */
  async wake<Data>(job: JobDefinition<Data>, data: Data, options: { delayMs?: number } = {}): Promise<void> {
    const payload = job.schema.parse(data);
    const delay = Math.max(0, Math.ceil(options.delayMs ?? 0));
    const key = deduplicationOf(job.dedupeKey(payload), delay === 0 ? null : Date.now() + delay);
    await this.#guarded(async () => {
      const producer = await this.#producer(job.name);
      await producer.add(job.name, payload, this.#options(key, delay));
    });
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled([...this.#producers.values()]);
    this.#producers.clear();
    for (const producer of opened) if (producer.status === 'fulfilled') await producer.value.close();
  }

  #options(key: string, delay: number): JobsOptions {
    return {
      // Not a number of BullMQ's: on PostgreSQL those come from a sequence that it would have to create.
      jobId: randomUUID(),
      delay,
      attempts: 1,
      stackTraceLimit: 0,
      // Should a worker die before it frees the key, the next wake-up must not have to wait until that is noticed.
      deduplication: { id: key, ttl: delay + this.settings.stalledInterval },
    };
  }

  #producer(queue: string): Promise<Producer> {
    const known = this.#producers.get(queue);
    if (known !== undefined) return known;
    const opening = this.backend.producer(queue);
    this.#producers.set(queue, opening);
    opening.catch(() => this.#producers.delete(queue));
    return opening;
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    if (Date.now() < this.#downUntil || !this.backend.reachable())
      throw new QueueUnavailableError('the queue is not reachable');
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new QueueUnavailableError('the queue does not answer')),
        this.settings.wakeTimeout,
      );
    });
    try {
      await Promise.race([work(), late]);
    } catch (error) {
      this.#downUntil = Date.now() + this.settings.wakeCooldown;
      if (error instanceof QueueUnavailableError) throw error;
      throw new QueueUnavailableError('the queue did not take the wake-up', { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}
