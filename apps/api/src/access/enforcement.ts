import { createHash } from 'node:crypto';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { defer, lastValueFrom, type Observable } from 'rxjs';
import {
  type Access,
  seeing,
  sightOf,
  type Applicant,
  type Appointments,
  type GrantUse,
  type Rights,
  type RightsQuestion,
  type Sight,
  type Target,
} from '#application';
import {
  localDayOf,
  USUAL_IDENTITY,
  type AccessAction,
  type AccessRefusal,
  type AgendaPlace,
  type IdentityField,
  type ShownIdentity,
} from '#domain';
import { actorOf, callerOf, Problem, type Caller, type Need } from '#platform';
import { namedIn, type Named } from './named.js';

/** What is asked, once everything that it is about is known. */
interface Matter {
  readonly actions: readonly AccessAction[];
  readonly targets: readonly (Target & { readonly agenda: AgendaPlace })[];
  readonly named: Named;
  readonly on: Need['on'];
  /** What it takes to be seen of the patients. */
  readonly identity: readonly IdentityField[];
}

interface Counting {
  readonly rights: Rights;
  readonly matter: Matter;
  readonly request: FastifyRequest;
  readonly many: Appointments;
}

/** Who asks, as grants know him. An application has grants of its own where a request names nobody. */
export function askerOf(caller: Caller): Applicant {
  const { organizationId, collaboratorId, keyId, audience, via } = caller;
  const holder =
    collaboratorId === null
      ? ({ kind: 'application', id: keyId } as const)
      : ({ kind: 'collaborator', id: collaboratorId } as const);
  return {
    organizationId,
    holder,
    audience,
    channel: via === 'person' || via === 'session' ? 'console' : 'application',
  };
}

export function refused(reason: AccessRefusal, action: AccessAction): Problem {
  return new Problem('grant-missing', { code: reason, extra: { right: action } });
}

export function unseen(field: IdentityField): Problem {
  return new Problem('grant-missing', { code: 'RIGHT', extra: { right: 'see-identity', field } });
}

/** Throws unless he may see everything usual of every patient: what is given out as a whole cannot be cut. */
export async function maySeePatients(access: Access, caller: Caller): Promise<void> {
  const { fields } = (await access.rights(askerOf(caller))).identity(null, null);
  const missing = USUAL_IDENTITY.find((field) => !fields.has(field));
  if (missing !== undefined) throw unseen(missing);
}

/**
 * Decides every request between its authentication and its handler: what the route needs, on the agendas and motifs that
 * path, query and body name. What no grant was ever about is left for the handler not to find, as if it did not exist.
 */
export class Enforcement implements NestInterceptor {
  constructor(private readonly access: Access) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { need } = request.routeOptions.config;
    if (need === undefined || request.caller === null) return next.handle();
    return defer(() => this.run(request, need, () => lastValueFrom(next.handle(), { defaultValue: undefined })));
  }

  /** Once more, for what goes on after its beginning. Throws `grant-missing` when it may not go on. */
  async again(request: FastifyRequest, need: Need): Promise<void> {
    const { sight } = await this.look(request, need, grantsOf(request));
    const running = sightOf();
    if (running) Object.assign(running, sight);
  }

  private async run(request: FastifyRequest, need: Need, handle: () => Promise<unknown>): Promise<unknown> {
    const grants = grantsOf(request);
    const { sight, rights, matter } = await this.look(request, need, grants);
    if (matter === null) return seeing(sight, handle);
    const uses: GrantUse[] = [];
    const counts = (many: Appointments): Promise<void> => this.count({ rights, matter, request, many }, uses, grants);
    try {
      await counts(1);
      return await seeing({ ...sight, counts }, handle);
    } catch (error) {
      if (error instanceof Problem && error.status < 500) await this.giveBack(rights, uses);
      throw error;
    }
  }

  private async giveBack({ asker }: Rights, uses: GrantUse[]): Promise<void> {
    for (const use of uses.splice(0)) await this.access.store.giveBack(asker.organizationId, use);
  }

  private async look(
    request: FastifyRequest,
    need: Need,
    grants: string[],
  ): Promise<{ sight: Sight; rights: Rights; matter: Matter | null }> {
    const caller = callerOf(request);
    const rights = await this.access.rights(askerOf(caller));
    const matter = need.action === 'self' ? null : await this.matterOf(request, need, rights);
    if (matter !== null) judge(rights, matter, grants);
    return { sight: { ...sightFor(rights, matter, grants), actor: actorOf(caller) }, rights, matter };
  }

  private async matterOf(request: FastifyRequest, need: Need, rights: Rights): Promise<Matter> {
    const action = need.action as AccessAction;
    const named = namedIn(request);
    const { organizationId } = rights.asker;
    const kind = need.on === 'agenda' || need.on === 'organization' ? undefined : need.on;
    const behind: Target[] = named.id !== null && need.on === 'agenda' ? [{ agendaId: named.id, motifId: null }] : [];
    if (named.id !== null && kind !== undefined)
      behind.push(...(await this.access.targets(organizationId, kind, named.id)));
    if (named.hold !== null) behind.push(...(await this.access.targets(organizationId, 'appointment', named.hold)));
    const motifs =
      named.motifs.length > 0 ? named.motifs : [...new Set(behind.map(({ motifId }) => motifId)), null].slice(0, 1);
    const agendas = [...named.agendas, ...behind.map(({ agendaId }) => agendaId)];
    const found = [...behind, ...agendas.flatMap((agendaId) => motifs.map((motifId) => ({ agendaId, motifId })))];
    const targets = found.flatMap((target) => {
      const agenda = rights.agenda(target.agendaId);
      if (agenda === undefined || !rights.knows(agenda)) return [];
      // Whether time is taken has no motif.
      return [
        { ...target, agenda, motifId: action === 'see-busy' && named.motifs.length === 0 ? null : target.motifId },
      ];
    });
    const more = [
      ...(named.overbooks ? (['overbook'] as const) : []),
      ...(named.discloses ? (['see-identity'] as const) : []),
    ];
    const identity = [...(need.identity ?? []), ...named.identity];
    return { actions: [action, ...more], targets, named, on: need.on, identity };
  }

  /**
   * Takes what quotas have left for so many appointments; however often the request is repeated, they count once. Of several
   * agendas under one grant it takes them together; each of several grants only those of its agendas.
   */
  private async count(given: Counting, uses: GrantUse[], grants: string[]): Promise<void> {
    const { rights, matter, many } = given;
    if (many === 0) return this.giveBack(rights, uses);
    // What is booked from a hold was counted when it was held.
    if (matter.named.hold !== null) return;
    // What is used up does not allow it.
    if (matter.targets.length > 0) grants.splice(0);
    const taken = new Map<string, number>();
    for (const { agenda, motifId } of matter.targets) {
      const here = typeof many === 'number' ? many : (many.get(agenda.id) ?? 0);
      for (const action of here === 0 ? [] : matter.actions)
        add(grants, await this.take(given, { action, agenda, motifId, here }, { uses, taken }));
    }
    const left = uses.filter((use) => !taken.has(keyOf(use)));
    uses.splice(0, Infinity, ...uses.filter((use) => taken.has(keyOf(use))));
    await this.giveBack(rights, left);
  }

  /** The grant that allows so many more: the first that has them left. */
  private async take(
    { rights, request, many }: Counting,
    { here, ...question }: RightsQuestion & { readonly agenda: AgendaPlace; readonly here: number },
    { uses, taken }: { readonly uses: GrantUse[]; readonly taken: Map<string, number> },
  ): Promise<string> {
    const used = new Map<string, number>();
    for (;;) {
      const decision = rights.decide({ ...question, used });
      if (!decision.allowed) throw refused(decision.reason, question.action);
      const { grantId, perDay } = decision;
      if (perDay === null) return grantId;
      const localDay = localDayOf(rights.at, question.agenda.timeZone);
      const use = { grantId, action: question.action, localDay, key: useKeyOf(request) };
      const already = taken.get(keyOf(use)) ?? 0;
      const all = typeof many === 'number' ? many : already + here;
      if (already === 0) uses.push(use);
      if (await this.access.store.use(rights.asker.organizationId, { ...use, perDay, many: all })) {
        taken.set(keyOf(use), all);
        return grantId;
      }
      // What it had of this one goes to another that has enough.
      if (already === 0) await this.access.store.giveBack(rights.asker.organizationId, use);
      used.set(grantId, perDay);
    }
  }
}

const keyOf = ({ grantId, action, localDay }: GrantUse): string => `${grantId} ${action} ${localDay}`;

/** The same for a request and its repetition; another request under the same key takes, and gives back, its own. */
function useKeyOf({ headers, id, method, url, body }: FastifyRequest): string {
  const given = headers['idempotency-key'];
  if (typeof given !== 'string') return id;
  const what = JSON.stringify([method, url, body]);
  return `${given} ${createHash('sha256').update(what).digest('base64url')}`;
}

/** Throws with the reason that the first refusal gives. */
function judge(rights: Rights, matter: Matter, grants: string[]): void {
  const { actions, targets, named, on } = matter;
  for (const action of actions) {
    if (on === 'organization' && !rights.everywhere(action)) throw refused(rights.nowhere(action, null), action);
    for (const { agenda, motifId } of targets) {
      const decision = rights.decide({ action, agenda, motifId });
      if (!decision.allowed) throw refused(decision.reason, action);
      add(grants, decision.grantId);
    }
    const motifId = named.motifs[0] ?? null;
    if (targets.length > 0) continue;
    if (rights.where(action, motifId)?.length === 0) throw refused(rights.nowhere(action, motifId), action);
    add(grants, rights.somewhere(action, motifId));
  }
  judgeIdentity(rights, matter);
}

function judgeIdentity(rights: Rights, { targets, identity }: Matter): void {
  if (identity.length === 0) return;
  for (const { agenda, motifId } of targets.length > 0 ? targets : [{ agenda: null, motifId: null }]) {
    const { fields } = rights.identity(agenda, motifId);
    const missing = identity.find((field) => !fields.has(field));
    if (missing !== undefined) throw unseen(missing);
  }
}

/** In the origin of its caller, for the audit log: the grants that a request is allowed by, as they come up. */
function grantsOf(request: FastifyRequest): string[] {
  const grants: string[] = [];
  const caller = callerOf(request);
  if (caller.origin !== undefined) request.caller = { ...caller, origin: { ...caller.origin, grants } };
  return grants;
}

function add(grants: string[], grantId: string | null): void {
  if (grantId !== null && !grants.includes(grantId)) grants.push(grantId);
}

function sightFor(rights: Rights, matter: Matter | null, grants: string[]): Omit<Sight, 'actor'> {
  const [action = 'see-busy'] = matter?.actions ?? [];
  const [motif = null, ...others] = matter?.named.motifs ?? [];
  const agendas = rights.where(action, others.length === 0 ? motif : null);
  const targets = matter?.targets ?? [];
  const known = new Map<string, ShownIdentity>();
  const reserved = targets.every(({ agenda, motifId }) => rights.may('use-reserved', agenda.id, motifId));
  return {
    agendas,
    identity: (agendaId, motifId) => {
      const agenda = rights.agenda(agendaId);
      if (agenda === undefined) return new Set();
      const key = `${agendaId} ${motifId}`;
      const shown = known.get(key) ?? rights.identity(agenda, motifId);
      known.set(key, shown);
      for (const grantId of shown.grantIds) add(grants, grantId);
      return shown.fields;
    },
    usesReserved: targets.length > 0 ? reserved : rights.everywhere('use-reserved'),
  };
}
