import { GrantStore, type Actor, type GrantChange, type GrantQuery, type GrantRecord, type Holder } from '#application';
import type { Database, Transaction } from '../database.js';
import { GRANT_COLUMNS, grantOf, type GrantRow } from './grant-rows.js';

const HOLDERS: Readonly<Record<Holder['kind'], { column: string; found: string }>> = {
  collaborator: {
    column: 'collaborator_id',
    found: `SELECT kind = 'mandated' AS outside FROM collaborator WHERE organization_id = $1 AND id = $2 AND active`,
  },
  team: {
    column: 'team_id',
    found: `SELECT EXISTS (SELECT 1 FROM mandate m WHERE m.organization_id = t.organization_id AND m.team_id = t.id) AS outside FROM team t WHERE t.organization_id = $1 AND t.id = $2`,
  },
  application: {
    column: 'api_key_id',
    found: 'SELECT false AS outside FROM api_key WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL',
  },
};

const TIME = (place: string): string => `to_timestamp(${place}::float8 / 1000)`;
const PUT = `INSERT INTO access_grant AS g (organization_id, id, collaborator_id, team_id, api_key_id, actions, agenda_ids, location_ids, motif_ids, audiences, channels,
    hours, quotas, valid_from, valid_until, delegable, delegated_from, delegation, state, issued_by, approved_by, revoked_at, identity)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, ${TIME('$14')}, ${TIME('$15')}, $16, $17, $18, $19, $20, $21, ${TIME('$22')}, $23)
  ON CONFLICT (organization_id, id) DO UPDATE SET actions = excluded.actions, identity = excluded.identity, agenda_ids = excluded.agenda_ids, location_ids = excluded.location_ids, motif_ids = excluded.motif_ids,
    audiences = excluded.audiences, channels = excluded.channels, hours = excluded.hours, quotas = excluded.quotas, valid_from = excluded.valid_from, valid_until = excluded.valid_until,
    delegable = excluded.delegable, state = excluded.state, issued_by = excluded.issued_by, approved_by = excluded.approved_by, revoked_at = excluded.revoked_at, version = g.version + 1
  WHERE g.version = $24 RETURNING ${GRANT_COLUMNS}`;

const COVERED = `a.organization_id = $1 AND (($2::uuid[] IS NULL AND $3::uuid[] IS NULL) OR a.id = ANY ($2) OR a.location_id = ANY ($3))`;
const EVENTS = `SELECT append_event($4, a.id, $5::uuid, $6::jsonb, $7::jsonb) FROM agenda a WHERE ${COVERED} ORDER BY a.id`;
const NOTICES = `INSERT INTO grant_notice (organization_id, id, grant_id, agenda_id, change)
  SELECT a.organization_id, gen_random_uuid(), $4::uuid, a.id, $5 FROM agenda a WHERE ${COVERED} AND a.owner_id IS NOT NULL`;

/** A grant about every agenda is for those to see who see all of them. */
const ABOUT = `($5::uuid[] IS NULL OR EXISTS (SELECT 1 FROM agenda a WHERE a.organization_id = g.organization_id AND a.id = ANY ($5)
  AND (a.id = ANY (g.agenda_ids) OR a.location_id = ANY (g.location_ids))))`;

/** Grants in PostgreSQL. */
export class PgGrants extends GrantStore {
  constructor(private readonly database: Database) {
    super();
  }

  list({ organizationId, holder, agendaIds, after, limit }: GrantQuery): Promise<readonly GrantRecord[]> {
    const which = holder === null ? '$4::uuid IS NULL' : `g.${HOLDERS[holder.kind].column} = $4`;
    return this.database.withOrganization(organizationId, async (transaction) => {
      const rows = await transaction.query<GrantRow>(
        `SELECT ${GRANT_COLUMNS} FROM access_grant g WHERE g.organization_id = $1 AND ($2::uuid IS NULL OR g.id > $2) AND ${which} AND ${ABOUT} ORDER BY g.id LIMIT $3`,
        [organizationId, after, limit, holder?.id ?? null, agendaIds],
      );
      return rows.map(grantOf);
    });
  }

  async get(organizationId: string, id: string): Promise<GrantRecord | null> {
    const text = `SELECT ${GRANT_COLUMNS} FROM access_grant g WHERE g.organization_id = $1 AND g.id = $2`;
    const [row] = await this.database.one<GrantRow>(organizationId, { name: 'get-grant', text }, [organizationId, id]);
    return row === undefined ? null : grantOf(row);
  }

  async holder(organizationId: string, { kind, id }: Holder): ReturnType<GrantStore['holder']> {
    const statement = { name: `grant-holder-${kind}`, text: HOLDERS[kind].found };
    const [row] = await this.database.one<{ outside: boolean }>(organizationId, statement, [organizationId, id]);
    return row ?? null;
  }

  put(
    organizationId: string,
    grant: GrantRecord,
    { kind, version, actor }: { readonly kind: GrantChange; readonly version: number | null; readonly actor: Actor },
  ): Promise<GrantRecord | 'stale'> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<GrantRow>(PUT, [organizationId, ...valuesOf(grant), version ?? -1]);
      if (row === undefined) return 'stale';
      const put = grantOf(row);
      await tell(transaction, organizationId, { grant: put, kind, actor });
      return put;
    });
  }
}

async function tell(
  transaction: Transaction,
  organizationId: string,
  { grant, kind, actor }: { grant: GrantRecord; kind: GrantChange; actor: Actor },
): Promise<void> {
  const { id, holder, actions, identity, state, agendaIds, locationIds } = grant;
  const covered = [organizationId, agendaIds, locationIds];
  const data = JSON.stringify({ grantId: id, holder, actions, identity, state });
  await transaction.query(EVENTS, [...covered, `grant-${kind}`, id, JSON.stringify(actor), data]);
  await transaction.query(NOTICES, [...covered, id, kind]);
}

function valuesOf(grant: GrantRecord): unknown[] {
  const { holder, agendaIds, locationIds, motifIds, audiences, channels, validFrom, validUntil } = grant;
  const as = (kind: Holder['kind']): string | null => (holder.kind === kind ? holder.id : null);
  return [
    ...[grant.id, as('collaborator'), as('team'), as('application'), grant.actions],
    ...[agendaIds, locationIds, motifIds, audiences, channels],
    ...[
      grant.hours && JSON.stringify(grant.hours),
      JSON.stringify(grant.quotas),
      validFrom,
      validUntil,
      grant.delegable,
    ],
    ...[grant.delegatedFrom, grant.delegation, grant.state, grant.issuedBy, grant.approvedBy, grant.revokedAt],
    grant.identity,
  ];
}
