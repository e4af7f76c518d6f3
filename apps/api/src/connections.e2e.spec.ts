import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { at, type Practice } from '../../../test/support/practice.js';
import { faultPaths, Simulator, TestApi, type Answer, type Client } from './api.suite.js';

const patient = { lastName: 'Lefèvre', firstName: 'Anne' };

let api: TestApi;
let simulator: Simulator;
let practice: Practice;
let ask: Client;
let link: string;
let day = 0;

beforeAll(async () => {
  api = await TestApi.start();
  simulator = await Simulator.start();
  practice = await api.practice();
  ask = await api.client(practice);
});

afterAll(async () => {
  await api.stop();
  await simulator.stop();
});

const book = (time: string, headers: Record<string, string> = {}): Promise<Answer> =>
  ask('POST', '/v1/appointments', {
    body: { agenda: practice.agenda, motif: practice.motif, start: at(time, day), patient },
    headers,
  });

const sync = (): Promise<Answer> => ask('POST', `/v1/links/${link}/sync`, { headers: { prefer: 'wait=5' }, body: {} });

describe('connecting an agenda', () => {
  let connection: string;

  test('settings and secrets are judged by the connector, secrets never shown', async () => {
    const bad = await ask('POST', '/v1/connections', {
      body: { connector: 'in-house', label: 'x', settings: { baseUrl: 'ftp://a', more: 1 }, secrets: {} },
    });
    expect(faultPaths(bad)).toEqual(expect.arrayContaining(['body.settings.baseUrl', 'body.secrets.apiKey']));
    expect(
      (await ask('POST', '/v1/connections', { body: { ...simulator.account, connector: 'nobody', label: 'x' } })).json
        .errors[0].path,
    ).toBe('body.connector');
    const nul = { ...simulator.account, label: 'x', secrets: { apiKey: 'a\u0000bcdefghij' } };
    expect((await ask('POST', '/v1/connections', { body: nul })).json.errors[0].path).toBe('body.secrets');
    const headers = { 'idempotency-key': randomUUID() };
    const request = { body: { ...simulator.account, label: 'Cabinet' }, headers };
    const [made, again] = [
      await ask('POST', '/v1/connections', request),
      await ask('POST', '/v1/connections', request),
    ];
    expect([made.status, made.json.status, again.status, again.json]).toEqual([201, 'unverified', 201, made.json]);
    expect(made.text).not.toContain(Simulator.apiKey);
    expect(
      (await ask('POST', '/v1/connections', { ...request, body: { ...request.body, label: 'Other' } })).status,
    ).toBe(422);
    connection = made.json.id as string;
    const list = await ask('GET', '/v1/connections');
    expect([list.json.items.length, list.text.includes(Simulator.apiKey)]).toEqual([1, false]);
  });

  test('the credentials are tried against the backend', async () => {
    const verified = await ask('POST', `/v1/connections/${connection}/verify`);
    expect([verified.status, verified.json.status]).toEqual([200, 'active']);
    const wrong = await ask('POST', '/v1/connections', {
      body: { ...simulator.account, label: 'Wrong', secrets: { apiKey: 'wrong-key-1' } },
    });
    const refused = await ask('POST', `/v1/connections/${wrong.json.id as string}/verify`);
    expect([refused.status, refused.json.code]).toEqual([422, 'CREDENTIAL_REFUSED']);
    const nowhere = await ask('POST', '/v1/connections', {
      body: { ...simulator.account, label: 'Nowhere', settings: { baseUrl: 'http://127.0.0.1:9/api' } },
    });
    const unreachable = await ask('POST', `/v1/connections/${nowhere.json.id as string}/verify`);
    expect([unreachable.status, unreachable.json.code, unreachable.headers['retry-after']]).toEqual([
      503,
      'AGENDA_UNREACHABLE',
      '1',
    ]);
    expect((await ask('POST', `/v1/connections/${randomUUID()}/verify`)).status).toBe(404);
    const agendas = await ask('GET', `/v1/connections/${connection}/agendas`);
    expect(agendas.json.items).toEqual([
      { id: Simulator.agendaId, name: 'Dr Martin', writable: true, timeZone: 'Europe/Paris' },
    ]);
  });

  test('an agenda is linked once, and read at once', async () => {
    const wanted = { agenda: practice.agenda, connection, remoteAgenda: Simulator.agendaId, disclosure: 'full' };
    const path = async (change: object): Promise<string> =>
      (await ask('POST', '/v1/links', { body: { ...wanted, ...change } })).json.errors[0].path as string;
    expect(await path({ agenda: randomUUID() })).toBe('body.agenda');
    expect(await path({ connection: randomUUID() })).toBe('body.connection');
    expect(await path({ remoteAgenda: 'none' })).toBe('body.remoteAgenda');
    expect(await path({ direction: 'sideways' })).toBe('body.direction');
    const made = await ask('POST', '/v1/links', { body: wanted });
    expect([made.status, made.json.policy]).toEqual([201, 'practitioner-wins']);
    link = made.json.id as string;
    expect((await ask('POST', '/v1/links', { body: wanted })).status).toBe(409);
    const synced = await sync();
    expect([synced.status, synced.json.read.light, synced.json.link]).toEqual([200, 'green', link]);
    const health = await ask('GET', `/v1/links/${link}/health`);
    expect(health.json).toMatchObject({
      agenda: practice.agenda,
      status: 'active',
      write: { queued: 0 },
      lastError: null,
    });
    expect((await ask('GET', `/v1/links/${randomUUID()}/health`)).status).toBe(404);
    expect((await ask('POST', `/v1/links/${randomUUID()}/sync`, { body: {} })).status).toBe(404);
    expect((await ask('POST', `/v1/links/${link}/sync`, { body: { full: true } })).status).toBe(200);
    expect((await ask('POST', `/v1/links/${link}/sync`)).status).toBe(200);
  });
});

describe('booking into the practitioner’s agenda', () => {
  beforeEach(async () => {
    day += 1;
    await simulator.control('faults', { faults: [] });
  });

  test('201 once it stands there; a move and a cancel follow', async () => {
    const booked = await book('08:00');
    expect([booked.status, booked.json.status]).toEqual([201, 'confirmed']);
    const there = (await simulator.entries()).filter(({ start }) => start === Date.parse(at('08:00', day)));
    expect(there).toHaveLength(1);
    const path = `/v1/appointments/${booked.json.id as string}`;
    const moved = await ask('PATCH', path, {
      body: { start: at('09:00', day) },
      headers: { 'if-match': booked.headers['etag'] },
    });
    expect([moved.status, moved.json.start]).toEqual([200, expect.stringContaining('T10:00:00+01:00')]);
    const cancelled = await ask('POST', `${path}/cancel`, {
      body: { reason: 'Empêchement' },
      headers: { prefer: 'wait=1' },
    });
    expect([200, 202]).toContain(cancelled.status);
    expect(['cancelled', 'compensating']).toContain(cancelled.json.status);
  });

  test('409 when the practitioner took the hour meanwhile, with alternatives', async () => {
    await simulator.control('edit', {
      action: 'create',
      agendaId: Simulator.agendaId,
      entry: { start: Date.parse(at('10:00', day)), end: Date.parse(at('11:00', day)), title: 'Privé' },
    });
    const answer = await book('10:30');
    expect([answer.status, answer.json.alternatives.length]).toEqual([409, 3]);
    for (const { start } of answer.json.alternatives as { start: string }[]) {
      expect(Date.parse(start)).toBeGreaterThanOrEqual(Date.parse(at('11:00', day)));
    }
    await sync();
    const slots = await ask(
      'GET',
      `/v1/slots?motif=${practice.motif}&from=${encodeURIComponent(at('10:00', day))}&to=${encodeURIComponent(at('11:00', day))}`,
    );
    expect([slots.json.items, slots.json.agendas[0].certainty]).toEqual([[], 'live']);
    expect(slots.json.agendas[0].asOf).toMatch(/\+01:00$/);
  });

  test('202 when the backend does not answer in time; the same key tells the end of it', async () => {
    await simulator
      .control('faults', { faults: [{ kind: 'hang', method: 'POST', route: '/entries', phase: 'after', times: 1 }] })
      .catch(() => undefined);
    await simulator.control('faults', { faults: [] });
    const headers = { 'idempotency-key': randomUUID(), prefer: 'wait=0' };
    const first = await book('12:00', headers);
    expect([201, 202]).toContain(first.status);
    expect(first.headers['preference-applied']).toBe('wait=0');
    expect(first.headers['location']).toBe(`/v1/appointments/${first.json.id as string}`);
    const again = await book('12:00', { ...headers, prefer: 'wait=5' });
    expect(again.json.id).toBe(first.json.id);
    const now = await ask('GET', `/v1/appointments/${first.json.id as string}`);
    expect(['pending', 'confirmed']).toContain(now.json.status);
  });
});

test('a push is believed only with its signature, and every failure is alike', async () => {
  const answers = await Promise.all(
    [
      `/v1/push/${practice.organization}/${link}`,
      `/v1/push/${practice.organization}/${randomUUID()}`,
      `/v1/push/${randomUUID()}/${link}`,
      '/v1/push/a/b',
    ].map((path) =>
      api.ask('POST', path, {
        headers: { 'webhook-id': '1', 'webhook-timestamp': '1', 'webhook-signature': 'v1,x' },
        body: { agendaId: Simulator.agendaId },
      }),
    ),
  );
  expect(new Set(answers.map(({ status, json }) => JSON.stringify([status, { ...json, requestId: '' }]))).size).toBe(1);
  expect(answers[0]?.status).toBe(401);
  expect(
    (await api.ask('POST', `/v1/push/${practice.organization}/${link}`, { body: 'x'.repeat(100_000) })).status,
  ).toBe(413);
});
