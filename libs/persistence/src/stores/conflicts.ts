import {
  Conflicts,
  type Actor,
  type CallbackTask,
  type ConflictRecord,
  type InboxQuery,
  type Resolution,
  type ResolutionResult,
} from '#application';
import type { Database, Statement } from '../database.js';

const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;

const CONFLICT = `c.id, c.appointment_id AS "appointmentId", c.agenda_id AS "agendaId", c.reason, c.base, c.ours, c.theirs, c.state, c.resolution,
  c.resolved_by AS "resolvedBy", ${ms('c.opened_at')} AS "openedAt", ${ms('c.resolved_at')} AS "resolvedAt", c.version,
  c.reason NOT IN ('both-moved', 'not-writable')
    OR NOT EXISTS (SELECT 1 FROM link l WHERE l.organization_id = c.organization_id AND l.agenda_id = c.agenda_id AND l.direction = 'read-only') AS writable`;

const TASK = `t.id, t.appointment_id AS "appointmentId", t.agenda_id AS "agendaId", t.reason, t.created_by AS "createdBy", ${ms('t.created_at')} AS "createdAt",
  t.done_by AS "doneBy", ${ms('t.done_at')} AS "doneAt"`;

/** Open ones first, then by age; compared in milliseconds, as the cursor keeps them. */
const page = (closed: string, at: string, id: string): string =>
  `(cardinality($2::uuid[]) = 0 OR agenda_id = ANY ($2)) AND ($3::boolean IS NULL OR ${closed} = $3)
   AND ($4::boolean IS NULL OR (${closed}, ${ms(at)}, ${id}) > ($4, $5::float8, $6::uuid)) ORDER BY ${closed}, ${ms(at)}, ${id} LIMIT $7`;

const RESOLVE: Statement = { name: 'resolve-conflict', text: 'SELECT * FROM resolve_conflict($1, $2, $3, $4, $5)' };

/** The inbox of people, in PostgreSQL. */
export class PgConflicts extends Conflicts {
  constructor(private readonly database: Database) {
    super();
  }

  list(query: InboxQuery<'open' | 'resolved'>): Promise<readonly ConflictRecord[]> {
    const text = `SELECT ${CONFLICT} FROM conflict c WHERE c.organization_id = $1 AND ${page("(c.state <> 'open')", 'c.opened_at', 'c.id')}`;
    return this.page<ConflictRecord & Record<string, unknown>>(text, query, query.state && query.state !== 'open');
  }

  async get(organizationId: string, id: string): Promise<ConflictRecord | null> {
    const text = `SELECT ${CONFLICT} FROM conflict c WHERE c.organization_id = $1 AND c.id = $2`;
    const statement = { name: 'get-conflict', text };
    type Row = ConflictRecord & Record<string, unknown>;
    const [row] = await this.database.one<Row>(organizationId, statement, [organizationId, id]);
    return row ?? null;
  }

  async resolve(
    organizationId: string,
    id: string,
    { version, resolution, actor }: { version: number; resolution: Resolution; actor: Actor },
  ): Promise<ResolutionResult> {
    const values = [organizationId, id, version, JSON.stringify(resolution), JSON.stringify(actor)];
    const [row] = await this.database.call<ResolutionResult & Record<string, unknown>>(RESOLVE, values);
    return row ?? { outcome: 'unknown' };
  }

  callbacks(query: InboxQuery<'open' | 'done'>): Promise<readonly CallbackTask[]> {
    const text = `SELECT ${TASK} FROM callback_task t WHERE t.organization_id = $1 AND ${page('(t.done_at IS NOT NULL)', 't.created_at', 't.id')}`;
    return this.page<CallbackTask & Record<string, unknown>>(text, query, query.state && query.state !== 'open');
  }

  done(organizationId: string, id: string, actor: Actor): Promise<CallbackTask | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<CallbackTask & Record<string, unknown>>(
        `UPDATE callback_task t SET done_by = coalesce(done_by, $3), done_at = coalesce(done_at, now()) WHERE organization_id = $1 AND id = $2 RETURNING ${TASK}`,
        [organizationId, id, JSON.stringify(actor)],
      );
      return row ?? null;
    });
  }

  private page<Row extends Record<string, unknown>>(
    text: string,
    { organizationId, agendaIds, after, limit }: InboxQuery<string>,
    closed: boolean | null,
  ): Promise<Row[]> {
    const from = [after?.closed ?? null, after?.at ?? null, after?.id ?? null];
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<Row>(text, [organizationId, agendaIds, closed, ...from, limit]),
    );
  }
}
