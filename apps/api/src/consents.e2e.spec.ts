import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { issueFeedToken } from '#platform';
import type { Practice } from '../../../test/support/practice.js';
import { createMockVendors } from '../../mock-vendors/src/server.js';
import { TestApi, type Answer, type Client } from './api.suite.js';

/** Where the hub says that it is; the test brings the browser to where it really listens. */
const PUBLIC_URL = 'http://127.0.0.1:9';
const CALLBACK = `${PUBLIC_URL}/v1/consents/callback`;
const USER = 'anne@example.com';
const OTHER = 'paul@example.com';
const CLIENT = { id: 'consent-client', secret: 'consent-client-secret-0123456789' };

let api: TestApi;
let vendors: FastifyInstance;
let origin: string;
let practice: Practice;
let ask: Client;
let connection: string;

const control = async (path: string, body: object = {}, method = 'POST'): Promise<void> => {
  const answer = await fetch(`${origin}/google/__control/${path}`, {
    method,
    ...(method === 'POST' ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
  });
  expect(answer.status).toBe(200);
};

beforeAll(async () => {
  api = await TestApi.start({ PUBLIC_URL });
  vendors = createMockVendors();
  origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api.stop();
  await vendors.close();
});

const connect = async (auth: object): Promise<string> => {
  const urls = Object.entries({ rootUrl: '', tokenUrl: '/token', authUrl: '/o/oauth2/v2/auth', revokeUrl: '/revoke' });
  const settings = Object.fromEntries(urls.map(([name, path]) => [name, `${origin}/google${path}`]));
  const body = { connector: 'google', label: 'Agenda du Dr Martin', settings, secrets: { auth } };
  const made = await ask('POST', '/v1/connections', { body });
  expect(made.status).toBe(201);
  return made.json.id as string;
};

beforeEach(async () => {
  practice = await api.practice();
  ask = await api.client(practice);
  await control('reset');
  await control('seed', {
    clients: [CLIENT],
    calendars: [USER, OTHER].map((user) => ({ id: user, summary: user, acl: { [user]: 'owner' } })),
  });
  connection = await connect({ type: 'oauth', clientId: CLIENT.id, clientSecret: CLIENT.secret });
});

const begin = (id = connection): Promise<Answer> => ask('POST', `/v1/connections/${id}/consent`);

/** As the practitioner's browser: opens the consent page, answers it, and is sent back. */
async function consentPage(
  url: string,
  { user = USER, more = {} }: { user?: string; more?: Record<string, string> } = {},
): Promise<string> {
  const page = new URL(url);
  for (const [name, value] of Object.entries({ login_hint: user, ...more })) page.searchParams.set(name, value);
  const answer = await fetch(page, { redirect: 'manual' });
  const back = answer.headers.get('location') ?? '';
  expect(back.startsWith(`${CALLBACK}?`)).toBe(true);
  return back;
}

const back = async (location: string): Promise<{ status: number; html: string; headers: Headers }> => {
  const answer = await fetch(location.replace(PUBLIC_URL, api.url));
  return { status: answer.status, html: await answer.text(), headers: answer.headers };
};

const status = async (): Promise<string> => {
  const { json } = await ask('GET', '/v1/connections');
  return (json.items as { id: string; status: string }[]).find(({ id }) => id === connection)?.status ?? '';
};

/** Where the secret part of a state begins: both parts may hold `_`, too. */
const SECRET_AT = 44;

describe('consent', () => {
  test('a practitioner grants access in his browser, and the connection works', async () => {
    expect((await ask('POST', `/v1/connections/${connection}/verify`)).json.code).toBe('CREDENTIAL_REFUSED');
    const begun = await begin();
    expect(begun.status).toBe(201);
    const url = new URL(begun.json.url as string);
    expect(url.searchParams.get('redirect_uri')).toBe(CALLBACK);
    expect(url.searchParams.get('code_challenge_method')).toBe('S256');
    expect(begun.text).not.toContain(CLIENT.secret);
    const minutes = (Date.parse(begun.json.expiresAt as string) - Date.now()) / 60_000;
    expect(minutes).toBeGreaterThan(9);
    expect(minutes).toBeLessThanOrEqual(10);

    const location = await consentPage(url.href);
    const page = await back(location);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.html).toMatch(/<section lang="fr"><h1>Agenda connecté.*<section lang="en"><h1>Agenda connected/s);
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(await status()).toBe('active');
    const agendas = await ask('GET', `/v1/connections/${connection}/agendas`);
    expect(agendas.json.items).toMatchObject([{ id: USER, writable: true }]);
    const { code, state } = Object.fromEntries(new URL(location).searchParams);
    const stored = JSON.stringify(await api.sql(practice, 'SELECT * FROM connection, consent'));
    for (const secret of [code!, state!, state!.slice(SECRET_AT)]) {
      expect(page.html).not.toContain(secret);
      expect(api.logged()).not.toContain(secret);
      expect(stored).not.toContain(secret);
    }
    const events = await api.sql(practice, 'SELECT type, actor FROM event WHERE subject_id = $1', [connection]);
    expect(events).toContainEqual({
      type: 'connection-reauthenticated',
      actor: expect.objectContaining({ kind: 'collaborator', id: practice.collaborator }),
    });
  });

  test('keeps of a state its hash, of a verifier its ciphertext, and forgets both once used', async () => {
    const { json } = await begin();
    const state = new URL(json.url as string).searchParams.get('state')!;
    const rows = () => api.sql(practice, 'SELECT state_hash, verifier_sealed FROM consent');
    const [row] = (await rows()) as { state_hash: Buffer; verifier_sealed: Buffer }[];
    expect(row?.state_hash).toHaveLength(32);
    expect(row?.state_hash.toString('base64url')).not.toBe(state.slice(SECRET_AT));
    expect(row?.verifier_sealed.length).toBeGreaterThan(43);
    await back(await consentPage(json.url as string));
    expect(await rows()).toEqual([]);
  });

  test('a state is good once', async () => {
    const location = await consentPage((await begin()).json.url as string);
    const pages = await Promise.all([back(location), back(location), back(location)]);
    expect(pages.map((page) => page.status).sort()).toEqual([200, 410, 410]);
    expect((await back(location)).html).toContain('Lien expiré');
  });

  test('a state is good for ten minutes, until the next one is asked for, and in its own organization', async () => {
    const first = await consentPage((await begin()).json.url as string);
    const second = await consentPage((await begin()).json.url as string);
    expect((await back(first)).status).toBe(410);
    await api.sql(practice, `UPDATE consent SET expires_at = clock_timestamp() - interval '1 second'`);
    expect((await back(second)).status).toBe(410);
    const third = await consentPage((await begin()).json.url as string);
    const elsewhere = new URL(third);
    const stranger = await api.practice();
    const secret = elsewhere.searchParams.get('state')!.slice(SECRET_AT);
    const names = issueFeedToken(stranger.organization, connection).text.slice(0, SECRET_AT);
    elsewhere.searchParams.set('state', `${names}${secret}`);
    expect((await back(elsewhere.href)).status).toBe(410);
    expect(await status()).toBe('unverified');
    expect((await back(third)).status).toBe(200);
  });

  test('a person who says no changes nothing, and uses the state up', async () => {
    const url = (await begin()).json.url as string;
    const page = await back(await consentPage(url, { more: { pressed: 'cancel' } }));
    expect([page.status, page.html.includes('Accès refusé')]).toEqual([403, true]);
    expect((await back(await consentPage(url))).status).toBe(410);
    expect(await status()).toBe('unverified');
  });

  test('each fault of the backend has a page of its own', async () => {
    const forged = new URL(await consentPage((await begin()).json.url as string));
    forged.searchParams.set('code', '4/forged');
    const refused = await back(forged.href);
    expect([refused.status, refused.html.includes('Autorisation non valable')]).toEqual([422, true]);

    const scope = 'https://www.googleapis.com/auth/calendar.events';
    const narrow = await back(await consentPage((await begin()).json.url as string, { more: { scope } }));
    expect([narrow.status, narrow.html.includes('cochez toutes les cases')]).toEqual([422, true]);

    const late = await consentPage((await begin()).json.url as string);
    await control('faults', { faults: [{ kind: 'error', status: 503, route: '/token' }] });
    const down = await back(late);
    expect([down.status, down.html.includes('Serveur injoignable')]).toEqual([503, true]);
    await control('faults', {}, 'DELETE');
    expect(await status()).toBe('unverified');
  });

  test('an account without the linked agenda does not take the place of the one that has it', async () => {
    await back(await consentPage((await begin()).json.url as string));
    const body = { agenda: practice.agenda, connection, remoteAgenda: USER, disclosure: 'busy', approve: true };
    expect((await ask('POST', '/v1/links', { body })).status).toBe(201);
    const page = await back(await consentPage((await begin()).json.url as string, { user: OTHER }));
    expect([page.status, page.html.includes('Autre compte')]).toEqual([422, true]);
    expect((await ask('GET', `/v1/connections/${connection}/agendas`)).json.items).toMatchObject([{ id: USER }]);
  });

  test('nonsense is answered with a page that repeats nothing of it', async () => {
    for (const query of [
      '',
      '?state=x&code=<script>',
      '?state[]=1&code=1',
      `?state=${'A'.repeat(43)}_${'B'.repeat(43)}&code=1`,
    ]) {
      const page = await back(`${CALLBACK}${query}`);
      expect([query, page.status, page.html.includes('script')]).toEqual([query, 410, false]);
    }
  });

  test('is refused for what cannot be opened by it', async () => {
    expect((await begin(randomUUID())).status).toBe(404);
    const inHouse = { connector: 'in-house', label: 'x', settings: { baseUrl: `${origin}/in-house/api` } };
    const body = { ...inHouse, secrets: { apiKey: 'consent-key-0123456789' } };
    const made = await ask('POST', '/v1/connections', { body });
    const refused = await begin(made.json.id as string);
    expect([refused.status, refused.json.code]).toEqual([409, 'NO_CONSENT']);
    const stranger = await api.client(await api.practice());
    expect((await stranger('POST', `/v1/connections/${connection}/consent`)).status).toBe(404);
  });

  test('is refused where nobody could come back to', async () => {
    const hidden = await TestApi.start();
    try {
      const there = await hidden.practice();
      const asks = await hidden.client(there);
      const auth = { type: 'oauth', clientId: CLIENT.id, clientSecret: CLIENT.secret };
      const body = { connector: 'google', label: 'x', settings: {}, secrets: { auth } };
      const made = await asks('POST', '/v1/connections', { body });
      const refused = await asks('POST', `/v1/connections/${made.json.id as string}/consent`);
      expect([refused.status, refused.json.code]).toEqual([409, 'NO_PUBLIC_URL']);
    } finally {
      await hidden.stop();
    }
  });
});
