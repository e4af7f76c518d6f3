import type { Faults } from './faults.js';

const GATHER_MS = 25;
const SEND_TIMEOUT_MS = 5_000;

/** Posts one message; true when it must not be tried again. `forged`: as somebody without the secret would. */
export type Post = (forged: boolean) => Promise<boolean>;

/** Sends notifications, with the faults that befall them: lost, repeated, overtaken, forged. */
export class Deliveries {
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #gathered = new Set<string>();
  /** One held back until the next one has gone. */
  #heldBack: Post | undefined;

  constructor(
    private readonly faults: Faults,
    private readonly retryMs: readonly number[],
  ) {}

  /** Runs `flush` a moment later, once, however often the same key is named until then. */
  gather(key: string, flush: () => void): void {
    if (this.#gathered.has(key)) return;
    this.#gathered.add(key);
    this.#later(GATHER_MS, () => {
      this.#gathered.delete(key);
      flush();
    });
  }

  dispatch(post: Post): void {
    if (this.faults.take(['push-lose'], {})) return;
    if (this.faults.take(['push-reorder'], {}) && !this.#heldBack) {
      this.#heldBack = post;
      return;
    }
    if (this.faults.take(['push-forge'], {})) void post(true);
    void this.#send(post, 0);
    if (this.faults.take(['push-duplicate'], {})) void this.#send(post, 0);
    const late = this.#heldBack;
    this.#heldBack = undefined;
    if (late) this.#later(GATHER_MS, () => void this.#send(late, 0));
  }

  /** Forgets what is on its way. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#gathered.clear();
    this.#heldBack = undefined;
  }

  async #send(post: Post, attempt: number): Promise<void> {
    const done = await post(false);
    const wait = this.retryMs[attempt];
    if (!done && wait !== undefined) this.#later(wait, () => void this.#send(post, attempt + 1));
  }

  #later(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    timer.unref();
    this.#timers.add(timer);
  }
}

/** The status that a receiver answered, 0 for none. */
export async function postTo(url: string, headers: Record<string, string>, body = ''): Promise<number> {
  const signal = AbortSignal.timeout(SEND_TIMEOUT_MS);
  const message = body === '' ? {} : { body };
  try {
    return (await fetch(url, { method: 'POST', redirect: 'manual', signal, headers, ...message })).status;
  } catch {
    return 0;
  }
}
