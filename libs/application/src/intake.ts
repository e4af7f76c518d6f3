import type { Action, RemoteChange } from '#domain';
import type { Applied } from './ports.js';
import { rowsOf } from './sync-actions.js';

/** How what is read becomes rows. */
export interface IntakeSteps {
  plan(changes: readonly RemoteChange[]): Promise<readonly Action[]>;
  store(actions: readonly Action[]): Promise<Applied>;
}

function isForeign(change: RemoteChange): boolean {
  return change.kind === 'upsert' && change.object.reference === null;
}

/** Parts under way to the database: where nothing of ours stands, it takes two in side by side. */
const AT_ONCE = 2;
/** Before more rows than this, all parts are waited for: who wants to book there gets his turn in between. */
const ROWS_IN_A_ROW = 4_000;

/**
 * Takes in the practitioner's own while a first read goes on: parts are stored while the next is read and planned. What
 * carries one of our references waits for the end: which of several copies is ours is told by all of them.
 */
export class Intake {
  changes = 0;
  readonly #underWay = new Set<Promise<void>>();
  #failed: Promise<void> | null = null;
  #rows = 0;

  constructor(private readonly steps: IntakeSteps) {}

  /** Resolves with what waits for the end, once this part is on its way. Throws why one before it is not stored. */
  async take(read: readonly RemoteChange[]): Promise<readonly RemoteChange[]> {
    const actions = await this.steps.plan(read.filter(isForeign));
    const rows = actions.reduce((sum, action) => sum + rowsOf(action), 0);
    const isFull = this.#rows + rows > ROWS_IN_A_ROW;
    while (this.#underWay.size >= (isFull ? 1 : AT_ONCE)) await Promise.race(this.#underWay);
    await this.#failed;
    this.#rows = isFull ? rows : this.#rows + rows;
    this.#store(actions);
    return read.filter((change) => !isForeign(change));
  }

  /** Resolves when everything is stored. Throws why it is not, once nothing is under way any more. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    await this.#failed;
  }

  /** Begins with it; how it ends is told to whoever comes next. */
  #store(actions: readonly Action[]): void {
    const stored = this.steps.store(actions).then(({ changes }) => {
      this.changes += changes;
    });
    this.#underWay.add(stored);
    void stored
      .catch(() => {
        this.#failed ??= stored;
      })
      .finally(() => this.#underWay.delete(stored));
  }
}
