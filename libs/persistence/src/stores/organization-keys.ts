import { KeyStore, type WrappedKey } from '#application';
import type { Database } from '../database.js';
import { beginRotation } from './key-rotations.js';
import { remaining } from './sealed-tables.js';

/** An organization's wrapped keys in PostgreSQL. */
export class PgKeyStore extends KeyStore {
  constructor(private readonly database: Database) {
    super();
  }

  load(organizationId: string): Promise<readonly WrappedKey[]> {
    const text = `SELECT version, wrapped, wrapped_by AS "wrappedBy", retired_at IS NOT NULL AS retired
      FROM organization_key WHERE organization_id = $1 ORDER BY version`;
    return this.database.one<WrappedKey & Record<string, unknown>>(organizationId, { name: 'load-keys', text }, [
      organizationId,
    ]);
  }

  async found(organizationId: string, keys: readonly WrappedKey[]): Promise<void> {
    await this.database.withOrganization(organizationId, async (transaction) => {
      // One by one and never both halves: whoever makes the first keys makes all of them.
      await transaction.query(`SELECT pg_advisory_xact_lock(hashtextextended('organization_key ' || $1, 0))`, [
        organizationId,
      ]);
      const text = 'SELECT 1 FROM organization_key WHERE organization_id = $1';
      if ((await transaction.query(text, [organizationId])).length > 0) return;
      for (const { version, wrapped, wrappedBy } of keys)
        await transaction.query(
          'INSERT INTO organization_key (organization_id, version, wrapped, wrapped_by) VALUES ($1, $2, $3, $4)',
          [organizationId, version, wrapped, wrappedBy],
        );
      // What was sealed before there were keys is sealed with them.
      const newest = Math.max(...keys.map(({ version }) => version));
      if ((await remaining(transaction, organizationId, newest)) > 0)
        await beginRotation(transaction, organizationId, newest);
    });
  }

  precedesKeys(organizationId: string): Promise<boolean> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<{ early: boolean }>(
        `SELECT EXISTS (SELECT 1 FROM patient_identity WHERE organization_id = $1) OR EXISTS (SELECT 1 FROM waiting_entry WHERE organization_id = $1) AS early`,
        [organizationId],
      );
      return row?.early === true;
    });
  }
}
