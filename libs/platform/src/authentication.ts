import type { FastifyRequest } from 'fastify';
import type { Audience } from '#domain';
import type { Caller, Scope } from './access.js';
import { parseApiKey, sameHash } from './api-key.js';
import type { ApiKeyText } from './api-key.js';
import { badInput, Problem } from './problems.js';
import { ShortMemory } from './short-memory.js';

/** Where keys are kept. */
export interface ApiKeys {
  find(
    organizationId: string,
    keyId: string,
  ): Promise<{ secretHash: Buffer; scopes: readonly string[]; audience: Audience; revoked: boolean } | null>;
}

/** Where the people are kept in whose name applications act. */
export interface Collaborators {
  isActive(organizationId: string, collaboratorId: string): Promise<boolean>;
}

/** How long a good answer is believed: a revoked key or a removed person is refused after this at the latest. */
const BELIEVED_MS = 5000;
const MAX_REMEMBERED = 10_000;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NOBODY = '00000000-0000-0000-0000-000000000000';
/** Looked up and compared like any other, so that nothing tells a malformed key from an unknown or a wrong one. */
const NO_KEY: ApiKeyText = { organizationId: NOBODY, keyId: NOBODY, secretHash: Buffer.alloc(32, 1) };
const NO_RECORD = { secretHash: Buffer.alloc(32, 2), scopes: [], audience: 'SECRETARIAT', revoked: true } as const;

const READ_METHODS = new Set(['GET', 'HEAD']);

/** Finds out who asks, and whether he may. */
export class Authentication {
  private readonly goodKeys = new ShortMemory<Caller>(BELIEVED_MS, MAX_REMEMBERED);
  private readonly people = new ShortMemory<true>(BELIEVED_MS, MAX_REMEMBERED);

  constructor(
    private readonly keys: ApiKeys,
    private readonly collaborators: Collaborators,
  ) {}

  /** Throws `unauthenticated`, `right-missing`, `collaborator-required` or `collaborator-unknown`. */
  async authenticate(request: FastifyRequest, scope: Scope): Promise<Caller> {
    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (bearer === undefined) throw new Problem('unauthenticated');
    const owner = await this.ownerOf(bearer);
    if (!owner.scopes.has(scope)) throw new Problem('right-missing', { code: 'RIGHT', extra: { right: scope } });
    return this.actingFor(owner, request);
  }

  private async ownerOf(bearer: string): Promise<Caller> {
    const text = parseApiKey(bearer) ?? NO_KEY;
    const name = `${text.keyId}|${text.secretHash.toString('base64')}|${text.organizationId}`;
    const known = this.goodKeys.get(name);
    if (known) return known;
    const record = (await this.keys.find(text.organizationId, text.keyId)) ?? NO_RECORD;
    const same = sameHash(record.secretHash, text.secretHash);
    if (!same || record.revoked) throw new Problem('unauthenticated');
    const caller: Caller = {
      organizationId: text.organizationId,
      keyId: text.keyId,
      scopes: new Set(record.scopes),
      audience: record.audience,
      collaboratorId: null,
    };
    this.goodKeys.set(name, caller);
    return caller;
  }

  private async actingFor(owner: Caller, request: FastifyRequest): Promise<Caller> {
    const header = request.headers['unisson-collaborator'];
    if (header === undefined) {
      if (READ_METHODS.has(request.method)) return owner;
      throw new Problem('collaborator-required', {
        errors: [{ path: 'header.unisson-collaborator', message: 'is required on every write' }],
      });
    }
    if (typeof header !== 'string' || !UUID.test(header))
      throw badInput('header.unisson-collaborator', 'must be one UUID');
    const collaboratorId = header.toLowerCase();
    const name = `${owner.organizationId}|${collaboratorId}`;
    if (!this.people.get(name)) {
      if (!(await this.collaborators.isActive(owner.organizationId, collaboratorId)))
        throw new Problem('collaborator-unknown', { code: 'RIGHT' });
      this.people.set(name, true);
    }
    return { ...owner, collaboratorId };
  }
}
