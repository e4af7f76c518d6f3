import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';

const ROOT = path.resolve(import.meta.dirname, '../..');
const COPIED = ['package.json', 'package-lock.json', 'tsconfig.json', 'scripts', 'apps', 'libs'];
const STOP_MS = 5000;

jest.setTimeout(180_000);

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      resolve(server);
    });
  });
}

async function freePort(): Promise<number> {
  const server = await listen(0);
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One run of `npm start`'s script. */
class Run {
  static readonly started: Run[] = [];

  output = '';
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;

  constructor(folder: string, env: NodeJS.ProcessEnv, ...parameters: string[]) {
    this.#child = spawn(process.execPath, ['scripts/start.mjs', ...parameters], { cwd: folder, env });
    const note = (chunk: Buffer): void => {
      this.output += chunk.toString();
    };
    this.#child.stdout?.on('data', note);
    this.#child.stderr?.on('data', note);
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
    Run.started.push(this);
  }

  async ready(): Promise<void> {
    const over = this.ended.then(() => true);
    while (!this.output.includes('Ready in')) {
      if (await Promise.race([over, sleep(100, false)])) throw new Error(`it ended: ${this.output}`);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The command printed after a heading, as `fetch` would send it. */
  async paste(start: string): Promise<unknown> {
    const command = this.output.slice(this.output.indexOf(start)).split('\n\n')[0] ?? '';
    if (!command.startsWith(start)) throw new Error(`no such command: ${this.output}`);
    const shell = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
    let answer = '';
    shell.stdout.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    await new Promise((resolve) => shell.once('close', resolve));
    return JSON.parse(answer);
  }
}

/** Everything that runs from the folder, whoever its parent is by now. */
async function processesOf(folder: string): Promise<string[]> {
  const ps = spawn('ps', ['-eo', 'pid,args'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let listing = '';
  ps.stdout.on('data', (chunk: Buffer) => (listing += chunk.toString()));
  await new Promise((resolve) => ps.once('close', resolve));
  return listing.split('\n').filter((line) => line.includes(folder));
}

describe('npm start', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let postgresPid: number;

  const databasePid = (): number =>
    Number(readFileSync(path.join(folder, '.unisson/postgres/data/postmaster.pid'), 'utf8').split('\n')[0]);
  const databaseRuns = (): boolean => {
    try {
      return process.kill(postgresPid, 0);
    } catch {
      return false;
    }
  };

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'unisson-start-'));
    for (const name of COPIED) cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
    const [api, worker, vendors] = [await freePort(), await freePort(), await freePort()].map(String);
    env = {
      ...process.env,
      NODE_OPTIONS: '',
      PORT: api,
      WORKER_PORT: worker,
      VENDORS_PORT: vendors,
      LOG_LEVEL: 'info',
    };
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    for (const run of Run.started.splice(0)) {
      run.signal('SIGTERM');
      await run.ended;
    }
  });

  it('comes up with a practice in which the printed commands book and show an appointment', async () => {
    const run = new Run(folder, env);
    await run.ready();
    postgresPid = databasePid();
    const booked = await run.paste('curl -sS -X POST');
    expect(booked).toMatchObject({ status: 'confirmed' });
    const { id } = booked as { id: string };
    expect(await run.paste("curl -sS 'http")).toMatchObject({ items: [{ reference: expect.stringContaining(id) }] });

    const second = new Run(folder, env);
    expect(await second.ended).toBe(1);
    expect(second.output).toMatch(/^Unisson is already running from this folder \(process \d+\): stop it first\.\n$/);

    const asked = Date.now();
    run.signal('SIGINT');
    expect(await run.ended).toBe(0);
    expect(Date.now() - asked).toBeLessThan(STOP_MS);
    expect(await processesOf(folder)).toEqual([]);
    expect(databaseRuns()).toBe(false);
  });

  it('keeps keys and data, and leaves nothing behind when its own process is killed', async () => {
    const run = new Run(folder, env);
    await run.ready();
    postgresPid = databasePid();
    expect(await run.paste('curl -sS -X POST')).toMatchObject({ status: 'confirmed' });
    run.signal('SIGKILL');
    const deadline = Date.now() + STOP_MS;
    while ((databaseRuns() || (await processesOf(folder)).length > 0) && Date.now() < deadline) await sleep(100);
    expect(await processesOf(folder)).toEqual([]);
    expect(databaseRuns()).toBe(false);
  });

  it('says in one sentence that a port is taken', async () => {
    const taken = await listen(Number(env['PORT']));
    const run = new Run(folder, env);
    expect(await run.ended).toBe(1);
    expect(run.output).toBe(
      `Port ${env['PORT'] ?? ''} is taken by another program: stop it, or choose another one with PORT=<port>.\n`,
    );
    await new Promise((resolve) => taken.close(resolve));
  });

  it('says in one sentence that the data directory is broken', async () => {
    rmSync(path.join(folder, '.unisson/postgres/data/PG_VERSION'));
    const run = new Run(folder, env);
    expect(await run.ended).toBe(1);
    expect(run.output).toMatch(/^The data directory .* is broken .*\. To start over: npm start -- --reset\n$/);
  });

  it('says in one sentence that its folder cannot be written', async () => {
    rmSync(path.join(folder, '.unisson'), { recursive: true });
    writeFileSync(path.join(folder, '.unisson'), '');
    const run = new Run(folder, env);
    expect(await run.ended).toBe(1);
    expect(run.output).toMatch(/^Cannot write to .*\.unisson \(\w+\): .*\.\n$/);
  });
});
