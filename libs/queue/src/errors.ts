/** The store of the queue did not take a wake-up: the caller does the work itself, or leaves it to the next tick. */
export class QueueUnavailableError extends Error {
  override readonly name = 'QueueUnavailableError';
}

/**
 * This machine's clock and the store's are too far apart. BullMQ on PostgreSQL trusts the clock of each worker: one that
 * runs ahead takes jobs away from living workers, and stops the recovery of dead ones.
 */
export class ClockSkewError extends Error {
  override readonly name = 'ClockSkewError';

  constructor(readonly skewMs: number) {
    super(
      `the clock of this machine is ${skewMs > 0 ? 'ahead of' : 'behind'} the database by ${Math.abs(skewMs)} ms: no worker is started`,
    );
  }
}
