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

/** 64 secretaries who all want the same two days of one agenda, through four processes: how long they wait. */
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
    const race = async (attempts: number): Promise<Round> => {
      const desk = await createPractice(admin);
      const crowd = await Crowd.gather(admin, { hub: on, desk }, { ...HABITS, clients: CLIENTS, attempts });
      const started = performance.now();
      await crowd.run();
      const seconds = (performance.now() - started) / 1000;
      crowd.close();
      if (unmeant(crowd.answers).length > 0) throw new Error('the race had answers that mean nothing');
      return { perSecond: crowd.answers.length / seconds, ...summary(crowd.answers) };
    };
    try {
      // What a process is asked first has to be compiled and planned first.
      await race(short ? 64 : ATTEMPTS);
      const rounds: Round[] = [];
      for (let n = 0; n < (short ? 1 : ROUNDS); n += 1) rounds.push(await race(short ? 200 : ATTEMPTS));
      const metrics = {
        answers_per_s: median(rounds.map(({ perSecond }) => perSecond)),
        p50_ms: median(rounds.map(({ p50 }) => p50)),
        p95_ms: median(rounds.map(({ p95 }) => p95)),
        p99_ms: median(rounds.map(({ p99 }) => p99)),
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
