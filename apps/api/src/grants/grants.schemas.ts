import { z } from 'zod';
import type { GrantRecord } from '#application';
import {
  ACTIONS,
  AUDIENCES,
  CHANNELS,
  DELEGATIONS,
  GRANT_STATES,
  GRANT_TEMPLATES,
  IDENTITY_FIELDS,
  USUAL_IDENTITY,
  type GrantTerms,
} from '#domain';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantInput, instantView } from '../shared/instants.js';
import { pageQuery, pageView } from '../shared/paging.js';

const MOST = 500;
const HOLDERS = ['collaborator', 'team', 'application'] as const;

export const holderInput = z
  .strictObject({ kind: z.enum(HOLDERS), id: idInput })
  .meta({ id: 'HolderInput', description: 'An application has grants of its own for requests that name nobody.' });

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a local time HH:mm');
const hoursShape = {
  periods: z
    .array(
      z.strictObject({
        days: z.array(z.int().min(1).max(7)).min(1).max(7).meta({ description: '1 = Monday to 7 = Sunday.' }),
        from: time,
        to: z.union([time, z.literal('24:00')]).meta({ description: 'At or before `from`: of the next day.' }),
      }),
    )
    .max(50),
  holidays: z
    .enum(['as-weekday', 'never', 'always'])
    .meta({ description: 'Public holidays of the place count as their weekday, not at all, or all day.' }),
};
const ids = z.array(idInput).min(1).max(MOST).nullable();

const termsInput = {
  actions: z.array(z.enum(ACTIONS)).min(1).max(ACTIONS.length),
  identity: z
    .array(z.enum(IDENTITY_FIELDS))
    .min(1)
    .max(IDENTITY_FIELDS.length)
    .default([...USUAL_IDENTITY])
    .meta({ description: 'What `see-identity` shows of a patient; left out: all but the note.' }),
  agendas: ids
    .default(null)
    .meta({ description: '`null` with `locations: null`: every agenda, those to come included.' }),
  locations: ids.default(null),
  motifs: ids.default(null).meta({ description: '`null`: every motif; so below.' }),
  audiences: z.array(z.enum(AUDIENCES)).min(1).nullable().default(null),
  channels: z.array(z.enum(CHANNELS)).min(1).nullable().default(null),
  hours: z
    .strictObject(hoursShape)
    .nullable()
    .default(null)
    .meta({ description: "When the holder may act, by the clock of the agenda's place." }),
  validFrom: instantInput.nullable().default(null),
  validUntil: instantInput.nullable().default(null),
  quotas: z
    .array(z.strictObject({ action: z.enum(ACTIONS), perDay: z.int().min(1).max(10_000) }))
    .max(ACTIONS.length)
    .default([]),
  delegable: z.boolean().default(false),
};

const ordered = (terms: { validFrom: number | null; validUntil: number | null }): boolean =>
  terms.validFrom === null || terms.validUntil === null || terms.validFrom < terms.validUntil;
const ORDER = { path: ['validUntil'], message: 'must be after validFrom' };

export const grantTermsInput = z.strictObject(termsInput).refine(ordered, ORDER).meta({ id: 'GrantTermsInput' });
export const grantInput = z
  .strictObject({ holder: holderInput, ...termsInput })
  .refine(ordered, ORDER)
  .meta({ id: 'NewGrant' });
export const delegationInput = z
  .strictObject({ holder: holderInput, kind: z.enum(DELEGATIONS), ...termsInput })
  .refine(ordered, ORDER)
  .meta({
    id: 'NewDelegation',
    description: '`replacement`: within the hours of the grant that is passed on. `overflow`: within hours of its own.',
  });
export const copyInput = z.strictObject({ from: holderInput, to: holderInput }).meta({ id: 'GrantCopyInput' });

export const grantsQuery = z.strictObject({
  ...pageQuery,
  holderKind: z.enum(HOLDERS).default('collaborator'),
  holder: idInput.optional().meta({ description: 'Only the grants of this one; `holderKind` says what it is.' }),
});

const idsView = z.array(idView).nullable();
const termsView = {
  actions: z.array(z.enum(ACTIONS)),
  identity: z.array(z.enum(IDENTITY_FIELDS)),
  agendas: idsView,
  locations: idsView,
  motifs: idsView,
  audiences: z.array(z.enum(AUDIENCES)).nullable(),
  channels: z.array(z.enum(CHANNELS)).nullable(),
  hours: z
    .object({ ...hoursShape, periods: z.array(z.object({ days: z.array(z.int()), from: z.string(), to: z.string() })) })
    .nullable(),
  validFrom: instantView.nullable(),
  validUntil: instantView.nullable(),
  quotas: z.array(z.object({ action: z.enum(ACTIONS), perDay: z.int() })),
  delegable: z.boolean(),
};

export const grantView = z
  .object({
    id: idView,
    holder: z.object({ kind: z.enum(HOLDERS), id: idView }),
    ...termsView,
    state: z.enum(GRANT_STATES).meta({ description: '`proposed`: allows nothing until a second person approves it.' }),
    delegatedFrom: idView.nullable(),
    delegation: z.enum(DELEGATIONS).nullable(),
    issuedBy: idView.nullable(),
    approvedBy: idView.nullable(),
    createdAt: instantView,
    revokedAt: instantView.nullable(),
    version: z.int().meta({ description: 'Also the ETag.' }),
    links: z.object({ self: z.string() }),
  })
  .meta({ id: 'Grant' });

export const grantPage = pageView('GrantPage', grantView);
export const grantList = z.object({ items: z.array(grantView) }).meta({ id: 'GrantList' });

const { validFrom: _from, validUntil: _until, ...templateTerms } = termsView;
export const templateList = z
  .object({
    items: z.array(
      z.object({ id: z.string(), label: z.object({ fr: z.string(), en: z.string() }), terms: z.object(templateTerms) }),
    ),
  })
  .meta({ id: 'GrantTemplates' });

export const grantPath = (id: string): string => `/v1/grants/${id}`;

export function toTerms(given: z.output<typeof grantTermsInput>): GrantTerms {
  const {
    agendas,
    locations,
    motifs,
    actions,
    identity,
    audiences,
    channels,
    hours,
    validFrom,
    validUntil,
    quotas,
    delegable,
  } = given;
  return {
    ...{ agendaIds: agendas, locationIds: locations, motifIds: motifs, actions: [...new Set(actions)] },
    identity: [...new Set(identity)],
    ...{ audiences, channels, hours, validFrom, validUntil, quotas, delegable },
  };
}

function viewTerms(terms: GrantTerms) {
  const { actions, identity, agendaIds, locationIds, motifIds, audiences, channels, hours, quotas, delegable } = terms;
  const list = <T>(values: readonly T[] | null): T[] | null => (values === null ? null : [...values]);
  const periods = hours?.periods.map((period) => ({ ...period, days: [...period.days] })) ?? [];
  return {
    ...{
      actions: [...actions],
      identity: [...identity],
      agendas: list(agendaIds),
      locations: list(locationIds),
      motifs: list(motifIds),
    },
    ...{ audiences: list(audiences), channels: list(channels), quotas: [...quotas], delegable },
    hours: hours === null ? null : { holidays: hours.holidays, periods },
  };
}

const instant = (at: number | null): string | null => (at === null ? null : formatInstant(at, 'UTC'));

export function viewGrant(grant: GrantRecord): z.input<typeof grantView> {
  const { id, holder, state, delegatedFrom, delegation, issuedBy, approvedBy, createdAt, revokedAt, version } = grant;
  return {
    ...viewTerms(grant),
    ...{ id, holder: { ...holder }, state, delegatedFrom, delegation, issuedBy, approvedBy, version },
    validFrom: instant(grant.validFrom),
    validUntil: instant(grant.validUntil),
    createdAt: formatInstant(createdAt, 'UTC'),
    revokedAt: instant(revokedAt),
    links: { self: grantPath(id) },
  };
}

export function viewTemplates(): z.input<typeof templateList> {
  return {
    items: GRANT_TEMPLATES.map(({ id, fr, en, terms }) => ({ id, label: { fr, en }, terms: viewTerms(terms) })),
  };
}
