import { createHash, randomBytes } from 'node:crypto';
import type { Secrets } from './config.js';

/** The request a credential is made for. */
export interface Signed {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
}

interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | null;
  readonly algorithm: 'MD5' | 'SHA-256';
  readonly qop: boolean;
}

function parameter(text: string, name: string): string | null {
  const [, quoted, plain] = new RegExp(`(?:^|[\\s,])${name}\\s*=\\s*(?:"([^"]*)"|([^\\s,"]+))`, 'i').exec(text) ?? [];
  return quoted ?? plain ?? null;
}

/** Reads a Digest challenge (RFC 7616 3.3); `null` when there is none that can be answered. */
export function digestChallenge(header: string | undefined): Challenge | null {
  const at = /(?:^|,\s*)digest\s+/i.exec(header ?? '');
  if (!header || !at) return null;
  const text = header.slice(at.index + at[0].length);
  const nonce = parameter(text, 'nonce');
  const algorithm = (parameter(text, 'algorithm') ?? 'MD5').toUpperCase();
  const qop = parameter(text, 'qop');
  if (nonce === null || (algorithm !== 'MD5' && algorithm !== 'SHA-256')) return null;
  if (qop !== null && !/(?:^|[\s,])auth(?:$|[\s,])/i.test(qop)) return null;
  return {
    realm: parameter(text, 'realm') ?? '',
    nonce,
    opaque: parameter(text, 'opaque'),
    algorithm,
    qop: qop !== null,
  };
}

/**
 * Makes `Authorization` values ahead of any challenge. Basic is sent at once; a server that asks for Digest (the default
 * of Baïkal) is remembered, so that only the first request of a session is refused.
 */
export class Authorization {
  readonly #auth: Secrets['auth'];
  #challenge: Challenge | null = null;
  #count = 0;

  constructor(auth: Secrets['auth']) {
    this.#auth = auth;
  }

  header(request: Signed): string {
    if (this.#auth.type === 'bearer') return `Bearer ${this.#auth.token}`;
    const { username, password } = this.#auth;
    if (this.#challenge) return this.#digest(request, this.#challenge, { username, password });
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  /** Takes note of a refusal; true when the request is worth sending again. */
  challenged(header: string | undefined): boolean {
    if (this.#auth.type !== 'basic') return false;
    const challenge = digestChallenge(header);
    if (!challenge || challenge.nonce === this.#challenge?.nonce) return false;
    this.#challenge = challenge;
    this.#count = 0;
    return true;
  }

  #digest({ method, target }: Signed, challenge: Challenge, account: { username: string; password: string }): string {
    const hash = (text: string): string =>
      createHash(challenge.algorithm === 'MD5' ? 'md5' : 'sha256')
        .update(text)
        .digest('hex');
    const count = (++this.#count).toString(16).padStart(8, '0');
    const own = randomBytes(12).toString('hex');
    const user = hash(`${account.username}:${challenge.realm}:${account.password}`);
    const what = hash(`${method}:${target}`);
    const middle = challenge.qop ? `${challenge.nonce}:${count}:${own}:auth` : challenge.nonce;
    const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
    return [
      `Digest username=${quoted(account.username)}`,
      `realm=${quoted(challenge.realm)}`,
      `nonce=${quoted(challenge.nonce)}`,
      `uri=${quoted(target)}`,
      `algorithm=${challenge.algorithm}`,
      `response="${hash(`${user}:${middle}:${what}`)}"`,
      ...(challenge.qop ? ['qop=auth', `nc=${count}`, `cnonce="${own}"`] : []),
      ...(challenge.opaque === null ? [] : [`opaque=${quoted(challenge.opaque)}`]),
    ].join(', ');
  }
}
