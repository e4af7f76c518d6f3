import fs from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { at } from '../../../test/support/practice.js';
import { Simulator, TestApi } from './api.suite.js';

const KEY = 'cle-du-logiciel-du-cabinet';

interface Software {
  readonly vendor: string;
  readonly connector: string;
  readonly agenda: string;
  readonly seed: object;
  readonly settings: (origin: string) => Promise<object>;
  readonly secrets: object;
}

const SOFTWARE: readonly Software[] = [
  {
    vendor: 'cabinet-rest',
    connector: 'declarative',
    agenda: 'MED1',
    seed: { praticiens: [{ code: 'MED1', nom: 'Dr Arnaud', cle: KEY }] },
    async settings(origin) {
      const guide = await fs.readFile(new URL('../../../docs/declarative-connector.md', import.meta.url), 'utf8');
      const document = /^```json cabinet\n(.*?)^```/ms.exec(guide)?.[1] ?? '';
      return { baseUrl: `${origin}/cabinet-rest/v2`, document: JSON.parse(document) as unknown };
    },
    secrets: { key: KEY },
  },
  {
    vendor: 'agenda-file',
    connector: 'agenda-file',
    agenda: 'PETIT',
    seed: {
      compte: { identifiant: 'cabinet', motDePasse: 'secret', cle: KEY },
      medecins: [{ code: 'PETIT', nom: 'Dr Petit' }],
    },
    settings: (origin) => Promise.resolve({ baseUrl: `${origin}/agenda-file/dossier`, patienceSeconds: 0.5 }),
    secrets: { username: 'cabinet', password: 'secret', signingKey: KEY },
  },
];

let api: TestApi;
let simulator: Simulator;

beforeAll(async () => {
  api = await TestApi.start();
  simulator = await Simulator.start();
});

afterAll(async () => {
  await api.stop();
  await simulator.stop();
});

interface Dumped {
  readonly start: number;
  readonly deleted: boolean;
}

async function control(vendor: string, method: string, path: string, body?: object): Promise<unknown> {
  const headers = body ? { 'content-type': 'application/json' } : {};
  const sent = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
  const answer = await fetch(`${simulator.url}/${vendor}/__control/${path}`, sent);
  if (!answer.ok) throw new Error(`control ${path}: ${await answer.text()}`);
  return answer.json();
}

const wait = { prefer: 'wait=5' };

/** A practice whose agenda is the one in its own software. */
async function linked({ vendor, connector, agenda: remoteAgenda, secrets, seed, settings }: Software) {
  await control(vendor, 'POST', 'reset');
  await control(vendor, 'POST', 'seed', seed);
  const practice = await api.practice();
  const ask = await api.client(practice);
  const connection = await ask('POST', '/v1/connections', {
    body: { connector, label: 'Cabinet', settings: await settings(simulator.url), secrets },
  });
  const remote = { connection: connection.json.id as string, remoteAgenda };
  const link = await ask('POST', '/v1/links', {
    body: { agenda: practice.agenda, ...remote, disclosure: 'full', approve: true },
  });
  expect([connection.status, link.status]).toEqual([201, 201]);
  const sync = () => ask('POST', `/v1/links/${link.json.id as string}/sync`, { headers: wait, body: {} });
  await sync();
  const standing = async (): Promise<number[]> =>
    ((await control(vendor, 'GET', 'dump')) as { entries: Dumped[] }).entries
      .filter(({ deleted }) => !deleted)
      .map(({ start }) => start);
  const patient = { lastName: 'Petit', firstName: 'Luc' };
  const visit = { agenda: practice.agenda, motif: practice.motif, start: at('09:00'), patient };
  return { ask, sync, standing, visit };
}

test.each(SOFTWARE)('a visit is booked, moved and cancelled in $vendor', async (software) => {
  const { ask, standing, visit } = await linked(software);
  const booked = await ask('POST', '/v1/appointments', { headers: wait, body: visit });
  expect([booked.status, booked.json.status, await standing()]).toEqual([201, 'confirmed', [Date.parse(at('09:00'))]]);
  const path = `/v1/appointments/${booked.json.id as string}`;
  const moved = await ask('PATCH', path, {
    headers: { ...wait, 'if-match': booked.headers['etag'] },
    body: { start: at('10:00') },
  });
  expect([moved.status, await standing()]).toEqual([200, [Date.parse(at('10:00'))]]);
  const taken = await ask('POST', '/v1/appointments', { headers: wait, body: { ...visit, start: at('10:00') } });
  expect([taken.status, (await standing()).length]).toEqual([409, 1]);
  const cancelled = await ask('POST', `${path}/cancel`, { headers: wait, body: { cause: 'patient' } });
  expect([cancelled.json.status, await standing()]).toEqual(['cancelled', []]);
});

test('a visit that a program takes up minutes later is promised then, and made once', async () => {
  const [software] = SOFTWARE.filter(({ vendor }) => vendor === 'agenda-file');
  if (!software) throw new Error('no such software');
  const { ask, sync, standing, visit } = await linked(software);
  await control(software.vendor, 'POST', 'pace', { inboxMs: 300_000 });
  const booked = await ask('POST', '/v1/appointments', { headers: { prefer: 'wait=2' }, body: visit });
  expect([booked.status, await standing()]).toEqual([202, []]);
  const path = `/v1/appointments/${booked.json.id as string}`;
  await sync();
  expect(['pending', 'unknown']).toContain((await ask('GET', path)).json.status);
  await control(software.vendor, 'POST', 'clock', { advanceMs: 360_000 });
  await sync();
  expect([(await ask('GET', path)).json.status, await standing()]).toEqual(['confirmed', [Date.parse(visit.start)]]);
});
