import { DisconnectionStore, type Disconnection, type Failure, type LeftObject, type Removal } from '#application';
import type { Database, Transaction } from '../database.js';

const at = (expression: string): string => `(extract(epoch FROM ${expression}) * 1000)::float8`;
/** Objects handed out at once, and shown. */
const BATCH = 200;
const SHOWN = 500;

const SHOW = `SELECT d.link_id AS "linkId", d.agenda_id AS "agendaId", d.connection_id AS "connectionId", d.remote_agenda_id AS "remoteAgendaId", d.remote, d.state,
  ${at('d.at')} AS at, ${at('d.ended_at')} AS "endedAt", CASE WHEN d.state = 'removing' THEN ${at('d.due_at')} END AS "nextAt", d.last_error AS "lastError",
  (SELECT jsonb_build_object('due', count(*) FILTER (WHERE o.state = 'due'), 'removed', count(*) FILTER (WHERE o.state = 'removed'), 'kept', count(*) FILTER (WHERE o.state = 'kept'),
    'left', count(*) FILTER (WHERE o.state = 'left')) FROM disconnection_object o WHERE o.organization_id = d.organization_id AND o.link_id = d.link_id) AS counts
  FROM disconnection d WHERE d.organization_id = $1 AND d.link_id = $2`;

const STAYING = `SELECT reference, remote_id AS "remoteId", appointment_id AS "appointmentId", ${at('lower(during)')} AS start, ${at('upper(during)')} AS "end", state
  FROM disconnection_object WHERE organization_id = $1 AND link_id = $2 AND state IN ('kept', 'left') ORDER BY during, reference LIMIT ${String(SHOWN)}`;

const REMOVAL = `SELECT agenda_id AS "agendaId", connection_id AS "connectionId", remote_agenda_id AS "remoteAgendaId", subscription_id AS "subscriptionId", failures,
  ${at('clock_timestamp() - d.at')} AS "ageMs" FROM disconnection d WHERE organization_id = $1 AND link_id = $2 AND state = 'removing'`;

const DUE = `SELECT reference, remote_id AS "remoteId", ${at('clock_timestamp() - sent_at')} AS "sentForMs"
  FROM disconnection_object WHERE organization_id = $1 AND link_id = $2 AND state = 'due' ORDER BY sent_at NULLS FIRST, during, reference LIMIT ${String(BATCH)}`;

/** What links have left behind, in PostgreSQL. */
export class PgDisconnections extends DisconnectionStore {
  constructor(private readonly database: Database) {
    super();
  }

  get(organizationId: string, linkId: string): Promise<Disconnection | null> {
    return this.in(organizationId, async (transaction) => {
      const [row] = await transaction.query<Disconnection & Record<string, unknown>>(SHOW, [organizationId, linkId]);
      if (row === undefined) return null;
      const staying = await transaction.query<LeftObject & Record<string, unknown>>(STAYING, [organizationId, linkId]);
      return { ...row, staying };
    });
  }

  removal(organizationId: string, linkId: string): Promise<Removal | null> {
    return this.in(organizationId, async (transaction) => {
      const [row] = await transaction.query<Removal & Record<string, unknown>>(REMOVAL, [organizationId, linkId]);
      if (row === undefined) return null;
      const objects = await transaction.query<Removal['objects'][number] & Record<string, unknown>>(DUE, [
        organizationId,
        linkId,
      ]);
      return { ...row, objects };
    });
  }

  removed(organizationId: string, linkId: string, reference: string): Promise<void> {
    return this.settled({ organizationId, linkId, reference }, 'removed');
  }

  left(organizationId: string, linkId: string, reference: string): Promise<void> {
    return this.settled({ organizationId, linkId, reference }, 'left');
  }

  postpone(organizationId: string, linkId: string, wait: { ms: number; failure: Failure | null }): Promise<void> {
    const error = told(wait.failure);
    return this.in(organizationId, async (transaction) => {
      await transaction.query(
        `UPDATE disconnection SET due_at = clock_timestamp() + $3 * interval '1 millisecond', failures = failures + CASE WHEN $4::jsonb IS NULL THEN 0 ELSE 1 END, last_error = $4
         WHERE organization_id = $1 AND link_id = $2 AND state = 'removing'`,
        [organizationId, linkId, wait.ms, error],
      );
    });
  }

  end(organizationId: string, linkId: string, failure: Failure | null): Promise<void> {
    return this.in(organizationId, async (transaction) => {
      const [ended] = await transaction.query<{ agenda_id: string }>(
        `UPDATE disconnection SET state = 'done', ended_at = now(), last_error = $3 WHERE organization_id = $1 AND link_id = $2 AND state = 'removing' RETURNING agenda_id`,
        [organizationId, linkId, told(failure)],
      );
      if (ended === undefined) return;
      await transaction.query(
        `UPDATE disconnection_object SET state = 'left' WHERE organization_id = $1 AND link_id = $2 AND state = 'due'`,
        [organizationId, linkId],
      );
      await transaction.query(
        `SELECT append_event('link-cleaned', $3, $2, '{"kind":"system"}', jsonb_build_object('removed', count(*) FILTER (WHERE state = 'removed'), 'left', count(*) FILTER (WHERE state = 'left')))
         FROM disconnection_object WHERE organization_id = $1 AND link_id = $2`,
        [organizationId, linkId, ended.agenda_id],
      );
    });
  }

  private settled(
    { organizationId, linkId, reference }: { organizationId: string; linkId: string; reference: string },
    state: 'removed' | 'left',
  ): Promise<void> {
    return this.in(organizationId, async (transaction) => {
      await transaction.query(
        `UPDATE disconnection_object SET state = $4 WHERE organization_id = $1 AND link_id = $2 AND reference = $3 AND state = 'due'`,
        [organizationId, linkId, reference, state],
      );
    });
  }

  private in<T>(organizationId: string, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.database.withOrganization(organizationId, work);
  }
}

function told(failure: Failure | null): string | null {
  return failure === null ? null : JSON.stringify({ kind: failure.kind, message: failure.message });
}
