import { GrantNoticeStore, type GrantNotice } from '#application';
import type { Database, Transaction } from '../database.js';

const CLAIM = `UPDATE grant_notice n SET due_at = now() + $2 * interval '1 millisecond'
  FROM (SELECT d.id FROM grant_notice d WHERE d.organization_id = $1 AND d.told_at IS NULL AND d.due_at <= clock_timestamp() LIMIT 100 FOR UPDATE SKIP LOCKED) due,
    agenda g LEFT JOIN collaborator c ON c.organization_id = g.organization_id AND c.id = g.owner_id
  WHERE n.organization_id = $1 AND n.id = due.id AND g.organization_id = $1 AND g.id = n.agenda_id
  RETURNING n.id, coalesce(n.grant_id, n.export_id, n.identity_id) AS "aboutId", g.name AS "agendaName", n.change, c.email`;

/** One mail to each to whom an agenda belongs, of what concerns the whole organization. */
export async function tellOwners(
  transaction: Transaction,
  about: 'export_id' | 'identity_id',
  { id, change }: { readonly id: string; readonly change: GrantNotice['change'] },
): Promise<void> {
  await transaction.query(
    `INSERT INTO grant_notice (organization_id, id, ${about}, agenda_id, change)
     SELECT DISTINCT ON (a.owner_id) a.organization_id, gen_random_uuid(), $1::uuid, a.id, $2 FROM agenda a
     WHERE a.organization_id = current_organization() AND a.owner_id IS NOT NULL ORDER BY a.owner_id, a.id`,
    [id, change],
  );
}

/** Changes of rights to be told, in PostgreSQL. */
export class PgGrantNotices extends GrantNoticeStore {
  constructor(private readonly database: Database) {
    super();
  }

  claim(organizationId: string, leaseMs: number): Promise<readonly GrantNotice[]> {
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<GrantNotice & Record<string, unknown>>(CLAIM, [organizationId, leaseMs]),
    );
  }

  told(organizationId: string, id: string, error: string | null): Promise<void> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        'UPDATE grant_notice SET error = $3, told_at = CASE WHEN $3::text IS NULL THEN now() END WHERE organization_id = $1 AND id = $2',
        [organizationId, id, error],
      );
    });
  }
}
