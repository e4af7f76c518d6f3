import {
  ConnectionStore,
  StoreRefused,
  type Actor,
  type ConnectionAccount,
  type ConnectionRecord,
  type NewLink,
  type Responsible,
  type Vault,
} from '#application';
import type { Database } from '../database.js';
import { SERVES_OTHERS } from './rule-statements.js';
import { fingerprintOf, openSecrets, readTokens, replaceTokens } from './connection-secrets.js';
import { connectionSecrets } from './sealed-places.js';

interface ConnectionRow {
  id: string;
  connectorId: string;
  label: string;
  settings: Record<string, unknown>;
  status: ConnectionRecord['status'];
  responsible: Responsible | null;
  expiresAt: number | null;
}

const RECORD = `id, connector_id AS "connectorId", label, settings, status, (extract(epoch FROM expires_at) * 1000)::float8 AS "expiresAt",
  CASE WHEN responsible_name IS NOT NULL THEN jsonb_build_object('name', responsible_name, 'email', responsible_email) END AS responsible`;
const BLOCKED_MS = `greatest(0, coalesce(extract(epoch FROM nullif(blocked_until, '-infinity') - clock_timestamp()) * 1000, 0))::float8`;
/** Failures in a row after which a backend is left in peace, and for how long (milliseconds). */
const BREAKER = { failures: 10, openMs: 30_000 };
/**
 * Calls that may begin before any is answered, and after how long without another (milliseconds) the processes that
 * began them count as gone. The breaker opens at ten failures; what was under way by then is the rest.
 */
const UNANSWERED = { calls: 15, afterOpening: 1, forgottenMs: 30_000 };
/** Counting costs no flush of the log: what a crash forgets of it is counted again. */
const UNFLUSHED = `set_config('synchronous_commit', 'off', true)`;
const BEGIN = {
  name: 'begin-call',
  text: `WITH begun AS (UPDATE connection SET breaker_since = clock_timestamp(),
      breaker_calls = CASE WHEN breaker_since < clock_timestamp() - interval '${String(UNANSWERED.forgottenMs)} milliseconds' THEN 1 ELSE breaker_calls + 1 END
    WHERE organization_id = $1 AND id = $2 AND blocked_until <= clock_timestamp()
      AND (breaker_calls < CASE WHEN breaker_failures >= ${String(BREAKER.failures)} THEN ${String(UNANSWERED.afterOpening)} ELSE ${String(UNANSWERED.calls)} END
        OR breaker_since < clock_timestamp() - interval '${String(UNANSWERED.forgottenMs)} milliseconds') RETURNING 1)
    SELECT EXISTS (SELECT FROM begun) AS begun, ${BLOCKED_MS} AS "blockedMs", ${UNFLUSHED} FROM connection WHERE organization_id = $1 AND id = $2`,
};
const REPORT = {
  name: 'report-call',
  text: `WITH off AS MATERIALIZED (SELECT ${UNFLUSHED}) UPDATE connection SET breaker_failures = CASE WHEN $3 THEN breaker_failures + 1 ELSE 0 END,
      breaker_calls = CASE WHEN NOT $3 OR breaker_failures + 1 >= ${String(BREAKER.failures)} THEN 0 ELSE breaker_calls END,
      throttled_at = CASE WHEN $5 THEN clock_timestamp() ELSE throttled_at END,
      blocked_until = CASE WHEN $3 THEN greatest(blocked_until, CASE WHEN $4::float8 > 0 THEN clock_timestamp() + $4::float8 * interval '1 millisecond' END,
        CASE WHEN breaker_failures + 1 >= ${String(BREAKER.failures)} THEN clock_timestamp() + interval '${String(BREAKER.openMs)} milliseconds' END) ELSE blocked_until END
    FROM off WHERE organization_id = $1 AND id = $2 AND ($3 OR breaker_failures > 0 OR breaker_calls > 0)`,
};
const UNIQUE_VIOLATION = '23505';

/** Connections and links in PostgreSQL; secrets only as ciphertext bound to their row. */
export class PgConnectionStore extends ConnectionStore {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  async create(connection: {
    organizationId: string;
    id: string;
    connectorId: string;
    label: string;
    settings: object;
    secrets: object;
    responsible: Responsible | null;
    actor: Actor;
  }): Promise<ConnectionRecord> {
    const { organizationId, id, connectorId, label, settings, secrets, responsible, actor } = connection;
    const sealed = await this.vault.seal(organizationId, connectionSecrets(id), Buffer.from(JSON.stringify(secrets)));
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<ConnectionRow & Record<string, unknown>>(
        `INSERT INTO connection (organization_id, id, connector_id, label, settings, secrets_sealed, responsible_name, responsible_email) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${RECORD}`,
        [
          ...[organizationId, id, connectorId, label, JSON.stringify(settings), sealed],
          ...[responsible?.name ?? null, responsible?.email ?? null],
        ],
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

  async account(organizationId: string, id: string): Promise<ConnectionAccount | null> {
    type Row = ConnectionRow & { sealed: Buffer; blockedMs: number } & Record<string, unknown>;
    const [row] = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<Row>(
        `SELECT ${RECORD}, secrets_sealed AS sealed, ${BLOCKED_MS} AS "blockedMs"
         FROM connection WHERE organization_id = $1 AND id = $2`,
        [organizationId, id],
      ),
    );
    if (row === undefined) return null;
    const { sealed, blockedMs, ...record } = row;
    const { secrets } = await openSecrets(this.vault, { organizationId, id }, sealed);
    return { ...record, secrets, fingerprint: fingerprintOf(record.settings, secrets), blockedMs };
  }

  sharedTokens(organizationId: string, id: string): Promise<string | null> {
    return readTokens(this.database, this.vault, { organizationId, id });
  }

  replaceSharedTokens(
    organizationId: string,
    id: string,
    tokens: { expected: string | null; next: string; fingerprint: string },
  ): Promise<boolean> {
    return replaceTokens(this.database, this.vault, { organizationId, id }, tokens);
  }

  setStatus(
    organizationId: string,
    id: string,
    { status, expiresAt }: { status: ConnectionRecord['status']; expiresAt?: number | null },
  ): Promise<void> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        'UPDATE connection SET status = $3, expires_at = CASE WHEN $4 THEN to_timestamp($5::float8 / 1000) ELSE expires_at END WHERE organization_id = $1 AND id = $2',
        [organizationId, id, status, expiresAt !== undefined, expiresAt ?? null],
      );
    });
  }

  setResponsible(organizationId: string, id: string, responsible: Responsible | null): Promise<boolean> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const changed = await transaction.query(
        'UPDATE connection SET responsible_name = $3, responsible_email = $4 WHERE organization_id = $1 AND id = $2 RETURNING id',
        [organizationId, id, responsible?.name ?? null, responsible?.email ?? null],
      );
      return changed.length > 0;
    });
  }

  async begin(organizationId: string, id: string): Promise<{ begun: boolean; blockedMs: number }> {
    const [row] = await this.database.one<{ begun: boolean; blockedMs: number }>(organizationId, BEGIN, [
      organizationId,
      id,
    ]);
    // Deleted meanwhile: its session may still end what it is about.
    return { begun: row?.begun ?? true, blockedMs: row?.blockedMs ?? 0 };
  }

  async report(
    organizationId: string,
    id: string,
    { failed, blockMs, throttled }: { failed: boolean; blockMs: number; throttled: boolean },
  ): Promise<void> {
    await this.database.one(organizationId, REPORT, [organizationId, id, failed, blockMs, throttled]);
  }

  async link(link: NewLink): ReturnType<ConnectionStore['link']> {
    const { organizationId, id, agendaId, connectionId, remoteAgendaId, direction, disclosure, policy, actor } = link;
    const phase = link.approved ? 'reading' : 'planning';
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
        const removing = await transaction.query(
          `SELECT 1 FROM disconnection WHERE organization_id = $1 AND state = 'removing' AND connection_id = $2 AND remote_agenda_id = $3 LIMIT 1`,
          [organizationId, connectionId, remoteAgendaId],
        );
        if (removing.length > 0) return 'removing';
        const equips = await transaction.query(`SELECT 1 WHERE ${SERVES_OTHERS}`, [organizationId, agendaId]);
        if (equips.length > 0) return 'equipment';
        await transaction.query(
          'INSERT INTO link (organization_id, id, agenda_id, connection_id, remote_agenda_id, direction, disclosure, policy, phase) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
          [organizationId, id, agendaId, connectionId, remoteAgendaId, direction, disclosure, policy, phase],
        );
        await transaction.query(`SELECT append_event('link-created', $1, $2, $3, $4)`, [
          agendaId,
          id,
          JSON.stringify(actor),
          JSON.stringify({ connectionId, direction, phase }),
        ]);
        return 'linked';
      });
    } catch (error) {
      if (error instanceof StoreRefused && error.code === UNIQUE_VIOLATION) return 'taken';
      throw error;
    }
  }
}
