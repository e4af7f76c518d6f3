import type { Alarm, JobDefinition } from '#application';
import { type JobHandler, QueueUnavailableError, type WorkersState } from '#queue';
import type { Logger } from '#platform';

/** Jobs that this process carries out itself while the queue cannot; what does not fit is still due at the next tick. */
const LOCAL_LIMIT = 16;

export interface DispatchParts {
  readonly alarm: Alarm;
  readonly handlers: readonly JobHandler[];
  readonly workersState: () => WorkersState;
  readonly logger: Logger;
}

/** Hands what is due to the queue, or does it here: losing the queue costs nothing but speed. */
export class Dispatch {
  private readonly local = new Set<Promise<void>>();
  private queueDown = false;

  constructor(private readonly parts: DispatchParts) {}

  async send<Data>(job: JobDefinition<Data>, data: Data): Promise<void> {
    try {
      // With its clock wrong this process takes no jobs, and it may be the only one.
      if (this.parts.workersState() === 'skewed') this.runHere(job, data);
      else await this.parts.alarm.wake(job, data);
      this.note(false);
    } catch (error) {
      if (!(error instanceof QueueUnavailableError)) throw error;
      this.note(true);
      this.runHere(job, data);
    }
  }

  /** Resolves when nothing runs here any more. */
  async drained(): Promise<void> {
    while (this.local.size > 0) await Promise.allSettled(this.local);
  }

  private runHere<Data>(job: JobDefinition<Data>, data: Data): void {
    const handler = this.parts.handlers.find(({ definition }) => definition.name === job.name);
    if (handler === undefined || this.local.size >= LOCAL_LIMIT) return;
    const run = handler
      .run(data)
      .catch((error: unknown) => this.parts.logger.warn({ err: error, job: job.name }, 'job failed'))
      .finally(() => this.local.delete(run));
    this.local.add(run);
  }

  private note(down: boolean): void {
    if (down === this.queueDown) return;
    this.queueDown = down;
    if (down) this.parts.logger.warn('the queue is not reachable: due work is done in this process');
    else this.parts.logger.info('the queue is reachable again');
  }
}
