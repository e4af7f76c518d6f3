import {
  SignInStore,
  type Identity,
  type IdentityProvider,
  type NewSession,
  type NewSignIn,
  type Person,
  type SessionView,
  type StoredSession,
  type Vault,
} from '#application';
import type { Database, Statement } from '../database.js';
import { providerSecret, sessionIdToken } from './sealed-places.js';

const PROVIDER = `p.id, p.label, p.kind, p.issuer, p.client_id AS "clientId", p.client_secret_sealed AS "sealed", p.audience`;
const IDENTITY = `i.id AS "identityId", i.collaborator_id AS "collaboratorId", i.scopes, c.active`;
const KNOWN = `identity i JOIN collaborator c ON c.organization_id = i.organization_id AND c.id = i.collaborator_id`;
/** A session that nobody used for so long, or that is so old, is over. */
const IDLE = `interval '30 minutes'`;
const LIFE = `interval '12 hours'`;
const LIVE = `s.ended_at IS NULL AND s.expires_at > clock_timestamp() AND s.seen_at > clock_timestamp() - ${IDLE}`;
const epoch = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8`;

const ISSUERS: Statement = {
  name: 'find-issuers',
  text: `SELECT ${PROVIDER}, ${IDENTITY} FROM identity_provider p
    LEFT JOIN (${KNOWN}) ON i.organization_id = p.organization_id AND i.provider_id = p.id AND i.subject = $3
    WHERE p.organization_id = $1 AND p.issuer = $2 AND p.audience IS NOT NULL`,
};
/** That it is in use is noted once a minute, and never for a wrong secret. */
const SESSION: Statement = {
  name: 'find-session',
  text: `WITH used AS (UPDATE session s SET seen_at = clock_timestamp() WHERE s.organization_id = $1 AND s.id = $2 AND s.secret_hash = $3
      AND ${LIVE} AND s.seen_at < clock_timestamp() - interval '1 minute')
    SELECT s.secret_hash AS "secretHash", ${LIVE} AS live, ${IDENTITY} FROM session s
    JOIN (${KNOWN}) ON i.organization_id = s.organization_id AND i.id = s.identity_id WHERE s.organization_id = $1 AND s.id = $2`,
};

type Row<T> = T & Record<string, unknown>;

interface ProviderRow {
  readonly id: string;
  readonly label: string;
  readonly kind: IdentityProvider['kind'];
  readonly issuer: string;
  readonly clientId: string;
  readonly sealed: Buffer | null;
  readonly audience: string | null;
}

interface IdentityRow {
  readonly identityId: string;
  readonly collaboratorId: string;
  readonly scopes: readonly string[];
  readonly active: boolean;
}

const identityOf = ({ identityId: id, collaboratorId, scopes, active }: IdentityRow): Identity => ({
  id,
  collaboratorId,
  scopes,
  active,
});

/** Signing in, in PostgreSQL: of every secret only a hash, or sealed; all times on the database's clock. */
export class PgSignInStore extends SignInStore {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  providers(organizationId: string): Promise<readonly Pick<IdentityProvider, 'id' | 'label' | 'kind'>[]> {
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<Row<Pick<IdentityProvider, 'id' | 'label' | 'kind'>>>(
        'SELECT id, label, kind FROM identity_provider WHERE organization_id = $1 ORDER BY label, id',
        [organizationId],
      ),
    );
  }

  async provider({ organizationId, id }: { organizationId: string; id: string }): Promise<IdentityProvider | null> {
    const [row] = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<Row<ProviderRow>>(
        `SELECT ${PROVIDER} FROM identity_provider p WHERE p.organization_id = $1 AND p.id = $2`,
        [organizationId, id],
      ),
    );
    return row === undefined ? null : this.openProvider(organizationId, row);
  }

  async issuers(
    organizationId: string,
    { issuer, subject }: { issuer: string; subject: string },
  ): Promise<readonly { provider: IdentityProvider; identity: Identity | null }[]> {
    const values = [organizationId, issuer, subject];
    type Found = ProviderRow & (IdentityRow | { readonly identityId: null });
    const rows = await this.database.one<Row<Found>>(organizationId, ISSUERS, values);
    return Promise.all(
      rows.map(async (row) => ({
        provider: await this.openProvider(organizationId, row),
        identity: row.identityId === null ? null : identityOf(row),
      })),
    );
  }

  async begin(signIn: NewSignIn): Promise<void> {
    const { organizationId, id, providerId, stateHash, browserHash, returnTo, lifeMs } = signIn;
    await this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query('DELETE FROM sign_in WHERE organization_id = $1 AND expires_at < clock_timestamp()', [
        organizationId,
      ]);
      await transaction.query(
        `INSERT INTO sign_in (organization_id, id, provider_id, state_hash, browser_hash, return_to, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7 * interval '1 millisecond')`,
        [organizationId, id, providerId, stateHash, browserHash, returnTo, lifeMs],
      );
    });
  }

  async take(signIn: Parameters<SignInStore['take']>[0]): Promise<{ providerId: string; returnTo: string } | null> {
    const { organizationId, id, stateHash, browserHash } = signIn;
    const [row] = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<{ providerId: string; returnTo: string; alive: boolean }>(
        `DELETE FROM sign_in WHERE organization_id = $1 AND id = $2 AND state_hash = $3 AND browser_hash = $4
         RETURNING provider_id AS "providerId", return_to AS "returnTo", expires_at > clock_timestamp() AS alive`,
        [organizationId, id, stateHash, browserHash],
      ),
    );
    return row?.alive === true ? row : null;
  }

  identify({ organizationId, id }: IdentityProvider, { subject, nationalId }: Person): Promise<Identity | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const find = (column: 'subject' | 'national_id', value: string) =>
        transaction.query<Row<IdentityRow>>(
          `SELECT ${IDENTITY} FROM ${KNOWN} WHERE i.organization_id = $1 AND i.provider_id = $2 AND i.${column} = $3`,
          [organizationId, id, value],
        );
      const [known] = await find('subject', subject);
      if (known) return identityOf(known);
      if (nationalId === null) return null;
      // The first time; a national identifier that is bound to another account stays with it.
      await transaction.query(
        'UPDATE identity SET subject = $4 WHERE organization_id = $1 AND provider_id = $2 AND national_id = $3 AND subject IS NULL',
        [organizationId, id, nationalId, subject],
      );
      const [bound] = await find('subject', subject);
      return bound ? identityOf(bound) : null;
    });
  }

  async open({ organizationId, id, identityId, secretHash, idToken, browser }: NewSession): Promise<void> {
    const sealed = await this.vault.seal(organizationId, sessionIdToken(id), Buffer.from(idToken));
    await this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        `DELETE FROM session WHERE organization_id = $1 AND expires_at < clock_timestamp() - interval '7 days'`,
        [organizationId],
      );
      await transaction.query(
        `INSERT INTO session (organization_id, id, identity_id, secret_hash, id_token_sealed, browser, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + ${LIFE})`,
        [organizationId, id, identityId, secretHash, sealed, browser],
      );
    });
  }

  async session(
    { organizationId, id }: { organizationId: string; id: string },
    secretHash: Buffer,
  ): Promise<StoredSession | null> {
    type Found = Row<IdentityRow & { secretHash: Buffer; live: boolean }>;
    const [row] = await this.database.one<Found>(organizationId, SESSION, [organizationId, id, secretHash]);
    return row === undefined ? null : { secretHash: row.secretHash, live: row.live, identity: identityOf(row) };
  }

  sessions(key: { organizationId: string; collaboratorId: string }): Promise<readonly SessionView[]> {
    const { organizationId, collaboratorId } = key;
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<Row<SessionView>>(
        `SELECT s.id, s.browser, ${epoch('s.created_at')} AS "createdAt", ${epoch('s.seen_at')} AS "seenAt", ${epoch('s.expires_at')} AS "expiresAt"
         FROM session s JOIN identity i ON i.organization_id = s.organization_id AND i.id = s.identity_id
         WHERE s.organization_id = $1 AND i.collaborator_id = $2 AND ${LIVE} ORDER BY s.id`,
        [organizationId, collaboratorId],
      ),
    );
  }

  async end(session: Parameters<SignInStore['end']>[0]): Promise<{ providerId: string; idToken: string } | null> {
    const { organizationId, id, collaboratorId } = session;
    const [row] = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<{ providerId: string; sealed: Buffer }>(
        `UPDATE session s SET ended_at = clock_timestamp() FROM identity i WHERE s.organization_id = $1 AND s.id = $2 AND s.ended_at IS NULL
           AND i.organization_id = s.organization_id AND i.id = s.identity_id AND i.collaborator_id = $3 RETURNING i.provider_id AS "providerId", s.id_token_sealed AS sealed`,
        [organizationId, id, collaboratorId],
      ),
    );
    if (row === undefined) return null;
    const { providerId, sealed } = row;
    return { providerId, idToken: (await this.vault.open(organizationId, sessionIdToken(id), sealed)).toString() };
  }

  private async openProvider(organizationId: string, row: ProviderRow): Promise<IdentityProvider> {
    const { id, label, kind, issuer, clientId, sealed, audience } = row;
    const secret = sealed && (await this.vault.open(organizationId, providerSecret(id), sealed));
    return { organizationId, id, label, kind, issuer, clientId, clientSecret: secret?.toString() ?? null, audience };
  }
}
