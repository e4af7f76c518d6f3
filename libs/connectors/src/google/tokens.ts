import { createSign } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ConnectorError } from '#connector-sdk';
import type { z } from 'zod';
import type { Secrets } from './config.js';
import { shared as sharedSchema } from './schemas.js';
import { exchangeGrant, GrantRefused, json, SCOPES, type Endpoint, type Token } from './token-endpoint.js';

/** A token that ends this soon is renewed first. */
const EARLY_MS = 60_000;
/** An assertion may last an hour at most; its beginning allows for clocks that are ahead. */
const ASSERTION = { from: -30, to: 3300 } as const;
/** How long another process may take to store what it was given for the same refresh token. */
const ROTATION = { looks: 8, everyMs: 250 } as const;

type Shared = z.output<typeof sharedSchema>;
type OAuth = Extract<Secrets['auth'], { type: 'oauth' }>;

interface Parts extends Endpoint {
  readonly auth: Secrets['auth'];
}

/**
 * Access tokens of one account, one refresh at a time. The token endpoint is asked directly rather than by way of the
 * vendor's library, which retries it, ignores the caller's signal, and drops a rotated refresh token.
 */
export class AccessTokens {
  readonly #parts: Parts;
  #token: Token | null = null;
  #pending: Promise<Token> | null = null;
  /** A rotated refresh token that could not be stored yet, and what it replaces. */
  #unsaved: { readonly expected: string | null; readonly next: string } | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** An access token other than `refused`. Throws `auth`, `unavailable`, `rate_limited`; never `unknown`. */
  async get(signal: AbortSignal, refused: string | null = null): Promise<string> {
    const token = this.#token;
    const fresh = token !== null && token.expiresAt - EARLY_MS > this.#parts.context.now();
    if (fresh && token.value !== refused) return token.value;
    this.#pending ??= this.#renew(refused).finally(() => {
      this.#pending = null;
    });
    this.#token = await orGivenUp(this.#pending, signal);
    return this.#token.value;
  }

  #renew(refused: string | null): Promise<Token> {
    const { auth } = this.#parts;
    if (auth.type === 'oauth') return this.#refresh(auth, refused);
    const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
    return exchangeGrant(this.#parts, { grant_type: grant, assertion: this.#assertion(auth) }).then(
      ({ token }) => token,
    );
  }

  async #refresh(auth: OAuth, refused: string | null): Promise<Token> {
    await this.#save();
    const before = await this.#read();
    const kept = parsed(before);
    const usable = this.#usable(kept, refused);
    if (usable) return usable;
    const used = kept?.refreshToken ?? auth.refreshToken;
    if (used === undefined) throw new ConnectorError('auth', 'access has not been granted yet');
    const { clientId, clientSecret } = auth;
    const form = { grant_type: 'refresh_token', client_id: clientId, client_secret: clientSecret };
    try {
      const { token, refreshToken } = await exchangeGrant(this.#parts, { ...form, refresh_token: used });
      if (refreshToken !== null && refreshToken !== used) {
        const next = { refreshToken, accessToken: token.value, expiresAt: token.expiresAt } satisfies Shared;
        this.#unsaved = { expected: before, next: JSON.stringify(next) };
        await this.#save();
      }
      return token;
    } catch (error) {
      const other = error instanceof GrantRefused ? await this.#rotatedElsewhere(before, refused) : null;
      if (other === null) throw error;
      return other;
    }
  }

  /** Another process may have been given a new refresh token for the one that we tried a moment later. */
  async #rotatedElsewhere(before: string | null, refused: string | null): Promise<Token | null> {
    if (this.#parts.context.tokens === undefined) return null;
    for (let look = 0; look < ROTATION.looks; look += 1) {
      const now = await this.#read();
      if (now !== before) return this.#usable(parsed(now), refused);
      await delay(ROTATION.everyMs);
    }
    return null;
  }

  #usable(kept: Shared | null, refused: string | null): Token | null {
    if (kept === null || kept.accessToken === refused) return null;
    const fresh = kept.expiresAt - EARLY_MS > this.#parts.context.now();
    return fresh ? { value: kept.accessToken, expiresAt: kept.expiresAt } : null;
  }

  async #read(): Promise<string | null> {
    try {
      return (await this.#parts.context.tokens?.read()) ?? null;
    } catch {
      throw new ConnectorError('unavailable', 'the tokens of this connection could not be read');
    }
  }

  /** What another process stored meanwhile is newer and stands; what could not be stored is tried again before the next use. */
  async #save(): Promise<void> {
    const { tokens } = this.#parts.context;
    if (this.#unsaved === null || tokens === undefined) return;
    try {
      await tokens.replace(this.#unsaved.expected, this.#unsaved.next);
      this.#unsaved = null;
    } catch {
      throw new ConnectorError('unavailable', 'the new refresh token could not be stored yet');
    }
  }

  /** A signed assertion (RFC 7523) of the service account, in the name of `subject` where the domain delegates that. */
  #assertion({ clientEmail, privateKey }: Extract<Secrets['auth'], { type: 'service-account' }>): string {
    const { settings, context } = this.#parts;
    const seconds = Math.floor(context.now() / 1000);
    const claims = {
      iss: clientEmail,
      ...(settings.subject === undefined ? {} : { sub: settings.subject }),
      scope: SCOPES.join(' '),
      aud: settings.tokenUrl,
      iat: seconds + ASSERTION.from,
      exp: seconds + ASSERTION.to,
    };
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`;
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`;
  }
}

/** Ends one caller's waiting; the refresh itself goes on for the others. */
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

function parsed(kept: string | null): Shared | null {
  const read = kept === null ? undefined : sharedSchema.safeParse(json(kept));
  return read?.success === true ? read.data : null;
}
