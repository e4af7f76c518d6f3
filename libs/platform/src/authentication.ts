import type { FastifyRequest } from 'fastify';
import type { Caller, Demand } from './access.js';
import { badInput, Problem } from './problems.js';
import type { Recogniser } from './recognisers.js';
import { ShortMemory } from './short-memory.js';

/** Where the people are kept in whose name applications act. */
export interface Collaborators {
  isActive(organizationId: string, collaboratorId: string): Promise<boolean>;
}

/** How long a good answer is believed: a removed person is refused after this at the latest. */
const BELIEVED_MS = 5000;
const MAX_REMEMBERED = 10_000;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const READ_METHODS = new Set(['GET', 'HEAD']);

/** Finds out who asks, and whether he may. */
export class Authentication {
  private readonly people = new ShortMemory<true>(BELIEVED_MS, MAX_REMEMBERED);

  /** The first recogniser that knows the credential decides. */
  constructor(
    private readonly recognisers: readonly Recogniser[],
    private readonly collaborators: Collaborators,
  ) {}

  /** Throws `unauthenticated`, `locked-out`, `right-missing`, `collaborator-required` or `collaborator-unknown`. */
  async authenticate(request: FastifyRequest, demand: Demand): Promise<Caller> {
    const owner = await this.ownerOf(request);
    if (demand !== 'signed-in' && !owner.scopes.has(demand))
      throw new Problem('right-missing', { code: 'RIGHT', extra: { right: demand } });
    return this.actingFor(owner, request);
  }

  private async ownerOf(request: FastifyRequest): Promise<Caller> {
    for (const recogniser of this.recognisers) {
      const caller = await recogniser.recognise(request);
      if (caller) return caller;
    }
    throw new Problem('unauthenticated');
  }

  private async actingFor(owner: Caller, request: FastifyRequest): Promise<Caller> {
    const header = request.headers['unisson-collaborator'];
    if (header === undefined) {
      // A person who signed in acts for himself.
      if (owner.collaboratorId !== null || READ_METHODS.has(request.method)) return owner;
      throw new Problem('collaborator-required', {
        errors: [{ path: 'header.unisson-collaborator', message: 'is required on every write' }],
      });
    }
    if (typeof header !== 'string' || !UUID.test(header))
      throw badInput('header.unisson-collaborator', 'must be one UUID');
    const collaboratorId = header.toLowerCase();
    if (owner.collaboratorId !== null) {
      if (owner.collaboratorId !== collaboratorId) throw new Problem('collaborator-unknown', { code: 'RIGHT' });
      return owner;
    }
    const name = `${owner.organizationId}|${collaboratorId}`;
    if (!this.people.get(name)) {
      if (!(await this.collaborators.isActive(owner.organizationId, collaboratorId)))
        throw new Problem('collaborator-unknown', { code: 'RIGHT' });
      this.people.set(name, true);
    }
    return { ...owner, collaboratorId };
  }
}
