import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { controlOf, type Control, type Dumped } from '../contract/simulator-target.js';
import { at, type Practice } from '../support/practice.js';
import { faultPaths, Simulator, TestApi, type Answer, type Client } from '../../apps/api/src/api.suite.js';

const ACCOUNT = { login: 'hub', password: 'mot-de-passe-de-test' };
const AGENDA = 61;

let api: TestApi;
let simulator: Simulator;
let legacy: Control;
let practice: Practice;
let ask: Client;
let link: string;

beforeAll(async () => {
  api = await TestApi.start();
  simulator = await Simulator.start();
  legacy = controlOf(simulator.url, 'mon-docteur');
  await legacy('POST', 'seed', { accounts: [ACCOUNT], agendas: [{ id: AGENDA, name: 'Dr Martin' }] });
  practice = await api.practice();
  ask = await api.client(practice);
});

afterAll(async () => {
  await api.stop();
  await simulator.stop();
});

const on = (method: 'GET' | 'POST', action = '', more: object = {}): Promise<Answer> =>
  ask(method, `/v1/links/${link}${action}`, more);
const sync = (): Promise<Answer> => on('POST', '/sync', { headers: { prefer: 'wait=5' }, body: { full: true } });
const connect = async (account: object): Promise<string> => {
  const made = await ask('POST', '/v1/connections', { body: { ...account, label: 'Agenda' } });
  expect(made.status).toBe(201);
  return made.json.id as string;
};

test('a link whose agenda has gone to another vendor is taken up again there', async () => {
  const settings = { baseUrl: `${simulator.url}/mon-docteur/ws`, successor: 'in-house' };
  const former = await connect({ connector: 'mon-docteur', settings, secrets: ACCOUNT });
  const { agenda, motif } = practice;
  const made = await ask('POST', '/v1/links', {
    body: { agenda, connection: former, remoteAgenda: String(AGENDA), approve: true },
  });
  expect([made.status, made.json.successor]).toEqual([201, null]);
  link = made.json.id as string;
  expect((await sync()).json.status).toBe('active');
  const patient = { lastName: 'Lefèvre', firstName: 'Anne' };
  const booked = await ask('POST', '/v1/appointments', { body: { agenda, motif, start: at('08:00'), patient } });
  expect([booked.status, booked.json.status]).toEqual([201, 'confirmed']);

  const connection = await connect(simulator.account);
  expect((await on('POST', '/relink', { body: { connection, rehearse: true } })).json.type).toContain('not-moved');
  const successor = { system: 'autre', agenda: Simulator.agendaId };
  const { entries } = (await legacy('POST', 'migrate', { agendaId: AGENDA, successor })) as { entries: Dumped[] };
  for (const { start, end, title } of entries)
    await simulator.control('edit', { action: 'create', agendaId: Simulator.agendaId, entry: { start, end, title } });

  const moved = { connector: 'in-house', remoteAgenda: Simulator.agendaId };
  expect((await sync()).json).toMatchObject({ status: 'moved', successor: moved, advice: { code: 'AGENDA_MOVED' } });
  expect((await on('GET')).json).toMatchObject({ state: 'moved', successor: moved, connection: former });

  const seen = { connection, rehearse: true };
  expect((await ask('POST', `/v1/links/${randomUUID()}/relink`, { body: seen })).status).toBe(404);
  expect(faultPaths(await on('POST', '/relink', { body: { ...seen, connection: former } }))).toEqual([
    'body.connection',
  ]);
  expect(faultPaths(await on('POST', '/relink', { body: { ...seen, remoteAgenda: 'x' } }))).toEqual([
    'body.remoteAgenda',
  ]);
  const rehearsed = await on('POST', '/relink', { body: seen });
  const counts = { adopted: 1, byTime: 1, movedThere: 0, toWrite: 0, foreign: 0 };
  expect([rehearsed.status, rehearsed.json]).toMatchObject([200, { done: false, link: { state: 'moved' }, ...counts }]);

  expect((await on('POST', '/relink', { body: { connection } })).status).toBe(428);
  const otherwise = { headers: { 'if-match': '"1"' }, body: { connection } };
  expect((await on('POST', '/relink', otherwise)).status).toBe(412);
  const approval = { 'if-match': String(rehearsed.headers['etag']), 'idempotency-key': randomUUID() };
  const request = { headers: approval, body: { connection } };
  const relinked = await on('POST', '/relink', request);
  expect([relinked.status, relinked.json]).toMatchObject([
    200,
    { done: true, link: { connection, id: link }, ...counts },
  ]);
  expect((await on('POST', '/relink', request)).json).toEqual(relinked.json);
  expect((await on('POST', '/relink', { body: seen })).json.type).toContain('not-moved');

  expect((await sync()).json).toMatchObject({ status: 'active', successor: null });
  expect((await ask('GET', `/v1/appointments/${booked.json.id as string}`)).json.status).toBe('confirmed');
  expect((await simulator.entries()).filter(({ deleted }) => deleted !== true)).toHaveLength(1);
  expect((await ask('DELETE', `/v1/connections/${former}`)).status).toBe(204);
});
