interface Event {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Virtual time: events in the order of their time, then of their asking. Between two events every promise chain runs
 * dry, so that code under test takes no time but what it waits for, and a run depends on nothing but its seed.
 */
export class Scheduler {
  now = 0;
  /** Events run so far. */
  steps = 0;
  private order = 0;
  private readonly heap: Event[] = [];
  private resumed = false;
  private failure: Error | undefined = undefined;

  /** Runs `run` after a delay, then what it set off. */
  at(delayMs: number, run: () => void): void {
    this.quietly(delayMs, () => {
      this.resumed = true;
      run();
    });
  }

  /** The same for what sets nothing off, unless it says so by `wakes`: costs no turn of the promise queue. */
  quietly(delayMs: number, run: () => void): void {
    const event = { time: this.now + delayMs, order: this.order++, run };
    const { heap } = this;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent]!;
      if (!before(event, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  /** Ends the run: what it simulates broke a rule that has no judge. */
  fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
  }

  /** A quiet event settled a promise after all. */
  wakes(): void {
    this.resumed = true;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.at(ms, resolve);
    });
  }

  /** Runs until nothing is left, or `until` (virtual milliseconds). Rejects with what an event throws. */
  run(until: number): Promise<void> {
    return new Promise((resolve, reject) => {
      // A tick that is asked for in a microtask comes when all microtasks have run: cheaper than a turn of the event
      // loop, and as exact.
      const next = (): void => process.nextTick(step);
      const step = (): void => {
        try {
          this.resumed = false;
          if (this.failure !== undefined) throw this.failure;
          while (!this.resumed) {
            const event = this.heap[0];
            if (event === undefined || event.time > until) return resolve();
            this.pop();
            this.now = event.time;
            this.steps += 1;
            event.run();
          }
          queueMicrotask(next);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      queueMicrotask(next);
    });
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    const size = heap.length;
    if (size === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
