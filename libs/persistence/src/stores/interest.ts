import { Interest } from '#application';
import type { Database } from '../database.js';

/** A link that was noted as wanted is not noted again for this long. */
const NOTED_SECONDS = 30;
/** A quiet agenda that is wanted now is read within this. */
const READ_WITHIN_SECONDS = 3;

/** Notes on links which agendas people ask for. */
export class PgInterest extends Interest {
  constructor(private readonly database: Database) {
    super();
  }

  async wanted(organizationId: string, agendaIds: readonly string[]): Promise<void> {
    // A link that is being stored right now is passed over: it is read, and nobody should wait for this.
    const text = `UPDATE link l SET wanted_at = clock_timestamp(), poll_at = least(poll_at, greatest(clock_timestamp(), as_of + interval '${String(READ_WITHIN_SECONDS)} seconds'))
      FROM (SELECT id FROM link WHERE organization_id = $1 AND agenda_id = ANY ($2) AND wanted_at < clock_timestamp() - interval '${String(NOTED_SECONDS)} seconds' FOR NO KEY UPDATE SKIP LOCKED) w
      WHERE l.organization_id = $1 AND l.id = w.id AND l.status = 'active' AND l.read_failures = 0 AND l.brake IS NULL`;
    await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query(text, [organizationId, agendaIds]),
    );
  }
}
