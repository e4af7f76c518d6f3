import { z } from 'zod';
import type { LinkedPerson, ProviderRecord } from '#application';
import { nationalIdOfRpps } from '#domain';
import { line, SCOPES } from '#platform';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantView } from '../shared/instants.js';
import { pageQuery, pageView } from '../shared/paging.js';

const KINDS = ['oidc', 'pro-sante-connect'] as const;

const changing = {
  label: line(200).meta({ description: 'How people know it: shown where they sign in.' }),
  clientSecret: line(500)
    .nullable()
    .meta({ description: 'Sealed, and never shown again; `null`: a public client, which has none.' }),
  audience: line(500)
    .nullable()
    .default(null)
    .meta({ description: 'For whom its access tokens must be meant; `null`: only the console signs in there.' }),
};

export const providerInput = z
  .strictObject({
    ...changing,
    kind: z.enum(KINDS).default('oidc'),
    issuer: z
      .url({ protocol: /^https?$/ })
      .max(500)
      .meta({ description: 'As it stands in its tokens: https.' }),
    clientId: line(200),
  })
  .meta({ id: 'NewIdentityProvider' });
export const providerChange = z.strictObject(changing).meta({ id: 'IdentityProviderChange' });

export const providerRecordView = z
  .object({
    id: idView,
    label: z.string(),
    kind: z.enum(KINDS),
    issuer: z.string(),
    clientId: z.string(),
    audience: z.string().nullable(),
    hasSecret: z.boolean(),
  })
  .meta({ id: 'AdministeredIdentityProvider' });
export const providerRecordList = z
  .object({ items: z.array(providerRecordView) })
  .meta({ id: 'AdministeredIdentityProviderList' });

export const personInput = z
  .strictObject({
    provider: idInput,
    collaborator: idInput.meta({ description: 'Who he is here.' }),
    subject: line(500)
      .optional()
      .meta({ description: 'As the provider names him; told to whoever signs in unlinked.' }),
    rpps: z
      .string()
      .regex(/^\d{11}$/)
      .optional()
      .meta({ description: 'Of a professional, for Pro Santé Connect: the first sign-in binds his account.' }),
    scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
  })
  .refine(({ subject, rpps }) => (subject === undefined) !== (rpps === undefined), {
    path: ['subject'],
    message: 'is needed, or rpps: one of them',
  })
  .transform(({ subject = null, rpps, ...person }) => ({
    ...person,
    subject,
    nationalId: rpps === undefined ? null : nationalIdOfRpps(rpps),
  }))
  .meta({ id: 'NewLinkedPerson' });

export const peopleQuery = z.strictObject(pageQuery);
export const personView = z
  .object({
    id: idView,
    provider: idView,
    collaborator: idView,
    subject: z
      .string()
      .nullable()
      .meta({ description: '`null`: linked by his national identifier, and not come yet.' }),
    nationalId: z.string().nullable(),
    scopes: z.array(z.string()),
    createdAt: instantView,
  })
  .meta({ id: 'LinkedPerson' });
export const personPage = pageView('LinkedPersonPage', personView);

export function viewProvider(provider: ProviderRecord): z.input<typeof providerRecordView> {
  const { id, label, kind, issuer, clientId, audience, hasSecret } = provider;
  return { id, label, kind, issuer, clientId, audience, hasSecret };
}

export function viewPerson(person: LinkedPerson): z.input<typeof personView> {
  const { id, providerId, collaboratorId, subject, nationalId, scopes, createdAt } = person;
  return {
    ...{ id, provider: providerId, collaborator: collaboratorId, subject, nationalId, scopes: [...scopes] },
    createdAt: formatInstant(createdAt, 'UTC'),
  };
}
