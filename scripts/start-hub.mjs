// The hub on embedded defaults: PostgreSQL from npm, simulators as backends, everything kept in .unisson/.
import net from 'node:net';
import path from 'node:path';
import { compile } from './build.mjs';
import { startPostgres } from './postgres.mjs';
import { PostgresError } from './postgres-binaries.mjs';
import { fail, root, toolEnvironment } from './setup.mjs';
import { Applications, runToEnd } from './start-applications.mjs';
import { Home, StartError } from './start-home.mjs';
import { describeHub } from './start-output.mjs';

const HUB_COMMAND = 'dist/apps/worker/src/hub.js';
/** A small nursery: what a large calendar leaves behind is collected at once instead of growing the process by 50 MB, and so are the pieces in which large answers arrive. */
const WORKER_FLAGS = ['--max-semi-space-size=2'];
/** Threads that share one heap of native memory leave less of it unused. */
const WORKER_ENVIRONMENT = { MALLOC_ARENA_MAX: '1' };
const DATABASE = 'unisson';
const OWNER = 'unisson_owner';
const APP = 'unisson_app';

const reset = process.argv.includes('--reset');
const home = new Home(path.join(root, '.unisson'));
const ports = {
  api: portFrom('PORT', 3000),
  worker: portFrom('WORKER_PORT', 3001),
  vendors: portFrom('VENDORS_PORT', 4010),
};

let postgres;
let stopping;
const applications = new Applications((text) => void stop(text));

function portFrom(name, fallback) {
  const value = process.env[name] ?? '';
  if (value === '') return fallback;
  if (/^\d{1,5}$/.test(value) && Number(value) > 0 && Number(value) < 65_536) return Number(value);
  return fail(`${name} must be a port number, not "${value}".`);
}

async function checkPort(name, port) {
  const taken = await new Promise((resolve) => {
    const probe = net.createServer().once('error', (error) => resolve(error.code));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(null)));
  });
  if (taken === 'EACCES')
    throw new StartError(`Port ${port} needs more rights: choose another one with ${name}=<port>.`);
  if (taken) {
    throw new StartError(
      `Port ${port} is taken by another program: stop it, or choose another one with ${name}=<port>.`,
    );
  }
}

/** The seeded connection names the simulators' address, so their port is kept with the data. */
function keepVendorsPort() {
  const kept = reset ? undefined : home.demonstration?.vendorsPort;
  if (process.env.VENDORS_PORT && kept && kept !== ports.vendors) {
    throw new StartError(`The data was made with VENDORS_PORT=${kept}: use that one, or start over with --reset.`);
  }
  ports.vendors = kept ?? ports.vendors;
}

async function checkPorts() {
  await checkPort('PORT', ports.api);
  await checkPort('WORKER_PORT', ports.worker);
  await checkPort('VENDORS_PORT', ports.vendors);
}

/** Owner and database; the migrations make the application's role. */
async function prepareDatabase(secrets) {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: postgres.url() });
  await client.connect();
  try {
    const role = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [OWNER]);
    // The password is base64url, made by ourselves: nothing to escape.
    if (role.rowCount === 0) await client.query(`CREATE ROLE ${OWNER} LOGIN CREATEROLE PASSWORD '${secrets.owner}'`);
    const database = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (database.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE} OWNER ${OWNER}`);
  } finally {
    await client.end();
  }
}

function environment(secrets) {
  const given = toolEnvironment();
  return {
    ...given,
    DATABASE_URL: postgres.urlFor(DATABASE, APP, secrets.app),
    DATABASE_OWNER_URL: '',
    UNISSON_KEYS: secrets.masterKeys,
    HOST: '127.0.0.1',
    PORT: String(ports.api),
    WORKER_PORT: String(ports.worker),
    PUBLIC_URL: `http://127.0.0.1:${ports.api}`,
    ALLOW_PRIVATE_NETWORKS: 'true',
    LOG_LEVEL: given.LOG_LEVEL ?? 'info',
    // Four processes load the same packages: the second one on finds them compiled.
    NODE_COMPILE_CACHE: path.join(home.folder, 'compile-cache'),
  };
}

async function migrateAndSeed(env, secrets) {
  const logFile = home.logFile('setup');
  const asOwner = { ...env, DATABASE_OWNER_URL: postgres.urlFor(DATABASE, OWNER, secrets.owner) };
  await runToEnd(HUB_COMMAND, ['migrate'], { env: asOwner, logFile });
  if (home.demonstration) return;
  const vendors = `http://127.0.0.1:${ports.vendors}`;
  await applications.untilReady(`${vendors}/health`, 'mock-vendors');
  const output = await runToEnd(HUB_COMMAND, ['seed', `--vendors=${vendors}`], { env, logFile });
  home.demonstration = { vendorsPort: ports.vendors, ...JSON.parse(output) };
}

async function startApplications(env) {
  applications.start('api', 'dist/apps/api/src/main.js', { env, logFile: home.logFile('api') });
  applications.start('worker', 'dist/apps/worker/src/main.js', {
    flags: WORKER_FLAGS,
    env: { ...env, ...WORKER_ENVIRONMENT },
    logFile: home.logFile('worker'),
  });
  await Promise.all([
    applications.untilReady(`http://127.0.0.1:${ports.api}/health/ready`, 'api'),
    applications.untilReady(`http://127.0.0.1:${ports.worker}/health/ready`, 'worker'),
    applications.untilReady(`http://127.0.0.1:${ports.vendors}/health`, 'mock-vendors'),
  ]);
}

function startVendors() {
  applications.start('mock-vendors', 'dist/apps/mock-vendors/src/main.js', {
    parameters: [`--port=${ports.vendors}`, '--demo', `--data=${home.vendors}`],
    env: toolEnvironment(),
    logFile: home.logFile('mock-vendors'),
  });
}

async function start() {
  const started = Date.now();
  home.lock();
  keepVendorsPort();
  await checkPorts();
  if (reset) home.reset();
  const secrets = home.secrets();
  [postgres] = await Promise.all([startPostgres({ dir: home.postgres, password: secrets.superuser }), compile()]);
  postgres.onUnexpectedExit((reason) => void stop(reason));
  if (stopping) return;
  startVendors();
  await prepareDatabase(secrets);
  const env = environment(secrets);
  await migrateAndSeed(env, secrets);
  if (stopping) return;
  await startApplications(env);
  if (stopping) return;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const text = await describeHub({ ports, demonstration: home.demonstration, databaseUrl: postgres.url(DATABASE) });
  process.stdout.write(`${text}\nReady in ${seconds} s. Ctrl-C stops everything; logs are in ${home.logs}.\n`);
}

/** Ends everything once; with a reason, as a failure. */
function stop(reason) {
  stopping ??= (async () => {
    if (reason) process.stderr.write(`${reason}\n`);
    await applications.stop();
    await postgres?.stop();
    home.unlock();
    process.exit(reason ? 1 : 0);
  })();
  return stopping;
}

// Whoever reads the output may leave before the hub ends.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop());
const launcher = process.ppid;
setInterval(() => {
  if (process.ppid !== launcher) void stop('The launcher is gone.');
}, 500).unref();

start().catch((error) => {
  if (stopping) return;
  const advice = error instanceof PostgresError && !reset ? ' To start over: npm start -- --reset' : '';
  const known = error instanceof StartError || error instanceof PostgresError;
  void stop(known ? `${error.message}${advice}` : (error.stack ?? String(error)));
});
