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
  api = await TestApi.start({ VENDOR_TIMEOUT_MS: '800' });
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
    expect(refused.json.backendSaid).toBe('the backend refused the API key');
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
      { id: Simulator.agendaId, name: 'Dr Martin', writable: true, timeZone: 'Europe/Paris', advice: null },
    ]);
  });

  test('an agenda is linked once, and read at once', async () => {
    const remote = { connection, remoteAgenda: Simulator.agendaId };
    const wanted = { agenda: practice.agenda, ...remote, disclosure: 'full', approve: true };
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
    await simulator.heal();
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

  test('409 when the practitioner took the hour meanwhile, with alternatives that he did not take', async () => {
    const midnight = Math.ceil(Date.now() / 86_400_000) * 86_400_000 + 20 * 86_400_000;
    const near = (hours: number): string => new Date(midnight + hours * 3_600_000).toISOString();
    await api.sql(
      practice,
      'INSERT INTO opening_occurrence SELECT organization_id, id, tstzrange($1, $2), agenda_id FROM opening WHERE agenda_id = $3',
      [near(0), near(24), practice.agenda],
    );
    await simulator.control('edit', {
      action: 'create',
      agendaId: Simulator.agendaId,
      entry: { start: Date.parse(near(10)), end: Date.parse(near(11)), title: 'Privé' },
    });
    const place = { agenda: practice.agenda, motif: practice.motif, start: near(10.5) };
    const answer = await ask('POST', '/v1/appointments', { body: { ...place, patient } });
    expect([answer.status, answer.json.alternatives.length]).toEqual([409, 3]);
    for (const { start } of answer.json.alternatives as { start: string }[]) {
      expect(Date.parse(start)).toBeGreaterThanOrEqual(Date.parse(near(11)));
    }
    await sync();
    const window = `from=${encodeURIComponent(near(10))}&to=${encodeURIComponent(near(11))}`;
    const slots = await ask('GET', `/v1/slots?motif=${practice.motif}&${window}`);
    expect([slots.json.items, slots.json.agendas[0].certainty]).toEqual([[], 'live']);
    expect(slots.json.agendas[0].asOf).toMatch(/\+0[12]:00$/);
  });

  test('202 while the outcome is not known; then confirmed, once', async () => {
    await simulator.control('faults', { faults: [{ kind: 'hang-after-commit', method: 'POST', times: 1, ms: 5000 }] });
    const first = await book('12:00', { prefer: 'wait=1' });
    expect([first.status, first.json.status]).toEqual([202, expect.stringMatching(/pending|unknown/)]);
    const path = `/v1/appointments/${first.json.id as string}`;
    expect([first.headers['location'], first.headers['preference-applied']]).toEqual([path, 'wait=1']);
    expect((await book('12:00')).json.code).toBe('BUSY');
    let status = '';
    for (const end = Date.now() + 20_000; status !== 'confirmed' && Date.now() < end;) {
      await sync();
      status = (await ask('GET', path)).json.status as string;
    }
    expect(status).toBe('confirmed');
    expect((await simulator.entries()).filter(({ start }) => start === Date.parse(at('12:00', day)))).toHaveLength(1);
  });

  test('503 at once while the backend is down: nothing is written', async () => {
    await simulator.control('faults', { faults: [{ kind: 'error', status: 503 }] });
    await api.sql(practice, `UPDATE link SET as_of = now() - interval '1 hour' WHERE id = $1`, [link]);
    const answer = await book('14:00', { prefer: 'wait=1' });
    expect([answer.status, answer.json.type, answer.json.code]).toEqual([
      503,
      'https://unisson.example/problems/agenda-unreachable',
      expect.stringMatching(/^AGENDA_/),
    ]);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    const there = await ask(
      'GET',
      `/v1/appointments?from=${encodeURIComponent(at('14:00', day))}&to=${encodeURIComponent(at('14:01', day))}`,
    );
    expect(there.json.items).toEqual([]);
  });
});

test('a push that cannot be judged while the backend is left in peace is asked for again, not refused', async () => {
  await simulator.control('faults', { faults: [] });
  const secret = 'INSERT INTO push_secret (organization_id, link_id, id, hash) VALUES ($1, $2, $3, $4)';
  await api.sql(practice, secret, [practice.organization, link, randomUUID(), 'x'.repeat(43)]);
  const push = (): Promise<Answer> =>
    api.ask('POST', `/v1/push/${practice.organization}/${link}`, { body: { agendaId: Simulator.agendaId } });
  await api.sql(practice, `UPDATE connection SET blocked_until = now() + interval '1 minute', breaker_failures = 10`);
  const later = await push();
  expect([later.status, later.json.type]).toEqual([503, expect.stringContaining('temporarily-unavailable')]);
  expect(Number(later.headers['retry-after'])).toBeGreaterThan(0);
  await api.sql(practice, `UPDATE connection SET blocked_until = '-infinity', breaker_failures = 0`);
  expect((await push()).status).toBe(401);
});

test('scenario 39: a push is believed only with its signature, every failure is alike, and a megabyte is not read', async () => {
  const answers = await Promise.all(
    [
      `/v1/push/${practice.organization}/${link}`,
      `/v1/push/${practice.organization}/${link}?token=guessed&token=twice`,
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
    (await api.ask('POST', `/v1/push/${practice.organization}/${link}`, { body: 'x'.repeat(1_000_000) })).status,
  ).toBe(413);
});
