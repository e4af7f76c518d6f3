import { describe } from '@jest/globals';
import { CyrusServer } from './cyrus.js';
import { DavicalServer, SabreServer } from './dav-php-servers.js';
import { isInstalled, type DavAccounts, type DavPackages, type DavServer } from './dav-server.js';
import { RadicaleServer } from './radicale.js';
import { SogoServer } from './sogo.js';
import { XandikosServer } from './xandikos.js';

/** A server that a test can be run on. */
export interface DavKind {
  readonly name: string;
  readonly needs: DavPackages;
  start(users: DavAccounts): Promise<DavServer>;
}

export const DAV_KINDS: readonly DavKind[] = [
  { name: 'Radicale', needs: RadicaleServer.needs, start: (users) => RadicaleServer.start(users) },
  { name: 'Xandikos', needs: XandikosServer.needs, start: (users) => XandikosServer.start(users) },
  { name: 'DAViCal', needs: DavicalServer.needs, start: (users) => DavicalServer.start(users) },
  { name: 'Cyrus', needs: CyrusServer.needs, start: (users) => CyrusServer.start(users) },
  { name: 'SOGo', needs: SogoServer.needs, start: (users) => SogoServer.start(users) },
  { name: 'SabreDAV', needs: SabreServer.needs, start: (users) => SabreServer.start(users) },
];

/** The same tests on every server, or on those named; one that is not installed is skipped by name. */
export function describeOnServers(
  title: string,
  tests: (kind: DavKind) => void,
  names: readonly string[] = DAV_KINDS.map(({ name }) => name),
): void {
  for (const kind of DAV_KINDS.filter(({ name }) => names.includes(name))) {
    if (isInstalled(kind.needs)) describe(`${title}: ${kind.name}`, () => tests(kind));
    else
      describe.skip(`${title}: ${kind.name} (not installed: apt-get install ${kind.needs.packages})`, () =>
        tests(kind));
  }
}
