import {
  BusyChanges,
  type BusyChangeCommand,
  type BusyChangeRecord,
  type BusyChangeRef,
  type BusyRefusal,
  type BusyTime,
  type Failure,
  type PendingBusyChange,
} from '#application';
import type { Database, Transaction } from '../database.js';
import { again } from './booking-calls.js';

const LIST = {
  name: 'busy-times',
  text: `SELECT DISTINCT milliseconds(lower(c.during))::float8 AS start, milliseconds(upper(c.during))::float8 AS "end", m.id AS "objectId", seen_version(m.content_hash) AS version
    FROM claim c JOIN mirror m ON m.organization_id = c.organization_id AND m.id = c.holder AND m.appointment_id IS NULL AND m.copy_of IS NULL AND m.gone_at IS NULL
    WHERE c.organization_id = $1 AND c.agenda_id = $2 AND c.authority = 'remote' AND c.ends_at > to_timestamp($3::numeric / 1000)
      AND c.during && tstzrange(to_timestamp($3::numeric / 1000), to_timestamp($4::numeric / 1000))
      AND NOT EXISTS (SELECT 1 FROM busy_change b WHERE b.organization_id = m.organization_id AND b.mirror_id = m.id AND b.state = 'due' AND c.during = ANY (b.reserved))
      AND ($5::numeric IS NULL OR (milliseconds(lower(c.during)), m.id) > ($5::numeric, $6::uuid))
    ORDER BY start, "objectId" LIMIT $7`,
};

const range = (of: string): string => `interval_json(${of})`;
const GET = `SELECT b.id, b.agenda_id AS "agendaId", b.mirror_id AS "objectId", ${range('b.during')} AS when, ${range('b.aim')} AS to, b.following, b.state, b.reason
  FROM busy_change b WHERE b.organization_id = $1 AND b.id = $2`;

const NEXT = {
  name: 'next-busy-change',
  text: `SELECT b.organization_id AS "organizationId", b.id, m.remote_id AS "remoteId", ${range('b.during')} AS when, ${range('b.aim')} AS to, b.following, b.attempts, b.unanswered, b.landed, b.failures,
      (extract(epoch FROM clock_timestamp() - b.last_sent_at) * 1000)::float8 AS "sinceSentMs"
    FROM busy_change b JOIN mirror m ON m.organization_id = b.organization_id AND m.id = b.mirror_id
    WHERE b.organization_id = $1 AND b.agenda_id = $2 AND b.state = 'due' AND b.due_at <= clock_timestamp() ORDER BY b.asked_at, b.id LIMIT 1`,
};

/** Changes of the practitioner's own time in PostgreSQL. */
export class PgBusyChanges extends BusyChanges {
  constructor(private readonly database: Database) {
    super();
  }

  list({ organizationId, agendaId, window, after, limit }: Parameters<BusyChanges['list']>[0]): Promise<BusyTime[]> {
    const position = [after?.start ?? null, after?.objectId ?? null];
    const values = [organizationId, agendaId, window.start, window.end, ...position, limit];
    return this.database.one<BusyTime & Record<string, unknown>>(organizationId, LIST, values);
  }

  ask(command: BusyChangeCommand): ReturnType<BusyChanges['ask']> {
    return again(() =>
      this.database.withOrganization(command.organizationId, (transaction) => askIn(transaction, command)),
    );
  }

  async get({ organizationId, id }: BusyChangeRef): Promise<BusyChangeRecord | null> {
    const [row] = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<BusyChangeRecord & Record<string, unknown>>(GET, [organizationId, id]),
    );
    return row ?? null;
  }

  async next(organizationId: string, agendaId: string): Promise<PendingBusyChange | null> {
    type Row = PendingBusyChange & Record<string, unknown>;
    const [row] = await this.database.one<Row>(organizationId, NEXT, [organizationId, agendaId]);
    return row ?? null;
  }

  sent({ organizationId, id, attempts }: PendingBusyChange): ReturnType<BusyChanges['sent']> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<{ outcome: 'sent' | 'gone' | 'moved-on' | 'taken' }>(
        'SELECT send_busy_change($1, $2) AS outcome',
        [id, attempts],
      );
      const outcome = row?.outcome ?? 'gone';
      if (outcome !== 'sent') return { outcome };
      const [object] = await transaction.query<{ version: string | null }>(
        'SELECT m.version FROM busy_change b JOIN mirror m ON m.organization_id = b.organization_id AND m.id = b.mirror_id WHERE b.organization_id = $1 AND b.id = $2',
        [organizationId, id],
      );
      return { outcome, version: object?.version ?? null };
    });
  }

  answered(change: PendingBusyChange, landed: boolean): Promise<void> {
    return this.update(change, 'unanswered = greatest(0, unanswered - 1), landed = landed OR $3', [landed]);
  }

  postpone(change: PendingBusyChange, delayMs: number, failure: Failure | null): Promise<void> {
    const error = failure === null ? null : { kind: failure.kind, message: failure.message };
    return this.update(
      change,
      `due_at = clock_timestamp() + $3 * interval '1 millisecond', failures = failures + CASE WHEN $4::jsonb IS NULL THEN 0 ELSE 1 END, last_error = $4`,
      [delayMs, error],
    );
  }

  async end({ organizationId, id }: PendingBusyChange, refusal: BusyRefusal | null): Promise<void> {
    await this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query('SELECT end_busy_change($1, $2)', [id, refusal]);
    });
  }

  private async update(
    { organizationId, id }: PendingBusyChange,
    assignments: string,
    values: readonly unknown[],
  ): Promise<void> {
    await this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        `UPDATE busy_change SET ${assignments} WHERE organization_id = $1 AND id = $2 AND state = 'due'`,
        [organizationId, id, ...values],
      );
    });
  }
}

async function askIn(
  transaction: Transaction,
  { id, agendaId, objectId, version, when, to, following, actor, key }: BusyChangeCommand,
): ReturnType<BusyChanges['ask']> {
  if (key !== null) {
    const [known] = await transaction.query<{ state: string; resource: string | null }>(
      'SELECT state, resource FROM find_key($1, $2)',
      [key.key, key.hash],
    );
    if (known?.state === 'reused') return { outcome: 'reused' };
    if (known?.resource != null) return { outcome: 'asked', id: known.resource };
  }
  type Row = { outcome: 'asked' | 'unknown' | 'read-only' | 'stale' | 'under-way' | 'taken' };
  const [row] = await transaction.query<Row>(
    'SELECT ask_busy_change($1, $2, $3, range_of($4), range_of($5), $6, $7, $8) AS outcome',
    [id, agendaId, objectId, when, to, following, version, actor],
  );
  const outcome = row?.outcome ?? 'unknown';
  if (outcome !== 'asked') return { outcome };
  if (key !== null) await transaction.query('SELECT keep_key($1, $2, $3, NULL, NULL)', [key.key, key.hash, id]);
  return { outcome, id };
}
