import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { migrateQueue } from '#queue';
import { judge } from '../support/history.js';
import { openHub, linkAgenda, type TestHub } from '../support/hub.js';
import { Ledger } from '../support/ledger.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, type Practice } from '../support/practice.js';
import { HubProcesses } from '../support/processes.js';
import type { RadicaleServer } from '../support/radicale.js';
import { openCalendar, startRadicale, type RemoteAgenda } from '../support/remotes.js';
import { Crowd, summary, unmeant } from './crowd.js';
import { TEN } from './stage.js';

const SETTLED_MS = 60_000;

describe('64 secretaries at one calendar on Radicale, through four processes and a worker', () => {
  let radicale: RadicaleServer;
  let remote: RemoteAgenda;
  let database: TestDatabase;
  let admin: pg.Pool;
  let ledger: Ledger;
  let inProcess: TestHub;
  let hub: HubProcesses;
  let practice: Practice;
  let crowd: Crowd;

  beforeAll(async () => {
    radicale = await startRadicale();
    database = await createTestDatabase();
    await migrateQueue(database.ownerUrl);
    admin = openPool(database.adminUrl);
    ledger = new Ledger(admin);
    practice = await createPractice(admin);
    inProcess = await openHub({ url: database.appUrl });
    await inProcess.housekeeping.extendOpenings(practice.organization, practice.agenda);
    remote = await openCalendar(radicale);
    await linkAgenda(inProcess, practice, remote.account);
    hub = await HubProcesses.start({ databaseUrl: database.appUrl, apis: 4, workers: 1, env: { POOL_SIZE: '6' } });
    const habits = { clients: 64, holds: 15, moves: 3, cancels: 3, hotMinutes: 1440, from: TEN, kept: false };
    // What a process is asked first has to be compiled and planned first: here, before anybody is in a hurry.
    const elsewhere = await createPractice(admin);
    await inProcess.housekeeping.extendOpenings(elsewhere.organization, elsewhere.agenda);
    const early = await Crowd.gather(admin, { hub, desk: elsewhere }, { ...habits, attempts: 1_200 });
    await early.run();
    early.close();
    // Every success is written to the calendar by itself: less coming and going than without one.
    crowd = await Crowd.gather(admin, { hub, desk: practice }, { ...habits, attempts: 2_000 });
  }, 240_000);

  afterAll(async () => {
    crowd.close();
    await hub.stop();
    await inProcess.close();
    await remote.close();
    await radicale.stop();
    await admin.end();
    await database.drop();
  });

  it('never books twice, and database and calendar agree', async () => {
    const before = await ledger.deadlocks();
    const started = performance.now();
    await crowd.run();
    const seconds = (performance.now() - started) / 1000;
    for (const end = performance.now() + SETTLED_MS; performance.now() < end && (await ledger.unsettled()).length > 0;)
      await sleep(200);
    await inProcess.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync: 'full' });
    process.stdout.write(`race on Radicale, ${seconds.toFixed(1)} s: ${summary(crowd.answers).text}\n`);
    expect(unmeant(crowd.answers)).toEqual([]);
    expect(await ledger.unsettled()).toEqual([]);
    expect(await ledger.overlaps()).toEqual([]);
    const finals = await ledger.finals([practice.agenda], new Map([[practice.agenda, remote]]));
    expect(finals.filter(({ store }) => store === 'vendor').length).toBeGreaterThan(20);
    expect(judge([...crowd.ops, ...finals])).toEqual([]);
    expect((await ledger.deadlocks()) - before).toBe(0);
  }, 300_000);
});
