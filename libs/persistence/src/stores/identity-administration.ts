import {
  IdentityAdministration,
  type Actor,
  type IdentityProvider,
  type LinkedPerson,
  type ProviderRecord,
  type Vault,
} from '#application';
import type { Database, Transaction } from '../database.js';
import { tellOwners } from './grant-notices.js';
import { providerSecret } from './sealed-places.js';

const PROVIDER = `p.id, p.label, p.kind, p.issuer, p.client_id AS "clientId", p.audience, p.client_secret_sealed IS NOT NULL AS "hasSecret"`;
const PERSON = `i.id, i.provider_id AS "providerId", i.collaborator_id AS "collaboratorId", i.subject, i.national_id AS "nationalId", i.scopes,
  floor(extract(epoch FROM i.created_at) * 1000)::float8 AS "createdAt"`;

type Row<T> = T & Record<string, unknown>;
type Key = { readonly organizationId: string; readonly id: string };

/** Providers and links of people, as they are administered, in PostgreSQL. */
export class PgIdentityAdministration extends IdentityAdministration {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  providers(organizationId: string): Promise<readonly ProviderRecord[]> {
    const text = `SELECT ${PROVIDER} FROM identity_provider p WHERE p.organization_id = $1 ORDER BY p.label, p.id`;
    return this.database.one<Row<ProviderRecord>>(organizationId, { name: 'list-providers', text }, [organizationId]);
  }

  async add(provider: IdentityProvider, actor: Actor): Promise<ProviderRecord | null> {
    const { organizationId, id, label, kind, issuer, clientId, audience } = provider;
    const sealed = await this.sealed(provider);
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<Row<ProviderRecord>>(
        `INSERT INTO identity_provider AS p (organization_id, id, label, kind, issuer, client_id, client_secret_sealed, audience)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (organization_id, issuer, client_id) DO NOTHING RETURNING ${PROVIDER}`,
        [organizationId, id, label, kind, issuer, clientId, sealed, audience],
      );
      if (row === undefined) return null;
      await tell(transaction, 'identity-provider-added', { id, data: { issuer }, actor });
      return row;
    });
  }

  async change(provider: IdentityProvider, actor: Actor): Promise<ProviderRecord | null> {
    const { organizationId, id, label, issuer, audience } = provider;
    const sealed = await this.sealed(provider);
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<Row<ProviderRecord>>(
        `UPDATE identity_provider p SET label = $3, client_secret_sealed = $4, audience = $5 WHERE p.organization_id = $1 AND p.id = $2 RETURNING ${PROVIDER}`,
        [organizationId, id, label, sealed, audience],
      );
      if (row === undefined) return null;
      await tell(transaction, 'identity-provider-changed', { id, data: { issuer }, actor });
      return row;
    });
  }

  remove({ organizationId, id }: Key, actor: Actor): Promise<boolean> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<{ issuer: string }>(
        'DELETE FROM identity_provider WHERE organization_id = $1 AND id = $2 RETURNING issuer',
        [organizationId, id],
      );
      if (row === undefined) return false;
      await tell(transaction, 'identity-provider-removed', { id, data: row, actor });
      return true;
    });
  }

  people(
    organizationId: string,
    { after, limit }: { after: string | null; limit: number },
  ): Promise<readonly LinkedPerson[]> {
    const text = `SELECT ${PERSON} FROM identity i WHERE i.organization_id = $1 AND ($2::uuid IS NULL OR i.id > $2) ORDER BY i.id LIMIT $3`;
    const statement = { name: 'list-identities', text };
    return this.database.one<Row<LinkedPerson>>(organizationId, statement, [organizationId, after, limit]);
  }

  async link(
    organizationId: string,
    person: Omit<LinkedPerson, 'createdAt'>,
    actor: Actor,
  ): Promise<LinkedPerson | 'known' | 'unknown'> {
    const { id, providerId, collaboratorId, subject, nationalId, scopes } = person;
    return this.database.withOrganization(organizationId, async (transaction) => {
      const values = [organizationId, providerId, collaboratorId];
      const there = await transaction.query(
        `SELECT 1 FROM identity_provider p, collaborator c WHERE p.organization_id = $1 AND p.id = $2 AND c.organization_id = $1 AND c.id = $3 AND c.active`,
        values,
      );
      if (there.length === 0) return 'unknown';
      const [row] = await transaction.query<Row<LinkedPerson>>(
        `INSERT INTO identity AS i (organization_id, provider_id, collaborator_id, id, subject, national_id, scopes)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING ${PERSON}`,
        [...values, id, subject, nationalId, scopes],
      );
      if (row === undefined) return 'known';
      await tell(transaction, 'person-linked', { id, data: { collaborator: collaboratorId, scopes }, actor });
      await tellOwners(transaction, 'identity_id', { id, change: 'person-linked' });
      return row;
    });
  }

  unlink({ organizationId, id }: Key, actor: Actor): Promise<boolean> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [data] = await transaction.query<{ collaborator: string; scopes: readonly string[] }>(
        'DELETE FROM identity WHERE organization_id = $1 AND id = $2 RETURNING collaborator_id AS collaborator, scopes',
        [organizationId, id],
      );
      if (data === undefined) return false;
      await tell(transaction, 'person-unlinked', { id, data, actor });
      await tellOwners(transaction, 'identity_id', { id, change: 'person-unlinked' });
      return true;
    });
  }

  private sealed({ organizationId, id, clientSecret }: IdentityProvider): Promise<Buffer> | null {
    return clientSecret === null
      ? null
      : this.vault.seal(organizationId, providerSecret(id), Buffer.from(clientSecret));
  }
}

async function tell(
  transaction: Transaction,
  type: string,
  { id, data, actor }: { id: string; data: object; actor: Actor },
): Promise<void> {
  const values = [type, id, JSON.stringify(actor), JSON.stringify(data)];
  await transaction.query('SELECT append_event($1, NULL, $2, $3::jsonb, $4::jsonb)', values);
}
