import { createHash, randomUUID } from 'node:crypto';
import pg from 'pg';
import { grantEverything } from './grants.js';

/** A far day whose openings every practice has, so that no test depends on the hour it runs at. */
const DAY = '2031-01-06';

/** The instant of a UTC time of that day, or of the day `days` later. */
export const at = (time: string, days = 0): string =>
  new Date(Date.parse(`${DAY}T${time}:00Z`) + days * 86_400_000).toISOString();

/** A half-open range literal. */
export const during = (from: string, to: string): string => `[${at(from)},${at(to)})`;

export interface Practice {
  readonly organization: string;
  readonly collaborator: string;
  readonly agenda: string;
  readonly motif: string;
  /** Only when the agenda is mastered by its backend. */
  readonly link: string;
}

export interface PracticeOptions {
  readonly capacity?: number;
  readonly master?: 'hub' | 'remote';
  readonly minutes?: number;
  readonly bufferBefore?: number;
  readonly bufferAfter?: number;
}

/** A pool to close with `pool.end()` before its database is dropped. */
export function openPool(connectionString: string, max = 8): pg.Pool {
  const pool = new pg.Pool({ connectionString, max });
  // end() does not wait for the sockets: the drop that follows may still meet one, and end it with an error.
  pool.on('error', () => undefined);
  return pool;
}

/** Runs `work` in one transaction of an organization, as the application does. */
export async function inTenant<T>(
  pool: pg.Pool,
  organization: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(`SELECT set_config('app.organization', $1, true)`, [organization]);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

/** One query in a transaction of its own. */
export const query = async <Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  practice: Practice,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> =>
  inTenant(pool, practice.organization, async (client) => (await client.query<Row>(sql, values)).rows);

/** Rows of the organization in a table. */
export async function count(pool: pg.Pool, practice: Practice, table = 'appointment'): Promise<number> {
  const [row] = await query<{ n: number }>(pool, practice, `SELECT count(*)::int AS n FROM ${table}`);
  return row!.n;
}

/** The same work `n` times at once. */
export const twins = <T>(n: number, work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, index) => work(index)));

/** How often each outcome came. */
export function tally(outcomes: readonly { readonly outcome: string }[]): Record<string, number> {
  const totals: Record<string, number> = {};
  for (const { outcome } of outcomes) totals[outcome] = (totals[outcome] ?? 0) + 1;
  return totals;
}

/** A new organization with one agenda, open all day of {@link DAY} and the 30 days around it, and one motif. */
export async function createPractice(pool: pg.Pool, options: PracticeOptions = {}): Promise<Practice> {
  const { capacity = 1, master = 'hub', minutes = 30, bufferBefore = 0, bufferAfter = 0 } = options;
  const [organization, collaborator, agenda, motif, link, practitioner, location, opening, connection] = Array.from(
    { length: 9 },
    () => randomUUID(),
  );
  const practice = { organization, collaborator, agenda, motif, link } as Practice;
  await inTenant(pool, practice.organization, async (client) => {
    const insert = (table: string, row: Record<string, unknown>) => {
      const all = { organization_id: organization, ...row };
      const places = Object.keys(all).map((_, index) => `$${index + 1}`);
      return client.query(
        `INSERT INTO ${table} (${Object.keys(all).join(', ')}) VALUES (${places.join(', ')})`,
        Object.values(all),
      );
    };
    await insert('organization', { name: 'Cabinet' });
    await insert('collaborator', { id: collaborator, display_name: 'Claire' });
    await grantEverything(client, practice.organization, { collaborator: practice.collaborator });
    await insert('location', { id: location, name: 'Lyon', time_zone: 'Europe/Paris' });
    await insert('practitioner', { id: practitioner, display_name: 'Dr Martin', speciality: 'SM54' });
    const opened_until = at('00:00', 30);
    await insert('agenda', {
      id: agenda,
      practitioner_id: practitioner,
      location_id: location,
      name: 'Cabinet',
      capacity,
      master,
      opened_until,
    });
    const buffers = { buffer_before_minutes: bufferBefore, buffer_after_minutes: bufferAfter };
    await insert('motif', {
      id: motif,
      label_fr: 'Consultation',
      label_en: 'Visit',
      duration_minutes: minutes,
      ...buffers,
    });
    await insert('agenda_motif', { agenda_id: agenda, motif_id: motif });
    const opened = {
      agenda_id: agenda,
      rrule: 'FREQ=DAILY',
      starts_local: '2025-01-01T00:00',
      duration_minutes: 1440,
      time_zone: 'Europe/Paris',
    };
    await insert('opening', { id: opening, ...opened });
    await insert('opening_occurrence', {
      opening_id: opening,
      agenda_id: agenda,
      during: `[${at('00:00', -30)},${at('00:00', 30)})`,
    });
    if (master === 'hub') return;
    await insert('connection', {
      id: connection,
      connector_id: 'in-house',
      label: 'Agenda',
      settings: {},
      secrets_sealed: Buffer.alloc(1),
    });
    await insert('link', {
      id: link,
      agenda_id: agenda,
      connection_id: connection,
      remote_agenda_id: '1',
      as_of: new Date(),
    });
  });
  return practice;
}

export interface Outcome {
  readonly outcome: string;
  readonly code: string | null;
  readonly record: { id: string; status: string; start: number; end: number; version: number; motifId: string } | null;
  readonly resource: string | null;
  readonly status: number | null;
  readonly remote: boolean | null;
}

export interface Request {
  readonly start: string;
  readonly id?: string;
  readonly motif?: string;
  readonly holdSeconds?: number;
  readonly patient?: Buffer;
  readonly key?: string;
  readonly acceptStale?: boolean;
}

const ACTOR = { kind: 'collaborator' };
const bodyHash = (body: unknown): Buffer => createHash('sha256').update(JSON.stringify(body)).digest();

/** One call of place_appointment in its own transaction; `key` is bound to the start and the motif. */
export async function place(pool: pg.Pool | pg.Client, practice: Practice, request: Request): Promise<Outcome> {
  const {
    start,
    id = randomUUID(),
    motif = practice.motif,
    holdSeconds = null,
    patient = null,
    key = null,
    acceptStale = false,
  } = request;
  const hash = key === null ? null : bodyHash([start, motif]);
  const result = await pool.query<Outcome>(
    'SELECT * FROM place_appointment($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
    [
      ...[
        practice.organization,
        id,
        practice.agenda,
        motif,
        start,
        holdSeconds,
        practice.collaborator,
        ACTOR,
        patient,
        key,
        hash,
        acceptStale,
      ],
    ],
  );
  return result.rows[0]!;
}

/** One call of confirm_hold in its own transaction. */
export async function confirm(
  pool: pg.Pool,
  practice: Practice,
  hold: string,
  options: { key?: string; patient?: Buffer | null } = {},
): Promise<Outcome> {
  const { key = null, patient = Buffer.from('sealed') } = options;
  const hash = key === null ? null : bodyHash(hold);
  const values = [practice.organization, hold, ACTOR, patient, key, hash, false];
  return (await pool.query<Outcome>('SELECT * FROM confirm_hold($1, $2, $3, $4, $5, $6, $7)', values)).rows[0]!;
}

/** One call of move_appointment in its own transaction. */
export async function move(
  pool: pg.Pool,
  practice: Practice,
  id: string,
  to: { version?: number; start?: string; motif?: string },
): Promise<Outcome> {
  const values = [practice.organization, id, to.version ?? 1, to.start ?? null, to.motif ?? null, ACTOR, false];
  return (await pool.query<Outcome>('SELECT * FROM move_appointment($1, $2, $3, $4, $5, $6, $7)', values)).rows[0]!;
}

/** Pairs of claims that no agenda may hold: two holders of the hub, or hub and remote, on one seat at one time. */
export async function overlaps(pool: pg.Pool, practice: Practice): Promise<number> {
  const [row] = await query<{ n: number }>(
    pool,
    practice,
    `SELECT count(*)::int AS n FROM claim a JOIN claim b ON a.agenda_id = b.agenda_id AND a.seat = b.seat AND a.during && b.during AND a.id < b.id
     WHERE a.holder <> b.holder AND NOT (a.authority = 'remote' AND b.authority = 'remote')`,
  );
  return row!.n;
}

/** What PostgreSQL answered to a refused write. */
export interface Refusal {
  readonly code: string | undefined;
  readonly constraint: string | undefined;
}

/** The refusal of `write` in a transaction of the organization, or null when it went through; nothing of it remains. */
export async function refusalOf(
  pool: pg.Pool,
  organization: string,
  write: (client: pg.PoolClient) => Promise<unknown>,
): Promise<Refusal | null> {
  const undone = new Error('undone');
  try {
    await inTenant(pool, organization, async (client) => {
      await write(client);
      await client.query('SET CONSTRAINTS ALL IMMEDIATE');
      throw undone;
    });
  } catch (error) {
    if (error === undone) return null;
    const { code, constraint } = error as pg.DatabaseError;
    return { code, constraint };
  }
  return null;
}
