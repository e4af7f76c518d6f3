import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { judge, type Told } from '../support/history.js';
import { openHub, type TestHub } from '../support/hub.js';
import { Ledger } from '../support/ledger.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool } from '../support/practice.js';
import { compileHub, runToEnd, type Ended } from '../support/processes.js';
import type { RemoteAgenda } from '../support/remotes.js';
import { around } from './announced.js';
import type { Orders } from './crash-child.js';
import { SETTLE_MS, scenarios, type Scenario } from './crash-scenarios.js';
import { Stage } from './stage.js';
import type { Step } from './steps.js';

/** Processes that live and die at once. */
const PARALLEL = 4;
const CHILD_TIMEOUT_MS = 60_000;
const SETTLED_MS = 60_000;

interface Play {
  readonly title: string;
  readonly point: string;
  readonly nth: number;
  readonly scenario: Scenario;
  stage?: Stage;
  step?: Step;
  ended?: Ended;
  told?: Told;
  /** Milliseconds from the death to the final answer. */
  settledMs?: number;
}

/** What a worker process does, in this one: finds what is due, and does it. */
async function recover(hub: TestHub, until: { over: boolean }): Promise<void> {
  while (!until.over) {
    const lanes = (await hub.due.lanes(500)).map((lane) => hub.lanes.run({ ...lane, sync: 'none' }));
    await Promise.all(lanes);
    await sleep(250);
  }
}

async function inParallel<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const take = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, take));
}

export interface CrashPointsOptions {
  readonly refusesOverlap: boolean;
  /** False: what is the same moment as the end of the call before it is left out, but for the first scenario. */
  readonly everyPoint: boolean;
  open(): Promise<RemoteAgenda>;
}

/** A process of the hub dies at every named point; another one takes over, and the caller asks again. */
export function describeCrashPoints(backend: string, options: CrashPointsOptions): void {
  const plays: Play[] = scenarios(options.refusesOverlap).flatMap((scenario, index) =>
    scenario.points.flatMap((where) => {
      const [point, nth] = typeof where === 'string' ? [where, 1] : where;
      if (!options.everyPoint && index > 0 && point.endsWith(':before')) return [];
      return [{ title: `${scenario.name}, at ${point}${nth > 1 ? ` (${nth})` : ''}`, point, nth, scenario }];
    }),
  );

  describe(`a process that dies on an agenda at ${backend}`, () => {
    let database: TestDatabase;
    let admin: pg.Pool;
    let hub: TestHub;
    let ledger: Ledger;

    const enact = async (play: Play): Promise<void> => {
      const practice = await createPractice(admin);
      const stage = new Stage(hub, practice, await options.open());
      play.stage = stage;
      await stage.link();
      play.step = await play.scenario.prepare(stage);
      const step = play.scenario.doomed ?? play.step;
      const orders: Orders = {
        url: database.appUrl,
        point: play.point,
        nth: play.nth,
        settleMs: SETTLE_MS,
        desk: practice,
        step,
      };
      const t0 = performance.now();
      play.ended = await runToEnd('test/chaos/crash-child', [JSON.stringify(orders)], CHILD_TIMEOUT_MS);
      stage.note(step, 'unknown', t0);
    };

    const outlive = async (play: Play): Promise<void> => {
      const died = performance.now();
      play.told = await play.stage!.settle(play.step!);
      play.settledMs = performance.now() - died;
    };

    beforeAll(async () => {
      compileHub();
      database = await createTestDatabase();
      admin = openPool(database.adminUrl);
      ledger = new Ledger(admin);
      hub = await openHub({ url: database.appUrl, poolSize: 20, around: around(SETTLE_MS, () => undefined) });
      await inParallel(plays, PARALLEL, enact);
      const until = { over: false };
      const recovery = recover(hub, until);
      await Promise.all(plays.map(outlive));
      for (
        const end = performance.now() + SETTLED_MS;
        performance.now() < end && (await ledger.unsettled()).length > 0;
      )
        await sleep(100);
      until.over = true;
      await recovery;
      // What the practitioner did meanwhile is read once more, as the next poll would.
      for (const { stage } of plays) await stage!.ask({ kind: 'lane', sync: 'delta' }, 0);
    }, 300_000);

    afterAll(async () => {
      for (const { stage } of plays) await stage?.remote.close();
      await hub.close();
      await admin.end();
      await database.drop();
    });

    it.each(plays)('$title', async ({ ended, told, settledMs, stage, scenario }) => {
      expect(ended).toMatchObject({ signal: 'SIGKILL', output: '', errors: '' });
      expect(told).toBe(scenario.told);
      expect(settledMs).toBeLessThanOrEqual(SETTLED_MS);
      const { agenda } = stage!.desk;
      const finals = await ledger.finals([agenda], new Map([[agenda, stage!.remote]]));
      expect(judge([...stage!.ops, ...finals])).toEqual([]);
      for (const row of await ledger.rows([agenda])) {
        expect(['confirmed', 'cancelled', 'refused', 'expired']).toContain(row.status);
        if (row.status === 'refused') expect(row.reason?.code).toMatch(/^[A-Z_]+$/);
      }
    });

    it('leaves nothing unsettled, and nothing twice', async () => {
      expect(await ledger.unsettled()).toEqual([]);
      expect(await ledger.overlaps()).toEqual([]);
      const slowest = Math.max(...plays.map(({ settledMs }) => settledMs ?? Infinity));
      process.stdout.write(
        `${plays.length} crash points on ${backend}: settled after at most ${(slowest / 1000).toFixed(1)} s\n`,
      );
    });
  });
}
