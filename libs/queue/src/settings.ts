/** Times in milliseconds. The defaults are what production runs with; tests shorten them. */
export interface QueueSettings {
  /** A worker that does not renew its lock this long is taken for dead, and its job is given to another. */
  readonly lockDuration: number;
  /** How often locks are looked at. */
  readonly stalledInterval: number;
  /** Wait before a worker tries again after the store failed. BullMQ's own 15 s would be the length of every outage. */
  readonly runRetryDelay: number;
  /** Longest time a caller waits for a wake-up to be stored. */
  readonly wakeTimeout: number;
  /** After a failed wake-up the next ones fail at once for this long, instead of queueing up behind a dead store. */
  readonly wakeCooldown: number;
  /** How often a worker compares its clock with the store's. */
  readonly clockCheckInterval: number;
  /** Largest tolerated difference to the store's clock. */
  readonly maxClockSkew: number;
}

export const DEFAULT_SETTINGS: QueueSettings = {
  lockDuration: 60_000,
  stalledInterval: 15_000,
  runRetryDelay: 500,
  wakeTimeout: 1_000,
  wakeCooldown: 500,
  clockCheckInterval: 60_000,
  maxClockSkew: 2_000,
};

/** A job whose worker died this often is given up: what it was to do is still due in the database. */
export const MAX_STALLED_COUNT = 3;
/** Only what failed is kept, for a week, to be looked at. */
export const KEEP_FAILED = { age: 7 * 24 * 3600, count: 1000 };
/** Length of BullMQ's event log, which nothing here reads. */
export const EVENT_LOG_LENGTH = 1000;
