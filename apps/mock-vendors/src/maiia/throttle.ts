import { Refusal } from '../core/refusal.js';

const MINUTE_MS = 60_000;
const PER_MINUTE = 600;

/** Counts the calls of each key, minute by minute. */
export class Throttle {
  #limit = PER_MINUTE;
  #minute = 0;
  #calls = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  reset(limit = PER_MINUTE): void {
    this.#limit = limit;
    this.#calls.clear();
  }

  count(apiKey: string): void {
    const minute = Math.floor(this.#now() / MINUTE_MS);
    if (minute !== this.#minute) this.#calls.clear();
    this.#minute = minute;
    const calls = (this.#calls.get(apiKey) ?? 0) + 1;
    this.#calls.set(apiKey, calls);
    if (calls <= this.#limit) return;
    const retryAfterSeconds = Math.ceil(((minute + 1) * MINUTE_MS - this.#now()) / 1000);
    throw new Refusal(429, 'TOO_MANY_REQUESTS', { retryAfterSeconds });
  }
}
