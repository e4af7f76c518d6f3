import { Lanes, type Lease } from '#application';
import type { Database } from '../database.js';

/** Leases on agendas, by the database's clock. */
export class PgLanes extends Lanes {
  constructor(private readonly database: Database) {
    super();
  }

  acquire(organizationId: string, agendaId: string, leaseMs: number): Promise<Lease | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<{ fence: string }>(
        `INSERT INTO agenda_lane AS l (organization_id, agenda_id, fence, lease_until) VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
         ON CONFLICT (organization_id, agenda_id) DO UPDATE SET fence = l.fence + 1, lease_until = excluded.lease_until WHERE l.lease_until < clock_timestamp() RETURNING fence`,
        [organizationId, agendaId, leaseMs],
      );
      return row === undefined ? null : { organizationId, agendaId, fence: row.fence };
    });
  }

  extend(lease: Lease, leaseMs: number): Promise<boolean> {
    return this.set(lease, `clock_timestamp() + ${String(leaseMs)} * interval '1 millisecond'`);
  }

  async release(lease: Lease): Promise<void> {
    await this.set(lease, `'-infinity'`);
  }

  private set({ organizationId, agendaId, fence }: Lease, until: string): Promise<boolean> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const text = `UPDATE agenda_lane SET lease_until = ${until} WHERE organization_id = $1 AND agenda_id = $2 AND fence = $3 RETURNING fence`;
      return (await transaction.query(text, [organizationId, agendaId, fence])).length === 1;
    });
  }
}
