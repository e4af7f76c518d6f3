import { DeskStore, type Actor, type AppointmentRecord, type AppointmentRef, type RequestKey } from '#application';
import type { Database, Statement } from '../database.js';

const LOADS = `SELECT g.id, count(a.id)::int AS load FROM agenda g JOIN location p ON p.organization_id = g.organization_id AND p.id = g.location_id
  CROSS JOIN LATERAL (SELECT date_trunc('day', to_timestamp($3::numeric / 1000) AT TIME ZONE p.time_zone) AS day) d
  LEFT JOIN appointment a ON a.organization_id = g.organization_id AND a.agenda_id = g.id AND is_live(a.status)
    AND a.starts_at >= d.day AT TIME ZONE p.time_zone AND a.starts_at < (d.day + interval '1 day') AT TIME ZONE p.time_zone
  WHERE g.organization_id = $1 AND g.id = ANY ($2::uuid[]) GROUP BY g.id`;

const RENEW: Statement = { name: 'renew-hold', text: 'SELECT * FROM renew_hold($1, $2, $3, $4)' };

/** What the secretary's desk asks of PostgreSQL. */
export class PgDesk extends DeskStore {
  constructor(private readonly database: Database) {
    super();
  }

  dayLoads(organizationId: string, agendaIds: readonly string[], at: number): Promise<ReadonlyMap<string, number>> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const rows = await transaction.query<{ id: string; load: number }>(LOADS, [organizationId, agendaIds, at]);
      return new Map(rows.map(({ id, load }) => [id, load]));
    });
  }

  async renewHold(
    { organizationId, id }: AppointmentRef,
    seconds: number,
    actor: Actor,
  ): ReturnType<DeskStore['renewHold']> {
    type Renewed = { outcome: 'renewed' | 'limit' | 'hold-ended' | 'unknown'; record: AppointmentRecord };
    const [row] = await this.database.call<Renewed>(RENEW, [organizationId, id, seconds, actor]);
    return row === undefined || row.outcome === 'unknown' ? { outcome: 'unknown' } : { ...row, outcome: row.outcome };
  }

  releaseKey(organizationId: string, { key, hash }: RequestKey, resource: string): Promise<void> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        'DELETE FROM idempotency WHERE organization_id = $1 AND key = $2 AND request_hash = $3 AND resource_id = $4 AND response_status IS NULL',
        [organizationId, key, hash, resource],
      );
    });
  }
}
