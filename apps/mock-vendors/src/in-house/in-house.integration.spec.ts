import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { createMockVendors } from '../server.js';

const KEY = 'demo-in-house-key';
const NINE = Date.parse('2027-06-07T07:00:00Z');
const HALF_HOUR = 1_800_000;

let app: FastifyInstance;
let origin: string;

async function open(data: string | null = null): Promise<void> {
  app = createMockVendors({ demo: true, data });
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
}

beforeEach(() => open());
afterEach(() => app.close());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: { readonly id: string; readonly version: number; readonly error?: { readonly code: string } };
}

async function ask(
  method: string,
  path: string,
  options: { body?: object; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const answer = await fetch(`${origin}/in-house${path}`, {
    method,
    headers: {
      authorization: `Bearer ${KEY}`,
      ...(options.body ? { 'content-type': 'application/json' } : {}),
      ...options.headers,
    },
    ...(options.body ? { body: JSON.stringify(options.body) } : {}),
  });
  const text = await answer.text();
  const json = answer.headers.get('content-type')?.includes('json') ?? false;
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    body: (json ? JSON.parse(text) : {}) as Answer['body'],
  };
}

const at = (start: number, title = 'RDV'): object => ({ start, end: start + HALF_HOUR, title });
const ENTRIES = '/api/agendas/agenda-martin/entries';

describe('API', () => {
  it('keeps versions, keys and intervals', async () => {
    const key = { 'idempotency-key': 'k1' };
    const first = await ask('POST', ENTRIES, { body: at(NINE), headers: key });
    expect([first.status, first.headers.get('etag')]).toEqual([201, '"1"']);
    expect(await ask('POST', ENTRIES, { body: at(NINE), headers: key })).toMatchObject({
      status: 200,
      body: { id: first.body.id },
    });
    expect((await ask('POST', ENTRIES, { body: at(NINE, 'autre'), headers: key })).body.error?.code).toBe('key_reused');
    expect(await ask('POST', ENTRIES, { body: at(NINE + 60_000) })).toMatchObject({
      status: 409,
      body: { error: { code: 'overlap' } },
    });

    const one = `${ENTRIES}/${first.body.id}`;
    expect((await ask('PATCH', one, { body: { title: 'x' } })).status).toBe(428);
    expect((await ask('PATCH', one, { body: { title: 'x' }, headers: { 'if-match': '"1"' } })).body.version).toBe(2);
    expect((await ask('DELETE', one, { headers: { 'if-match': '"1"' } })).status).toBe(412);
    expect((await ask('DELETE', one)).status).toBe(204);
    expect((await ask('GET', one)).body.error?.code).toBe('entry_unknown');
    expect((await ask('POST', ENTRIES, { body: at(NINE), headers: key })).body.error?.code).toBe('key_spent');
  });

  it('refuses what it cannot read', async () => {
    for (const body of [
      {},
      { start: NINE, end: NINE, title: '' },
      { ...at(NINE), extra: 1 },
      { start: 'x', end: 2, title: '' },
    ]) {
      expect((await ask('POST', ENTRIES, { body })).status).toBe(422);
    }
    expect((await ask('GET', '/api/agendas/agenda-martin/changes?after=99999999999999999')).status).toBe(422);
    expect((await ask('GET', '/api/agendas/agenda-martin/changes?after=9999999999999')).status).toBe(410);
    expect((await ask('GET', '/api/agendas/other/changes?after=0')).body.error?.code).toBe('agenda_unknown');
    const subscription = { url: 'https://elsewhere.example/', secret: 'a'.repeat(32) };
    expect(
      (await ask('POST', '/api/agendas/agenda-martin/subscriptions', { body: subscription })).body.error?.code,
    ).toBe('callback_not_local');
  });

  it('opens an agenda only to its own key', async () => {
    await ask('POST', '/__control/seed', {
      body: { agendas: [{ id: 'b', name: 'B', zone: 'Europe/Paris', apiKey: 'another-key' }] },
    });
    expect((await ask('GET', '/api/agendas/b/entries')).status).toBe(403);
    expect(
      (await ask('GET', '/api/agendas/b/entries', { headers: { authorization: 'Bearer another-key' } })).status,
    ).toBe(200);
    expect((await ask('GET', '/api/account', { headers: { authorization: '' } })).status).toBe(401);
  });
});

describe('the practitioner’s page', () => {
  const PLACE = { date: '2027-06-07', time: '09:00', minutes: 30, title: '<b>& "moi"' };
  const edit = (body: object): Promise<Answer> =>
    ask('POST', '/page/edit', { body: { agendaId: 'agenda-martin', ...body } });

  it('adds, moves, retitles and deletes, and lets him overlap only when he insists', async () => {
    const { body } = await edit({ action: 'create', ...PLACE });
    expect((await ask('GET', `${ENTRIES}/${body.id}`)).body).toMatchObject({
      start: NINE,
      title: PLACE.title,
      author: 'practitioner',
    });
    expect((await edit({ action: 'create', ...PLACE })).body.error?.code).toBe('overlap');
    expect((await edit({ action: 'create', ...PLACE, force: true })).status).toBe(200);
    const change = { action: 'change', id: body.id, ...PLACE, time: '11:00', title: 'Pause' };
    expect((await edit({ ...change, version: 1 })).status).toBe(200);
    expect((await edit({ ...change, version: 1 })).body.error?.code).toBe('version_mismatch');
    expect((await ask('GET', `${ENTRIES}/${body.id}`)).body).toMatchObject({
      start: NINE + 7_200_000,
      title: 'Pause',
      version: 2,
    });
    expect((await edit({ action: 'delete', id: body.id, version: 2 })).status).toBe(200);
    expect((await ask('GET', `${ENTRIES}/${body.id}`)).status).toBe(404);
  });

  it('shows the day, French first, with every text escaped', async () => {
    await edit({ action: 'create', ...PLACE });
    const french = await ask('GET', '/?agenda=agenda-martin&date=2027-06-07');
    expect(french.text).toContain('lundi 7 juin 2027');
    expect(french.text).toContain('09:00–09:30</b> &#60;b&#62;&#38; &#34;moi&#34;');
    expect(french.text).not.toContain('<b>&');
    expect((await ask('GET', '/?agenda=agenda-martin&date=2027-06-07&lang=en')).text).toContain('Monday');
    expect((await ask('GET', '/?date=nonsense')).status).toBe(200);
  });

  it('keeps the second 02:30 of the night in which it occurs twice', async () => {
    const second = Date.parse('2027-10-31T01:30:00Z');
    const { body } = await ask('POST', ENTRIES, { body: at(second) });
    await edit({
      action: 'change',
      id: body.id,
      version: 1,
      date: '2027-10-31',
      time: '02:30',
      minutes: 45,
      title: 'x',
    });
    expect((await ask('GET', `${ENTRIES}/${body.id}`)).body).toMatchObject({
      start: second,
      end: second + 45 * 60_000,
    });
  });
});

describe('control', () => {
  const arm = (...faults: object[]): Promise<Answer> => ask('POST', '/__control/faults', { body: { faults } });

  it('lets a write be carried out and its answer be lost', async () => {
    await arm({ kind: 'drop-after-commit', method: 'POST', times: 1 });
    await expect(ask('POST', ENTRIES, { body: at(NINE) })).rejects.toThrow();
    expect((await ask('GET', `${ENTRIES}?from=${String(NINE)}&to=${String(NINE + 1)}`)).text).toContain('"version":1');
  });

  it('lets a write land after its caller has given up', async () => {
    await arm({ kind: 'latency', ms: 150, times: 1 });
    const attempt = fetch(`${origin}/in-house${ENTRIES}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(at(NINE)),
      signal: AbortSignal.timeout(50),
    });
    await expect(attempt).rejects.toThrow();
    await ask('DELETE', '/__control/faults');
    expect((await ask('GET', ENTRIES)).text).not.toContain('"version"');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await ask('GET', ENTRIES)).text).toContain('"version":1');
  });

  it('throttles, and counts requests', async () => {
    await arm({ kind: 'rate-limit', retryAfterSeconds: 9, route: '/account', nth: 2 });
    const answers = [await ask('GET', '/api/account'), await ask('GET', '/api/account')];
    expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
      [200, null],
      [429, '9'],
    ]);
    expect((await ask('GET', '/__control/requests')).body).toMatchObject({
      counts: { 'GET /in-house/api/account': 2 },
    });
  });

  it('refuses a fault it does not know', async () => {
    expect((await arm({ kind: 'earthquake' })).status).toBe(422);
  });

  it('answers only this machine, by its own name', async () => {
    for (const url of ['/in-house/__control/dump', '/in-house/']) {
      expect((await app.inject({ url, headers: { host: 'rebound.example' } })).statusCode).toBe(403);
      expect(
        (await app.inject({ url, headers: { host: '127.0.0.1:4010' }, remoteAddress: '192.0.2.7' })).statusCode,
      ).toBe(403);
      expect((await app.inject({ url, headers: { host: 'localhost:4010' } })).statusCode).toBe(200);
    }
  });
});

it('keeps its agendas over a restart when it is given a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'in-house-'));
  try {
    await app.close();
    await open(folder);
    const { body } = await ask('POST', ENTRIES, { body: at(NINE) });
    await app.close();
    await open(folder);
    expect((await ask('GET', `${ENTRIES}/${body.id}`)).body).toMatchObject({ start: NINE, version: 1 });
  } finally {
    await app.close();
    await rm(folder, { recursive: true, force: true });
  }
});
