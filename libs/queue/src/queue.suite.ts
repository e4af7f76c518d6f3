import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { drainLane, syncLink } from '#application';
import { QueueUnavailableError } from './errors.js';
import { FAST, gate, lane, until, untilTaken } from './queue.helpers.js';
import { type OpenQueue, openQueue, type QueueOptions } from './queue.js';
import { handler, type Workers } from './workers.js';

/** What a store must let the suite do. */
export interface SuiteStore {
  /** Where a queue is found. */
  options(): Pick<QueueOptions, 'databaseUrl' | 'redisUrl'>;
  up(): Promise<void>;
  down(): Promise<void>;
  /** Stops answering; connections stay open. */
  freeze(): void;
  thaw(): void;
}

/** Keeps the promise of the alarm port, whatever the store. */
export function describeQueue(name: string, store: SuiteStore): void {
  describe(`the queue on ${name}`, () => {
    const opened: OpenQueue[] = [];
    let queue: OpenQueue;
    let runs: string[];

    const open = (): OpenQueue => {
      const one = openQueue({ ...store.options(), settings: FAST });
      opened.push(one);
      return one;
    };
    const recording = (on: OpenQueue, work: () => Promise<void> = () => Promise.resolve()): Promise<Workers> =>
      on.work(
        [
          handler(drainLane, async ({ agendaId }) => {
            runs.push(agendaId);
            await work();
          }),
        ],
        { concurrency: 5 },
      );

    /** A killed worker of an earlier test may have left a job: only this test's lanes count. */
    const ran = ({ agendaId }: { agendaId: string }): number => runs.filter((run) => run === agendaId).length;

    beforeEach(() => {
      runs = [];
      queue = open();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((one) => one.close(true)));
    });

    // Outages come first: BullMQ's wait after one (5 s) would otherwise keep the test process.
    it('fails fast while the store is down, and goes on by itself when it is back', async () => {
      const data = lane();
      await recording(queue);
      await queue.alarm.wake(drainLane, data);
      await until(() => ran(data) === 1);
      await store.down();
      try {
        for (let times = 0; times < 3; times += 1) {
          const started = Date.now();
          await expect(queue.alarm.wake(drainLane, data)).rejects.toBeInstanceOf(QueueUnavailableError);
          expect(Date.now() - started).toBeLessThan(1_200);
        }
      } finally {
        await store.up();
      }
      await untilTaken(queue, data);
      await until(() => ran(data) >= 2, 5_000);
    });

    it('fails fast while the store hangs, and goes on by itself afterwards', async () => {
      const data = lane();
      await recording(queue);
      await queue.alarm.wake(drainLane, data);
      await until(() => ran(data) === 1);
      store.freeze();
      try {
        const started = Date.now();
        await expect(queue.alarm.wake(drainLane, lane())).rejects.toBeInstanceOf(QueueUnavailableError);
        expect(Date.now() - started).toBeLessThan(1_200);
      } finally {
        store.thaw();
      }
      await untilTaken(queue, data);
      await until(() => ran(data) >= 2, 10_000);
    });

    it('starts while the store is down, and works when it is there', async () => {
      await store.down();
      const early = open();
      try {
        const workers = await recording(early);
        await expect(early.alarm.wake(drainLane, lane())).rejects.toBeInstanceOf(QueueUnavailableError);
        expect(['waiting', 'running']).toContain(workers.state);
      } finally {
        await store.up();
      }
      const data = lane();
      await untilTaken(early, data);
      await until(() => ran(data) > 0, 5_000);
    });

    it('keeps what waited through a restart of the store', async () => {
      const waiting = [lane(), lane(), lane()];
      for (const data of waiting) await queue.alarm.wake(drainLane, data);
      await store.down();
      await store.up();
      await recording(queue);
      await until(() => waiting.every((data) => ran(data) > 0));
    });

    it('runs a wake-up once', async () => {
      const data = lane();
      await recording(queue);
      await queue.alarm.wake(drainLane, data);
      await until(() => ran(data) > 0);
      await sleep(300);
      expect(ran(data)).toBe(1);
    });

    it('wakes at once a worker that has been idle', async () => {
      await recording(queue);
      await sleep(500);
      const data = lane();
      const started = Date.now();
      await queue.alarm.wake(drainLane, data);
      await until(() => ran(data) === 1);
      expect(Date.now() - started).toBeLessThan(1_000);
    });

    it('makes one job of the wake-ups that wait with one key', async () => {
      const [one, other] = [lane(), lane()];
      for (let times = 0; times < 5; times += 1) await queue.alarm.wake(drainLane, one);
      await queue.alarm.wake(drainLane, other);
      await recording(queue);
      await until(() => ran(one) > 0 && ran(other) > 0);
      await sleep(300);
      expect([ran(one), ran(other)]).toEqual([1, 1]);
    });

    it('runs again for a wake-up that arrives during the run', async () => {
      const data = lane();
      const first = gate();
      await recording(queue, () => (ran(data) === 1 ? first.passed : Promise.resolve()));
      await queue.alarm.wake(drainLane, data);
      await until(() => ran(data) === 1);
      await queue.alarm.wake(drainLane, data);
      first.open();
      await until(() => ran(data) === 2);
    });

    it('never loses the last of many wake-ups', async () => {
      const data = lane();
      let known = 0;
      let seen = 0;
      await recording(queue, async () => {
        const read = known;
        await sleep(Math.random() * 10);
        seen = Math.max(seen, read);
      });
      for (let change = 1; change <= 150; change += 1) {
        known = change;
        await queue.alarm.wake(drainLane, data);
        if (change % 3 === 0) await sleep(Math.random() * 15);
      }
      await until(() => seen === 150);
    });

    it('keeps different kinds of jobs apart', async () => {
      const ids = { organizationId: randomUUID(), linkId: randomUUID() };
      const links: boolean[] = [];
      await queue.work([handler(syncLink, ({ full }) => Promise.resolve(void links.push(full)))], { concurrency: 1 });
      await queue.alarm.wake(syncLink, { ...ids, full: true });
      await queue.alarm.wake(syncLink, { ...ids, full: false });
      await until(() => links.length === 2);
      expect([...links].sort()).toEqual([false, true]);
    });

    it('delays, and a delayed wake-up does not swallow an earlier one', async () => {
      const data = lane();
      const at: number[] = [];
      await recording(queue, () => {
        if (ran(data) > at.length) at.push(Date.now());
        return Promise.resolve();
      });
      const started = Date.now();
      await queue.alarm.wake(drainLane, data, { delayMs: 1_500 });
      await queue.alarm.wake(drainLane, data);
      await until(() => at.length === 2);
      expect(at[0]! - started).toBeLessThan(1_000);
      expect(at[1]! - started).toBeGreaterThanOrEqual(1_400);
    });

    it('shares the work between workers', async () => {
      const counts = [0, 0];
      const ours = randomUUID();
      for (const index of [0, 1]) {
        await open().work(
          [
            handler(drainLane, async ({ organizationId }) => {
              if (organizationId === ours) counts[index]! += 1;
              await sleep(50);
            }),
          ],
          { concurrency: 1 },
        );
      }
      await Promise.all(
        Array.from({ length: 20 }, () => queue.alarm.wake(drainLane, { ...lane(), organizationId: ours })),
      );
      await until(() => counts[0]! + counts[1]! === 20);
      await sleep(200);
      expect(counts[0]! + counts[1]!).toBe(20);
      expect(Math.min(...counts)).toBeGreaterThan(0);
    });

    it('gives the job of a killed worker to another', async () => {
      const victim = open();
      const data = lane();
      await recording(victim, () => new Promise(() => undefined));
      await queue.alarm.wake(drainLane, data);
      await until(() => ran(data) === 1);
      await victim.close(true);
      await recording(queue);
      await until(() => ran(data) === 2);
    });

    it('does not let a killed worker hold up the next wake-up', async () => {
      const victim = open();
      const data = lane();
      await recording(victim, () => new Promise(() => undefined));
      await queue.alarm.wake(drainLane, data);
      await until(() => ran(data) === 1);
      await victim.close(true);
      await recording(queue);
      const started = Date.now();
      await queue.alarm.wake(drainLane, data);
      await until(() => ran(data) === 2);
      expect(Date.now() - started).toBeLessThan(500);
    });

    it('lets a closing worker finish what it has begun', async () => {
      let finished = false;
      const workers = await recording(queue, async () => {
        await sleep(500);
        finished = true;
      });
      const data = lane();
      await queue.alarm.wake(drainLane, data);
      await until(() => ran(data) === 1);
      await workers.close();
      expect(finished).toBe(true);
      expect(workers.state).toBe('closed');
    });

    it('goes on after a job that failed, and reports it', async () => {
      const errors: Error[] = [];
      const reporting = openQueue({ ...store.options(), settings: FAST, onError: (error) => errors.push(error) });
      opened.push(reporting);
      const data = lane();
      await recording(reporting, () => (ran(data) === 1 ? Promise.reject(new TypeError('no')) : Promise.resolve()));
      await queue.alarm.wake(drainLane, data);
      await until(() => errors.some((error) => error.message === 'no'));
      await queue.alarm.wake(drainLane, data);
      await until(() => ran(data) === 2);
      await sleep(300);
      expect(ran(data)).toBe(2);
    });

    it('refuses a payload that is not what the job says', async () => {
      const wrong = { ...lane(), patient: 'Dupont' };
      await expect(queue.alarm.wake(drainLane, wrong)).rejects.not.toBeInstanceOf(QueueUnavailableError);
    });
  });
}
