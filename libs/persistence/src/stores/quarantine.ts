import { QuarantineStore, type Actor, type QuarantinedObject, type Vault } from '#application';
import type { Database, Transaction } from '../database.js';
import { quarantined } from './sealed-places.js';

interface ItemRef {
  readonly organizationId: string;
  readonly linkId: string;
  readonly id: string;
}

const ITEM = `q.id, q.remote_id AS "remoteId", q.version, q.reason, (extract(epoch FROM q.at) * 1000)::float8 AS at, q.dismissed_at IS NOT NULL AS dismissed`;
const ONE = 'q.organization_id = $1 AND q.link_id = $2 AND q.id = $3';

type ItemRow = QuarantinedObject & Record<string, unknown>;

/** Unreadable objects in PostgreSQL; what they hold only as ciphertext. */
export class PgQuarantineStore extends QuarantineStore {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  list(query: {
    organizationId: string;
    linkId: string;
    after: string | null;
    limit: number;
  }): Promise<readonly QuarantinedObject[] | null> {
    const { organizationId, linkId, after, limit } = query;
    return this.database.withOrganization(organizationId, async (transaction) => {
      const links = await transaction.query('SELECT 1 FROM link WHERE organization_id = $1 AND id = $2', [
        organizationId,
        linkId,
      ]);
      if (links.length === 0) return null;
      return transaction.query<ItemRow>(
        `SELECT ${ITEM} FROM quarantine q WHERE q.organization_id = $1 AND q.link_id = $2 AND q.dismissed_at IS NULL AND ($3::uuid IS NULL OR q.id > $3) ORDER BY q.id LIMIT $4`,
        [organizationId, linkId, after, limit],
      );
    });
  }

  get({ organizationId, linkId, id }: ItemRef): Promise<QuarantinedObject | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const text = `SELECT ${ITEM} FROM quarantine q WHERE ${ONE}`;
      return (await transaction.query<ItemRow>(text, [organizationId, linkId, id]))[0] ?? null;
    });
  }

  async raw(ref: ItemRef, actor: Actor): Promise<string | null> {
    const { organizationId, linkId, id } = ref;
    const found = await this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<{ remoteId: string; sealed: Buffer }>(
        `SELECT q.remote_id AS "remoteId", q.raw_sealed AS sealed FROM quarantine q WHERE ${ONE}`,
        [organizationId, linkId, id],
      );
      // After a week only what is wrong with it is kept.
      if (row === undefined || row.sealed.length === 0) return null;
      await tell(transaction, 'quarantine-read', ref, actor);
      return row;
    });
    if (found === null) return null;
    return (await this.vault.open(organizationId, quarantined(linkId, found.remoteId), found.sealed)).toString('utf8');
  }

  dismiss(ref: ItemRef, actor: Actor): Promise<boolean> {
    return this.database.withOrganization(ref.organizationId, async (transaction) => {
      const values = [ref.organizationId, ref.linkId, ref.id];
      const dismissed = await transaction.query(
        `UPDATE quarantine q SET dismissed_at = clock_timestamp() WHERE ${ONE} AND q.dismissed_at IS NULL RETURNING q.id`,
        values,
      );
      if (dismissed.length > 0) await tell(transaction, 'quarantine-dismissed', ref, actor);
      return (await transaction.query(`SELECT 1 FROM quarantine q WHERE ${ONE}`, values)).length > 0;
    });
  }
}

async function tell(transaction: Transaction, type: string, ref: ItemRef, actor: Actor): Promise<void> {
  await transaction.query(
    `SELECT append_event($1, (SELECT l.agenda_id FROM link l WHERE l.organization_id = $2 AND l.id = $3), $3, $4, $5)`,
    [type, ref.organizationId, ref.linkId, JSON.stringify(actor), JSON.stringify({ item: ref.id })],
  );
}
