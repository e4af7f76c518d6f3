import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { at, createPractice, inTenant, openPool, type Practice } from '../../../test/support/practice.js';

const HALF_HOUR = 1_800_000;

describe('a first read', () => {
  let database: TestDatabase;
  /** One connection, which keeps the plans that it made while tables were nearly empty. */
  let pool: pg.Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl, 1);
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  /** Takes these events in; how many rows were read one after the other for it. */
  const takeIn = (practice: Practice, numbers: readonly number[]): Promise<number> =>
    inTenant(pool, practice.organization, async (client) => {
      const actions = numbers.map((n) => {
        const when = { start: Date.parse(at('08:00')) + n * HALF_HOUR, end: Date.parse(at('08:30')) + n * HALF_HOUR };
        const text = {
          remoteId: `/${String(n)}.ics`,
          version: '"1"',
          contentHash: 'k',
          summary: null,
          reference: null,
        };
        return { type: 'mirror', appointmentId: null, object: { ...text, when, recurring: false, busy: [when] } };
      });
      const soFar = async (): Promise<number> => {
        const text = `SELECT sum(seq_tup_read)::integer AS n FROM pg_stat_xact_user_tables WHERE relname IN ('mirror', 'claim')`;
        return (await client.query<{ n: number }>(text)).rows[0]!.n;
      };
      const before = await soFar();
      await client.query('SELECT apply_sync($1, $2, $3, NULL, 1)', [
        ...[practice.organization, practice.link, JSON.stringify(actions)],
      ]);
      return (await soFar()) - before;
    });

  test('checks what it stores by the keys, even by plans older than nearly everything that is stored', async () => {
    const practice = await createPractice(pool, { master: 'remote' });
    await inTenant(pool, practice.organization, (client) =>
      client.query('INSERT INTO agenda_lane (organization_id, agenda_id, fence) VALUES ($1, $2, 1)', [
        ...[practice.organization, practice.agenda],
      ]),
    );
    await takeIn(practice, [0]);
    const owner = openPool(database.ownerUrl, 1);
    await owner.query('ANALYZE mirror, claim');
    await owner.end();
    for (let part = 0; part < 5; part += 1) {
      const numbers = Array.from({ length: 100 }, (_, n) => 1 + part * 100 + n);
      expect(await takeIn(practice, numbers)).toBe(0);
    }
    const kept = await inTenant(pool, practice.organization, async (client) => {
      const text = `SELECT count(*)::integer AS n, count(DISTINCT mirror_id)::integer AS holders FROM claim WHERE authority = 'remote'`;
      return (await client.query(text)).rows[0];
    });
    expect(kept).toEqual({ n: 501, holders: 501 });
  });
});
