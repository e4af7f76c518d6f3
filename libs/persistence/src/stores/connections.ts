import { createHash } from 'node:crypto';
import {
  ConnectionStore,
  StoreRefused,
  type Actor,
  type ConnectionAccount,
  type ConnectionRecord,
  type LinkHealth,
  type NewLink,
  type Vault,
} from '#application';
import type { Database } from '../database.js';

interface ConnectionRow {
  id: string;
  connectorId: string;
  label: string;
  settings: Record<string, unknown>;
  status: ConnectionRecord['status'];
}

const RECORD = 'id, connector_id AS "connectorId", label, settings, status';
const SECRETS = 'connection.secrets_sealed';
/** Failures in a row after which a backend is left in peace, and for how long (milliseconds). */
const BREAKER = { failures: 10, openMs: 30_000 };
const UNIQUE_VIOLATION = '23505';

const HEALTH = `SELECT l.id AS "linkId", l.agenda_id AS "agendaId", l.status, l.read_failures AS failures, l.last_error, l.brake,
  (extract(epoch FROM nullif(l.as_of, '-infinity')) * 1000)::float8 AS as_of, (extract(epoch FROM clock_timestamp() - nullif(l.as_of, '-infinity')) * 1000)::float8 AS age_ms,
  (extract(epoch FROM nullif(l.poll_at, '-infinity')) * 1000)::float8 AS poll_at, (extract(epoch FROM nullif(l.reconciled_at, '-infinity')) * 1000)::float8 AS reconciled_at,
  (extract(epoch FROM l.hinted_at) * 1000)::float8 AS hinted_at, l.subscription_id, (extract(epoch FROM l.subscription_until) * 1000)::float8 AS subscription_until,
  a.stale_after_seconds, greatest(0, extract(epoch FROM nullif(c.blocked_until, '-infinity') - clock_timestamp()) * 1000)::float8 AS blocked_ms,
  (SELECT count(*)::int FROM quarantine q WHERE q.organization_id = l.organization_id AND q.link_id = l.id AND q.dismissed_at IS NULL) AS quarantined, w.*
  FROM link l JOIN agenda a ON a.organization_id = l.organization_id AND a.id = l.agenda_id JOIN connection c ON c.organization_id = l.organization_id AND c.id = l.connection_id
  CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE w.state = 'due')::int AS queued, (extract(epoch FROM clock_timestamp() - min(w.asked_at) FILTER (WHERE w.state = 'due')) * 1000)::float8 AS oldest_ms,
    (extract(epoch FROM min(w.due_at) FILTER (WHERE w.state = 'due')) * 1000)::float8 AS next_at, (extract(epoch FROM max(w.last_sent_at)) * 1000)::float8 AS last_sent
    FROM remote_write w WHERE w.organization_id = l.organization_id AND w.link_id = l.id) w
  WHERE l.organization_id = $1 AND l.id = $2`;

interface HealthRow {
  linkId: string;
  agendaId: string;
  status: LinkHealth['status'];
  failures: number;
  last_error: LinkHealth['lastError'];
  brake: LinkHealth['brake'];
  as_of: number | null;
  age_ms: number | null;
  poll_at: number | null;
  reconciled_at: number | null;
  hinted_at: number | null;
  subscription_id: string | null;
  subscription_until: number | null;
  stale_after_seconds: number;
  blocked_ms: number | null;
  quarantined: number;
  queued: number;
  oldest_ms: number | null;
  next_at: number | null;
  last_sent: number | null;
}

/** Connections and links in PostgreSQL; secrets only as ciphertext bound to their row. */
export class PgConnectionStore extends ConnectionStore {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  create(connection: {
    organizationId: string;
    id: string;
    connectorId: string;
    label: string;
    settings: object;
    secrets: object;
    actor: Actor;
  }): Promise<ConnectionRecord> {
    const { organizationId, id, connectorId, label, settings, secrets, actor } = connection;
    const sealed = this.vault.seal(organizationId, `${SECRETS}|${id}`, Buffer.from(JSON.stringify(secrets)));
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<ConnectionRow & Record<string, unknown>>(
        `INSERT INTO connection (organization_id, id, connector_id, label, settings, secrets_sealed) VALUES ($1, $2, $3, $4, $5, $6) RETURNING ${RECORD}`,
        [organizationId, id, connectorId, label, JSON.stringify(settings), sealed],
      );
      await transaction.query(`SELECT append_event('connection-created', NULL, $1, $2, $3)`, [
        id,
        JSON.stringify(actor),
        JSON.stringify({ connectorId }),
      ]);
      if (row === undefined) throw new Error('an insert returned no row');
      return row;
    });
  }

  list(organizationId: string): Promise<readonly ConnectionRecord[]> {
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<ConnectionRow & Record<string, unknown>>(
        `SELECT ${RECORD} FROM connection WHERE organization_id = $1 ORDER BY label, id`,
        [organizationId],
      ),
    );
  }

  account(organizationId: string, id: string): Promise<ConnectionAccount | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<
        ConnectionRow & { sealed: Buffer; blockedMs: number } & Record<string, unknown>
      >(
        `SELECT ${RECORD}, secrets_sealed AS sealed, greatest(0, coalesce(extract(epoch FROM nullif(blocked_until, '-infinity') - clock_timestamp()) * 1000, 0))::float8 AS "blockedMs"
         FROM connection WHERE organization_id = $1 AND id = $2`,
        [organizationId, id],
      );
      if (row === undefined) return null;
      const { sealed, blockedMs, ...record } = row;
      const secrets = JSON.parse(this.vault.open(organizationId, `${SECRETS}|${id}`, sealed).toString()) as Record<
        string,
        unknown
      >;
      const fingerprint = createHash('sha256')
        .update(JSON.stringify(record.settings))
        .update(sealed)
        .digest('base64url');
      return { ...record, secrets, fingerprint, blockedMs };
    });
  }

  setStatus(organizationId: string, id: string, status: ConnectionRecord['status']): Promise<void> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query('UPDATE connection SET status = $3 WHERE organization_id = $1 AND id = $2', [
        organizationId,
        id,
        status,
      ]);
    });
  }

  report(organizationId: string, id: string, call: { failed: boolean; blockMs: number }): Promise<void> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        `UPDATE connection SET breaker_failures = CASE WHEN $3 THEN breaker_failures + 1 ELSE 0 END,
           throttled_at = CASE WHEN $4::float8 > 0 THEN clock_timestamp() ELSE throttled_at END,
           blocked_until = CASE WHEN NOT $3 THEN '-infinity' WHEN $4::float8 > 0 THEN greatest(blocked_until, clock_timestamp() + $4::float8 * interval '1 millisecond')
             WHEN breaker_failures + 1 >= $5 THEN clock_timestamp() + $6 * interval '1 millisecond' ELSE blocked_until END
         WHERE organization_id = $1 AND id = $2 AND ($3 OR breaker_failures > 0)`,
        [organizationId, id, call.failed, call.blockMs, BREAKER.failures, BREAKER.openMs],
      );
    });
  }

  async link(link: NewLink): Promise<'linked' | 'taken' | 'agenda-unknown' | 'connection-unknown'> {
    const { organizationId, id, agendaId, connectionId, remoteAgendaId, direction, disclosure, policy, actor } = link;
    try {
      return await this.database.withOrganization(organizationId, async (transaction) => {
        const agendas = await transaction.query(
          'SELECT 1 FROM agenda WHERE organization_id = $1 AND id = $2 FOR UPDATE',
          [organizationId, agendaId],
        );
        if (agendas.length === 0) return 'agenda-unknown';
        const connections = await transaction.query('SELECT 1 FROM connection WHERE organization_id = $1 AND id = $2', [
          organizationId,
          connectionId,
        ]);
        if (connections.length === 0) return 'connection-unknown';
        await transaction.query(
          'INSERT INTO link (organization_id, id, agenda_id, connection_id, remote_agenda_id, direction, disclosure, policy) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)',
          [organizationId, id, agendaId, connectionId, remoteAgendaId, direction, disclosure, policy],
        );
        if (direction === 'two-way') await transaction.query('SELECT master_remotely($1, $2)', [agendaId, id]);
        await transaction.query(`SELECT append_event('link-created', $1, $2, $3, $4)`, [
          agendaId,
          id,
          JSON.stringify(actor),
          JSON.stringify({ connectionId, direction }),
        ]);
        return 'linked';
      });
    } catch (error) {
      if (error instanceof StoreRefused && error.code === UNIQUE_VIOLATION) return 'taken';
      throw error;
    }
  }

  health(organizationId: string, linkId: string): Promise<LinkHealth | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<HealthRow & Record<string, unknown>>(HEALTH, [organizationId, linkId]);
      return row === undefined ? null : healthOf(row);
    });
  }
}

/** Writes waiting longer than this (milliseconds) are worth a look; beyond the second value a person is needed. */
const WRITE_SLOW_MS = 15_000;
const WRITE_STUCK_MS = 15 * 60_000;

function healthOf(row: HealthRow): LinkHealth {
  const broken = row.status !== 'active';
  const old = row.age_ms === null || row.age_ms > row.stale_after_seconds * 1000;
  const waiting = row.oldest_ms ?? 0;
  return {
    linkId: row.linkId,
    agendaId: row.agendaId,
    status: row.status,
    read: {
      light: broken || old ? 'red' : row.failures > 0 ? 'orange' : 'green',
      asOf: row.as_of,
      ageMs: row.age_ms,
      failures: row.failures,
      nextAt: row.poll_at,
    },
    write: {
      light: broken || waiting > WRITE_STUCK_MS ? 'red' : waiting > WRITE_SLOW_MS ? 'orange' : 'green',
      lastAt: row.last_sent,
      queued: row.queued,
      oldestMs: row.oldest_ms,
      nextAt: row.next_at,
    },
    lastError: row.last_error,
    reconciledAt: row.reconciled_at,
    quarantined: row.quarantined,
    brake: row.brake,
    blockedMs: row.blocked_ms ?? 0,
    push: { subscribed: row.subscription_id !== null, until: row.subscription_until, lastHintAt: row.hinted_at },
  };
}
