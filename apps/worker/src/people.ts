import { readFileSync } from 'node:fs';
import { newId, type IdentityProvider } from '#application';
import { nationalIdOfRpps } from '#domain';
import { PgIdentityAdministration, type Database } from '#persistence';
import { SCOPES, type Environment, type Scope } from '#platform';
import { openKeys } from './organization-keys.js';

/** What a person may do who was linked without scopes: a secretary's work. */
const SECRETARY: readonly Scope[] = ['agenda:read', 'appointment:write', 'event:read'];

const ISSUER_HELP =
  'the issuer must be an https URL, as it stands in its tokens (http only with ALLOW_PRIVATE_NETWORKS)';

export interface NewProvider {
  readonly organizationId: string;
  readonly label: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly options: readonly string[];
}

/** Options of `provider new`. Throws for what is none. */
function readOptions(options: readonly string[]): {
  kind: IdentityProvider['kind'];
  audience: string | null;
  secret: string | null;
} {
  let [kind, audience, secret]: [IdentityProvider['kind'], string | null, string | null] = ['oidc', null, null];
  for (const option of options) {
    const [name, value = ''] = option.split(/=(.*)/s, 2);
    if (option === '--pro-sante-connect') kind = 'pro-sante-connect';
    else if (name === '--audience' && value !== '') audience = value;
    // Never on the command line: other users of the machine see it there.
    else if (name === '--secret-file' && value !== '') secret = readFileSync(value, 'utf8').trim();
    else throw new Error(`"${option}" is no option of "provider new"`);
  }
  return { kind, audience, secret };
}

/** Makes known where people of an organization sign in. */
export async function createProvider(
  database: Database,
  environment: Environment,
  request: NewProvider,
): Promise<{ id: string; label: string; callback: string }> {
  const { organizationId, label, issuer, clientId } = request;
  const { kind, audience, secret } = readOptions(request.options);
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  const plain = url?.protocol === 'http:' && environment.ALLOW_PRIVATE_NETWORKS;
  if (url?.protocol !== 'https:' && !plain) throw new Error(ISSUER_HELP);
  const id = newId();
  const { vault } = openKeys(database, environment);
  const provider = { organizationId, id, label, kind, issuer, clientId, clientSecret: secret, audience };
  if ((await new PgIdentityAdministration(database, vault).add(provider, { kind: 'system' })) === null)
    throw new Error('this provider is known already with this client');
  const base = environment.PUBLIC_URL?.replace(/\/+$/, '') ?? '<PUBLIC_URL>';
  return { id, label, callback: `${base}/v1/sign-in/callback` };
}

/** Links a person of a provider, by his subject or as `rpps:<number>`, to a collaborator. */
export async function linkPerson(
  database: Database,
  environment: Environment,
  request: {
    organizationId: string;
    collaborator: string;
    provider: string;
    person: string;
    scopes?: readonly Scope[];
  },
): Promise<{ id: string; scopes: readonly Scope[] }> {
  const { organizationId, collaborator: collaboratorId, provider: providerId, person, scopes = SECRETARY } = request;
  const number = /^rpps:(.+)$/.exec(person)?.[1];
  const known =
    number === undefined
      ? { subject: person, nationalId: null }
      : { subject: null, nationalId: nationalIdOfRpps(number) };
  const identities = new PgIdentityAdministration(database, openKeys(database, environment).vault);
  const link = { id: newId(), providerId, collaboratorId, scopes, ...known };
  const linked = await identities.link(organizationId, link, { kind: 'system' });
  if (linked === 'unknown') throw new Error('there is no such provider, or no such active collaborator');
  if (linked === 'known') throw new Error('this person of the provider is linked already');
  return { id: linked.id, scopes: SCOPES.filter((scope) => scopes.includes(scope)) };
}
