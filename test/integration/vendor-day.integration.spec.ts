import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { connectors } from '#connectors';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { openHub, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool } from '../support/practice.js';
import { VendorAgenda } from '../support/vendor-agenda.js';
import { VENDOR_ROWS } from '../support/vendor-rows.js';
import { VendorDay, waysOf } from './vendor-day.js';
import { goThrough, STEPS } from './vendor-day.suite.js';

describe(`a day of ${String(STEPS.length)} steps`, () => {
  const vendors = createMockVendors();
  const ends: object[] = [];
  let database: TestDatabase;
  let pool: pg.Pool;
  let hub: TestHub;
  let origin = '';

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
    hub = await openHub({ url: database.appUrl, keepsHolds: true });
    origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await hub.close();
    await vendors.close();
    await pool.end();
    await database.drop();
  });

  const rows = VENDOR_ROWS.map((row) => {
    const ways = Object.entries(waysOf(connectors.get(row.id)!.capabilities));
    return { id: row.id, row, ways: ways.map(([what, how]) => `${what} ${how}`).join(', ') };
  });

  it.each(rows)('ends as planned on both sides at $id: $ways', async ({ row }) => {
    const day = new VendorDay(hub, await createPractice(pool), new VendorAgenda(row, origin));
    await day.begin(origin);
    const { appointments, free } = (await goThrough(day)).seen();
    ends.push({ appointments, free });
  });

  it('ends alike at all of them', () => {
    expect(ends).toHaveLength(VENDOR_ROWS.length);
    expect(new Set(ends.map((end) => JSON.stringify(end))).size).toBe(1);
  });
});
