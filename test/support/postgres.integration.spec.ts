import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from './postgres.js';

async function scalar(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const result = await client.query<{ value: unknown }>(sql);
    return result.rows[0]?.value;
  } finally {
    await client.end();
  }
}

describe('a test database', () => {
  let databases: TestDatabase[] = [];

  beforeAll(async () => {
    databases = await Promise.all([createTestDatabase(), createTestDatabase()]);
  });

  afterAll(async () => {
    await Promise.all(databases.map((database) => database.drop()));
  });

  test('is migrated, and separate from the next one', async () => {
    const [first, second] = databases;
    expect(await scalar(first!.ownerUrl, 'SELECT count(*)::int AS value FROM migrations')).toBeGreaterThan(0);
    await scalar(first!.ownerUrl, 'CREATE TABLE only_here ()');
    expect(await scalar(second!.ownerUrl, "SELECT to_regclass('only_here')::text AS value")).toBeNull();
  });

  test('gives neither its owner nor the application superuser rights', async () => {
    const sql = 'SELECT rolsuper OR rolbypassrls AS value FROM pg_roles WHERE rolname = current_user';
    for (const database of databases) {
      expect(await scalar(database.ownerUrl, sql)).toBe(false);
      expect(await scalar(database.appUrl, sql)).toBe(false);
    }
  });
});
