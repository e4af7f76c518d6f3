import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type pg from 'pg';
import { openHub, type TestHub } from '../../../test/support/hub.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { at, createPractice, openPool, place, query, type Practice } from '../../../test/support/practice.js';

let database: TestDatabase;
let pool: pg.Pool;
let hub: TestHub;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool(database.appUrl);
  hub = await openHub({ url: database.appUrl });
});
afterAll(async () => {
  await hub.close();
  await pool.end();
  await database.drop();
});

const keep = (practice: Practice, count: number, age: string) =>
  query(
    pool,
    practice,
    `INSERT INTO idempotency (organization_id, key, request_hash, response_status, response, created_at)
     SELECT $1, $3 || n, '\\x00', 201, '{}', now() - $3::interval FROM generate_series(1, $2::int) n`,
    [practice.organization, count, age],
  );
const kept = async (practice: Practice) =>
  (await query<{ key: string }>(pool, practice, 'SELECT key FROM idempotency ORDER BY key')).map(({ key }) => key);

test('answers under Idempotency-Keys are kept for thirty days, and then forgotten, many in small parts', async () => {
  const [mine, theirs] = [await createPractice(pool), await createPractice(pool)];
  for (const practice of [mine, theirs]) await keep(practice, 1, '31 days');
  await keep(mine, 2_500, '40 days');
  await keep(mine, 1, '29 days 23 hours');
  expect((await place(pool, mine, { start: at('10:00'), key: 'today' })).outcome).toBe('placed');
  expect(await hub.due.organizations(500)).toContainEqual({ organizationId: mine.organization });

  expect(await hub.housekeeping.forgetAnswers(mine.organization)).toBe(2_501);
  expect(await kept(mine)).toEqual(['29 days 23 hours1', 'today']);
  expect(await kept(theirs)).toEqual(['31 days1']);
  expect((await place(pool, mine, { start: at('10:00'), key: 'today' })).outcome).toBe('answered');
  expect(await hub.housekeeping.forgetAnswers(mine.organization)).toBe(0);
});

test('one run forgets no more than so many', async () => {
  const practice = await createPractice(pool);
  await keep(practice, 60_000, '31 days');
  expect(await hub.housekeeping.forgetAnswers(practice.organization)).toBe(50_000);
  expect(await kept(practice)).toHaveLength(10_000);
});
