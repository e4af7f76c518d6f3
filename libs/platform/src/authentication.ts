import type { FastifyRequest } from 'fastify';
import { RIGHTS_BELIEVED_MS } from '#application';
import type { Caller, Demand } from './access.js';
import { badInput, Problem } from './problems.js';
import type { Recogniser } from './recognisers.js';
import { ShortMemory } from './short-memory.js';

/** Where the people are kept in whose name applications act. */
export interface Collaborators {
  isActive(organizationId: string, collaboratorId: string): Promise<boolean>;
  /** Whether a person of a secretariat may act in a practice now, under a mandate. */
  mandated(
    organizationId: string,
    who: { readonly secretariatId: string; readonly collaboratorId: string },
  ): Promise<boolean>;
}

const MAX_REMEMBERED = 10_000;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const READ_METHODS = new Set(['GET', 'HEAD']);

/** Finds out who asks, and whether he may. */
export class Authentication {
  private readonly people = new ShortMemory<true>(RIGHTS_BELIEVED_MS, MAX_REMEMBERED);

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

  /** In a practice that the header names, a secretariat's key opens what a mandate lets its people do there. */
  private async elsewhere(owner: Caller, practice: string | string[], request: FastifyRequest): Promise<Caller> {
    const person = request.headers['unisson-collaborator'] ?? owner.collaboratorId;
    if (typeof practice !== 'string' || !UUID.test(practice))
      throw badInput('header.unisson-practice', 'must be one UUID');
    if (person === null)
      throw new Problem('collaborator-required', {
        errors: [{ path: 'header.unisson-collaborator', message: 'is required with Unisson-Practice' }],
      });
    if (typeof person !== 'string' || !UUID.test(person))
      throw badInput('header.unisson-collaborator', 'must be one UUID');
    const [organizationId, collaboratorId] = [practice.toLowerCase(), person.toLowerCase()];
    const secretariatId = owner.organizationId;
    if (owner.collaboratorId !== null && owner.collaboratorId !== collaboratorId)
      throw new Problem('collaborator-unknown', { code: 'RIGHT' });
    const name = `${secretariatId}|${organizationId}|${collaboratorId}`;
    await this.people.find(name, async () => {
      if (await this.collaborators.mandated(organizationId, { secretariatId, collaboratorId })) return true;
      throw new Problem('mandate-missing', { code: 'RIGHT' });
    });
    return { ...owner, organizationId, collaboratorId, secretariatId };
  }

  private async actingFor(owner: Caller, request: FastifyRequest): Promise<Caller> {
    const practice = request.headers['unisson-practice'];
    if (practice !== undefined) return this.elsewhere(owner, practice, request);
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
    await this.people.find(name, async () => {
      if (await this.collaborators.isActive(owner.organizationId, collaboratorId)) return true;
      throw new Problem('collaborator-unknown', { code: 'RIGHT' });
    });
    return { ...owner, collaboratorId };
  }
}
