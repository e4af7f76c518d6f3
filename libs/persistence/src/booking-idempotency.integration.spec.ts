import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import {
  at,
  confirm,
  count,
  createPractice,
  openPool,
  place,
  query,
  tally,
  twins,
} from '../../../test/support/practice.js';

describe('booking with an idempotency key', () => {
  let database: TestDatabase;
  let pool: pg.Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl, 32);
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  test('answers a second request with the first answer, and refuses another body', async () => {
    const practice = await createPractice(pool);
    const first = await place(pool, practice, { start: at('10:00'), key: 'k' });
    const again = await place(pool, practice, { start: at('10:00'), key: 'k' });
    expect(again).toMatchObject({ outcome: 'answered', status: 201, resource: first.resource, record: first.record });
    expect((await place(pool, practice, { start: at('11:00'), key: 'k' })).outcome).toBe('reused');
    expect(await count(pool, practice)).toBe(1);
  });

  test('says that the first request runs, while its backend has not answered', async () => {
    const practice = await createPractice(pool, { master: 'remote' });
    const first = await place(pool, practice, { start: at('10:00'), key: 'k' });
    expect(await place(pool, practice, { start: at('10:00'), key: 'k' })).toMatchObject({
      outcome: 'running',
      resource: first.resource,
      status: null,
    });
    expect((await place(pool, practice, { start: at('11:00'), key: 'k' })).outcome).toBe('reused');
  });

  test('keeps nothing of a refusal: the same request may succeed later', async () => {
    const practice = await createPractice(pool);
    const blocker = await place(pool, practice, { start: at('10:00'), holdSeconds: 60 });
    expect((await place(pool, practice, { start: at('10:00'), key: 'k' })).outcome).toBe('taken');
    await query(pool, practice, `UPDATE appointment SET hold_until = now() WHERE id = $1`, [blocker.resource]);
    expect((await place(pool, practice, { start: at('10:00'), key: 'k' })).outcome).toBe('placed');
  });

  test('scenario 13: 50 twins at once on 20 connections make one appointment and get one answer', async () => {
    const practice = await createPractice(pool);
    const outcomes = await twins(50, () => place(pool, practice, { start: at('10:00'), key: 'k' }));
    expect(tally(outcomes)).toEqual({ placed: 1, answered: 49 });
    expect(new Set(outcomes.map(({ resource }) => resource)).size).toBe(1);
    expect(new Set(outcomes.map(({ record }) => JSON.stringify(record))).size).toBe(1);
    expect([await count(pool, practice), await count(pool, practice, 'event')]).toEqual([1, 1]);
  });

  test('twins that confirm a hold at once get one answer', async () => {
    const practice = await createPractice(pool);
    const hold = (await place(pool, practice, { start: at('10:00'), holdSeconds: 60 })).resource!;
    const outcomes = await twins(20, () => confirm(pool, practice, hold, { key: 'k' }));
    expect(tally(outcomes)).toEqual({ placed: 1, answered: 19 });
    expect(new Set(outcomes.map(({ record }) => record?.status))).toEqual(new Set(['confirmed']));
  });

  test('the same key on two agendas at once places on one; the loser fails whole with UK001', async () => {
    const practice = await createPractice(pool);
    const second = randomUUID();
    await query(
      pool,
      practice,
      `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name, opened_until) SELECT organization_id, $1, practitioner_id, location_id, name, opened_until FROM agenda`,
      [second],
    );
    await query(pool, practice, `INSERT INTO agenda_motif SELECT organization_id, $1, motif_id FROM agenda_motif`, [
      second,
    ]);
    await query(
      pool,
      practice,
      `INSERT INTO opening_occurrence SELECT organization_id, opening_id, during * tstzrange('2031-01-01', '2031-01-08'), $1 FROM opening_occurrence`,
      [second],
    );
    for (let day = 0; day < 10; day += 1) {
      const key = `k${day}`;
      const start = new Date(Date.parse(at('06:00')) + day * 3_600_000).toISOString();
      const agendas = [practice, { ...practice, agenda: second }];
      const results = await Promise.allSettled(agendas.map((on) => place(pool, on, { start, key })));
      const placed = results.filter((result) => result.status === 'fulfilled' && result.value.outcome === 'placed');
      expect(placed).toHaveLength(1);
      for (const result of results)
        if (result.status === 'rejected') expect((result.reason as pg.DatabaseError).code).toBe('UK001');
    }
    expect(await count(pool, practice)).toBe(10);
  });
});
