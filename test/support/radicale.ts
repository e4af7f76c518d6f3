import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DavServer, type DavAccounts, type DavCommand } from './dav-server.js';

/** Debian's Radicale, or any on the PATH. */
export class RadicaleServer extends DavServer {
  static readonly needs = { file: 'radicale', packages: 'radicale' };

  static start(users: DavAccounts): Promise<RadicaleServer> {
    return new RadicaleServer('Radicale', users).begin();
  }

  override home(user: string): string {
    return `/${encodeURIComponent(user)}/`;
  }

  protected override prepare(): Promise<void> {
    const users = Object.entries(this.users).map(([name, password]) => `${name}:${password}\n`);
    writeFileSync(path.join(this.folder, 'users'), users.join(''));
    writeFileSync(path.join(this.folder, 'config'), this.#settings());
    return Promise.resolve();
  }

  protected override commands(): readonly DavCommand[] {
    return [{ words: ['radicale', '--config', path.join(this.folder, 'config')] }];
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
    return `${this.home(user)}${encodeURIComponent(name)}/`;
  }

  /** Makes Radicale forget every sync token of a calendar, as it does by itself after a month. */
  expireTokens(calendar: string): void {
    const folder = path.join(this.folder, 'collections', 'collection-root', ...decodeURIComponent(calendar).split('/'));
    rmSync(path.join(folder, '.Radicale.cache', 'sync-token'), { recursive: true, force: true });
  }

  #settings(): string {
    const parts = {
      server: { hosts: `127.0.0.1:${String(this.port)}`, max_connections: 100, timeout: 60 },
      auth: {
        type: 'htpasswd',
        htpasswd_filename: path.join(this.folder, 'users'),
        htpasswd_encryption: 'plain',
        delay: 0,
      },
      rights: { type: 'owner_only' },
      storage: { filesystem_folder: path.join(this.folder, 'collections') },
      web: { type: 'none' },
      logging: { level: 'error' },
    };
    const lines = (values: object): string =>
      Object.entries(values)
        .map(([key, value]) => `${key} = ${String(value)}\n`)
        .join('');
    return Object.entries(parts)
      .map(([name, values]) => `[${name}]\n${lines(values)}`)
      .join('\n');
  }
}
