import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { at, type Practice } from '../../../test/support/practice.js';
import { faultPaths, Simulator, TestApi, type Answer, type Client } from './api.suite.js';

const patient = { lastName: 'Lefèvre', firstName: 'Anne' };

let api: TestApi;
let simulator: Simulator;
let practice: Practice;
let ask: Client;
let connection: string;
let link: string;

beforeAll(async () => {
  api = await TestApi.start({ VENDOR_TIMEOUT_MS: '800' });
  simulator = await Simulator.start();
  practice = await api.practice();
  ask = await api.client(practice);
});

afterAll(async () => {
  await api.stop();
  await simulator.stop();
});

const on = (method: 'GET' | 'POST' | 'PATCH', action = '', more: object = {}): Promise<Answer> =>
  ask(method, `/v1/links/${link}${action}`, more);
const sync = (): Promise<Answer> => on('POST', '/sync', { headers: { prefer: 'wait=5' }, body: {} });
const match = (tag: string | undefined): object => ({ headers: { 'if-match': tag } });
const book = (time: string): Promise<Answer> =>
  ask('POST', '/v1/appointments', {
    body: { agenda: practice.agenda, motif: practice.motif, start: at(time), patient },
  });
const connect = async (): Promise<void> => {
  const made = await ask('POST', '/v1/links', {
    body: { agenda: practice.agenda, connection, remoteAgenda: Simulator.agendaId },
  });
  expect([made.status, made.json.state]).toEqual([201, 'planning']);
  link = made.json.id as string;
};

describe('a connection', () => {
  test('names who looks after it', async () => {
    const responsible = { name: 'Claire Roy', email: 'claire@example.org' };
    const made = await ask('POST', '/v1/connections', {
      body: { ...simulator.account, label: 'Cabinet', responsible },
    });
    expect([made.status, made.json.responsible]).toEqual([201, responsible]);
    connection = made.json.id as string;
    const path = `/v1/connections/${connection}/responsible`;
    expect((await ask('PUT', path, { body: { name: 'Paul' } })).json).toEqual({ name: 'Paul', email: null });
    expect(faultPaths(await ask('PUT', path, { body: { name: '', email: 'nobody', more: 1 } }))).toEqual([
      'body.email',
      'body.more',
      'body.name',
    ]);
    expect((await ask('PUT', `/v1/connections/${randomUUID()}/responsible`, { body: responsible })).status).toBe(404);
  });
});

describe('the first synchronisation', () => {
  test('is a plan that waits for approval; the agenda stays bookable as it was', async () => {
    const mine = await book('08:00');
    expect(mine.json.status).toBe('confirmed');
    await connect();
    expect((await on('GET', '/plan')).json.type).toContain('plan-missing');
    expect((await sync()).json).toMatchObject({ phase: 'planning', advice: { code: 'APPROVE_PLAN' } });
    const plan = await on('GET', '/plan');
    expect([plan.status, plan.headers['etag'], plan.json.counts.create]).toEqual([200, '"1"', 1]);
    expect(plan.json.items).toEqual([
      expect.objectContaining({ step: 'create', appointment: mine.json.id, start: '2031-01-06T09:00:00+01:00' }),
    ]);
    expect(plan.text).not.toContain('Lefèvre');
    expect((await on('GET', '/plan', { headers: { 'if-none-match': '"1"' } })).status).toBe(304);
    expect((await book('09:00')).json.status).toBe('confirmed');
    expect(await simulator.entries()).toEqual([]);
  });

  test('an outdated plan is not carried out: 412, and a new one is there', async () => {
    expect((await on('POST', '/approve')).status).toBe(428);
    expect((await on('POST', '/approve', match('"1"'))).status).toBe(412);
    const plan = await on('GET', '/plan');
    expect([plan.headers['etag'], plan.json.counts.create]).toEqual(['"2"', 2]);
    const approved = await on('POST', '/approve', match('"2"'));
    expect([approved.status, approved.json.state]).toEqual([200, 'reading']);
    expect((await on('POST', '/approve', match('"2"'))).status).toBe(409);
    expect((await sync()).json).toMatchObject({ phase: 'live', light: 'green', progress: null });
  });
});

describe('a link', () => {
  test('is listed with its lights, page by page', async () => {
    const list = await ask('GET', '/v1/links?limit=1');
    expect(list.json).toMatchObject({
      items: [{ id: link, state: 'active', read: 'green', write: 'green', light: 'green', advice: 'NOTHING' }],
      nextCursor: null,
    });
    expect((await ask('GET', '/v1/links?cursor=nonsense')).status).toBe(400);
    const one = await on('GET');
    expect((await on('GET', '', { headers: { 'if-none-match': one.headers['etag'] } })).status).toBe(304);
    const strangers = await api.client(await api.practice());
    expect((await strangers('GET', '/v1/links')).json.items).toEqual([]);
    for (const [method, action] of [
      ['GET', ''],
      ['GET', '/plan'],
      ['POST', '/pause'],
      ['POST', '/resume'],
    ] as const)
      expect((await strangers(method, `/v1/links/${link}${action}`)).status).toBe(404);
    expect((await strangers('DELETE', `/v1/links/${link}?remote=keep`)).status).toBe(404);
    expect((await strangers('PATCH', `/v1/links/${link}`, { body: {}, ...match('"1"') })).status).toBe(404);
  });

  test('is paused and resumed', async () => {
    expect((await on('POST', '/pause')).json.state).toBe('paused');
    expect((await on('POST', '/pause')).json.state).toBe('paused');
    const refused = await book('10:00');
    expect([refused.status, refused.json.code]).toEqual([503, 'AGENDA_UNREACHABLE']);
    expect((await on('POST', '/resume')).json.state).toBe('active');
    expect((await book('10:00')).status).toBe(201);
  });

  test('is changed at the version that was read', async () => {
    const { headers } = await on('GET');
    expect((await on('PATCH', '', { body: { disclosure: 'busy' } })).status).toBe(428);
    expect(faultPaths(await on('PATCH', '', { body: { status: 'active' }, ...match(headers['etag']) }))).toEqual([
      'body.status',
    ]);
    const changed = await on('PATCH', '', { body: { disclosure: 'busy' }, ...match(headers['etag']) });
    expect([changed.status, changed.json.disclosure]).toEqual([200, 'busy']);
    expect((await on('PATCH', '', { body: { disclosure: 'full' }, ...match(headers['etag']) })).status).toBe(412);
    await sync();
    expect(new Set((await simulator.entries()).map(({ title }) => title))).toEqual(new Set(['Rendez-vous']));
  });

  test('complaint 23: signs in again, with what is tried first', async () => {
    const path = `/v1/connections/${connection}/secrets`;
    await simulator.control('seed', {
      agendas: [{ id: Simulator.agendaId, name: 'Dr Martin', zone: 'Europe/Paris', apiKey: 'renewed-key-1' }],
    });
    expect((await sync()).json).toMatchObject({
      status: 'auth-failed',
      light: 'red',
      advice: { code: 'REAUTHENTICATE' },
    });
    const wrong = await ask('PUT', path, { body: { secrets: { apiKey: 'wrong-key-12' } } });
    expect([wrong.status, wrong.json.code]).toEqual([422, 'CREDENTIAL_REFUSED']);
    expect(faultPaths(await ask('PUT', path, { body: { secrets: { key: 1 } } }))).toContain('body.secrets.apiKey');
    const renewed = await ask('PUT', path, { body: { secrets: { apiKey: 'renewed-key-1' } } });
    expect([renewed.status, renewed.json.status, renewed.text.includes('renewed-key-1')]).toEqual([
      200,
      'active',
      false,
    ]);
    expect((await sync()).json).toMatchObject({ status: 'active', light: 'green' });
    expect((await ask('PUT', `/v1/connections/${randomUUID()}/secrets`, { body: { secrets: {} } })).status).toBe(404);
  });
});

describe('disconnecting', () => {
  test('a connection with a link stays', async () => {
    const refused = await ask('DELETE', `/v1/connections/${connection}`);
    expect([refused.status, refused.json.type]).toEqual([409, expect.stringContaining('still-linked')]);
  });

  test('keeps or removes what was written; the appointments stay', async () => {
    expect((await ask('DELETE', `/v1/links/${link}`)).status).toBe(400);
    const kept = await ask('DELETE', `/v1/links/${link}?remote=keep`);
    expect([kept.status, kept.json.state, kept.json.counts]).toEqual([
      200,
      'done',
      { due: 0, removed: 0, kept: 3, left: 0 },
    ]);
    expect((await ask('GET', `/v1/disconnections/${link}`)).json).toEqual(kept.json);
    expect((await on('GET')).status).toBe(404);
    const before = (await simulator.entries()).map(({ id, deleted }) => [id, deleted]);
    await connect();
    await sync();
    const plan = await on('GET', '/plan');
    await on('POST', '/approve', match(plan.headers['etag']));
    // Beyond what a pull reads, and found there all the same.
    await sync();
    expect((await simulator.entries()).map(({ id, deleted }) => [id, deleted])).toEqual(before);
    const removed = await ask('DELETE', `/v1/links/${link}?remote=remove`);
    expect([removed.status, removed.json.counts.removed, removed.json.staying]).toEqual([200, 3, []]);
    expect((await simulator.entries()).filter(({ deleted }) => deleted !== true)).toEqual([]);
    expect((await book('11:00')).json.status).toBe('confirmed');
    expect((await ask('DELETE', `/v1/connections/${connection}`)).status).toBe(204);
    expect((await ask('DELETE', `/v1/connections/${connection}`)).status).toBe(404);
    expect((await ask('DELETE', `/v1/links/${link}?remote=keep`)).status).toBe(404);
  });
});
