import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { migrateQueue } from '#queue';
import { ApiClient, createApiKey } from '../support/api-client.js';
import { judge, type HistoryOp } from '../support/history.js';
import { linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { Ledger } from '../support/ledger.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool } from '../support/practice.js';
import { HubProcesses, type Managed } from '../support/processes.js';
import type { RemoteAgenda, Trouble } from '../support/remotes.js';
import { chances } from './chances.js';
import { PatientCaller } from './patient-caller.js';
import { TEN } from './stage.js';

const AGENDAS = 6;
const CALLERS = 12;
/** What everybody wants to be in: 2 days of half hours, so that about half of the wishes collide. */
const HOT_STARTS = (2 * 1440) / 5;
const STEP_MS = 5 * 60_000;
const SETTLED_MS = 60_000;

export interface KillOptions {
  readonly kills: number;
  readonly bookings: number;
  readonly backend: string;
  /** True: the simulators run beside the hub, and are not killed. */
  readonly vendors: boolean;
  open(hub: HubProcesses, index: number): Promise<RemoteAgenda>;
  /** Once everything is linked, spoils the way to the backend; says how often it did. */
  spoil?(hub: HubProcesses): Promise<Trouble>;
}

/** Complaint 7: every process of the hub is killed again and again while appointments are booked. */
export function describeKills({ kills, bookings, backend, vendors, open, spoil }: KillOptions): void {
  describe(`complaint 7: api and worker killed ${kills} times during ${bookings} bookings at ${backend}`, () => {
    const random = chances(7_041_776);
    const ops: HistoryOp[] = [];
    const remotes = new Map<string, RemoteAgenda>();
    const clients: ApiClient[] = [];
    const callers: PatientCaller[] = [];
    const progress = { booked: 0, kills: 0, begun: 0 };
    let database: TestDatabase;
    let admin: pg.Pool;
    let ledger: Ledger;
    let inProcess: TestHub;
    let hub: HubProcesses;
    let spoilt: Trouble | undefined;

    beforeAll(async () => {
      database = await createTestDatabase();
      await migrateQueue(database.ownerUrl);
      admin = openPool(database.adminUrl);
      ledger = new Ledger(admin);
      inProcess = await openHub({ url: database.appUrl });
      hub = await HubProcesses.start({ databaseUrl: database.appUrl, apis: 2, workers: 1, vendors });
      for (let index = 0; index < AGENDAS; index += 1) {
        const practice = await createPractice(admin);
        await inProcess.housekeeping.extendOpenings(practice.organization, practice.agenda);
        const remote = await open(hub, index);
        await linkAgenda(inProcess, practice, remote.account);
        remotes.set(practice.agenda, remote);
        const client = new ApiClient({
          apiKey: await createApiKey(admin, practice.organization),
          collaborator: practice.collaborator,
        });
        clients.push(client);
        callers.push(new PatientCaller({ desk: practice, client, apis: hub.apis, ops, random }));
      }
      spoilt = await spoil?.(hub);
    }, 120_000);

    afterAll(async () => {
      for (const client of clients) client.close();
      await hub.stop();
      await inProcess.close();
      await Promise.all([...remotes.values()].map((remote) => remote.close()));
      await admin.end();
      await database.drop();
    });

    /** One process dies between any two of its instructions, comes back, and dies again. */
    const killAgain = async (one: Managed): Promise<void> => {
      while (progress.begun < kills) {
        progress.begun += 1;
        await sleep(50 + random() * 700);
        await one.kill();
        progress.kills += 1;
        await sleep(random() * 400);
        await one.start();
      }
    };

    /** Bookings keep pace with the deaths, so that every death meets some. */
    const bookOn = async (): Promise<void> => {
      while (progress.booked < bookings) {
        if (progress.kills < kills && progress.booked / bookings > (progress.kills + 1) / kills) {
          await sleep(50);
          continue;
        }
        progress.booked += 1;
        const caller = callers[Math.floor(random() * callers.length)]!;
        const start = TEN + Math.floor(random() * HOT_STARTS) * STEP_MS;
        await caller.book(start);
      }
    };

    it('has every acknowledged booking in both places exactly once, and every other one in a defined state', async () => {
      const started = performance.now();
      const work = Promise.all(Array.from({ length: CALLERS }, bookOn));
      await Promise.all([...hub.apis, ...hub.workers].map(killAgain));
      const recovered = performance.now();
      await Promise.race([work, sleep(SETTLED_MS)]);
      while (performance.now() - recovered < SETTLED_MS && (await ledger.unsettled()).length > 0) await sleep(100);
      const settledMs = performance.now() - recovered;
      const outcomes = callers.flatMap((caller) => caller.outcomes);
      const repeats = callers.reduce((sum, caller) => sum + caller.repeats, 0);
      const confirmed = ops.filter((op) => op.op === 'book' && op.outcome === 'ok').length;
      process.stdout.write(
        `${progress.kills} kills in ${((recovered - started) / 1000).toFixed(0)} s at ${backend}: ${progress.booked} bookings asked, ${confirmed} confirmed, ` +
          `${repeats} requests repeated, all settled ${(settledMs / 1000).toFixed(1)} s after the last recovery\n`,
      );
      expect(progress.kills).toBe(kills);
      if (spoilt !== undefined) expect(await spoilt.count()).toBeGreaterThan(bookings / 100);
      expect(progress.booked).toBe(bookings);
      expect(await ledger.unsettled()).toEqual([]);
      expect(ops.filter((op) => op.op === 'book' && op.outcome === 'unknown')).toEqual([]);
      expect(outcomes.filter(({ told, code }) => told === 'fail' && code === null)).toEqual([]);
      expect(judge([...ops, ...(await ledger.finals([...remotes.keys()], remotes))])).toEqual([]);
      expect(await ledger.overlaps()).toEqual([]);
      const rows = await ledger.rows([...remotes.keys()]);
      expect(
        rows.filter(
          ({ status, reason }) =>
            !['confirmed', 'cancelled', 'refused'].includes(status) || (status !== 'confirmed' && reason === null),
        ),
      ).toEqual([]);
    }, 600_000);
  });
}
