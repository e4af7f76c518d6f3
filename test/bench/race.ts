import { migrateQueue } from '#queue';
import { startPostgres } from '#scripts/postgres.mjs';
import { Crowd, HABITS, summary, unmeant } from '../chaos/crowd.js';
import { createTestDatabase } from '../support/postgres.js';
import { createPractice, openPool } from '../support/practice.js';
import { HubProcesses } from '../support/processes.js';
import { benchResult, median, type BenchResult } from './measure.js';

const CLIENTS = 64;
const ATTEMPTS = 2_000;
const APIS = 4;
const ROUNDS = 3;

/**
 * 64 secretaries who all want the same two days of one agenda, through four processes: how long they wait.
 *
 * Each keeps its connection and so stays at one process, as behind a load balancer. `scattered`: any process gets any
 * request, and chance alone piles requests up. Of 64 customers at four servers chosen blindly, one in a hundred finds
 * more than three times the mean queue before it (all divisions of a closed network are equally likely: Gordon and
 * Newell, 1967), so that its p99 says more of the dice than of the hub.
 */
export async function benchRace(short: boolean): Promise<BenchResult> {
  const server = await startPostgres({ settings: { max_connections: 200 } });
  let hub: HubProcesses | undefined;
  try {
    const database = await createTestDatabase(server.url());
    await migrateQueue(database.ownerUrl);
    const admin = openPool(database.adminUrl);
    // Each connection plans its statements for itself, and again after every ANALYZE: few are faster than many.
    const env = { POOL_SIZE: '4' };
    hub = await HubProcesses.start({ databaseUrl: database.appUrl, apis: APIS, workers: 0, env });
    const on = hub;
    const race = async (attempts: number, kept: boolean): Promise<Round> => {
      const desk = await createPractice(admin);
      const crowd = await Crowd.gather(admin, { hub: on, desk }, { ...HABITS, clients: CLIENTS, attempts, kept });
      const started = performance.now();
      await crowd.run();
      const seconds = (performance.now() - started) / 1000;
      crowd.close();
      if (unmeant(crowd.answers).length > 0) throw new Error('the race had answers that mean nothing');
      return { perSecond: crowd.answers.length / seconds, ...summary(crowd.answers) };
    };
    try {
      // What a process is asked first has to be compiled and planned first.
      await race(short ? 64 : ATTEMPTS, true);
      const rounds: { readonly kept: Round; readonly scattered: Round }[] = [];
      for (let n = 0; n < (short ? 1 : ROUNDS); n += 1) {
        const attempts = short ? 200 : ATTEMPTS;
        rounds.push({ kept: await race(attempts, true), scattered: await race(attempts, false) });
      }
      const metrics = {
        answers_per_s: median(rounds.map(({ kept }) => kept.perSecond)),
        p50_ms: median(rounds.map(({ kept }) => kept.p50)),
        p95_ms: median(rounds.map(({ kept }) => kept.p95)),
        p99_ms: median(rounds.map(({ kept }) => kept.p99)),
        scattered_p50_ms: median(rounds.map(({ scattered }) => scattered.p50)),
        scattered_p99_ms: median(rounds.map(({ scattered }) => scattered.p99)),
      };
      return benchResult('race', {}, { metrics, runs: rounds });
    } finally {
      await admin.end();
    }
  } finally {
    await hub?.stop();
    await server.stop();
  }
}

interface Round {
  readonly perSecond: number;
  readonly text: string;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}
