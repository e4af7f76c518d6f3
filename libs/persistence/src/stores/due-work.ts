import { DueWork } from '#application';
import type { QueryResultRow } from 'pg';
import type { Database } from '../database.js';

/** Rows of one organization in one look: however many it has, the others' turn comes in the same round. */
const SHARE = 32;

/** Links due by a column, in turns of their organizations; those of a backend that is left in peace wait with it. */
function dueLinks(column: 'poll_at' | 'resubscribe_at', which: string): string {
  return `SELECT l.organization_id, l.id, l.${column}, row_number() OVER (PARTITION BY l.organization_id ORDER BY l.${column}, l.id) AS turn
    FROM link l JOIN connection c ON c.organization_id = l.organization_id AND c.id = l.connection_id AND c.blocked_until <= clock_timestamp()
    WHERE l.${column} <= clock_timestamp() AND l.paused_at IS NULL AND ${which}`;
}

/** What waits in any organization, seen through the dispatcher's narrow view. */
export class PgDueWork extends DueWork {
  constructor(private readonly database: Database) {
    super();
  }

  lanes(limit: number): Promise<readonly { organizationId: string; agendaId: string }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId", agenda_id AS "agendaId" FROM (
         SELECT w.organization_id, w.agenda_id, row_number() OVER (PARTITION BY w.organization_id ORDER BY min(w.due_at)) AS turn
         FROM (SELECT organization_id, agenda_id, state, due_at FROM remote_write UNION ALL SELECT organization_id, agenda_id, state, due_at FROM busy_change) w
           JOIN link l ON l.organization_id = w.organization_id AND l.agenda_id = w.agenda_id AND l.paused_at IS NULL AND l.status = 'active'
           JOIN connection c ON c.organization_id = l.organization_id AND c.id = l.connection_id AND c.blocked_until <= clock_timestamp()
         WHERE w.state = 'due' AND w.due_at <= clock_timestamp() GROUP BY w.organization_id, w.agenda_id) due
       WHERE turn <= ${String(SHARE)} ORDER BY turn LIMIT $1`,
      limit,
    );
  }

  links(limit: number): Promise<readonly { organizationId: string; linkId: string; full: boolean }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId", id AS "linkId", false AS full FROM (${dueLinks('poll_at', 'l.reconciled_at >= reconcile_due_since(l.id)')}) due
       WHERE turn <= ${String(SHARE)} ORDER BY turn, poll_at LIMIT $1`,
      limit,
    );
  }

  /** Due with the poll, so that one that failed is not tried again sooner. */
  reconciles(limit: number): Promise<readonly { organizationId: string; linkId: string }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId", id AS "linkId" FROM (${dueLinks('poll_at', 'l.reconciled_at < reconcile_due_since(l.id)')}) due
       WHERE turn <= ${String(SHARE)} ORDER BY turn, poll_at LIMIT $1`,
      limit,
    );
  }

  subscriptions(limit: number): Promise<readonly { organizationId: string; linkId: string }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId", id AS "linkId" FROM (${dueLinks('resubscribe_at', `l.status = 'active' AND l.phase <> 'planning'`)}) due
       WHERE turn <= ${String(SHARE)} ORDER BY turn, resubscribe_at LIMIT $1`,
      limit,
    );
  }

  holds(limit: number): Promise<readonly { organizationId: string; agendaId: string }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId", agenda_id AS "agendaId" FROM appointment WHERE status = 'held' AND (hold_until <= clock_timestamp() OR held_there_until <= clock_timestamp())
       UNION SELECT organization_id, agenda_id FROM appointment WHERE status = 'expired' AND held_there_until > clock_timestamp() LIMIT $1`,
      limit,
    );
  }

  openings(limit: number): Promise<readonly { organizationId: string; agendaId: string }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId", id AS "agendaId" FROM agenda WHERE opened_until < clock_timestamp() + make_interval(days => horizon_days) ORDER BY opened_until LIMIT $1`,
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

  organizations(limit: number): Promise<readonly { organizationId: string }[]> {
    return this.list('SELECT organization_id AS "organizationId" FROM organization LIMIT $1', limit);
  }

  vacancies(limit: number): Promise<readonly { organizationId: string; agendaId: string }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId", agenda_id AS "agendaId" FROM (
         SELECT organization_id, agenda_id, row_number() OVER (PARTITION BY organization_id ORDER BY min(due_at)) AS turn
         FROM vacancy WHERE due_at <= clock_timestamp() GROUP BY organization_id, agenda_id) due
       WHERE turn <= ${String(SHARE)} ORDER BY turn LIMIT $1`,
      limit,
    );
  }

  overbookings(limit: number): Promise<readonly { organizationId: string }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId" FROM overbooking_notice WHERE told_at IS NULL AND due_at <= clock_timestamp()
       UNION SELECT organization_id FROM grant_notice WHERE told_at IS NULL AND due_at <= clock_timestamp()
       UNION SELECT organization_id FROM export_request WHERE state IN ('asked', 'approved') AND expires_at <= clock_timestamp() LIMIT $1`,
      limit,
    );
  }

  unsealed(limit: number): Promise<readonly { organizationId: string }[]> {
    const behind = (table: string): string =>
      `EXISTS (SELECT 1 FROM ${table} s WHERE s.organization_id = o.organization_id AND (s.transaction_id, s.id) > (coalesce(a.transaction_id, 0), coalesce(a.source_id, 0)))`;
    return this.list(
      `SELECT o.organization_id AS "organizationId" FROM organization o LEFT JOIN LATERAL (SELECT e.transaction_id, e.source_id FROM audit_entry e
         WHERE e.organization_id = o.organization_id ORDER BY e.transaction_id DESC, e.source_id DESC LIMIT 1) a ON true
       WHERE ${behind('event')} OR ${behind('trace')} LIMIT $1`,
      limit,
    );
  }

  series(limit: number): Promise<readonly { organizationId: string; seriesId: string }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId", id AS "seriesId" FROM series WHERE state IN ('settling', 'undoing') AND due_at <= clock_timestamp() ORDER BY due_at LIMIT $1`,
      limit,
    );
  }

  bulks(limit: number): Promise<readonly { organizationId: string; bulkId: string }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId", id AS "bulkId" FROM bulk_cancellation WHERE state = 'running' AND due_at <= clock_timestamp() ORDER BY due_at LIMIT $1`,
      limit,
    );
  }

  rotations(limit: number): Promise<readonly { organizationId: string }[]> {
    return this.list(
      `SELECT organization_id AS "organizationId" FROM key_rotation WHERE state = 'running' AND due_at <= clock_timestamp() ORDER BY due_at LIMIT $1`,
      limit,
    );
  }

  private list<Row extends QueryResultRow>(text: string, limit: number): Promise<Row[]> {
    return this.database.asDispatcher((transaction) => transaction.query<Row>(text, [limit]));
  }
}
