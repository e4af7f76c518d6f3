import { AccessStore, type AccessState, type GrantUse, type Holder, type Target, type TargetKind } from '#application';
import type { AccessAction, AgendaPlace, DelegationKind, Grant } from '#domain';
import type { Database, Statement } from '../database.js';
import { GRANT_COLUMNS, grantOf, type GrantRow } from './grant-rows.js';

const STATE: Statement = {
  name: 'access-state',
  text: `SELECT coalesce((SELECT version FROM access_state WHERE organization_id = $1), 0)::text AS version, (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now,
    coalesce((SELECT patient_notes FROM organization WHERE organization_id = $1), false) AS notes`,
};

/** With what they were made from, whoever holds that. The team of a mandate that has ended gives nothing. */
const GRANTS: Statement = {
  name: 'access-grants',
  text: `WITH RECURSIVE held AS (
      SELECT g.*, true AS mine FROM access_grant g WHERE g.organization_id = $1 AND (g.collaborator_id = $2 OR g.api_key_id = $3
        OR g.team_id IN (SELECT m.team_id FROM team_member m WHERE m.organization_id = $1 AND m.collaborator_id = $2
          AND NOT EXISTS (SELECT 1 FROM mandate d WHERE d.organization_id = $1 AND d.team_id = m.team_id
            AND (d.revoked_at IS NOT NULL OR d.ends_at <= clock_timestamp()))))
      UNION ALL SELECT g.*, false FROM held h JOIN access_grant g ON g.organization_id = h.organization_id AND g.id = h.delegated_from)
    SELECT ${GRANT_COLUMNS}, g.mine FROM held g ORDER BY g.created_at, g.id`,
};

const AGENDAS: Statement = {
  name: 'access-agendas',
  text: `SELECT a.id, a.location_id AS "locationId", p.time_zone AS "timeZone", coalesce(a.holiday_calendar, 'metropole') AS holidays
    FROM agenda a JOIN location p ON p.organization_id = a.organization_id AND p.id = a.location_id WHERE a.organization_id = $1 ORDER BY a.id`,
};

const plain = (table: string, motif: string): string =>
  `SELECT t.agenda_id AS "agendaId", ${motif} AS "motifId" FROM ${table} t WHERE t.organization_id = $1 AND t.id = $2`;
const ofAppointment = (table: string): string =>
  `SELECT t.agenda_id AS "agendaId", a.motif_id AS "motifId" FROM ${table} t JOIN appointment a ON a.organization_id = t.organization_id AND a.id = t.appointment_id WHERE t.organization_id = $1 AND t.id = $2`;
const TARGET_SQL: Readonly<Record<TargetKind, string>> = {
  appointment: plain('appointment', 't.motif_id'),
  series: plain('series', 't.motif_id'),
  conflict: ofAppointment('conflict'),
  'callback-task': ofAppointment('callback_task'),
  'waiting-entry': `SELECT w.agenda_id AS "agendaId", NULL AS "motifId" FROM waiting_wish w WHERE w.organization_id = $1 AND w.entry_id = $2`,
  'waiting-offer': plain('waiting_offer', 't.motif_id'),
  link: plain('link', 'NULL'),
  feed: plain('feed', 'NULL'),
  connection: `SELECT l.agenda_id AS "agendaId", NULL AS "motifId" FROM link l WHERE l.organization_id = $1 AND l.connection_id = $2`,
  disconnection: `SELECT t.agenda_id AS "agendaId", NULL AS "motifId" FROM disconnection t WHERE t.organization_id = $1 AND t.link_id = $2`,
  'bulk-cancellation': `SELECT unnest(t.agenda_ids) AS "agendaId", NULL AS "motifId" FROM bulk_cancellation t WHERE t.organization_id = $1 AND t.id = $2`,
  grant: `SELECT a.id AS "agendaId", NULL AS "motifId" FROM access_grant g JOIN agenda a ON a.organization_id = g.organization_id
    AND (a.id = ANY (g.agenda_ids) OR a.location_id = ANY (g.location_ids) OR (g.agenda_ids IS NULL AND g.location_ids IS NULL)) WHERE g.organization_id = $1 AND g.id = $2`,
};

const USE: Statement = { name: 'use-grant', text: 'SELECT use_grant($1, $2, $3, $4, $5, $6, $7) AS taken' };

/** What decisions are made from, in PostgreSQL. */
export class PgAccess extends AccessStore {
  constructor(private readonly database: Database) {
    super();
  }

  async state(organizationId: string): Promise<AccessState> {
    const [row] = await this.database.one<AccessState & Record<string, unknown>>(organizationId, STATE, [
      organizationId,
    ]);
    return row ?? { version: '0', now: Date.now(), notes: false };
  }

  async grants(organizationId: string, { kind, id }: Holder): Promise<readonly Grant[]> {
    const values = [organizationId, kind === 'application' ? null : id, kind === 'application' ? id : null];
    const rows = await this.database.one<GrantRow & { mine: boolean }>(organizationId, GRANTS, values);
    const byId = new Map(rows.map((row) => [row.id, row]));
    const build = (row: GrantRow): Grant => {
      const from = byId.get(row.delegated_from ?? '');
      const delegated = from === undefined ? null : { from: build(from), kind: row.delegation as DelegationKind };
      return { ...grantOf(row), delegated };
    };
    const mine = new Map(rows.filter((row) => row.mine).map((row) => [row.id, row]));
    return [...mine.values()].map(build);
  }

  agendas(organizationId: string): Promise<readonly AgendaPlace[]> {
    return this.database.one<AgendaPlace & Record<string, unknown>>(organizationId, AGENDAS, [organizationId]);
  }

  targets(organizationId: string, kind: TargetKind, id: string): Promise<readonly Target[]> {
    const statement = { name: `target-${kind}`, text: TARGET_SQL[kind] };
    return this.database.one<Target & Record<string, unknown>>(organizationId, statement, [organizationId, id]);
  }

  async used(organizationId: string, action: AccessAction, localDay: string): Promise<ReadonlyMap<string, number>> {
    const text =
      'SELECT grant_id, sum(many)::int AS n FROM grant_use WHERE organization_id = $1 AND action = $2 AND local_day = $3 GROUP BY grant_id';
    const rows = await this.database.one<{ grant_id: string; n: number }>(
      organizationId,
      { name: 'grants-used', text },
      [organizationId, action, localDay],
    );
    return new Map(rows.map(({ grant_id, n }) => [grant_id, n]));
  }

  async use(
    organizationId: string,
    use: GrantUse & { readonly perDay: number; readonly many: number },
  ): Promise<boolean> {
    const { grantId, action, localDay, key, perDay, many } = use;
    const values = [organizationId, grantId, action, localDay, key, perDay, many];
    const [row] = await this.database.call<{ taken: boolean }>(USE, values);
    return row?.taken === true;
  }

  async giveBack(organizationId: string, { grantId, action, localDay, key }: GrantUse): Promise<void> {
    const text =
      'DELETE FROM grant_use WHERE organization_id = $1 AND grant_id = $2 AND action = $3 AND local_day = $4 AND key = $5';
    const values = [organizationId, grantId, action, localDay, key];
    await this.database.one(organizationId, { name: 'give-back-use', text }, values);
  }
}
