import { ExportStore, type Actor, type ExportChange, type ExportRecord } from '#application';
import type { Database, Transaction } from '../database.js';
import { tellOwners } from './grant-notices.js';

const OVER = `x.state IN ('asked', 'approved') AND x.expires_at <= clock_timestamp()`;
const ENDED = `CASE WHEN x.fetched > 0 THEN 'fetched' ELSE 'expired' END`;
const ms = (column: string): string => `floor(extract(epoch FROM x.${column}) * 1000)::float8`;
const COLUMNS = `x.id, x.wanted || jsonb_build_object('kind', x.kind) AS wanted, CASE WHEN ${OVER} THEN ${ENDED} ELSE x.state END AS state, x.asked_by AS "askedBy",
  x.decided_by AS "decidedBy", x.reason, x.fetched, ${ms('expires_at')} AS "expiresAt", ${ms('created_at')} AS "createdAt", x.version`;
const LATER = (place: string): string => `clock_timestamp() + ${place} * interval '1 hour'`;

type Row = ExportRecord & Record<string, unknown>;
type Given<Name extends keyof ExportStore> = Parameters<ExportStore[Name]>;

/** Exports in PostgreSQL. */
export class PgExports extends ExportStore {
  constructor(private readonly database: Database) {
    super();
  }

  ask(...[{ organizationId, id }, { wanted, hours, actor }]: Given<'ask'>): Promise<ExportRecord> {
    const { kind, ...what } = wanted;
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<Row>(
        `INSERT INTO export_request AS x (organization_id, id, kind, wanted, asked_by, expires_at) VALUES ($1, $2, $3, $4, $5, ${LATER('$6')}) RETURNING ${COLUMNS}`,
        [organizationId, id, kind, JSON.stringify(what), actor.id, hours],
      );
      if (row === undefined) throw new Error('an export was asked for and is not there');
      await tell(transaction, row, { change: 'export-asked', actor });
      return row;
    });
  }

  async get(...[{ organizationId, id }]: Given<'get'>): Promise<ExportRecord | null> {
    const text = `SELECT ${COLUMNS} FROM export_request x WHERE x.organization_id = $1 AND x.id = $2`;
    const [row] = await this.database.one<Row>(organizationId, { name: 'get-export', text }, [organizationId, id]);
    return row ?? null;
  }

  list(...[organizationId, { after, limit }]: Given<'list'>): Promise<readonly ExportRecord[]> {
    const text = `SELECT ${COLUMNS} FROM export_request x WHERE x.organization_id = $1 AND ($2::uuid IS NULL OR x.id > $2) ORDER BY x.id LIMIT $3`;
    return this.database.one<Row>(organizationId, { name: 'list-exports', text }, [organizationId, after, limit]);
  }

  decide(...[{ organizationId, id }, given]: Given<'decide'>): Promise<ExportRecord | null> {
    const { verdict, hours, version, actor } = given;
    const state = verdict.approved ? 'approved' : 'refused';
    return this.put(organizationId, { change: `export-${state}`, actor }, [
      `UPDATE export_request x SET state = $3, reason = $4, decided_by = $5, decided_at = clock_timestamp(), expires_at = ${LATER('$6')}, version = x.version + 1
       WHERE x.organization_id = $1 AND x.id = $2 AND x.state = 'asked' AND x.expires_at > clock_timestamp() AND ($7::integer IS NULL OR x.version = $7) RETURNING ${COLUMNS}`,
      [
        ...[organizationId, id, state, verdict.approved ? null : verdict.reason],
        ...[actor.kind === 'collaborator' ? actor.id : null, hours, version],
      ],
    ]);
  }

  take(...[{ organizationId, id }, { most, actor }]: Given<'take'>): Promise<ExportRecord | null> {
    return this.put(organizationId, { change: 'export-fetched', actor }, [
      `UPDATE export_request x SET fetched = x.fetched + 1, state = CASE WHEN x.fetched + 1 >= $3 THEN 'fetched' ELSE x.state END, version = x.version + 1
       WHERE x.organization_id = $1 AND x.id = $2 AND x.state = 'approved' AND x.fetched < $3 AND x.expires_at > clock_timestamp() RETURNING ${COLUMNS}`,
      [organizationId, id, most],
    ]);
  }

  expire(organizationId: string): Promise<void> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const over = await transaction.query<Row>(
        `UPDATE export_request x SET state = ${ENDED}, version = x.version + 1 WHERE x.organization_id = $1 AND ${OVER} RETURNING ${COLUMNS}`,
        [organizationId],
      );
      const change = 'export-expired';
      for (const row of over)
        if (row.state === 'expired') await tell(transaction, row, { change, actor: { kind: 'system' } });
    });
  }

  private put(
    organizationId: string,
    about: { readonly change: ExportChange; readonly actor: Actor },
    [text, values]: readonly [string, unknown[]],
  ): Promise<ExportRecord | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<Row>(text, values);
      if (row === undefined) return null;
      await tell(transaction, row, about);
      return row;
    });
  }
}

async function tell(
  transaction: Transaction,
  { id, wanted, reason }: ExportRecord,
  { change, actor }: { readonly change: ExportChange; readonly actor: Actor },
): Promise<void> {
  const data = { kind: wanted.kind, ...(reason !== null && { reason: { code: reason } }) };
  const values = [change, id, JSON.stringify(actor), JSON.stringify(data)];
  await transaction.query('SELECT append_event($1, NULL, $2, $3::jsonb, $4::jsonb)', values);
  await tellOwners(transaction, 'export_id', { id, change });
}
