import type { FastifyRequest } from 'fastify';
import { ProviderUnavailable, type Identity, type OpenIdProviders, type SignInStore } from '#application';
import type { Caller } from './access.js';
import { parseFeedToken, sameHash } from './api-key.js';
import type { AttemptGuard } from './attempts.js';
import { badInput, Problem } from './problems.js';
import { bearerOf, type Recogniser } from './recognisers.js';
import type { SessionCookie } from './session-cookie.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NO_HASH = Buffer.alloc(32, 2);
const JWT = /^[\w-]+\.([\w-]+)\.[\w-]*$/;
const RETRY_MS = 5000;

/** A person acts for himself, with the scopes he was given when he was linked. */
function callerOf(
  organizationId: string,
  { id, via }: { id: string; via: 'person' | 'session' },
  who: Identity,
): Caller {
  if (!who.active) throw new Problem('collaborator-unknown', { code: 'RIGHT' });
  const { scopes, collaboratorId } = who;
  return { organizationId, keyId: id, via, scopes: new Set(scopes), audience: 'SECRETARIAT', collaboratorId };
}

/** Sessions of the console, by their cookie. Not remembered: one that was ended is over at once. */
export class SessionRecogniser implements Recogniser {
  constructor(
    private readonly store: Pick<SignInStore, 'session'>,
    private readonly cookie: SessionCookie,
    private readonly guard: AttemptGuard,
  ) {}

  async recognise(request: FastifyRequest): Promise<Caller | null> {
    const text = this.cookie.session(request);
    if (text === null) return null;
    const shown = parseFeedToken(text);
    if (shown === null) return this.guard.failed(request.ip, null);
    const { organizationId, keyId: id, secretHash } = shown;
    const found = await this.store.session({ organizationId, id }, secretHash);
    if (!sameHash(found?.secretHash ?? NO_HASH, secretHash) || !found) return this.guard.failed(request.ip, shown);
    if (!found.live) throw new Problem('unauthenticated');
    return callerOf(organizationId, { id, via: 'session' }, found.identity);
  }
}

/** People's access tokens from the provider of their organization, which they name in `Unisson-Organization`. */
export class PersonTokenRecogniser implements Recogniser {
  constructor(
    private readonly store: Pick<SignInStore, 'issuers'>,
    private readonly providers: Pick<OpenIdProviders, 'accepts'>,
    private readonly guard: AttemptGuard,
  ) {}

  async recognise(request: FastifyRequest): Promise<Caller | null> {
    const token = bearerOf(request) ?? '';
    const payload = JWT.exec(token)?.[1];
    if (payload === undefined) return null;
    const organizationId = organizationOf(request);
    const claimed = claimsOf(payload);
    if (claimed === null) return this.guard.failed(request.ip, null);
    // By what the token says of itself; nothing of it is believed before its signature.
    for (const { provider, identity } of await this.store.issuers(organizationId, claimed)) {
      const verdict = await this.providers.accepts(provider, token).catch((error: unknown) => {
        if (error instanceof ProviderUnavailable) throw new Problem('provider-unreachable', { retryAfterMs: RETRY_MS });
        throw error;
      });
      if (verdict === 'expired') throw new Problem('unauthenticated');
      if (verdict === 'refused') continue;
      if (identity === null) throw new Problem('person-unknown', { extra: claimed });
      return callerOf(organizationId, { id: identity.id, via: 'person' }, identity);
    }
    return this.guard.failed(request.ip, null);
  }
}

function organizationOf({ headers }: FastifyRequest): string {
  const header = headers['unisson-organization'];
  const id = typeof header === 'string' ? header.toLowerCase() : '';
  if (!UUID.test(id)) throw badInput('header.unisson-organization', 'must be one UUID when a person’s token is shown');
  return id;
}

function claimsOf(payload: string): { issuer: string; subject: string } | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (typeof claims !== 'object' || claims === null || !('iss' in claims) || !('sub' in claims)) return null;
    const { iss, sub } = claims;
    const usable = typeof iss === 'string' && typeof sub === 'string' && !/\u0000/.test(iss + sub);
    return usable ? { issuer: iss, subject: sub } : null;
  } catch {
    return null;
  }
}
