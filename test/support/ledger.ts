import type pg from 'pg';
import type { FinalOp } from './history.js';
import type { RemoteAgenda } from './remotes.js';

const DEAD: ReadonlySet<string> = new Set(['cancelled', 'refused', 'expired', 'held']);

/** A row of the hub as its database has it, seen past row-level security: `pool` is a superuser's. */
export interface LedgerRow {
  readonly id: string;
  readonly agenda: string;
  readonly status: string;
  readonly start: number;
  readonly end: number;
  readonly reason: { readonly code: string } | null;
  /** Idempotency key of the request that made it. */
  readonly key: string | null;
}

const ROWS = `SELECT a.id, a.agenda_id AS agenda, a.status, a.reason, (extract(epoch FROM lower(a.during)) * 1000)::float8 AS start,
    (extract(epoch FROM upper(a.during)) * 1000)::float8 AS "end",
    (SELECT i.key FROM idempotency i WHERE i.organization_id = a.organization_id AND i.resource_id = a.id ORDER BY i.created_at LIMIT 1) AS key
  FROM appointment a WHERE cardinality($1::uuid[]) = 0 OR a.agenda_id = ANY ($1) ORDER BY a.created_at`;

/** The practitioner's own events as the hub knows them: what takes time of an agenda. */
const FOREIGN = `SELECT DISTINCT m.remote_id AS id, c.agenda_id AS agenda, (extract(epoch FROM lower(c.during)) * 1000)::float8 AS start,
    (extract(epoch FROM upper(c.during)) * 1000)::float8 AS "end"
  FROM claim c JOIN mirror m ON m.organization_id = c.organization_id AND m.id = c.mirror_id WHERE c.agenda_id = ANY ($1)`;

/** Two holders of one seat at one time, of which at least one is the hub's. No constraint is consulted. */
const OVERLAPS = `SELECT a.holder AS one, b.holder AS other FROM claim a JOIN claim b
    ON a.agenda_id = b.agenda_id AND a.seat = b.seat AND a.during && b.during AND a.id < b.id AND a.holder <> b.holder
  WHERE NOT (a.authority = 'remote' AND b.authority = 'remote') AND NOT a.contested AND NOT b.contested`;

const UNSETTLED = `SELECT id, status FROM appointment WHERE status IN ('pending', 'unknown', 'compensating')`;

export class Ledger {
  constructor(private readonly pool: pg.Pool) {}

  async rows(agendas: readonly string[] = []): Promise<LedgerRow[]> {
    return (await this.pool.query<LedgerRow>(ROWS, [agendas])).rows;
  }

  /** What stands on these agendas in the hub and, where `remotes` has one, in the practitioner's tool. */
  async finals(agendas: readonly string[], remotes: ReadonlyMap<string, RemoteAgenda> = new Map()): Promise<FinalOp[]> {
    const rows = await this.rows(agendas);
    const keys = new Map(rows.map(({ id, key }) => [id, key]));
    const live = rows.filter(({ status }) => !DEAD.has(status));
    const foreign = (
      await this.pool.query<{ id: string; agenda: string; start: number; end: number }>(FOREIGN, [agendas])
    ).rows;
    const finals: FinalOp[] = [
      ...live.map(({ reason: _, ...row }) => ({ op: 'final' as const, store: 'hub', ...row })),
      ...foreign.map((event) => ({ op: 'final' as const, store: 'hub', key: null, ...event })),
    ];
    for (const [agenda, remote] of remotes) {
      for (const { id, start, end, appointmentId } of await remote.entries()) {
        const key = appointmentId === null ? null : (keys.get(appointmentId) ?? appointmentId);
        finals.push({ op: 'final', store: 'vendor', agenda, id, key, start, end });
      }
    }
    return finals;
  }

  /** The practitioner's own events on an agenda, as the hub knows them. */
  async foreign(agenda: string): Promise<{ id: string; start: number; end: number }[]> {
    return (await this.pool.query<{ id: string; start: number; end: number }>(FOREIGN, [[agenda]])).rows;
  }

  async overlaps(): Promise<{ one: string; other: string }[]> {
    return (await this.pool.query<{ one: string; other: string }>(OVERLAPS)).rows;
  }

  async unsettled(): Promise<{ id: string; status: string }[]> {
    return (await this.pool.query<{ id: string; status: string }>(UNSETTLED)).rows;
  }

  /** Deadlocks that PostgreSQL broke in this database since it was made. */
  async deadlocks(): Promise<number> {
    const { rows } = await this.pool.query<{ deadlocks: string }>(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    );
    return Number(rows[0]!.deadlocks);
  }
}
