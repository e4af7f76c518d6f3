import { DavServer, type DavAccounts, type DavCommand } from './dav-server.js';

/** Debian's Xandikos: one account, which any password opens, and a git repository for each calendar. */
export class XandikosServer extends DavServer {
  static readonly needs = { file: 'xandikos', packages: 'xandikos' };

  static start(users: DavAccounts): Promise<XandikosServer> {
    return new XandikosServer('Xandikos', users).begin();
  }

  override home(user: string): string {
    return `/${user}/calendars/`;
  }

  protected override prepare(): Promise<void> {
    return Promise.resolve();
  }

  protected override commands(): readonly DavCommand[] {
    const [user = 'user'] = Object.keys(this.users);
    const place = ['-d', this.makeFolder('data'), '-l', '127.0.0.1', '-p', String(this.port)];
    return [{ words: ['xandikos', ...place, '--autocreate', '--defaults', '--current-user-principal', `/${user}/`] }];
  }
}
