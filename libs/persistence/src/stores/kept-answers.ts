import { KeptAnswers } from '#application';
import type { Database } from '../database.js';

const FORGET = {
  name: 'forget-answers',
  text: `DELETE FROM idempotency WHERE organization_id = $1 AND key IN (SELECT key FROM idempotency
    WHERE organization_id = $1 AND created_at < clock_timestamp() - $2 * interval '1 day' ORDER BY created_at LIMIT $3) RETURNING key`,
};

/** Answers kept under Idempotency-Keys, by the database's clock. */
export class PgKeptAnswers extends KeptAnswers {
  constructor(private readonly database: Database) {
    super();
  }

  async forget(organizationId: string, olderThan: { days: number; limit: number }): Promise<number> {
    const { days, limit } = olderThan;
    return (await this.database.one(organizationId, FORGET, [organizationId, days, limit])).length;
  }
}
