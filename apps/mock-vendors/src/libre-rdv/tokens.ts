import { randomBytes } from 'node:crypto';
import { LibreRefusal } from './refusal.js';

const TOKEN_MS = 10 * 60_000;

interface Token {
  readonly apiKey: string;
  readonly expires: number;
}

/** Tokens of `token-get`: good for ten minutes, whatever is being read when these are over. */
export class Tokens {
  readonly #tokens = new Map<string, Token>();
  /** Calls after which every token ends; `null`: by the clock alone. */
  #callsLeft: number | null = null;

  constructor(private readonly now: () => number) {}

  give(apiKey: string): { token: string; expires_in: number } {
    const token = randomBytes(12).toString('hex');
    this.#tokens.set(token, { apiKey, expires: this.now() + TOKEN_MS });
    return { token, expires_in: TOKEN_MS / 1000 };
  }

  check(apiKey: string, token: string | undefined): void {
    if (this.#callsLeft === 0) this.reset();
    else if (this.#callsLeft !== null) this.#callsLeft -= 1;
    const found = this.#tokens.get(token ?? '');
    if (found?.apiKey !== apiKey || found.expires <= this.now()) throw new LibreRefusal(13);
  }

  expireAfter(calls: number): void {
    this.#callsLeft = calls;
  }

  reset(): void {
    this.#tokens.clear();
    this.#callsLeft = null;
  }
}
