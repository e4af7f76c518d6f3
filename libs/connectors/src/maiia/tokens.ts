import { setTimeout as delay } from 'node:timers/promises';
import { ConnectorError, type ConnectorContext, type Http, parseJson } from '#connector-sdk';
import type { z } from 'zod';
import { errorOf, isKind, senseless } from './errors.js';
import { tokenPair, type Shared } from './schemas.js';
import type { SharedState } from './shared-state.js';

/** A token that ends this soon is renewed first. */
const EARLY_MS = 30_000;
/** How long another session may take to store what it was given for the same refresh token. */
const ROTATION = { looks: 4, everyMs: 250 } as const;

type Kept = NonNullable<Shared['tokens']>;

interface Parts {
  /** Where tokens are given. */
  readonly url: string;
  readonly apiKey: string;
  readonly http: Http;
  readonly context: ConnectorContext;
  readonly state: SharedState;
}

/**
 * Access tokens of one connection: five minutes each, renewed with a refresh token that each use replaces. Sessions share
 * them, because the vendor counts logins with the API key.
 */
export class AccessTokens {
  readonly #parts: Parts;
  #tokens: Kept | null = null;
  #pending: Promise<Kept> | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** An access token other than `refused`. Throws `auth`, `unavailable`, `rate_limited`; never `unknown`. */
  async get(signal: AbortSignal, refused: string | null = null): Promise<string> {
    const own = this.#usable(this.#tokens, refused);
    if (own !== null) return own.accessToken;
    this.#pending ??= this.#renew(refused).finally(() => {
      this.#pending = null;
    });
    this.#tokens = await orGivenUp(this.#pending, signal);
    return this.#tokens.accessToken;
  }

  async #renew(refused: string | null): Promise<Kept> {
    const { state, apiKey } = this.#parts;
    const { tokens: kept } = await state.read();
    const usable = this.#usable(kept, refused);
    if (usable !== null) return usable;
    if (kept !== null) {
      const renewed = await this.#refresh(kept.refreshToken);
      if (renewed !== null) return this.#keep(renewed);
      const given = await this.#givenElsewhere(kept, refused);
      if (given !== null) return given;
    }
    return this.#keep(await this.#ask('token', { apiKey }));
  }

  /** `null`: the refresh token was spent or has ended. */
  async #refresh(refreshToken: string): Promise<Kept | null> {
    try {
      return await this.#ask('refresh', { refreshToken });
    } catch (error) {
      if (isKind(error, 'auth')) return null;
      throw error;
    }
  }

  /** Another session may have been quicker with the same refresh token, and be about to store what it was given. */
  async #givenElsewhere(kept: Kept, refused: string | null): Promise<Kept | null> {
    const { state } = this.#parts;
    for (let look = 0; look < ROTATION.looks && state.isShared; look += 1) {
      const { tokens } = await state.read();
      if (tokens?.refreshToken !== kept.refreshToken) return this.#usable(tokens, refused);
      await delay(ROTATION.everyMs);
    }
    return null;
  }

  /** What cannot be stored is used all the same: the others log in. */
  async #keep(tokens: Kept): Promise<Kept> {
    await this.#parts.state.update((state) => ({ ...state, tokens })).catch(() => undefined);
    return tokens;
  }

  async #ask(path: string, body: object): Promise<Kept> {
    const { http, context, url } = this.#parts;
    const answer = await http.send({
      method: 'POST',
      url: `${url}/${path}`,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(context.timeoutMs),
      // Nothing of an agenda is touched.
      write: false,
    });
    if (answer.status !== 200) throw errorOf(answer, { write: false, now: context.now() });
    const { accessToken, refreshToken, expiresIn } = read(answer.body, answer.status);
    return { accessToken, refreshToken, expiresAt: context.now() + expiresIn * 1000 };
  }

  #usable(tokens: Kept | null, refused: string | null): Kept | null {
    if (tokens === null || tokens.accessToken === refused) return null;
    return tokens.expiresAt - EARLY_MS > this.#parts.context.now() ? tokens : null;
  }
}

function read(body: string, status: number): z.output<typeof tokenPair> {
  try {
    return tokenPair.parse(parseJson(body));
  } catch {
    throw senseless(false, status);
  }
}

/** Ends one caller's waiting; the renewal itself goes on for the others. */
function orGivenUp<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(new ConnectorError('unavailable', 'the call was given up before it was sent'));
    };
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', giveUp);
    });
  });
}
