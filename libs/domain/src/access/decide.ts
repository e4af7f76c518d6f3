import type {
  AccessRequest,
  AccessAction,
  AgendaPlace,
  Channel,
  DelegationKind,
  Grant,
  IdentityField,
} from './grant.js';
import { coversAgenda, IDENTITY_FIELDS } from './grant.js';
import { inWorkingHours } from './working-hours.js';

/**
 * Why nothing allows a request, from the furthest away to the nearest. Of several grants the nearest miss is told: what
 * would have to change least for the answer to be yes.
 */
export const REFUSALS = [
  'RIGHT',
  'GRANT_REVOKED',
  'GRANT_AWAITING_APPROVAL',
  'GRANT_NOT_YET_VALID',
  'GRANT_EXPIRED',
  'GRANT_CHANNEL',
  'GRANT_MOTIF',
  'GRANT_AUDIENCE',
  'OUTSIDE_WORKING_HOURS',
  'GRANT_QUOTA',
] as const;
export type AccessRefusal = (typeof REFUSALS)[number];

export type Decision =
  | { readonly allowed: true; readonly grantId: string; readonly perDay: number | null }
  | { readonly allowed: false; readonly reason: AccessRefusal };

/**
 * Whether any grant of somebody allows a request at an instant (epoch milliseconds). Deny by default. Grants are asked in
 * their order, one without a quota for the action first, so that none is used up needlessly.
 */
export function decide(request: AccessRequest, grants: readonly Grant[], at: number): Decision {
  let nearest: AccessRefusal = 'RIGHT';
  let counted: Decision | null = null;
  for (const grant of grants) {
    const refusal = refusalOf(request, grant, at);
    if (refusal === null) {
      const perDay = smallestQuota(grant, request.action);
      if (perDay === null) return { allowed: true, grantId: grant.id, perDay };
      counted ??= { allowed: true, grantId: grant.id, perDay };
    } else if (REFUSALS.indexOf(refusal) > REFUSALS.indexOf(nearest)) nearest = refusal;
  }
  return counted ?? { allowed: false, reason: nearest };
}

/** Why one grant does not allow a request; `null` when it does. */
function refusalOf(request: AccessRequest, grant: Grant, at: number): AccessRefusal | null {
  const { action, agenda } = request;
  if (!grant.actions.includes(action) || (agenda !== null && !coversAgenda(grant, agenda))) return 'RIGHT';
  return standing(grant, at) ?? scope(request, grant, at) ?? delegated(request, grant, at);
}

/** Whether it is in force at all. */
function standing({ state, validFrom, validUntil }: Grant, at: number): AccessRefusal | null {
  if (state === 'revoked') return 'GRANT_REVOKED';
  if (state === 'proposed') return 'GRANT_AWAITING_APPROVAL';
  if (validFrom !== null && at < validFrom) return 'GRANT_NOT_YET_VALID';
  return validUntil !== null && validUntil <= at ? 'GRANT_EXPIRED' : null;
}

const leavesOut = <T>(list: readonly T[] | null, one: T | null): boolean =>
  list !== null && one !== null && !list.includes(one);

/** Whether it is meant for what is asked. */
function scope(request: AccessRequest, grant: Grant, at: number): AccessRefusal | null {
  const { channel, motifId, audience, agenda, used, action } = request;
  if (leavesOut(grant.channels, channel)) return 'GRANT_CHANNEL';
  if (leavesOut(grant.motifIds, motifId)) return 'GRANT_MOTIF';
  if (leavesOut(grant.audiences, audience)) return 'GRANT_AUDIENCE';
  if (agenda !== null && grant.hours !== null && !inWorkingHours(grant.hours, at, agenda))
    return 'OUTSIDE_WORKING_HOURS';
  const perDay = smallestQuota(grant, action);
  return perDay !== null && (used.get(grant.id) ?? 0) >= perDay ? 'GRANT_QUOTA' : null;
}

/** A grant that was passed on is worth no more than what it was made from. */
function delegated(request: AccessRequest, { delegated: chain }: Grant, at: number): AccessRefusal | null {
  if (chain === null) return null;
  const from = withoutHours(chain.from, chain.kind);
  return from.delegable ? refusalOf(request, from, at) : 'RIGHT';
}

function smallestQuota({ quotas }: Grant, action: AccessAction): number | null {
  let smallest: number | null = null;
  for (const quota of quotas) if (quota.action === action) smallest = Math.min(smallest ?? quota.perDay, quota.perDay);
  return smallest;
}

/** What lists are asked with: no quota counts there; a motif where one was named. */
export interface Sought {
  readonly action: AccessAction;
  readonly channel: Channel;
  readonly motifId: string | null;
  /** For whom the asker books; what a grant for others shows is not for him. */
  readonly audience: AccessRequest['audience'];
}

const sought = (given: Sought, agenda: AgendaPlace | null): AccessRequest => ({
  ...given,
  agenda,
  used: new Map(),
});

/** What lists may show: the agendas in which an action is allowed at an instant. */
export function allowedAgendas(
  given: Sought,
  {
    grants,
    agendas,
    at,
  }: { readonly grants: readonly Grant[]; readonly agendas: readonly AgendaPlace[]; readonly at: number },
): AgendaPlace[] {
  const usable = grants
    .filter((grant) => grant.actions.includes(given.action) && standing(grant, at) === null)
    .map(withoutQuotas);
  const wide = usable.some(({ agendaIds, locationIds }) => agendaIds === null && locationIds === null);
  const ids = new Set(usable.flatMap(({ agendaIds }) => agendaIds ?? []));
  const locations = new Set(usable.flatMap(({ locationIds }) => locationIds ?? []));
  return agendas.filter((agenda) => {
    if (!wide && !ids.has(agenda.id) && !locations.has(agenda.locationId)) return false;
    const question = sought(given, agenda);
    return usable.some((grant) => refusalOf(question, grant, at) === null);
  });
}

/** The grant that allows an action in every agenda at any hour, those to come included: then nothing needs to be filtered. */
export function allowedEverywhere(given: Sought, grants: readonly Grant[], at: number): Grant | undefined {
  return grants.find(
    (grant) => isEverywhere(grant) && refusalOf(sought(given, null), withoutQuotas(grant), at) === null,
  );
}

/** What may be seen of patients, and the grants that it takes. */
export interface ShownIdentity {
  readonly fields: ReadonlySet<IdentityField>;
  readonly grantIds: readonly string[];
}

/** What all grants together show of patients at an instant: without an agenda, what they show in every one. Quotas do not count. */
export function shownIdentity(
  given: Pick<AccessRequest, 'agenda' | 'motifId' | 'audience' | 'channel'>,
  grants: readonly Grant[],
  at: number,
): ShownIdentity {
  const request: AccessRequest = { ...given, action: 'see-identity', used: new Map() };
  const fields = new Set<IdentityField>();
  const grantIds: string[] = [];
  for (const grant of grants) {
    if (fields.size === IDENTITY_FIELDS.length) break;
    const more = identityOf(grant).filter((field) => !fields.has(field));
    if (more.length === 0 || (given.agenda === null && !isEverywhere(grant))) continue;
    if (refusalOf(request, withoutQuotas(grant), at) !== null) continue;
    for (const field of more) fields.add(field);
    grantIds.push(grant.id);
  }
  return { fields, grantIds };
}

/** Of a grant that was passed on, no more than of what it was made from. */
function identityOf({ identity, delegated: chain }: Grant): readonly IdentityField[] {
  if (chain === null) return identity;
  const from = identityOf(chain.from);
  return identity.filter((field) => from.includes(field));
}

function isEverywhere({ agendaIds, locationIds, hours, delegated: chain }: Grant): boolean {
  if (agendaIds !== null || locationIds !== null || hours !== null) return false;
  return chain === null || isEverywhere(withoutHours(chain.from, chain.kind));
}

const withoutQuotas = (grant: Grant): Grant => (grant.quotas.length === 0 ? grant : { ...grant, quotas: [] });

const withoutHours = (grant: Grant, kind: DelegationKind): Grant =>
  kind === 'overflow' ? { ...grant, hours: null } : grant;
