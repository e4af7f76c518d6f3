import type { Action, RemoteChange } from '#domain';
import type { Applied } from './ports.js';

/** How what is read becomes rows. */
export interface IntakeSteps {
  plan(changes: readonly RemoteChange[]): Promise<readonly Action[]>;
  store(actions: readonly Action[]): Promise<Applied>;
}

function isForeign(change: RemoteChange): boolean {
  return change.kind === 'upsert' && change.object.reference === null;
}

/**
 * Takes in the practitioner's own while a first read goes on: one part is stored while the next is read and planned. What
 * carries one of our references waits for the end: which of several copies is ours is told by all of them.
 */
export class Intake {
  changes = 0;
  #stored: Promise<void> = Promise.resolve();

  constructor(private readonly steps: IntakeSteps) {}

  /** Resolves with what waits for the end, once all parts before this one are stored. Throws why they are not. */
  async take(read: readonly RemoteChange[]): Promise<readonly RemoteChange[]> {
    const actions = await this.steps.plan(read.filter(isForeign));
    await this.#stored;
    this.#stored = this.steps.store(actions).then(({ changes }) => {
      this.changes += changes;
    });
    // Told to whoever waits for it.
    this.#stored.catch(() => undefined);
    return read.filter((change) => !isForeign(change));
  }

  /** Resolves when everything is stored. Throws why it is not. */
  end(): Promise<void> {
    return this.#stored;
  }
}
