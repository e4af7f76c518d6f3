import ics from '../../libs/connectors/src/ics/connector.js';
import type { Connector } from '#connector-sdk';
import type { FaultName, Harness, Target } from '#connector-testkit';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { DavProxy } from '../support/dav-proxy.js';
import { armOnTheWay, ON_THE_WAY } from './hazards.js';

const FEED = 'cabinet';
const LOGIN = { username: 'praticien', password: 'mot-de-passe-du-kit' };

/** What each fault of the kit is called by the simulator's control. */
const FAULTS: Partial<Record<FaultName, readonly object[]>> = {
  unauthorized: [{ kind: 'error', status: 401 }],
  forbidden: [{ kind: 'error', status: 403 }],
  'rate-limited': [{ kind: 'rate-limit', retryAfterSeconds: 3 }],
  'server-error': [{ kind: 'error', status: 503, after: true }],
  html: [{ kind: 'html' }],
  torn: [{ kind: 'torn' }],
  reset: [{ kind: 'reset' }],
  hang: [{ kind: 'hang' }],
};

interface FeedEvent {
  readonly uid: string;
  readonly start: number;
  readonly end: number;
  readonly title: string;
}

/** The feed connector, or another one in its place, before the simulator. */
export function icsTarget(connector: Connector = ics): Target {
  return {
    connector,
    faults: Object.keys(FAULTS) as FaultName[],
    hazards: ON_THE_WAY,
    unreadables: true,
    expiresCursors: false,
    manyEntries: 450,
    start,
  };
}

async function start(): Promise<Harness> {
  const app = createMockVendors();
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  const control = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`${origin}/ics-feed/__control/${path}`, {
      method,
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
    if (!answer.ok) throw new Error(`control ${path} answered ${String(answer.status)}`);
    return answer.json();
  };
  const edit = async (body: object): Promise<FeedEvent | null> =>
    ((await control('POST', 'edit', { feed: FEED, ...body })) as { event: FeedEvent | null }).event;
  const proxy = await DavProxy.start(origin);
  const url = `${proxy.url}ics-feed/feeds/${FEED}.ics`;
  return {
    settings: {},
    secrets: { url, ...LOGIN },
    wrongSecrets: { url, username: LOGIN.username, password: 'un-autre-mot-de-passe' },
    agendaId: 'feed',
    unknownAgendaId: 'another',
    remote: {
      async put({ start: from, end, title }) {
        return { remoteId: (await edit({ action: 'create', start: from, end, title }))?.uid ?? '' };
      },
      async move(uid, { start: from, end }) {
        await edit({ action: 'move', uid, start: from, end });
      },
      async remove(uid) {
        await edit({ action: 'delete', uid });
      },
      async putUnreadable() {
        return { remoteId: (await edit({ action: 'spoil' }))?.uid ?? '' };
      },
      async list() {
        const { events } = (await control('GET', `dump/${FEED}`)) as { events: readonly FeedEvent[] };
        return events.map(({ uid, ...event }) => ({ remoteId: uid, ...event }));
      },
    },
    async reset() {
      proxy.interfere = () => undefined;
      await control('POST', 'reset');
      await control('POST', 'seed', { feeds: [{ id: FEED, name: 'Dr Kit', login: LOGIN }] });
    },
    async fault(name) {
      await control('POST', 'faults', { faults: FAULTS[name] });
    },
    hazard(name) {
      // A feed is one answer.
      armOnTheWay(proxy, name, 1);
      return Promise.resolve();
    },
    async clearFaults() {
      proxy.interfere = () => undefined;
      await control('DELETE', 'faults');
    },
    expireCursors: () => Promise.reject(new Error('a feed has no cursor that could expire')),
    async stop() {
      await proxy.stop();
      await app.close();
    },
  };
}
