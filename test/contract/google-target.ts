import google from '../../libs/connectors/src/google/connector.js';
import type { Backdoor, FaultName, Harness, Target } from '#connector-testkit';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { DavProxy } from '../support/dav-proxy.js';
import { armOnTheWay, ON_THE_WAY } from './hazards.js';

const USER = 'kit@example.com';
const CLIENT = { id: 'kit-google-client', secret: 'kit-google-client-secret' };
const REFRESH_TOKEN = '1//kit-google-refresh-token';
const WRITES = ['POST', 'PATCH', 'DELETE'];

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
  'drop-after-commit': WRITES.map((method) => ({ kind: 'drop-after-commit', method, times: 1 })),
  'hang-after-commit': WRITES.map((method) => ({ kind: 'hang-after-commit', method, times: 1 })),
  'lose-write': [{ kind: 'lose-write', times: 1 }],
  'small-pages': [{ kind: 'partial-page' }],
  'push-duplicate': [{ kind: 'push-duplicate' }],
};

/** The Google connector before the simulator. */
export function googleTarget(): Target {
  return {
    connector: google,
    faults: Object.keys(FAULTS) as FaultName[],
    hazards: [...ON_THE_WAY, 'push-reorder'],
    expiresCursors: true,
    // Pages hold up to 2,500; those made small by the fault hold 125.
    manyEntries: 300,
    start,
  };
}

async function start(): Promise<Harness> {
  const app = createMockVendors();
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  const proxy = await DavProxy.start(origin);
  const control = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${origin}/google/__control/${path}`, {
      method,
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
    if (!answer.ok) throw new Error(`control ${path} answered ${String(answer.status)}`);
    return (await answer.json()) as Record<string, unknown>;
  };
  const auth = { type: 'oauth', clientId: CLIENT.id, clientSecret: CLIENT.secret, refreshToken: REFRESH_TOKEN };
  return {
    // Tokens go past the relay: what is counted there are calls of the calendar's.
    settings: { rootUrl: `${proxy.url}google`, tokenUrl: `${origin}/google/token` },
    secrets: { auth },
    wrongSecrets: { auth: { ...auth, refreshToken: '1//another-refresh-token' } },
    agendaId: USER,
    unknownAgendaId: 'nobody@example.com',
    remote: backdoor(control),
    async reset() {
      proxy.interfere = () => undefined;
      await control('POST', 'reset');
      await control('POST', 'seed', {
        clients: [CLIENT],
        grants: [{ refreshToken: REFRESH_TOKEN, user: USER, clientId: CLIENT.id }],
        calendars: [{ id: USER, summary: 'Dr Kit', acl: { [USER]: 'owner' } }],
      });
    },
    async fault(name) {
      await control('POST', 'faults', { faults: FAULTS[name] });
    },
    async hazard(name) {
      if (name === 'push-reorder') await control('POST', 'faults', { faults: [{ kind: name, times: 1 }] });
      else armOnTheWay(proxy, name, 1);
    },
    async clearFaults() {
      proxy.interfere = () => undefined;
      await control('DELETE', 'faults');
    },
    async expireCursors() {
      await control('POST', 'expire-cursors');
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
    (await control('POST', 'edit', { calendarId: USER, ...body }))['event'];
  const at = (instant: number): object => ({ dateTime: new Date(instant).toISOString() });
  return {
    async put({ start, end, title }) {
      const event = { start: at(start), end: at(end), summary: title };
      const { id } = (await edit({ action: 'create', event })) as { id: string };
      return { remoteId: id };
    },
    async move(id, { start, end }) {
      await edit({ action: 'move', id, start, end });
    },
    async remove(id) {
      await edit({ action: 'delete', id });
    },
    async list() {
      const { events } = (await control('GET', 'dump')) as {
        events: { id: string; startMs: number; endMs: number; summary: string }[];
      };
      return events.map(({ id, startMs: start, endMs: end, summary: title }) => ({ remoteId: id, start, end, title }));
    },
  };
}
