import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrate } from '#persistence';

export interface TestDatabase {
  /** The role that owns the schema: not a superuser, so that it meets what a production owner meets. */
  readonly ownerUrl: string;
  /** The role the running hub uses, under row-level security. */
  readonly appUrl: string;
  /** The superuser, for what only a test does: reading statistics, ending connections. */
  readonly adminUrl: string;
  /** What it holds now, as a database of its own; nobody may be connected to it. */
  copy(): Promise<TestDatabase>;
  drop(): Promise<void>;
}

const OWNER = 'unisson_owner';
const APP = 'unisson_app';
const TEMPLATE = 'unisson_template';
// Any number does: it only has to be the same in every test process.
const TEMPLATE_LOCK = 726_354;

const urlOf = (server: string, database: string, role?: string): string => {
  const url = new URL(server);
  url.pathname = `/${database}`;
  if (role !== undefined) {
    url.username = role;
    url.password = '';
  }
  return url.href;
};

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Migrating takes most of a second, copying the result a tenth: one test process migrates, all copy. */
async function ensureTemplate(server: string, client: pg.Client): Promise<void> {
  await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const done = await client.query('SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate', [TEMPLATE]);
    if (done.rowCount === 1) return;
    const owner = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [OWNER]);
    if (owner.rowCount === 0) await client.query(`CREATE ROLE ${OWNER} LOGIN CREATEROLE CREATEDB`);
    await client.query(`DROP DATABASE IF EXISTS ${TEMPLATE} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${TEMPLATE} OWNER ${OWNER}`);
    await migrate({ ownerUrl: urlOf(server, TEMPLATE, OWNER), appUrl: urlOf(server, TEMPLATE, APP) });
    await client.query(`ALTER DATABASE ${TEMPLATE} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`);
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
}

function sharedServer(): string {
  const url = process.env['UNISSON_TEST_POSTGRES'];
  if (url === undefined)
    throw new Error('only integration, e2e and interop tests have a PostgreSQL: check the file suffix');
  return url;
}

/**
 * A migrated database of its own for a test file.
 * `server` is a superuser URL of a server the test started itself (scripts/postgres.mjs); without it the run's shared one.
 */
export async function createTestDatabase(server: string = sharedServer()): Promise<TestDatabase> {
  await withClient(server, (client) => ensureTemplate(server, client));
  return copyOf(server, TEMPLATE);
}

async function copyOf(server: string, template: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  // A copy of files: through the write-ahead log, block by block, it takes five times as long.
  const create = `CREATE DATABASE ${name} TEMPLATE ${template} OWNER ${OWNER} STRATEGY FILE_COPY`;
  await withClient(server, (client) => client.query(create));
  return {
    copy: () => copyOf(server, name),
    ownerUrl: urlOf(server, name, OWNER),
    appUrl: urlOf(server, name, APP),
    adminUrl: urlOf(server, name),
    drop: () =>
      withClient(server, async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      }),
  };
}

/** A database that is nobody's yet, for a server that keeps its own tables there. */
export interface BareDatabase {
  /** The superuser's. */
  readonly url: string;
  /** Statements in one transaction. */
  run(statements: string): Promise<void>;
  drop(): Promise<void>;
}

export async function createBareDatabase(server: string = sharedServer()): Promise<BareDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await withClient(server, (client) => client.query(`CREATE DATABASE ${name}`));
  const url = urlOf(server, name);
  return {
    url,
    run: (statements) => withClient(url, async (client) => void (await client.query(statements))),
    drop: () =>
      withClient(server, async (client) => void (await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))),
  };
}
