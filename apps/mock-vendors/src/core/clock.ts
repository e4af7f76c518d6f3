/** A vendor's clock: the machine's, and as far ahead of it as tests and demonstrations put it. */
export class SimulatorClock {
  #aheadMs = 0;

  constructor(private readonly base: () => number) {}

  /** Epoch milliseconds. */
  readonly now = (): number => this.base() + this.#aheadMs;

  /** Negative: back. */
  advance(ms: number): void {
    this.#aheadMs += ms;
  }

  reset(): void {
    this.#aheadMs = 0;
  }
}
