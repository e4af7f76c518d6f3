import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { fill } from '../../../test/support/every-table.js';
import {
  at,
  createPractice,
  inTenant,
  openPool,
  place,
  refusalOf,
  type Practice,
} from '../../../test/support/practice.js';

interface Table {
  readonly table: string;
  readonly columns: readonly string[];
}

const TABLES = `SELECT c.relname AS table, array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attidentity = '' AND a.attgenerated = '') AS columns
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'migrations' GROUP BY c.relname ORDER BY 1`;

/** What the application adds to, and can neither change nor remove. */
const APPEND_ONLY = new Set(['event', 'trace', 'audit_entry', 'audit_subject', 'audit_seal']);

describe('the isolation of organizations', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let mine: Practice;
  let theirs: Practice;
  let tables: Table[];
  /** As the superuser counts them. */
  let all: Record<string, number>;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
    mine = await createPractice(pool, { master: 'remote' });
    theirs = await createPractice(pool, { master: 'remote' });
    for (const practice of [mine, theirs]) {
      await place(pool, practice, { start: at('10:00'), patient: Buffer.from('sealed'), key: 'same-key' });
      await inTenant(pool, practice.organization, (client) => fill(client, practice));
    }
    const admin = openPool(database.adminUrl, 1);
    tables = (await admin.query<Table>(TABLES)).rows;
    all = await counts(admin);
    await admin.end();
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  async function counts(client: pg.Pool | pg.PoolClient): Promise<Record<string, number>> {
    const union = tables
      .map(({ table }) => `SELECT '${table}' AS table, count(*)::int AS n FROM ${table}`)
      .join(' UNION ALL ');
    const { rows } = await client.query<{ table: string; n: number }>(union);
    return Object.fromEntries(rows.map(({ table, n }) => [table, n]));
  }

  const nothing = () => Object.fromEntries(tables.map(({ table }) => [table, 0]));
  const asDispatcher = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN; SET LOCAL ROLE unisson_dispatcher');
      return await work(client);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  };

  test('has rows of both in every table, or the rest proves nothing', () => {
    for (const { table } of tables) expect({ table, enough: (all[table] ?? 0) >= 2 }).toEqual({ table, enough: true });
  });

  test('shows no row of any table without an organization', async () => {
    expect(await counts(pool)).toEqual(nothing());
  });

  test('shows no row of any table to an organization that does not exist', async () => {
    expect(await inTenant(pool, randomUUID(), counts)).toEqual(nothing());
  });

  test('shows each organization its own half of every table', async () => {
    const [first, second] = [
      await inTenant(pool, mine.organization, counts),
      await inTenant(pool, theirs.organization, counts),
    ];
    for (const { table } of tables)
      expect({ table, n: first[table]! + second[table]! }).toEqual({ table, n: all[table] });
    expect(first).toEqual(second);
  });

  test.each(['SELECT', 'UPDATE', 'DELETE', 'INSERT', 'UPSERT', 'GIVE'] as const)(
    'refuses %s of another organization’s row, in every table',
    async (verb) => {
      for (const { table, columns } of tables) {
        const foreign = `WHERE organization_id = '${theirs.organization}'`;
        const copy = columns
          .map((column) => (column === 'organization_id' ? `'${theirs.organization}'::uuid` : `${table}.${column}`))
          .join(', ');
        const write = {
          SELECT: `SELECT 1 FROM ${table} ${foreign}`,
          UPDATE: `UPDATE ${table} SET organization_id = organization_id ${foreign}`,
          DELETE: `DELETE FROM ${table} ${foreign}`,
          INSERT: `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${copy} FROM ${table}`,
          UPSERT: `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${copy} FROM ${table} ON CONFLICT DO NOTHING`,
          GIVE: `UPDATE ${table} SET organization_id = '${theirs.organization}'`,
        }[verb];
        let touched = 0;
        const refusal = await refusalOf(pool, mine.organization, async (client) => {
          touched = (await client.query(write)).rowCount ?? 0;
        });
        // Rows that are not seen are not touched; rows that would become theirs are refused by the policy or the grant.
        const kept =
          APPEND_ONLY.has(table) ||
          (verb === 'DELETE' && ['access_grant', 'mandate'].includes(table)) ||
          table === 'export_request';
        const invisible = verb === 'SELECT' || ((verb === 'UPDATE' || verb === 'DELETE') && !kept);
        expect({ table, touched, code: refusal?.code }).toEqual({
          table,
          touched: 0,
          code: invisible ? undefined : '42501',
        });
      }
    },
  );

  test('does not leave the organization on the connection', async () => {
    const single = openPool(database.appUrl, 1);
    try {
      expect((await inTenant(single, mine.organization, counts))['agenda']).toBe(1);
      expect(await counts(single)).toEqual(nothing());
      await place(single, mine, { start: at('11:00') });
      expect(await counts(single)).toEqual(nothing());
      await expect(inTenant(single, mine.organization, (client) => client.query('SELECT 1/0'))).rejects.toThrow(
        'division by zero',
      );
      expect(await counts(single)).toEqual(nothing());
    } finally {
      await single.end();
    }
  });

  test('holds for the functions: an id of another organization is unknown', async () => {
    expect((await place(pool, { ...mine, agenda: theirs.agenda }, { start: at('15:00') })).outcome).toBe(
      'agenda-unknown',
    );
    expect((await place(pool, mine, { start: at('15:00'), motif: theirs.motif })).outcome).toBe('motif-unknown');
    const key = await place(pool, mine, { start: at('10:00'), key: 'same-key' });
    const other = await place(pool, theirs, { start: at('10:00'), key: 'same-key' });
    expect([key.outcome, other.outcome]).toEqual(['running', 'running']);
    expect(key.resource).not.toBe(other.resource);
  });

  test('binds even the owner of the tables', async () => {
    const owner = openPool(database.ownerUrl, 1);
    try {
      expect(await counts(owner)).toEqual(nothing());
    } finally {
      await owner.end();
    }
  });

  describe('for the dispatcher', () => {
    const GRANTED: Record<string, string> = {
      agenda: 'organization_id, id, opened_until, horizon_days',
      appointment: 'organization_id, id, agenda_id, status, hold_until, held_there_until',
      audit_entry: 'organization_id, transaction_id, source_id',
      bulk_cancellation: 'organization_id, id, state, due_at',
      busy_change: 'organization_id, agenda_id, state, due_at',
      connection: 'organization_id, id, blocked_until',
      disconnection: 'organization_id, link_id, agenda_id, state, due_at',
      event: 'organization_id, transaction_id, id',
      export_request: 'organization_id, state, expires_at',
      key_rotation: 'organization_id, state, due_at',
      grant_notice: 'organization_id, due_at, told_at',
      link: 'organization_id, id, agenda_id, connection_id, status, poll_at, reconciled_at, subscription_until, phase, paused_at, resubscribe_at',
      organization: 'organization_id',
      overbooking_notice: 'organization_id, due_at, told_at',
      remote_write: 'organization_id, appointment_id, agenda_id, state, due_at',
      series: 'organization_id, id, state, due_at',
      trace: 'organization_id, transaction_id, id',
      vacancy: 'organization_id, agenda_id, due_at',
    };

    test('shows which rows are due in every organization, and only those', async () => {
      const organizations = (sql: string) =>
        asDispatcher(async (client) =>
          (await client.query<{ organization_id: string }>(sql)).rows.map((row) => row.organization_id).sort(),
        );
      const both = [mine.organization, theirs.organization].sort();
      for (const table of ['agenda', 'link', 'organization'])
        expect(await organizations(`SELECT organization_id FROM ${table}`)).toEqual(both);
      expect(await organizations('SELECT DISTINCT organization_id FROM remote_write')).toEqual(both);
      expect(await organizations('SELECT organization_id FROM appointment')).toEqual(both);
      const states = await asDispatcher((client) =>
        client.query('SELECT DISTINCT status FROM appointment UNION SELECT DISTINCT state FROM remote_write'),
      );
      expect(states.rows).toEqual(expect.arrayContaining([{ status: 'held' }, { status: 'due' }]));
      expect(states.rows).toHaveLength(2);
    });

    test('refuses every column and table that was not granted, and every write', async () => {
      for (const { table, columns } of tables) {
        const granted = (GRANTED[table] ?? '').split(', ');
        for (const column of columns) {
          const read = asDispatcher((client) => client.query(`SELECT ${column} FROM ${table}`));
          if (granted.includes(column)) await expect(read).resolves.toBeDefined();
          else await expect(read).rejects.toMatchObject({ code: '42501' });
        }
        for (const write of [
          `DELETE FROM ${table}`,
          `UPDATE ${table} SET organization_id = organization_id`,
          `INSERT INTO ${table} DEFAULT VALUES`,
          `SELECT * FROM ${table} FOR UPDATE`,
        ]) {
          await expect(asDispatcher((client) => client.query(write))).rejects.toMatchObject({ code: '42501' });
        }
      }
    });

    test('lends nothing to the application: without taking the role on, its rows stay hidden', async () => {
      for (const [table, columns] of Object.entries(GRANTED)) {
        expect((await pool.query(`SELECT ${columns} FROM ${table}`)).rows).toEqual([]);
      }
    });

    test('ends with the transaction', async () => {
      const single = openPool(database.appUrl, 1);
      try {
        await single.query('BEGIN; SET LOCAL ROLE unisson_dispatcher; COMMIT');
        expect((await single.query('SELECT current_user AS role')).rows).toEqual([{ role: 'unisson_app' }]);
        expect((await single.query('SELECT organization_id FROM organization')).rows).toEqual([]);
      } finally {
        await single.end();
      }
    });
  });
});
