import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { at, createPractice, inTenant, openPool, place, type Practice } from '../../../test/support/practice.js';

describe('holds whose time is over', () => {
  let database: TestDatabase;
  /** One connection, which keeps the plans that it made while every table was empty. */
  let pool: pg.Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl, 1);
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  /** Rows of appointments that looking for them reads. */
  const read = (practice: Practice): Promise<number> =>
    inTenant(pool, practice.organization, async (client) => {
      const soFar = async (): Promise<number> => {
        const text = `SELECT (idx_tup_fetch + seq_tup_read)::integer AS n FROM pg_stat_xact_user_tables WHERE relname = 'appointment'`;
        return (await client.query<{ n: number }>(text)).rows[0]!.n;
      };
      await client.query('SET LOCAL plan_cache_mode = force_generic_plan');
      const before = await soFar();
      await client.query('SELECT expire_holds($1, tstzrange($2, $3))', [practice.agenda, at('00:00'), at('23:00')]);
      return (await soFar()) - before;
    });

  test('are found without reading the appointments of the agenda, even by a plan older than those', async () => {
    const practice = await createPractice(pool);
    expect(await read(practice)).toBe(0);
    for (let hour = 0; hour < 20; hour += 1)
      expect((await place(pool, practice, { start: at(`${String(hour).padStart(2, '0')}:00`) })).outcome).toBe(
        'placed',
      );
    expect(await read(practice)).toBe(0);
    await place(pool, practice, { start: at('21:00'), holdSeconds: 60 });
    expect(await read(practice)).toBe(1);
  });
});
