import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { DavServer, giveAway, type DavAccounts, type DavCommand } from './dav-server.js';
import { freePort } from './processes.js';

const CYRUS = '/usr/lib/cyrus/bin';

/** Debian's Cyrus, with a master, an httpd and what makes an account on the first login. */
export class CyrusServer extends DavServer {
  static readonly needs = { file: `${CYRUS}/httpd`, packages: 'cyrus-caldav cyrus-imapd sasl2-bin' };
  #imapPort = 0;

  static start(users: DavAccounts): Promise<CyrusServer> {
    return new CyrusServer('Cyrus', users).begin();
  }

  override home(user: string): string {
    return `/dav/calendars/user/${user}/`;
  }

  protected override async prepare(): Promise<void> {
    this.#imapPort = await freePort();
    for (const name of ['conf', 'spool', 'run', 'conf/db', 'conf/log', 'conf/proc']) this.makeFolder(name);
    writeFileSync(path.join(this.folder, 'imapd.conf'), this.#settings());
    writeFileSync(path.join(this.folder, 'cyrus.conf'), this.#services());
    for (const [user, password] of Object.entries(this.users)) {
      const words = ['-p', '-c', '-f', path.join(this.folder, 'sasldb2'), user];
      const { status, stderr } = spawnSync('saslpasswd2', words, { input: password, encoding: 'utf8' });
      if (status !== 0) throw new Error(`Cyrus has no account: ${stderr}`);
    }
    giveAway(this.folder, 'cyrus');
  }

  protected override commands(): readonly DavCommand[] {
    const file = (name: string): string => path.join(this.folder, name);
    const words = ['-C', file('imapd.conf'), '-M', file('cyrus.conf'), '-p', file('run/master.pid')] as const;
    return [{ words: [`${CYRUS}/master`, ...words], account: 'cyrus' }];
  }

  /** An account is made when it logs in to its mailbox for the first time. */
  protected override async welcome(): Promise<void> {
    for (const user of Object.keys(this.users)) await this.#mailbox(user);
  }

  /** Shares a calendar of one account with another, for reading alone; answers its path there. */
  async share(owner: string, name: string, reader: string): Promise<string> {
    await this.#mailbox(owner, `b SETACL "#calendars/${name}" ${reader} lrs9`);
    return `${this.home(reader)}${owner}.${name}/`;
  }

  async #mailbox(user: string, ...commands: readonly string[]): Promise<void> {
    const socket = net.connect(this.#imapPort, '127.0.0.1');
    const lines = [`a LOGIN "${user}" "${this.users[user] ?? ''}"`, ...commands, 'c LOGOUT', ''];
    socket.write(lines.join('\r\n'));
    socket.resume();
    await once(socket, 'close');
  }

  #settings(): string {
    const settings = {
      configdirectory: path.join(this.folder, 'conf'),
      proc_path: path.join(this.folder, 'run/proc'),
      mboxname_lockpath: path.join(this.folder, 'run/lock'),
      defaultpartition: 'default',
      'partition-default': path.join(this.folder, 'spool'),
      altnamespace: 'yes',
      unixhierarchysep: 'yes',
      httpmodules: 'caldav',
      allowplaintext: 'yes',
      sasl_pwcheck_method: 'auxprop',
      sasl_auxprop_plugin: 'sasldb',
      sasl_sasldb_path: path.join(this.folder, 'sasldb2'),
      sasl_mech_list: 'PLAIN',
      autocreate_users: 'anyone',
      autocreate_quota: 0,
      calendar_user_address_set: 'example.test',
      umask: '077',
      tls_session_timeout: 0,
      cyrus_user: process.getuid?.() === 0 ? 'cyrus' : os.userInfo().username,
    };
    return Object.entries(settings)
      .map(([key, value]) => `${key}: ${String(value)}\n`)
      .join('');
  }

  #services(): string {
    const conf = `-C ${path.join(this.folder, 'imapd.conf')}`;
    const service = (name: string, program: string, port: number, prefork: number): string =>
      `  ${name} cmd="${CYRUS}/${program} ${conf}" listen="127.0.0.1:${String(port)}" prefork=${String(prefork)} maxchild=20\n`;
    const services = service('http', 'httpd', this.port, 4) + service('imap', 'imapd', this.#imapPort, 0);
    return `START {\n  recover cmd="${CYRUS}/ctl_cyrusdb ${conf} -r"\n}\nSERVICES {\n${services}}\nEVENTS {\n}\n`;
  }
}
