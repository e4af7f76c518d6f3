import type { Job } from 'bullmq';
import type { JobDefinition } from '#application';
import type { Backend, Consumer, ErrorListener } from './backend.js';
import { ClockSkewError } from './errors.js';
import type { QueueSettings } from './settings.js';

/** What a worker does for one kind of job. */
export interface JobHandler {
  readonly definition: JobDefinition;
  run(data: unknown): Promise<void>;
}

/** Pairs a job definition with its work; the payload is checked against the definition before it runs. */
export function handler<Data>(definition: JobDefinition<Data>, run: (data: Data) => Promise<void>): JobHandler {
  return { definition, run: (data) => run(definition.schema.parse(data)) };
}

/** `waiting`: the store cannot be reached. `skewed`: the clock is wrong; no job is taken. */
export type WorkersState = 'waiting' | 'running' | 'skewed' | 'closed';

const RETRY_MS = 500;

/** One BullMQ worker for each handler, all started only while the store can be reached and the clock is right. */
export class Workers {
  #consumers: Consumer[] = [];
  #state: WorkersState = 'waiting';
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> = Promise.resolve();

  constructor(
    private readonly backend: Backend,
    private readonly handlers: readonly JobHandler[],
    private readonly options: { concurrency: number; settings: QueueSettings; onError: ErrorListener },
  ) {}

  get state(): WorkersState {
    return this.#state;
  }

  /** Rejects with ClockSkewError. A store that is away is waited for in the background. */
  async start(): Promise<void> {
    try {
      await this.backend.checkForWorkers();
      await this.#open();
    } catch (error) {
      if (error instanceof ClockSkewError) throw error;
      this.options.onError(error as Error);
    }
    this.#again();
  }

  /** Waits for the jobs under way; with `force` leaves them, to be done again by another worker. */
  async close(force = false): Promise<void> {
    this.#state = 'closed';
    clearTimeout(this.#timer);
    await this.#checking;
    await this.#closeConsumers(force);
  }

  #again(): void {
    if (this.#state === 'closed') return;
    const delay = this.#state === 'waiting' ? RETRY_MS : this.options.settings.clockCheckInterval;
    this.#timer = setTimeout(() => {
      this.#checking = this.#check();
    }, delay);
    this.#timer.unref();
  }

  async #check(): Promise<void> {
    try {
      await this.backend.checkForWorkers();
      if (this.#state !== 'running') await this.#open();
    } catch (error) {
      this.options.onError(error as Error);
      // A store that is away while workers run is their own business: they try again by themselves.
      if (error instanceof ClockSkewError && this.#state !== 'closed') {
        this.#state = 'skewed';
        await this.#closeConsumers(false);
      }
    }
    this.#again();
  }

  async #open(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'running';
    this.#consumers = this.handlers.map((one) =>
      this.backend.consumer({
        queue: one.definition.name,
        concurrency: this.options.concurrency,
        processor: (job) => this.#process(one, job),
      }),
    );
    try {
      await Promise.all(this.#consumers.map((consumer) => consumer.ready()));
    } catch (error) {
      if (this.state !== 'closed') this.#state = 'waiting';
      await this.#closeConsumers(true);
      throw error;
    }
  }

  async #closeConsumers(force: boolean): Promise<void> {
    const consumers = this.#consumers;
    this.#consumers = [];
    await Promise.all(consumers.map((consumer) => consumer.close(force)));
  }

  async #process(one: JobHandler, job: Job): Promise<void> {
    // From here on a wake-up is a new job: this run may already have passed what it is about.
    await job.removeDeduplicationKey().catch((error: unknown) => this.options.onError(error as Error));
    try {
      await one.run(job.data);
    } catch (error) {
      this.options.onError(error as Error);
      // BullMQ stores the message; whatever the original one says does not belong there.
      throw new Error(`${one.definition.name} failed: ${error instanceof Error ? error.name : 'unknown error'}`);
    }
  }
}
