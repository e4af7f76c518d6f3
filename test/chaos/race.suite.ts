import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { migrateQueue } from '#queue';
import { judge } from '../support/history.js';
import { Ledger } from '../support/ledger.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, type Practice } from '../support/practice.js';
import { HubProcesses } from '../support/processes.js';
import { Crowd, HABITS, summary, unmeant } from './crowd.js';

export interface RaceOptions {
  readonly clients: number;
  readonly attempts: number;
}

/** Complaints 1, 2, 5, 8: many secretaries at one agenda of the hub, through four processes. */
export function describeRace({ clients, attempts }: RaceOptions): void {
  describe(`${clients} secretaries at one agenda of the hub, through four processes`, () => {
    let database: TestDatabase;
    let admin: pg.Pool;
    let ledger: Ledger;
    let hub: HubProcesses;
    let practice: Practice;
    let crowd: Crowd;

    beforeAll(async () => {
      database = await createTestDatabase();
      await migrateQueue(database.ownerUrl);
      admin = openPool(database.adminUrl);
      ledger = new Ledger(admin);
      // No worker: nothing here may need one.
      const env = { POOL_SIZE: '6' };
      hub = await HubProcesses.start({ databaseUrl: database.appUrl, apis: 4, workers: 0, env });
    }, 180_000);

    afterAll(async () => {
      crowd.close();
      await hub.stop();
      await admin.end();
      await database.drop();
    });

    it('scenario 1: never books twice and never deadlocks', async () => {
      practice = await createPractice(admin);
      crowd = await Crowd.gather(admin, { hub, desk: practice }, { ...HABITS, clients, attempts });
      const before = await ledger.deadlocks();
      const started = performance.now();
      await crowd.run();
      const seconds = (performance.now() - started) / 1000;
      const { text } = summary(crowd.answers);
      process.stdout.write(`race of ${clients} on an agenda of the hub, ${seconds.toFixed(1)} s: ${text}\n`);
      expect(unmeant(crowd.answers)).toEqual([]);
      expect(crowd.answers.length).toBeGreaterThanOrEqual(attempts);
      expect(await ledger.overlaps()).toEqual([]);
      expect(judge([...crowd.ops, ...(await ledger.finals([practice.agenda]))], ['hub'])).toEqual([]);
      expect((await ledger.deadlocks()) - before).toBe(0);
    }, 240_000);

    it('frees a hold that was left alone when its time is over, with every worker dead', async () => {
      expect(crowd.abandoned.length).toBeGreaterThan(0);
      const taken = await crowd.takeAbandoned();
      expect(taken.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
      // Somebody may have been quicker during the race; nothing else stands in the way.
      const rows = (await ledger.rows([practice.agenda])).filter(({ status }) => status === 'confirmed');
      const tidying = 10 * 60_000;
      for (const { start, end, status } of taken) {
        if (status === 409)
          expect(rows.some((row) => row.start < end + tidying && start < row.end + tidying)).toBe(true);
      }
      expect(judge([...crowd.ops, ...(await ledger.finals([practice.agenda]))], ['hub'])).toEqual([]);
    }, 60_000);
  });
}
