import { Events, type EventRecord } from '#application';
import type { Database } from '../database.js';

interface EventRow {
  transaction_id: string;
  id: string;
  type: string;
  agenda_id: string | null;
  subject_id: string | null;
  actor: unknown;
  at: number;
  data: unknown;
}

const CURSOR = /^(\d{1,19})-(\d{1,19})$/;

/** The event log in PostgreSQL, in the order (transaction, id), below the oldest transaction still running. */
export class PgEvents extends Events {
  constructor(private readonly database: Database) {
    super();
  }

  after({
    organizationId,
    cursor,
    limit,
  }: {
    organizationId: string;
    cursor: string | null;
    limit: number;
  }): Promise<{ readonly events: readonly EventRecord[]; readonly cursor: string | null }> {
    const parts = cursor === null ? ['', '0', '0'] : CURSOR.exec(cursor);
    if (parts === null) return Promise.reject(new RangeError('not a cursor of the event log'));
    return this.database.withOrganization(organizationId, async (transaction) => {
      const statement = {
        name: 'events-after',
        text: `SELECT transaction_id, id, type, agenda_id, subject_id, actor, (extract(epoch FROM at) * 1000)::float8 AS at, data FROM event
          WHERE organization_id = $1 AND (transaction_id, id) > ($2::bigint, $3::bigint) AND transaction_id < event_horizon() ORDER BY transaction_id, id LIMIT $4`,
      };
      const rows = await transaction.query<EventRow & Record<string, unknown>>(statement, [
        organizationId,
        parts[1],
        parts[2],
        limit,
      ]);
      const events = rows.map(eventOf);
      return { events, cursor: events.at(-1)?.cursor ?? cursor };
    });
  }

  latest(organizationId: string): Promise<string | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<{ transaction_id: string; id: string }>(
        'SELECT transaction_id, id FROM event WHERE organization_id = $1 AND transaction_id < event_horizon() ORDER BY transaction_id DESC, id DESC LIMIT 1',
        [organizationId],
      );
      return row === undefined ? null : `${row.transaction_id}-${row.id}`;
    });
  }
}

function eventOf(row: EventRow): EventRecord {
  return {
    cursor: `${row.transaction_id}-${row.id}`,
    type: row.type,
    agendaId: row.agenda_id,
    subjectId: row.subject_id,
    actor: row.actor,
    at: row.at,
    data: row.data,
  };
}
