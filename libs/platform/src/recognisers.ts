import type { FastifyRequest } from 'fastify';
import { RIGHTS_BELIEVED_MS, type AccessTokens } from '#application';
import type { Audience } from '#domain';
import type { Caller } from './access.js';
import { NOBODY, parseAccessToken, parseApiKey, sameHash, type ApiKeyText } from './api-key.js';
import type { AttemptGuard } from './attempts.js';
import { Problem } from './problems.js';
import { ShortMemory } from './short-memory.js';

/** Knows one kind of credential. */
export interface Recogniser {
  /** Who shows it, or `null` when the request shows none of this kind. Throws `unauthenticated` or `locked-out`. */
  recognise(request: FastifyRequest): Promise<Caller | null>;
}

/** Where keys are kept. */
export interface ApiKeys {
  find(
    organizationId: string,
    keyId: string,
  ): Promise<{ secretHash: Buffer; scopes: readonly string[]; audience: Audience; revoked: boolean } | null>;
}

const MAX_REMEMBERED = 10_000;

/** Looked up and compared like any other, so that nothing tells a malformed credential from an unknown or a wrong one. */
const NO_TEXT: ApiKeyText = { organizationId: NOBODY, keyId: NOBODY, secretHash: Buffer.alloc(32, 1) };
const NO_HASH = Buffer.alloc(32, 2);

/** The text behind `Bearer` (RFC 6750 2.1). */
export function bearerOf({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** API keys; whatever stands behind `Bearer` and is nothing else is taken for one. */
export class ApiKeyRecogniser implements Recogniser {
  private readonly goodKeys = new ShortMemory<Caller>(RIGHTS_BELIEVED_MS, MAX_REMEMBERED);

  constructor(
    private readonly keys: ApiKeys,
    private readonly guard: AttemptGuard,
  ) {}

  async recognise(request: FastifyRequest): Promise<Caller | null> {
    const bearer = bearerOf(request);
    if (bearer === undefined) return null;
    return this.callerOf(parseApiKey(bearer), request.ip);
  }

  /** The application with this key. */
  async callerOf(shown: ApiKeyText | null, address: string): Promise<Caller> {
    const text = shown ?? NO_TEXT;
    const name = `${text.keyId}|${text.secretHash.toString('base64')}|${text.organizationId}`;
    return this.goodKeys.find(name, () => this.lookUp(text, shown, address));
  }

  private async lookUp(text: ApiKeyText, shown: ApiKeyText | null, address: string): Promise<Caller> {
    const record = await this.keys.find(text.organizationId, text.keyId);
    if (!sameHash(record?.secretHash ?? NO_HASH, text.secretHash) || !record) return this.guard.failed(address, shown);
    if (record.revoked) throw new Problem('unauthenticated');
    await this.guard.succeeded(address, text);
    return {
      organizationId: text.organizationId,
      keyId: text.keyId,
      via: 'key',
      scopes: new Set(record.scopes),
      audience: record.audience,
      collaboratorId: null,
    };
  }
}

/** Tokens that applications obtained with their keys. Not remembered: one that was revoked ends at once. */
export class AccessTokenRecogniser implements Recogniser {
  constructor(
    private readonly tokens: Pick<AccessTokens, 'find'>,
    private readonly guard: AttemptGuard,
  ) {}

  async recognise(request: FastifyRequest): Promise<Caller | null> {
    const shown = parseAccessToken(bearerOf(request) ?? '');
    if (shown === null) return null;
    const { organizationId, keyId: id, secretHash } = shown;
    const record = await this.tokens.find(organizationId, id);
    if (!sameHash(record?.secretHash ?? NO_HASH, secretHash) || !record) return this.guard.failed(request.ip, shown);
    if (!record.live) throw new Problem('unauthenticated');
    const { keyId, audience } = record;
    return { organizationId, keyId, via: 'token', scopes: new Set(record.scopes), audience, collaboratorId: null };
  }
}
