import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, isAlive, signal } from '#scripts/processes.mjs';
import { freePort } from './processes.js';

const READY_TIMEOUT_MS = 30_000;
const GRACE_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** User name to password. */
export type DavAccounts = Readonly<Record<string, string>>;

/** A program of a server, and the account it runs under when the tests are run by root. */
export interface DavCommand {
  readonly words: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly account?: string;
}

/** A file that an installed server has, and the Debian packages that bring it. */
export interface DavPackages {
  readonly file: string;
  readonly packages: string;
}

export const isInstalled = ({ file }: DavPackages): boolean =>
  path.isAbsolute(file) ? existsSync(file) : spawnSync('sh', ['-c', `command -v ${file}`]).status === 0;

/** A CalDAV server as Debian packages it: on a free loopback port, with all it keeps in a temporary folder. */
export abstract class DavServer {
  #children: ChildProcess[] = [];
  readonly folder: string;
  port = 0;

  constructor(
    readonly name: string,
    readonly users: DavAccounts,
  ) {
    this.folder = mkdtempSync(path.join(os.tmpdir(), `unisson-${name.toLowerCase()}-`));
  }

  /** Folder of an account's calendars, with slashes around. */
  abstract home(user: string): string;
  /** Writes configuration and accounts, once. */
  protected abstract prepare(): Promise<void>;
  protected abstract commands(): readonly DavCommand[];
  /** What there is to do when it answers for the first time. */
  protected welcome(): Promise<void> {
    return Promise.resolve();
  }
  /** What was made outside the folder. */
  protected dispose(): Promise<void> {
    return Promise.resolve();
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}/`;
  }

  /** Prepares and starts it; leaves nothing behind when that fails. */
  protected async begin(): Promise<this> {
    try {
      this.port = await freePort();
      await this.prepare();
      await this.up();
      await this.welcome();
      return this;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async up(): Promise<void> {
    let failure: Error | undefined;
    this.#children = this.commands().map(({ words: [program, ...rest], env, account }) => {
      const who = account === undefined ? null : identity(account);
      const child = spawn(program, rest, {
        stdio: 'ignore',
        cwd: this.folder,
        env: { PATH: process.env['PATH'] ?? '', HOME: this.folder, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...env },
        ...who,
      });
      child.once('error', (error) => (failure = error));
      return child;
    });
    for (const end = performance.now() + READY_TIMEOUT_MS; performance.now() < end; await sleep(50)) {
      if (failure !== undefined) throw new Error(`${this.name} cannot be started: ${failure.message}`);
      if (await this.#answers()) return;
    }
    throw new Error(`${this.name} does not answer`);
  }

  /** Ends the processes and keeps the data: {@link up} goes on with it. */
  async down(name: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const pids = this.#children.flatMap(({ pid }) => (pid === undefined ? [] : [...descendants(pid), pid]));
    signal(pids, name);
    for (const end = performance.now() + GRACE_MS; pids.some(isRunning) && performance.now() < end;) await sleep(20);
    signal(pids.filter(isRunning), 'SIGKILL');
    while (pids.some(isRunning)) await sleep(20);
    this.#children = [];
  }

  async stop(): Promise<void> {
    await this.down();
    await this.dispose();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /**
   * A request as an independent client of an account makes it: once more where no answer comes, as Cyrus now and then loses a
   * connection that a process of its takes while it ends.
   */
  async request(
    user: string,
    method: string,
    target: string,
    options: { headers?: Record<string, string>; body?: string } = {},
  ): Promise<Response> {
    const credentials = Buffer.from(`${user}:${this.users[user] ?? ''}`).toString('base64');
    const ask = (): Promise<Response> =>
      fetch(new URL(target, this.url), {
        method,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        // Some close a connection without saying so, and read nothing of what comes then: each request has its own.
        headers: { Authorization: `Basic ${credentials}`, Connection: 'close', ...options.headers },
        ...(options.body === undefined ? {} : { body: options.body }),
      });
    return ask().catch((error: unknown) => {
      if (error instanceof Error && error.name === 'TimeoutError') return ask();
      throw error;
    });
  }

  /** Makes an empty calendar and returns its path. */
  async makeCalendar(user: string, name: string, component = 'VEVENT'): Promise<string> {
    const target = `${this.home(user)}${encodeURIComponent(name)}/`;
    const body =
      '<C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop>' +
      `<displayname>${name}</displayname><C:supported-calendar-component-set><C:comp name="${component}"/>` +
      '</C:supported-calendar-component-set></prop></set></C:mkcalendar>';
    const headers = { 'Content-Type': 'application/xml; charset=utf-8' };
    const answer = await this.request(user, 'MKCALENDAR', target, { body, headers });
    if (answer.status !== 201) throw new Error(`${this.name} refused a calendar (${String(answer.status)})`);
    return target;
  }

  /** A folder in the temporary one, owned by the account that the server runs under. */
  protected makeFolder(name: string): string {
    const folder = path.join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  #answers(): Promise<boolean> {
    return fetch(new URL('/.well-known/caldav', this.url), { redirect: 'manual' }).then(
      () => true,
      () => false,
    );
  }
}

const descendants = (pid: number): number[] => childrenOf(pid).flatMap((child) => [...descendants(child), child]);

/** Alive, and not only waiting to be reaped: a child of another process may stay so for ever. */
function isRunning(pid: number): boolean {
  if (!isAlive(pid)) return false;
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z');
}

/** The account as root must name it; nothing for anybody else, who can only be himself. */
function identity(account: string): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const number = (flag: string): number => Number(spawnSync('id', [flag, account], { encoding: 'utf8' }).stdout);
  return { uid: number('-u'), gid: number('-g') };
}

/** A folder and what is in it belongs to the account, where root gives things away. */
export function giveAway(folder: string, account: string): void {
  chmodSync(folder, 0o755);
  const who = identity(account);
  if (who === null) return;
  spawnSync('chown', ['-R', `${String(who.uid)}:${String(who.gid)}`, folder]);
}
