import inHouse from '../../libs/connectors/src/in-house/connector.js';
import type { Connector } from '#connector-sdk';
import type { Backdoor, BackdoorEntry, FaultName, Harness, Target } from '#connector-testkit';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { DavProxy } from '../support/dav-proxy.js';
import { armOnTheWay, ON_THE_WAY } from './hazards.js';

const AGENDA = 'agenda-kit';
const API_KEY = 'kit-in-house-key-0123456789';
const OTHER_KEY = 'kit-in-house-key-refused-42';

/** What each fault of the kit is called by the simulator's control. */
const FAULTS: Readonly<Record<FaultName, readonly object[]>> = {
  unauthorized: [{ kind: 'error', status: 401 }],
  forbidden: [{ kind: 'error', status: 403 }],
  'rate-limited': [{ kind: 'rate-limit', retryAfterSeconds: 3 }],
  'server-error': [{ kind: 'error', status: 503, after: true }],
  html: [{ kind: 'html' }],
  torn: [{ kind: 'torn' }],
  reset: [{ kind: 'reset' }],
  hang: [{ kind: 'hang' }],
  'drop-after-commit': ['POST', 'PATCH', 'DELETE'].map((method) => ({ kind: 'drop-after-commit', method, times: 1 })),
  'hang-after-commit': ['POST', 'PATCH', 'DELETE'].map((method) => ({ kind: 'hang-after-commit', method, times: 1 })),
  'lose-write': [{ kind: 'lose-write', times: 1 }],
  'small-pages': [{ kind: 'partial-page' }],
  'push-duplicate': [{ kind: 'push-duplicate' }],
};

/** The in-house connector, or another one in its place, before the simulator. */
export function inHouseTarget(connector: Connector = inHouse): Target {
  return {
    connector,
    faults: Object.keys(FAULTS) as FaultName[],
    hazards: [...ON_THE_WAY, 'push-reorder'],
    expiresCursors: true,
    listsVersions: true,
    manyEntries: 600,
    start,
  };
}

async function start(): Promise<Harness> {
  const app = createMockVendors();
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  const proxy = await DavProxy.start(origin);
  const control = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${origin}/in-house/__control/${path}`, {
      method,
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
    if (!answer.ok) throw new Error(`control ${path} answered ${String(answer.status)}`);
    return (await answer.json()) as Record<string, unknown>;
  };
  return {
    settings: { baseUrl: `${proxy.url}in-house/api` },
    secrets: { apiKey: API_KEY },
    wrongSecrets: { apiKey: OTHER_KEY },
    agendaId: AGENDA,
    unknownAgendaId: 'agenda-of-nobody',
    remote: backdoor(control),
    async reset() {
      proxy.interfere = () => undefined;
      await control('POST', 'reset');
      await control('POST', 'seed', {
        agendas: [{ id: AGENDA, name: 'Dr Kit', zone: 'Europe/Paris', apiKey: API_KEY }],
      });
    },
    async fault(name) {
      await control('POST', 'faults', { faults: FAULTS[name] });
    },
    async hazard(name) {
      if (name === 'push-reorder') await control('POST', 'faults', { faults: [{ kind: name, times: 1 }] });
      // Entries come in pages: the second one breaks off.
      else armOnTheWay(proxy, name, 2);
    },
    async clearFaults() {
      proxy.interfere = () => undefined;
      await control('DELETE', 'faults');
    },
    async expireCursors() {
      await control('POST', 'expire-cursors', { agendaId: AGENDA });
    },
    async stop() {
      await proxy.stop();
      await app.close();
    },
  };
}

type Control = (method: string, path: string, body?: object) => Promise<Record<string, unknown>>;

/** The practitioner's own hand, by the simulator's control. */
function backdoor(control: Control): Backdoor {
  const edit = async (body: object): Promise<unknown> =>
    (await control('POST', 'edit', { agendaId: AGENDA, ...body }))['entry'];
  return {
    async put({ start, end, title }) {
      const { id } = (await edit({ action: 'create', entry: { start, end, title } })) as { id: string };
      return { remoteId: id };
    },
    async move(id, { start, end }) {
      await edit({ action: 'move', id, start, end });
    },
    async remove(id) {
      await edit({ action: 'delete', id });
    },
    async list() {
      const { entries } = (await control('GET', 'dump')) as {
        entries: (BackdoorEntry & { id: string; deleted: boolean })[];
      };
      return entries
        .filter(({ deleted }) => !deleted)
        .map(({ id, start, end, title }) => ({ remoteId: id, start, end, title }));
    },
  };
}
