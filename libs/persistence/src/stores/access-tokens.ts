import { AccessTokens, type NewAccessToken, type StoredAccessToken } from '#application';
import type { Database, Statement } from '../database.js';

const FIND: Statement = {
  name: 'find-access-token',
  text: `SELECT t.secret_hash AS "secretHash", t.scopes, k.audience, k.id AS "keyId", t.expires_at > clock_timestamp() AND k.revoked_at IS NULL AS live
    FROM access_token t JOIN api_key k ON k.organization_id = t.organization_id AND k.id = t.api_key_id
    WHERE t.organization_id = $1 AND t.id = $2`,
};

/** Tokens of applications: the secret only as SHA-256, their time on the database's clock. */
export class PgAccessTokens extends AccessTokens {
  constructor(private readonly database: Database) {
    super();
  }

  async find(organizationId: string, id: string): Promise<StoredAccessToken | null> {
    const values = [organizationId, id];
    const [row] = await this.database.one<StoredAccessToken & Record<string, unknown>>(organizationId, FIND, values);
    return row ?? null;
  }

  /** Those of the same key that ended an hour ago are forgotten: until then whoever shows one is not guessing. */
  issue({ organizationId, id, keyId, secretHash, scopes, lifeSeconds }: NewAccessToken): Promise<void> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        `DELETE FROM access_token WHERE organization_id = $1 AND api_key_id = $2 AND expires_at < clock_timestamp() - interval '1 hour'`,
        [organizationId, keyId],
      );
      await transaction.query(
        `INSERT INTO access_token (organization_id, id, api_key_id, secret_hash, scopes, expires_at)
         VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 second')`,
        [organizationId, id, keyId, secretHash, scopes, lifeSeconds],
      );
    });
  }

  async revoke({ organizationId, id, keyId, secretHash }: Parameters<AccessTokens['revoke']>[0]): Promise<void> {
    await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query(
        'DELETE FROM access_token WHERE organization_id = $1 AND id = $2 AND api_key_id = $3 AND secret_hash = $4',
        [organizationId, id, keyId, secretHash],
      ),
    );
  }
}
