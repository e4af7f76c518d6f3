import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { drainLane } from '#application';
import { startPostgres } from '../../../scripts/postgres.mjs';
import { ClockSkewError } from './errors.js';
import { migrateQueue } from './migrate.js';
import { openQueue } from './queue.js';
import { lane, until, untilTaken } from './queue.helpers.js';
import { describeQueue } from './queue.suite.js';
import { handler } from './workers.js';

async function query(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(text);
  } finally {
    await client.end();
  }
}

type Server = Awaited<ReturnType<typeof startPostgres>>;

let server: Server;
let database: { ownerUrl: string; appUrl: string; adminUrl: string };

beforeAll(async () => {
  // A server of its own: the suite stops and starts it. Of the hub's schema the queue needs nothing but the roles.
  server = await startPostgres({ settings: { max_connections: 200 } });
  await query(server.url(), 'CREATE ROLE unisson_owner LOGIN');
  await query(server.url(), 'CREATE ROLE unisson_app LOGIN NOINHERIT');
  await query(server.url(), 'CREATE DATABASE unisson OWNER unisson_owner');
  database = {
    ownerUrl: server.urlFor('unisson', 'unisson_owner'),
    appUrl: server.urlFor('unisson', 'unisson_app'),
    adminUrl: server.url('unisson'),
  };
  await migrateQueue(database.ownerUrl);
});
afterAll(async () => {
  await server.stop();
});

describeQueue('PostgreSQL', {
  options: () => ({ databaseUrl: database.appUrl }),
  down: () => server.crash(),
  up: () => server.start(),
  freeze: () => server.freeze(),
  thaw: () => server.thaw(),
});

describe('migrateQueue', () => {
  it('changes nothing the second time, even twice at once', async () => {
    await Promise.all([migrateQueue(database.ownerUrl), migrateQueue(database.ownerUrl)]);
  });

  it('gives the application no right to change the schema', async () => {
    await expect(query(database.appUrl, 'CREATE TABLE bullmq.x ()')).rejects.toThrow(/permission denied/);
    await expect(query(database.appUrl, 'DELETE FROM bullmq.migration')).rejects.toThrow(/permission denied/);
  });
});

describe('a worker on PostgreSQL', () => {
  const realNow = Date.now.bind(Date);

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('does not start while its clock is wrong', async () => {
    const queue = openQueue({ databaseUrl: database.appUrl });
    try {
      for (const skew of [60_000, -60_000]) {
        const clock = jest.spyOn(Date, 'now').mockImplementation(() => realNow() + skew);
        await expect(queue.work([], { concurrency: 1 })).rejects.toBeInstanceOf(ClockSkewError);
        clock.mockRestore();
      }
    } finally {
      await queue.close(true);
    }
  });

  it('stops when its clock goes wrong, and starts again when it is right', async () => {
    const runs: string[] = [];
    const queue = openQueue({
      databaseUrl: database.appUrl,
      settings: { clockCheckInterval: 100, runRetryDelay: 100 },
    });
    try {
      const workers = await queue.work(
        [handler(drainLane, ({ agendaId }) => Promise.resolve(void runs.push(agendaId)))],
        { concurrency: 1 },
      );
      const state = (wanted: string): Promise<void> => until(() => workers.state === wanted, 5_000);
      const clock = jest.spyOn(Date, 'now').mockImplementation(() => realNow() + 60_000);
      await state('skewed');
      clock.mockRestore();
      await queue.alarm.wake(drainLane, lane());
      await state('running');
      await until(() => runs.length === 1, 5_000);
    } finally {
      await queue.close(true);
    }
  });

  it('clears a check for dead workers that was dated in the future', async () => {
    const queue = openQueue({ databaseUrl: database.appUrl });
    try {
      await query(
        database.appUrl,
        `INSERT INTO bullmq.meta (queue, field, value) VALUES ('drain-lane', 'stalled-check', '99999999999999')
         ON CONFLICT (queue, field) DO UPDATE SET value = EXCLUDED.value`,
      );
      await queue.work([], { concurrency: 1 });
      const left = await query(database.appUrl, `SELECT 1 FROM bullmq.meta WHERE value = '99999999999999'`);
      expect(left.rowCount).toBe(0);
    } finally {
      await queue.close(true);
    }
  });

  it('goes on after the server ended every connection, without a crash', async () => {
    const runs: string[] = [];
    const queue = openQueue({ databaseUrl: database.appUrl });
    try {
      await queue.work([handler(drainLane, ({ agendaId }) => Promise.resolve(void runs.push(agendaId)))], {
        concurrency: 1,
      });
      await queue.alarm.wake(drainLane, lane());
      await until(() => runs.length > 0, 5_000);
      await query(
        database.adminUrl,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'unisson_app'`,
      );
      const data = lane();
      await untilTaken(queue, data);
      await until(() => runs.includes(data.agendaId), 5_000);
    } finally {
      await queue.close(true);
    }
  });

  it('does not keep what a failed job said', async () => {
    const queue = openQueue({ databaseUrl: database.appUrl });
    try {
      const data = lane();
      await queue.work([handler(drainLane, () => Promise.reject(new Error('CANARY-DUPONT')))], { concurrency: 1 });
      await queue.alarm.wake(drainLane, data);
      let kept: pg.QueryResult;
      do {
        await sleep(50);
        kept = await query(database.appUrl, `SELECT job::text AS row FROM bullmq.job WHERE state = 'failed'`);
      } while (!JSON.stringify(kept.rows).includes(data.agendaId));
      expect(JSON.stringify(kept.rows)).not.toContain('CANARY');
    } finally {
      await queue.close(true);
    }
  });
});
