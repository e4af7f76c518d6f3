import path from 'node:path';
import { startPostgres } from '../../scripts/postgres.mjs';

/** One server for all test files of a run; every file makes its own database on it (postgres.ts). */
export default async function startTestPostgres() {
  if (process.env.UNISSON_TEST_POSTGRES) return;
  const server = await startPostgres({ durable: false, settings: { max_connections: 300 } });
  globalThis.unissonTestPostgres = server;
  process.env.UNISSON_TEST_POSTGRES = server.url();
  process.env.UNISSON_TEST_POSTGRES_LOG = path.join(server.dir, 'log');
}
