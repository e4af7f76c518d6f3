import { DueWork } from '#application';
import type { QueryResultRow } from 'pg';
import type { Database } from '../database.js';

/** How far ahead openings are expanded, and how much of it may be missing before they are expanded again. */
const EXTEND_BELOW_DAYS = 180;

/** What waits in any organization, seen through the dispatcher's narrow view. */
export class PgDueWork extends DueWork {
  constructor(private readonly database: Database) {
    super();
  }

  lanes(limit: number): Promise<readonly { organizationId: string; agendaId: string }[]> {
    return this.list(
      `SELECT DISTINCT organization_id AS "organizationId", agenda_id AS "agendaId" FROM remote_write w WHERE state = 'due' AND due_at <= clock_timestamp()
         AND NOT EXISTS (SELECT 1 FROM link l WHERE l.organization_id = w.organization_id AND l.agenda_id = w.agenda_id AND l.paused_at IS NOT NULL) LIMIT $1`,
      limit,
    );
  }

  links(limit: number): Promise<readonly { organizationId: string; linkId: string; full: boolean }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId", id AS "linkId", reconciled_at < clock_timestamp() - interval '1 day' AS full
       FROM link WHERE poll_at <= clock_timestamp() AND paused_at IS NULL ORDER BY poll_at LIMIT $1`,
      limit,
    );
  }

  holds(limit: number): Promise<readonly { organizationId: string; agendaId: string }[]> {
    return this.list(
      `SELECT DISTINCT organization_id AS "organizationId", agenda_id AS "agendaId" FROM appointment WHERE status = 'held' AND hold_until <= clock_timestamp() LIMIT $1`,
      limit,
    );
  }

  openings(limit: number): Promise<readonly { organizationId: string; agendaId: string }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId", id AS "agendaId" FROM agenda WHERE opened_until < clock_timestamp() + interval '${String(EXTEND_BELOW_DAYS)} days' ORDER BY opened_until LIMIT $1`,
      limit,
    );
  }

  removals(limit: number): Promise<readonly { organizationId: string; linkId: string }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId", link_id AS "linkId" FROM disconnection WHERE state = 'removing' AND due_at <= clock_timestamp() ORDER BY due_at LIMIT $1`,
      limit,
    );
  }

  watched(limit: number): Promise<readonly { organizationId: string }[]> {
    return this.list('SELECT DISTINCT organization_id AS "organizationId" FROM link LIMIT $1', limit);
  }

  private list<Row extends QueryResultRow>(text: string, limit: number): Promise<Row[]> {
    return this.database.asDispatcher((transaction) => transaction.query<Row>(text, [limit]));
  }
}
