import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { at, createPractice, inTenant, openPool, place, query, type Practice } from '../../../test/support/practice.js';

interface Claimed {
  readonly start: string;
  readonly contested: boolean;
}

describe('what a backend holds', () => {
  let database: TestDatabase;
  let pool: pg.Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl, 4);
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  /** The practitioner's object as a pull reads it: half an hour from each of `times`. */
  async function see(practice: Practice, ...times: string[]): Promise<void> {
    const busy = times.map((time) => ({ start: Date.parse(at(time)), end: Date.parse(at(time)) + 1_800_000 }));
    const object = { remoteId: 'series', version: '1', contentHash: times.join(), summary: null, when: busy[0], busy };
    await query(
      pool,
      practice,
      `SELECT see_object(l, a, $1, NULL) FROM link l JOIN agenda a ON a.organization_id = l.organization_id AND a.id = l.agenda_id`,
      [JSON.stringify(object)],
    );
  }

  const held = (practice: Practice): Promise<Claimed[]> =>
    query<{ start: string; contested: boolean }>(
      pool,
      practice,
      `SELECT to_char(lower(during) AT TIME ZONE 'UTC', 'HH24:MI') AS start, contested FROM claim WHERE authority = 'remote' ORDER BY 1`,
    );
  const statusOf = async (practice: Practice, id: string): Promise<string | undefined> =>
    (await query<{ status: string }>(pool, practice, 'SELECT status FROM appointment WHERE id = $1', [id]))[0]?.status;

  test('a series takes what is free, contests what is confirmed and pushes aside what is not yet', async () => {
    const practice = await createPractice(pool, { master: 'remote' });
    const confirmed = (await place(pool, practice, { start: at('10:00') })).resource!;
    await query(pool, practice, `UPDATE appointment SET status = 'confirmed'`);
    const pending = (await place(pool, practice, { start: at('11:00') })).resource!;
    await see(practice, '09:00', '10:00', '11:00');
    expect(await held(practice)).toEqual([
      { start: '09:00', contested: false },
      { start: '10:00', contested: true },
      { start: '11:00', contested: false },
    ]);
    expect(await statusOf(practice, confirmed)).toBe('conflict');
    expect(await statusOf(practice, pending)).toBe('refused');
  });

  test('a series that changes leaves nothing of what it was', async () => {
    const practice = await createPractice(pool, { master: 'remote' });
    await see(practice, '09:00', '10:00', '11:00');
    await see(practice, '10:00', '14:00');
    await see(practice, '14:00', '10:00', '10:00');
    expect(await held(practice)).toEqual([
      { start: '10:00', contested: false },
      { start: '14:00', contested: false },
    ]);
  });

  test('is found by an index under row-level security, whatever other agendas of the practice hold', async () => {
    const practice = await createPractice(pool);
    const plan = await inTenant(pool, practice.organization, async (client) => {
      await client.query('SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off');
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN SELECT 1 FROM claim c WHERE c.organization_id = current_organization() AND c.agenda_id = '${practice.agenda}'
           AND c.ends_at > '2031-01-06' AND c.during && '[2031-01-06,2031-01-07)'::tstzrange`,
      );
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    });
    expect(plan).toMatch(/Index Scan using claim_agenda_ends/);
    expect(plan).toMatch(/Index Cond:.*organization_id.*agenda_id.*ends_at/);
  });
});
