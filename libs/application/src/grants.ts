import {
  isNarrower,
  isSecondPerson,
  needsSecondPerson,
  type AccessRefusal,
  type AgendaPlace,
  type DelegationKind,
  type GrantTerms,
} from '#domain';
import type { GrantChange, GrantQuery, GrantRecord, GrantStore, Holder } from './access-ports.js';
import type { Access, Applicant, Rights } from './access.js';
import { newId } from './ids.js';
import type { Actor } from './model.js';

/** Who changes grants. */
export interface Issuer {
  readonly asker: Applicant;
  readonly actor: Extract<Actor, { kind: 'collaborator' }>;
}

export type GrantAnswer =
  | { readonly outcome: 'put'; readonly record: GrantRecord }
  | { readonly outcome: 'refused'; readonly reason: AccessRefusal }
  | {
      readonly outcome:
        'unknown' | 'stale' | 'unknown-holder' | 'unknown-agenda' | 'same-person' | 'ended' | 'not-delegable';
    };

/** Grants as they are issued, narrowed, passed on and revoked: each by somebody who may, on every agenda concerned. */
export class Grants {
  constructor(
    private readonly parts: {
      readonly store: GrantStore;
      readonly access: Access;
      readonly effects: { now(): number };
    },
  ) {}

  list(query: GrantQuery): Promise<readonly GrantRecord[]> {
    return this.parts.store.list(query);
  }

  get(organizationId: string, id: string): Promise<GrantRecord | null> {
    return this.parts.store.get(organizationId, id);
  }

  async issue(issuer: Issuer, holder: Holder, terms: GrantTerms): Promise<GrantAnswer> {
    const refusal = await this.mayManage(issuer, terms);
    if (refusal !== null) return refusal;
    return this.make(issuer, holder, { terms, delegatedFrom: null, delegation: null });
  }

  /** The grants of a colleague that are in force, for somebody else: those on which the issuer may manage grants. */
  async copy(issuer: Issuer, from: Holder, to: Holder): Promise<GrantAnswer[]> {
    const { organizationId } = issuer.asker;
    const held = await this.parts.store.list({
      organizationId,
      holder: from,
      agendaIds: null,
      after: null,
      limit: 200,
    });
    const answers: GrantAnswer[] = [];
    for (const { state, delegatedFrom, ...terms } of held) {
      if (state !== 'active' || delegatedFrom !== null) continue;
      answers.push(await this.issue(issuer, to, termsOf(terms)));
    }
    return answers;
  }

  /** By its holder, if it may be passed on; what is passed on is worth no more than it. */
  async delegate(
    issuer: Issuer,
    id: string,
    { holder, kind, terms }: { readonly holder: Holder; readonly kind: DelegationKind; readonly terms: GrantTerms },
  ): Promise<GrantAnswer> {
    const rights = await this.parts.access.rights(issuer.asker);
    const own = rights.grants.find((grant) => grant.id === id);
    if (own === undefined) return { outcome: 'unknown' };
    if (!own.delegable || own.state !== 'active') return { outcome: 'not-delegable' };
    return this.make(issuer, holder, { terms, delegatedFrom: id, delegation: kind }, 'delegated');
  }

  /** What becomes wider than it was waits for a second person, where the grant is such a one. */
  async change(
    issuer: Issuer,
    id: string,
    { terms, version }: { terms: GrantTerms; version: number },
  ): Promise<GrantAnswer> {
    const before = await this.parts.store.get(issuer.asker.organizationId, id);
    if (before === null) return { outcome: 'unknown' };
    if (before.state === 'revoked') return { outcome: 'ended' };
    const refusal = (await this.mayManage(issuer, before)) ?? (await this.mayManage(issuer, terms));
    if (refusal !== null) return refusal;
    const again = !isNarrower(terms, before) && (await this.fourEyes(issuer, before.holder, terms));
    const state = again ? ('proposed' as const) : before.state;
    const issuedBy = again ? issuer.actor.id : before.issuedBy;
    const after = { ...before, ...terms, state, issuedBy, approvedBy: again ? null : before.approvedBy };
    return this.put(issuer, after, { kind: again ? 'proposed' : 'changed', version });
  }

  /** By a second person, who may manage grants there as well, and does not receive it, nor with a team. */
  async approve(issuer: Issuer, id: string, version: number): Promise<GrantAnswer> {
    const before = await this.parts.store.get(issuer.asker.organizationId, id);
    if (before === null) return { outcome: 'unknown' };
    if (before.state !== 'proposed') return { outcome: 'ended' };
    const refusal = await this.mayManage(issuer, before);
    if (refusal !== null) return refusal;
    const { organizationId, holder } = issuer.asker;
    const receives = (await this.parts.access.store.grants(organizationId, holder)).some((grant) => grant.id === id);
    if (!isSecondPerson(issuer.actor.id, { askedBy: before.issuedBy, receives })) return { outcome: 'same-person' };
    const after = { ...before, state: 'active' as const, approvedBy: issuer.actor.id };
    return this.put(issuer, after, { kind: 'approved', version });
  }

  /**
   * Whether somebody holds what took a second person, or may manage grants: whoever could act as him would be his own second
   * person.
   */
  async isTrusted(organizationId: string, collaboratorId: string): Promise<boolean> {
    const holder = { kind: 'collaborator', id: collaboratorId } as const;
    const outside = (await this.parts.store.holder(organizationId, holder))?.outside === true;
    const held = await this.parts.access.store.grants(organizationId, holder);
    return held.some(
      (grant) =>
        grant.state !== 'revoked' && (grant.actions.includes('manage-grants') || needsSecondPerson(grant, outside)),
    );
  }

  /** By whoever may manage grants there, or by who passed it on. Again without harm. */
  async revoke(issuer: Issuer, id: string, version: number): Promise<GrantAnswer> {
    const before = await this.parts.store.get(issuer.asker.organizationId, id);
    if (before === null) return { outcome: 'unknown' };
    if (before.state === 'revoked') return { outcome: 'put', record: before };
    const passedOn = before.delegatedFrom !== null && before.issuedBy === issuer.actor.id;
    const refusal = passedOn ? null : await this.mayManage(issuer, before);
    if (refusal !== null) return refusal;
    const after = { ...before, state: 'revoked' as const, revokedAt: this.parts.effects.now() };
    return this.put(issuer, after, { kind: 'revoked', version });
  }

  private async make(
    issuer: Issuer,
    holder: Holder,
    { terms, ...chain }: { terms: GrantTerms } & Pick<GrantRecord, 'delegatedFrom' | 'delegation'>,
    kind: GrantChange = 'issued',
  ): Promise<GrantAnswer> {
    const { organizationId } = issuer.asker;
    if ((await this.parts.store.holder(organizationId, holder)) === null) return { outcome: 'unknown-holder' };
    const proposed = await this.fourEyes(issuer, holder, terms);
    const record: GrantRecord = {
      ...terms,
      ...chain,
      ...{ id: newId(), holder, state: proposed ? 'proposed' : 'active', issuedBy: issuer.actor.id, approvedBy: null },
      ...{ createdAt: this.parts.effects.now(), revokedAt: null, version: 1 },
    };
    return this.put(issuer, record, { kind: proposed ? 'proposed' : kind, version: null });
  }

  private async fourEyes({ asker }: Issuer, holder: Holder, terms: GrantTerms): Promise<boolean> {
    const found = await this.parts.store.holder(asker.organizationId, holder);
    return needsSecondPerson(terms, found?.outside === true);
  }

  private async put(
    { asker, actor }: Issuer,
    record: GrantRecord,
    change: { kind: GrantChange; version: number | null },
  ): Promise<GrantAnswer> {
    const put = await this.parts.store.put(asker.organizationId, record, { ...change, actor });
    this.parts.access.forget(asker.organizationId);
    return put === 'stale' ? { outcome: 'stale' } : { outcome: 'put', record: put };
  }

  /** `null` when the issuer may manage grants on every agenda that the terms are about. */
  private async mayManage(
    { asker }: Issuer,
    terms: Pick<GrantTerms, 'agendaIds' | 'locationIds'>,
  ): Promise<GrantAnswer | null> {
    const rights = await this.parts.access.rights(asker);
    const { agendaIds, locationIds } = terms;
    if (agendaIds === null && locationIds === null)
      return rights.everywhere('manage-grants')
        ? null
        : { outcome: 'refused', reason: rights.nowhere('manage-grants', null) };
    const places = placesOf(rights, terms);
    if (places === null) return { outcome: 'unknown-agenda' };
    for (const agenda of places) {
      const decision = rights.decide({ action: 'manage-grants', agenda, motifId: null });
      if (!rights.knows(agenda)) return { outcome: 'unknown-agenda' };
      if (!decision.allowed) return { outcome: 'refused', reason: decision.reason };
    }
    return null;
  }
}

/** The agendas that terms name; `null` when they name one, or a place, that does not exist. */
function placesOf(
  rights: Rights,
  { agendaIds, locationIds }: Pick<GrantTerms, 'agendaIds' | 'locationIds'>,
): AgendaPlace[] | null {
  const all = [...rights.agendas];
  const named = (agendaIds ?? []).map((id) => rights.agenda(id));
  const there = (locationIds ?? []).map((id) => all.filter(({ locationId }) => locationId === id));
  if (named.includes(undefined) || there.some((found) => found.length === 0)) return null;
  return [...named.flatMap((agenda) => agenda ?? []), ...there.flat()];
}

/** What of a grant can be given to somebody else. */
function termsOf(record: GrantTerms): GrantTerms {
  const {
    actions,
    identity,
    agendaIds,
    locationIds,
    motifIds,
    audiences,
    channels,
    hours,
    validFrom,
    validUntil,
    quotas,
    delegable,
  } = record;
  return {
    actions,
    identity,
    agendaIds,
    locationIds,
    motifIds,
    audiences,
    channels,
    hours,
    validFrom,
    validUntil,
    quotas,
    delegable,
  };
}
