import { ConsentStore, type Actor, type ConsentKey, type NewConsent, type Vault } from '#application';
import type { Database } from '../database.js';
import { consentVerifier } from './sealed-places.js';

/** Consents in PostgreSQL: of the state only a hash, the verifier sealed. Their time is counted on the database's clock. */
export class PgConsents extends ConsentStore {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  async begin({ organizationId, connectionId, stateHash, verifier, actor, lifeMs }: NewConsent): Promise<number> {
    const sealed = await this.vault.seal(organizationId, consentVerifier(connectionId), Buffer.from(verifier));
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<{ expiresAt: number }>(
        `INSERT INTO consent (organization_id, connection_id, state_hash, verifier_sealed, actor, expires_at)
         VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 millisecond')
         ON CONFLICT (organization_id, connection_id) DO UPDATE SET state_hash = excluded.state_hash,
           verifier_sealed = excluded.verifier_sealed, actor = excluded.actor, expires_at = excluded.expires_at
         RETURNING (extract(epoch FROM expires_at) * 1000)::float8 AS "expiresAt"`,
        [organizationId, connectionId, stateHash, sealed, JSON.stringify(actor), lifeMs],
      );
      if (row === undefined) throw new Error('an insert returned no row');
      return Math.floor(row.expiresAt);
    });
  }

  async take({
    organizationId,
    connectionId,
    stateHash,
  }: ConsentKey): Promise<{ verifier: string; actor: Actor } | null> {
    const [row] = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<{ sealed: Buffer; actor: Actor; alive: boolean }>(
        `DELETE FROM consent WHERE organization_id = $1 AND connection_id = $2 AND state_hash = $3
         RETURNING verifier_sealed AS sealed, actor, expires_at > clock_timestamp() AS alive`,
        [organizationId, connectionId, stateHash],
      ),
    );
    if (row?.alive !== true) return null;
    const verifier = await this.vault.open(organizationId, consentVerifier(connectionId), row.sealed);
    return { verifier: verifier.toString(), actor: row.actor };
  }
}
