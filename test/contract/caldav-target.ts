import caldav from '../../libs/connectors/src/caldav/connector.js';
import type { FaultName, Harness, Target } from '#connector-testkit';
import { CalendarApplication } from '../support/caldav-client.js';
import { DavProxy, type Interference } from '../support/dav-proxy.js';
import { RadicaleServer } from '../support/radicale.js';
import { armOnTheWay, ON_THE_WAY } from './hazards.js';

const USER = 'praticien';
const PASSWORD = 'mot-de-passe-du-kit';

/** What the relay does with every request under a fault. */
const ALWAYS: Partial<Record<FaultName, Interference>> = {
  unauthorized: { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="kit"' } },
  forbidden: { status: 403 },
  'rate-limited': { status: 429, headers: { 'Retry-After': '3' } },
  'server-error': { status: 500 },
  html: { status: 200, headers: { 'Content-Type': 'text/html' }, body: '<html><body>Connexion</body></html>' },
  torn: 'tear',
  reset: 'reset',
  hang: 'hang',
};

/** What it does with the next write only. */
const NEXT_WRITE: Partial<Record<FaultName, Interference>> = {
  'drop-after-commit': 'drop',
  'hang-after-commit': 'mute',
  'lose-write': 'lose',
};

/** The CalDAV connector before a real Radicale, behind a relay that can be made to fail. */
export function caldavTarget(): Target {
  return {
    connector: caldav,
    faults: [...Object.keys(ALWAYS), ...Object.keys(NEXT_WRITE)] as FaultName[],
    hazards: ON_THE_WAY,
    unreadables: true,
    expiresCursors: true,
    listsVersions: true,
    // Radicale takes longer for each event the more there are; batches of 500 have tests of their own.
    manyEntries: 40,
    start,
  };
}

async function start(): Promise<Harness> {
  const server = await RadicaleServer.start({ [USER]: PASSWORD });
  const proxy = await DavProxy.start(server.url);
  let count = 0;
  let application = new CalendarApplication(server, USER, await server.makeCalendar(USER, 'agenda-0'));
  return {
    settings: { url: proxy.url },
    secrets: { auth: { type: 'basic', username: USER, password: PASSWORD } },
    wrongSecrets: { auth: { type: 'basic', username: USER, password: 'un-autre-mot-de-passe' } },
    get agendaId() {
      return application.calendar;
    },
    unknownAgendaId: `/${USER}/agenda-de-personne/`,
    remote: {
      put: async (entry) => ({ remoteId: await application.create(entry) }),
      move: (id, { start: from, end }) => application.move(id, from, end),
      remove: (id) => application.remove(id),
      putUnreadable: async () => ({ remoteId: await application.createUnreadable() }),
      list: async () =>
        (await application.entries()).map(({ id, title, start: from, end }) => ({
          remoteId: id,
          title,
          start: from,
          end,
        })),
    },
    async reset() {
      proxy.interfere = () => undefined;
      count += 1;
      application = new CalendarApplication(server, USER, await server.makeCalendar(USER, `agenda-${String(count)}`));
    },
    fault(name) {
      const next = NEXT_WRITE[name];
      let armed = true;
      proxy.interfere = ({ method }) => {
        if (next === undefined) return ALWAYS[name];
        if (!armed || (method !== 'PUT' && method !== 'DELETE')) return undefined;
        armed = false;
        return next;
      };
      return Promise.resolve();
    },
    hazard(name) {
      // A listing has its events with it.
      armOnTheWay(proxy, name, 1);
      return Promise.resolve();
    },
    clearFaults() {
      proxy.interfere = () => undefined;
      return Promise.resolve();
    },
    expireCursors() {
      server.expireTokens(application.calendar);
      return Promise.resolve();
    },
    async stop() {
      await proxy.stop();
      await server.stop();
    },
  };
}
