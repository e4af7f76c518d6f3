import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_TIMEOUT_MS = 15_000;

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function settings(port: number, folder: string): string {
  const parts = {
    server: { hosts: `127.0.0.1:${port}`, max_connections: 100, timeout: 60 },
    auth: { type: 'htpasswd', htpasswd_filename: path.join(folder, 'users'), htpasswd_encryption: 'plain', delay: 0 },
    rights: { type: 'owner_only' },
    storage: { filesystem_folder: path.join(folder, 'collections') },
    web: { type: 'none' },
    logging: { level: 'error' },
  };
  return Object.entries(parts)
    .map(
      ([name, values]) =>
        `[${name}]\n${Object.entries(values)
          .map(([key, value]) => `${key} = ${String(value)}`)
          .join('\n')}\n`,
    )
    .join('\n');
}

/** Debian's Radicale (or any on the PATH), on a free loopback port, with its data in a temporary folder. */
export class RadicaleServer {
  #child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly users: Readonly<Record<string, string>>,
  ) {}

  /** Starts one with the given accounts (user name to password). */
  static async start(users: Readonly<Record<string, string>>): Promise<RadicaleServer> {
    const server = new RadicaleServer(
      await freePort(),
      mkdtempSync(path.join(os.tmpdir(), 'unisson-radicale-')),
      users,
    );
    await server.up();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  async up(): Promise<void> {
    writeFileSync(
      path.join(this.folder, 'users'),
      Object.entries(this.users)
        .map(([name, password]) => `${name}:${password}\n`)
        .join(''),
    );
    const file = path.join(this.folder, 'config');
    writeFileSync(file, settings(this.port, this.folder));
    const child = spawn('radicale', ['--config', file], { stdio: 'ignore' });
    this.#child = child;
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    for (let waited = 0; waited < READY_TIMEOUT_MS; waited += 50) {
      if (failure !== undefined)
        throw new Error(`radicale cannot be started (${failure.message}): apt-get install radicale`);
      const ready = await fetch(new URL('/.well-known/caldav', this.url), { redirect: 'manual' }).then(
        () => true,
        () => false,
      );
      if (ready) return;
      await sleep(50);
    }
    throw new Error('radicale does not answer');
  }

  /** Ends the process and keeps the data: {@link up} goes on with it. */
  async down(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const forced = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(forced);
  }

  async stop(): Promise<void> {
    await this.down();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A request as an independent client of an account makes it. */
  async request(
    user: string,
    method: string,
    target: string,
    options: { headers?: Record<string, string>; body?: string } = {},
  ): Promise<Response> {
    const credentials = Buffer.from(`${user}:${this.users[user] ?? ''}`).toString('base64');
    return fetch(new URL(target, this.url), {
      method,
      headers: { Authorization: `Basic ${credentials}`, ...options.headers },
      ...(options.body === undefined ? {} : { body: options.body }),
    });
  }

  /** Makes an empty calendar and returns its path. */
  async makeCalendar(user: string, name: string, component = 'VEVENT'): Promise<string> {
    const target = `/${encodeURIComponent(user)}/${encodeURIComponent(name)}/`;
    const body =
      '<C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop>' +
      `<displayname>${name}</displayname><C:supported-calendar-component-set><C:comp name="${component}"/>` +
      '</C:supported-calendar-component-set></prop></set></C:mkcalendar>';
    const answer = await this.request(user, 'MKCALENDAR', target, { body });
    if (answer.status !== 201) throw new Error(`radicale refused a calendar (${answer.status})`);
    return target;
  }

  /**
   * Makes a calendar of many objects at once, by file name (without `.ics`) and body. Written straight into the storage:
   * Radicale itself takes longer for each object the more there are.
   */
  importCalendar(user: string, name: string, objects: Readonly<Record<string, string>>): string {
    const folder = path.join(this.folder, 'collections', 'collection-root', user, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, '.Radicale.props'), JSON.stringify({ tag: 'VCALENDAR', 'D:displayname': name }));
    for (const [file, body] of Object.entries(objects)) writeFileSync(path.join(folder, `${file}.ics`), body);
    return `/${encodeURIComponent(user)}/${encodeURIComponent(name)}/`;
  }

  /** Makes Radicale forget every sync token of a calendar, as it does by itself after a month. */
  expireTokens(calendar: string): void {
    const folder = path.join(this.folder, 'collections', 'collection-root', ...decodeURIComponent(calendar).split('/'));
    rmSync(path.join(folder, '.Radicale.cache', 'sync-token'), { recursive: true, force: true });
  }
}
