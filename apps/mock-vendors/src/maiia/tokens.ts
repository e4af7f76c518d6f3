import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Refusal } from '../core/refusal.js';
import { derivedId } from './ids.js';
import type { Key, Scope } from './model.js';
import type { MaiiaStore } from './store.js';

const ACCESS_MS = 5 * 60_000;
const REFRESH_MS = 12 * 3_600_000;
const HOUR_MS = 3_600_000;
/** The API key is for beginning: who logs in instead of refreshing is slowed down. */
const LOGINS_PER_HOUR = 20;

export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds. */
  readonly expiresIn: number;
}

interface Refresh {
  readonly apiKey: string;
  readonly expiresAt: number;
}

/** API keys are exchanged for short JWTs; each refresh spends its refresh token and gives another. */
export class Tokens {
  #secret = randomBytes(32);
  #refreshes = new Map<string, Refresh>();
  #logins = new Map<string, number[]>();
  readonly #store: MaiiaStore;
  readonly #now: () => number;

  constructor(store: MaiiaStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  reset(): void {
    this.#refreshes.clear();
    this.#logins.clear();
    this.expireAccess();
  }

  /** Every access token given so far is refused from now on. */
  expireAccess(): void {
    this.#secret = randomBytes(32);
  }

  expireRefresh(): void {
    this.#refreshes.clear();
  }

  login(apiKey: string): TokenPair {
    if (!this.#store.key(apiKey)) throw new Refusal(401, 'API_KEY_UNKNOWN');
    const recent = (this.#logins.get(apiKey) ?? []).filter((at) => at > this.#now() - HOUR_MS);
    const first = recent[0];
    if (recent.length >= LOGINS_PER_HOUR && first !== undefined) {
      const retryAfterSeconds = Math.ceil((first + HOUR_MS - this.#now()) / 1000);
      throw new Refusal(429, 'TOO_MANY_LOGINS', { retryAfterSeconds });
    }
    this.#logins.set(apiKey, [...recent, this.#now()]);
    return this.#pair(apiKey);
  }

  refresh(token: string): TokenPair {
    const found = this.#refreshes.get(token);
    this.#refreshes.delete(token);
    if (!found || found.expiresAt <= this.#now()) throw new Refusal(401, 'REFRESH_TOKEN_SPENT');
    return this.#pair(found.apiKey);
  }

  /** Whose token it is. */
  caller(authorization: string | undefined, scope: Scope): Key {
    const subject = this.#subjectOf(/^Bearer (\S+)$/.exec(authorization ?? '')?.[1] ?? '');
    const key = this.#store.keys().find(({ apiKey }) => subjectOf(apiKey) === subject);
    if (!key) throw new Refusal(401, 'TOKEN_INVALID');
    if (!key.scopes.includes(scope)) throw new Refusal(403, 'SCOPE_MISSING', { scope });
    return key;
  }

  #subjectOf(jwt: string): string {
    const [header = '', payload = '', signature = ''] = jwt.split('.');
    const given = Buffer.from(signature, 'base64url');
    const expected = this.#sign(`${header}.${payload}`);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Refusal(401, 'TOKEN_INVALID');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string; exp: number };
    if (claims.exp * 1000 <= this.#now()) throw new Refusal(401, 'TOKEN_EXPIRED');
    return claims.sub;
  }

  #pair(apiKey: string): TokenPair {
    const now = this.#now();
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { sub: subjectOf(apiKey), iat: Math.floor(now / 1000), exp: Math.floor((now + ACCESS_MS) / 1000) };
    const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
    const refreshToken = randomBytes(32).toString('base64url');
    this.#refreshes.set(refreshToken, { apiKey, expiresAt: now + REFRESH_MS });
    return {
      accessToken: `${signed}.${this.#sign(signed).toString('base64url')}`,
      refreshToken,
      expiresIn: ACCESS_MS / 1000,
    };
  }

  #sign(text: string): Buffer {
    return createHmac('sha256', this.#secret).update(text).digest();
  }
}

function subjectOf(apiKey: string): string {
  return derivedId('subject', apiKey);
}
