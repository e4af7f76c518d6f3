import { DEFAULT_SCHEMA, runMigrations } from 'bullmq';
import pg from 'pg';

const APP_ROLE = 'unisson_app';
// Any number does, as long as nothing else of the hub takes it.
const MIGRATION_LOCK = 5072;

/**
 * Brings BullMQ's schema to the version of the installed library, as the owner of the database, and lets the
 * application's role use it. The hub itself runs without the right to change the schema.
 */
export async function migrateQueue(ownerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    // GRANT fails when another process grants at the same moment.
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await runMigrations(client, DEFAULT_SCHEMA);
    await client.query(`
      GRANT USAGE ON SCHEMA ${DEFAULT_SCHEMA} TO ${APP_ROLE};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${DEFAULT_SCHEMA} TO ${APP_ROLE};
      REVOKE INSERT, UPDATE, DELETE ON ${DEFAULT_SCHEMA}.migration FROM ${APP_ROLE};
      GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${DEFAULT_SCHEMA} TO ${APP_ROLE}`);
  } finally {
    await client.end();
  }
}
