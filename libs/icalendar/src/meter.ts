/** Reading it takes more steps than allowed. Nothing need be wrong with it: with more steps it may be readable. */
export class TooCostly extends Error {
  constructor(readonly meter: Meter) {
    super('reading it takes too many steps');
    this.name = 'TooCostly';
  }
}

/**
 * Bounds synchronous work by steps, whatever it reads: a few characters parsed, a day looked at, a time produced cost one
 * each, and less than a microsecond.
 */
export class Meter {
  #left: number;
  #used = 0;
  #outer: Meter | null = null;

  constructor(steps: number) {
    this.#left = steps;
  }

  get used(): number {
    return this.#used;
  }

  /** Runs work whose steps count here, and for the meter that already runs. Throws {@link TooCostly}. */
  run<T>(work: () => T): T {
    this.#outer = running.at(-1) ?? null;
    running.push(this);
    try {
      return work();
    } finally {
      running.pop();
      this.#outer = null;
    }
  }

  /** True for an error that says that this meter, and no other, ran out. */
  ranOut(error: unknown): error is TooCostly {
    return error instanceof TooCostly && error.meter === this;
  }

  spend(steps: number): void {
    this.#left -= steps;
    this.#used += steps;
    this.#outer?.spend(steps);
    if (this.#left < 0) throw new TooCostly(this);
  }
}

/** The innermost last; work is synchronous, so they end in order. */
const running: Meter[] = [];

/** Counts steps of the work under way. */
export function spend(steps: number): void {
  running.at(-1)?.spend(steps);
}

/** What may be read between two turns of an event loop: a few milliseconds. */
const CHEAP = { characters: 32 * 1024, steps: 10_000 };

/** The result of work that reads so many characters, if it is cheap enough for an event loop; else `null`. */
export function ifCheap<T>(characters: number, work: () => T): { readonly result: T } | null {
  if (characters > CHEAP.characters) return null;
  const meter = new Meter(CHEAP.steps);
  try {
    return { result: meter.run(work) };
  } catch (error) {
    if (meter.ranOut(error)) return null;
    throw error;
  }
}
