import type { Job, JobsOptions } from 'bullmq';

/** What is used of a BullMQ queue. */
export interface Producer {
  add(name: string, data: unknown, options: JobsOptions): Promise<unknown>;
  close(): Promise<void>;
}

/** What is used of a BullMQ worker. */
export interface Consumer {
  /** Rejects when it will never work: BullMQ remembers that its first connection failed. */
  ready(): Promise<void>;
  /** `force` does not wait for the jobs under way. */
  close(force?: boolean): Promise<void>;
}

export type Processor = (job: Job) => Promise<void>;

export interface ConsumerOptions {
  readonly queue: string;
  readonly processor: Processor;
  readonly concurrency: number;
}

/** One of the two stores that BullMQ runs on. */
export interface Backend {
  /** False while it is known to be away: nothing is even tried. */
  reachable(): boolean;
  producer(queue: string): Promise<Producer>;
  /** Rejects while the store cannot be reached, and with ClockSkewError when a worker would do harm. */
  checkForWorkers(): Promise<void>;
  consumer(options: ConsumerOptions): Consumer;
  close(): Promise<void>;
}

/** Told of what goes wrong in the background. */
export type ErrorListener = (error: Error) => void;
