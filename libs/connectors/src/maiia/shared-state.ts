import { ConnectorError, type ConnectorContext, parseJson } from '#connector-sdk';
import { shared as schema, type Shared } from './schemas.js';

const NOTHING: Shared = { tokens: null, motifs: {} };
const TRIES = 4;

/** What all sessions of a connection share; in memory only where the hub lends nothing. */
export class SharedState {
  #own: Shared = NOTHING;
  readonly #context: ConnectorContext;

  constructor(context: ConnectorContext) {
    this.#context = context;
  }

  /** Whether there may be other sessions that look at the same. */
  get isShared(): boolean {
    return this.#context.tokens !== undefined;
  }

  async read(): Promise<Shared> {
    return parsed(await this.#stored()) ?? this.#own;
  }

  /** Applies a change to whatever stands by then. Sessions that write at the same time each keep their part. */
  async update(change: (state: Shared) => Shared): Promise<void> {
    const { tokens } = this.#context;
    this.#own = change(this.#own);
    if (tokens === undefined) return;
    for (let count = 0; count < TRIES; count += 1) {
      const before = await this.#stored();
      const next = JSON.stringify(change(parsed(before) ?? NOTHING));
      if (next === before || (await this.#replace(before, next))) return;
    }
    // Secrets that were entered anew make every replacement vain: this session is about to end, with what it has itself.
  }

  async #replace(before: string | null, next: string): Promise<boolean> {
    try {
      return (await this.#context.tokens?.replace(before, next)) ?? true;
    } catch {
      throw unreachable();
    }
  }

  async #stored(): Promise<string | null> {
    try {
      return (await this.#context.tokens?.read()) ?? null;
    } catch {
      throw unreachable();
    }
  }
}

function unreachable(): ConnectorError {
  return new ConnectorError('unavailable', 'what the sessions of this connection share cannot be reached');
}

function parsed(stored: string | null): Shared | null {
  if (stored === null) return null;
  try {
    return schema.parse(parseJson(stored));
  } catch {
    return null;
  }
}
