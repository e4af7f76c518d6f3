import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { TEST_KEYS } from './hub.js';

/** From the sources, or from what was compiled of them. */
const ROOT = path.resolve(
  import.meta.dirname,
  path.basename(path.resolve(import.meta.dirname, '../..')) === 'dist' ? '../../..' : '../..',
);
const urlOf = (file: string): string => pathToFileURL(path.join(ROOT, file)).href;
const FOLLOW_PARENT = urlOf('scripts/follow-parent.mjs');
/** Compiles, then loads once what every process loads, so that Node keeps its own compilation of it. */
const COMPILE = [
  `const { compile } = await import(${JSON.stringify(urlOf('scripts/build.mjs'))});`,
  `await compile(['apps', 'libs', 'test']);`,
  ...['test/support/hub', 'apps/api/src/api', 'apps/worker/src/worker.module'].map(
    (entry) => `await import(${JSON.stringify(urlOf(`dist/${entry}.js`))});`,
  ),
  'process.exit();',
].join('\n');
const COMPILE_CACHE = path.join(ROOT, 'dist/.compile-cache');
const READY_TIMEOUT_MS = 120_000;
const GRACE_MS = 5_000;

/** Ports that this test process gave away: the system may offer one again while its owner is being restarted. */
const given = new Set<number>();

export async function freePort(): Promise<number> {
  for (;;) {
    const port = await new Promise<number>((resolve, reject) => {
      const probe = net.createServer().once('error', reject);
      probe.listen(0, '127.0.0.1', () => {
        const address = probe.address();
        probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
      });
    });
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}

/** What a process of ours is given: nothing of the test's own environment. */
const cleanEnvironment = (extra: Readonly<Record<string, string>>): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  NODE_COMPILE_CACHE: COMPILE_CACHE,
  ...extra,
});

/** Brings dist/ to the state of the sources; the processes run what is there. */
export function compileHub(): void {
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', COMPILE], {
    cwd: ROOT,
    encoding: 'utf8',
    env: cleanEnvironment({}),
  });
  if (status !== 0) throw new Error(`the hub does not compile:\n${stderr}`);
}

/** What one process is started with. */
export interface Program {
  readonly name: string;
  /** Under dist/, without its ending. */
  readonly entry: string;
  readonly parameters?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly port: number;
  /** Answers 200 once the process can be used. */
  readonly readyPath: string;
}

/** One process of the hub, or of a simulator; it can be killed and started again on the same port. */
export class Managed {
  #child: ChildProcess | undefined;

  constructor(
    private readonly program: Program,
    private readonly logFile: string,
  ) {}

  get name(): string {
    return this.program.name;
  }

  get url(): string {
    return `http://127.0.0.1:${this.program.port}`;
  }

  get isRunning(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Resident memory, in MB (10⁶ bytes are close enough to compare). */
  rssMb(): number {
    const status = readFileSync(`/proc/${String(this.#child?.pid)}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1000;
  }

  /** What it printed; for the message of a test that failed. */
  log(): string {
    return readFileSync(this.logFile, 'utf8').slice(-8_000);
  }

  /** Starts it and waits until it is ready. */
  async start(): Promise<void> {
    this.launch();
    await this.ready();
  }

  launch(): void {
    const { entry, parameters = [], env = {} } = this.program;
    const log = openSync(this.logFile, 'a', 0o600);
    const command = [
      '--enable-source-maps',
      '--import',
      FOLLOW_PARENT,
      path.join(ROOT, 'dist', `${entry}.js`),
      ...parameters,
    ];
    this.#child = spawn(process.execPath, command, {
      cwd: ROOT,
      env: cleanEnvironment(env),
      stdio: ['ignore', log, log],
    });
    this.#child.on('error', () => undefined);
    closeSync(log);
  }

  async ready(): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (Date.now() < deadline && this.isRunning) {
      const ok = await fetch(new URL(this.program.readyPath, this.url), { signal: AbortSignal.timeout(2_000) }).then(
        async (answer) => (await answer.text(), answer.ok),
        () => false,
      );
      if (ok) return;
      await sleep(25);
    }
    throw new Error(`${this.name} ${this.isRunning ? 'is not ready' : 'ended'}:\n${this.log()}`);
  }

  /** kill -9, between any two instructions. Resolves once the process is gone. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** An orderly end; forced when that takes too long. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || !this.isRunning) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const forced = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await ended;
    clearTimeout(forced);
  }
}

export interface HubProcessesSettings {
  /** As the application's role. */
  readonly databaseUrl: string;
  readonly redisUrl?: string;
  readonly apis: number;
  readonly workers: number;
  /** True: a process of simulators, too. */
  readonly vendors?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** The processes of a whole hub, each on a free port of its own. */
export class HubProcesses {
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'unisson-processes-'));
  readonly apis: readonly Managed[];
  readonly workers: readonly Managed[];
  readonly vendors: Managed | null;

  private constructor(programs: { apis: Program[]; workers: Program[]; vendors: Program | null }) {
    const manage = (program: Program): Managed => new Managed(program, path.join(this.#folder, `${program.name}.log`));
    this.apis = programs.apis.map(manage);
    this.workers = programs.workers.map(manage);
    this.vendors = programs.vendors === null ? null : manage(programs.vendors);
  }

  /** Starts everything and waits until all of it is ready; nothing is left behind when that fails. */
  static async start(settings: HubProcessesSettings): Promise<HubProcesses> {
    compileHub();
    const hub = new HubProcesses(await programsOf(settings));
    try {
      for (const one of hub.all) one.launch();
      await Promise.all(hub.all.map((one) => one.ready()));
      return hub;
    } catch (error) {
      await hub.stop();
      throw error;
    }
  }

  get all(): readonly Managed[] {
    return [...(this.vendors === null ? [] : [this.vendors]), ...this.apis, ...this.workers];
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((one) => one.stop()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function programsOf(
  settings: HubProcessesSettings,
): Promise<{ apis: Program[]; workers: Program[]; vendors: Program | null }> {
  const env = {
    DATABASE_URL: settings.databaseUrl,
    UNISSON_KEYS: TEST_KEYS,
    ALLOW_PRIVATE_NETWORKS: 'true',
    LOG_LEVEL: 'warn',
    RATE_LIMIT_PER_MINUTE: '9000000',
    ...(settings.redisUrl === undefined ? {} : { REDIS_URL: settings.redisUrl }),
    ...settings.env,
  };
  const api = async (_: unknown, index: number): Promise<Program> => {
    const port = await freePort();
    return {
      name: `api-${index + 1}`,
      entry: 'apps/api/src/main',
      port,
      readyPath: '/health/ready',
      env: { ...env, PORT: String(port) },
    };
  };
  const worker = async (_: unknown, index: number): Promise<Program> => {
    const port = await freePort();
    return {
      name: `worker-${index + 1}`,
      entry: 'apps/worker/src/main',
      port,
      readyPath: '/health/ready',
      env: { ...env, WORKER_PORT: String(port) },
    };
  };
  const port = await freePort();
  const vendors: Program = {
    name: 'mock-vendors',
    entry: 'apps/mock-vendors/src/main',
    parameters: [`--port=${port}`],
    port,
    readyPath: '/health',
  };
  return {
    apis: await Promise.all(Array.from({ length: settings.apis }, api)),
    workers: await Promise.all(Array.from({ length: settings.workers }, worker)),
    vendors: settings.vendors === true ? vendors : null,
  };
}

/** How a short-lived process ended, and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program of the tests to its end, however that comes; forced after `timeoutMs`. */
export function runToEnd(entry: string, parameters: readonly string[], timeoutMs: number): Promise<Ended> {
  const file = path.join(ROOT, 'dist', `${entry}.js`);
  const child = spawn(process.execPath, ['--import', FOLLOW_PARENT, file, ...parameters], {
    cwd: ROOT,
    env: cleanEnvironment({}),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const forced = setTimeout(() => child.kill('SIGTERM'), timeoutMs);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(forced);
      resolve({ code, signal, output, errors });
    });
  });
}
