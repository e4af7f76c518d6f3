import { BulkStore, type BulkCommand, type BulkRecord, type BulkRef } from '#application';
import type { Database, Transaction } from '../database.js';
import { again } from './booking-calls.js';

const GET = `SELECT b.id, b.state, b.reason, b.actor, coalesce((SELECT jsonb_agg(jsonb_build_object('appointmentId', i.appointment_id, 'agendaId', a.agenda_id,
    'start', milliseconds(lower(a.during)), 'version', i.version, 'state', i.state, 'problem', i.problem) ORDER BY lower(a.during), a.id)
  FROM bulk_item i JOIN appointment a ON a.organization_id = i.organization_id AND a.id = i.appointment_id
  WHERE i.organization_id = b.organization_id AND i.bulk_id = b.id), '[]') AS items
  FROM bulk_cancellation b WHERE b.organization_id = $1 AND b.id = $2`;

/** A worker goes on with what a process has left for so long. */
const LEFT_MS = 15_000;

/** Bulk cancellations in PostgreSQL. */
export class PgBulk extends BulkStore {
  constructor(private readonly database: Database) {
    super();
  }

  create(command: BulkCommand): Promise<{ readonly id: string } | 'reused'> {
    return again(() =>
      this.database.withOrganization(command.organizationId, (transaction) => createIn(transaction, command)),
    );
  }

  async perAgenda({ organizationId, agendaIds, appointmentIds }: BulkCommand): Promise<ReadonlyMap<string, number>> {
    const text = `SELECT a.agenda_id AS "agendaId", count(*)::integer AS many FROM appointment a
      WHERE a.organization_id = $1 AND a.agenda_id = ANY ($2) AND a.id = ANY ($3) GROUP BY a.agenda_id`;
    const rows = await this.database.one<{ agendaId: string; many: number }>(
      organizationId,
      { name: 'bulk-per-agenda', text },
      [organizationId, agendaIds, appointmentIds],
    );
    return new Map(rows.map(({ agendaId, many }) => [agendaId, many]));
  }

  async get({ organizationId, id }: BulkRef): Promise<BulkRecord | null> {
    const [row] = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<BulkRecord & Record<string, unknown>>(GET, [organizationId, id]),
    );
    return row ?? null;
  }

  keep(ref: BulkRef): Promise<void> {
    return this.on(
      ref,
      `UPDATE bulk_cancellation SET due_at = now() + $3 * interval '1 millisecond' WHERE organization_id = $1 AND id = $2`,
      [LEFT_MS],
    );
  }

  cancelled(ref: BulkRef, appointmentId: string): Promise<void> {
    return this.on(ref, 'SELECT bulk_cancelled($1, $2, $3)', [appointmentId]);
  }

  left(ref: BulkRef, appointmentId: string, problem: string): Promise<void> {
    return this.on(
      ref,
      `UPDATE bulk_item SET state = 'left', problem = $4 WHERE organization_id = $1 AND bulk_id = $2 AND appointment_id = $3 AND state = 'due'`,
      [appointmentId, problem],
    );
  }

  finish(ref: BulkRef): Promise<void> {
    return this.on(
      ref,
      `WITH finished AS (UPDATE bulk_cancellation b SET state = 'done' WHERE b.organization_id = $1 AND b.id = $2 AND b.state = 'running'
         AND NOT EXISTS (SELECT 1 FROM bulk_item i WHERE i.organization_id = $1 AND i.bulk_id = $2 AND i.state = 'due') RETURNING b.id)
       SELECT append_event('bulk-cancellation-done', NULL, id, '{"kind":"system"}', '{}') FROM finished`,
      [],
    );
  }

  private on({ organizationId, id }: BulkRef, statement: string, values: readonly unknown[]): Promise<void> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(statement, [organizationId, id, ...values]);
    });
  }
}

async function createIn(transaction: Transaction, command: BulkCommand): Promise<{ readonly id: string } | 'reused'> {
  const { organizationId, id, agendaIds, window, appointmentIds, reason, actor, key } = command;
  if (key !== null) {
    const [known] = await transaction.query<{ state: string; resource: string | null }>(
      'SELECT state, resource FROM find_key($1, $2)',
      [key.key, key.hash],
    );
    if (known?.state === 'reused') return 'reused';
    if (known?.resource != null) return { id: known.resource };
  }
  await transaction.query(
    `INSERT INTO bulk_cancellation (organization_id, id, agenda_ids, during, reason, actor, due_at)
     VALUES ($1, $2, $3, tstzrange(to_timestamp($4::numeric / 1000), to_timestamp($5::numeric / 1000)), $6, $7, now() + $8 * interval '1 millisecond')`,
    [organizationId, id, agendaIds, window.start, window.end, reason, actor, LEFT_MS],
  );
  await transaction.query(
    `INSERT INTO bulk_item (organization_id, bulk_id, appointment_id, version) SELECT a.organization_id, b.id, a.id, a.version FROM bulk_cancellation b
       JOIN appointment a ON a.organization_id = b.organization_id AND a.agenda_id = ANY (b.agenda_ids) AND lower(a.during) <@ b.during
     WHERE b.organization_id = $1 AND b.id = $2 AND a.id = ANY ($3::uuid[])`,
    [organizationId, id, appointmentIds],
  );
  await transaction.query(`SELECT append_event('bulk-cancellation-started', NULL, $1, $2, $3)`, [
    id,
    actor,
    JSON.stringify({ agendas: agendaIds, appointments: appointmentIds.length }),
  ]);
  if (key !== null) await transaction.query('SELECT keep_key($1, $2, $3, NULL, NULL)', [key.key, key.hash, id]);
  return { id };
}
