import {
  referenceOf,
  StoreRefused,
  SuccessionStore,
  type Actor,
  type Exported,
  type LinkDetails,
  type LinkRecord,
  type LinkRef,
  type NewPlace,
  type Recognised,
} from '#application';
import type { Database } from '../database.js';
import { DETAILS } from './links.js';

const UNIQUE_VIOLATION = '23505';
const ms = (expression: string): string => `(extract(epoch FROM ${expression}) * 1000)::float8`;

const EXPORTED = `SELECT a.id, a.generation, ${ms('lower(coalesce(m.during, a.during))')} AS start, ${ms('upper(coalesce(m.during, a.during))')} AS "end"
  FROM appointment a
  LEFT JOIN mirror m ON m.organization_id = a.organization_id AND m.link_id = $2 AND m.appointment_id = a.id AND m.gone_at IS NULL
  LEFT JOIN remote_write w ON w.organization_id = a.organization_id AND w.appointment_id = a.id AND w.link_id = $2
  WHERE a.organization_id = $1 AND a.agenda_id = $3 AND a.status IN ('pending', 'unknown', 'confirmed', 'conflict', 'compensating')
    AND (m.id IS NOT NULL OR w.attempts > 0 OR a.status = 'confirmed') AND upper(coalesce(m.during, a.during)) > now()
  ORDER BY a.id`;
const RELINK = { name: 'relink-moved', text: 'SELECT relink_moved($1, $2, $3, $4, $5, $6, $7, $8, $9) AS outcome' };

interface ExportedRow {
  id: string;
  generation: number;
  start: number;
  end: number;
}

/** Links whose agenda has moved, in PostgreSQL. */
export class PgSuccession extends SuccessionStore {
  constructor(private readonly database: Database) {
    super();
  }

  moved({ organizationId, id }: LinkRef): Promise<LinkDetails | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [link] = await transaction.query<LinkDetails & Record<string, unknown>>(`${DETAILS} AND id = $2`, [
        organizationId,
        id,
      ]);
      return link ?? null;
    });
  }

  exported(link: LinkRecord): Promise<readonly Exported[]> {
    return this.database.withOrganization(link.organizationId, async (transaction) => {
      const values = [link.organizationId, link.id, link.agendaId];
      const rows = await transaction.query<ExportedRow & Record<string, unknown>>(EXPORTED, values);
      return rows.map(({ id, generation, start, end }) => ({
        appointmentId: id,
        reference: referenceOf(id, generation),
        when: { start, end },
      }));
    });
  }

  async relink(
    { organizationId, id }: LinkRecord,
    { connectionId, remoteAgendaId, version }: NewPlace,
    { recognised, actor }: { recognised: Recognised; actor: Actor },
  ): Promise<'relinked' | 'taken' | 'stale'> {
    const { adopted, elsewhere, foreign } = recognised;
    const place = [organizationId, id, version, connectionId, remoteAgendaId];
    const found = [JSON.stringify(adopted), elsewhere, JSON.stringify(foreign), JSON.stringify(actor)];
    try {
      const [row] = await this.database.call<{ outcome: 'relinked' | 'stale' }>(RELINK, [...place, ...found]);
      return row?.outcome ?? 'stale';
    } catch (error) {
      if (error instanceof StoreRefused && error.code === UNIQUE_VIOLATION) return 'taken';
      throw error;
    }
  }
}
