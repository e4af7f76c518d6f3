import path from 'node:path';
import { DavServer, giveAway, type DavAccounts, type DavCommand } from './dav-server.js';
import { createBareDatabase, type BareDatabase } from './postgres.js';
import { freePort } from './processes.js';

/** Debian's SOGo with memcached, and a database on the PostgreSQL of the run. */
export class SogoServer extends DavServer {
  static readonly needs = { file: '/usr/sbin/sogod', packages: 'sogo memcached' };
  #database: BareDatabase | undefined;
  #memcachedPort = 0;

  static start(users: DavAccounts): Promise<SogoServer> {
    return new SogoServer('SOGo', users).begin();
  }

  override home(user: string): string {
    return `/SOGo/dav/${user}/Calendar/`;
  }

  protected override async prepare(): Promise<void> {
    this.#memcachedPort = await freePort();
    const database = (this.#database = await createBareDatabase());
    await database.run(
      `CREATE TABLE directory (c_uid text PRIMARY KEY, c_name text, c_password text, c_cn text, mail text)`,
    );
    for (const [user, password] of Object.entries(this.users)) {
      await database.run(
        `INSERT INTO directory VALUES ('${user}', '${user}', '${password}', '${user}', '${user}@example.test')`,
      );
    }
    giveAway(this.folder, 'sogo');
  }

  protected override commands(): readonly DavCommand[] {
    const base = (this.#database?.url ?? '').replace(/^postgres:/, 'postgresql:');
    const settings = {
      WOUseWatchDog: 'YES',
      WOWorkersCount: '4',
      WONoDetach: 'YES',
      WOPort: `127.0.0.1:${String(this.port)}`,
      WOLogFile: '-',
      WOPidFile: path.join(this.folder, 'sogo.pid'),
      SOGoProfileURL: `"${base}/sogo_user_profile"`,
      OCSFolderInfoURL: `"${base}/sogo_folder_info"`,
      OCSSessionsFolderURL: `"${base}/sogo_sessions_folder"`,
      OCSEMailAlarmsFolderURL: `"${base}/sogo_alarms"`,
      SOGoMemcachedHost: `"127.0.0.1:${String(this.#memcachedPort)}"`,
      SOGoTimeZone: 'Europe/Paris',
      SOGoUserSources: `({type=sql; id=directory; viewURL="${base}/directory"; canAuthenticate=YES; userPasswordAlgorithm=plain;})`,
    };
    const words = Object.entries(settings).flatMap(([key, value]) => [`-${key}`, value]);
    const memcached = ['memcached', '-l', '127.0.0.1', '-p', String(this.#memcachedPort), '-m', '32'] as const;
    return [
      { words: [...memcached], account: 'sogo' },
      { words: ['/usr/sbin/sogod', ...words], account: 'sogo' },
    ];
  }

  protected override async dispose(): Promise<void> {
    await this.#database?.drop();
  }
}
