import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Practice } from '../../../test/support/practice.js';
import type { Answer, TestApi } from './api.suite.js';
import { AUDIENCE, Browser, CLIENT, SignInDesk, type TestProvider } from './sign-in.suite.js';

let desk: SignInDesk;
let api: TestApi;
let idp: TestProvider;
let practice: Practice;

beforeAll(async () => {
  desk = await SignInDesk.start();
  ({ api, idp, practice } = desk);
});

afterAll(() => desk.stop());

const randomAddress = (): string => `10.${[...randomBytes(3)].join('.')}`;

/** Reads agendas with a token, from an address of its own. */
const show = (token: string, headers: Record<string, string> = {}): Promise<Answer> =>
  api.ask('GET', '/v1/agendas', {
    headers: {
      authorization: `Bearer ${token}`,
      'unisson-organization': practice.organization,
      'x-forwarded-for': randomAddress(),
      ...headers,
    },
  });

describe('a person’s access token', () => {
  test('made by the provider for this API acts as the person who is linked', async () => {
    const browser = new Browser();
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
      client_id: 'phone',
      redirect_uri: 'https://phone.example/back',
      response_type: 'code',
      scope: 'openid api',
      resource: AUDIENCE,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const back = await browser.followTo('https://phone.example/back', `${idp.issuer}/auth?${query.toString()}`);
    const code = new URL(back).searchParams.get('code') ?? '';
    const answer = await fetch(`${idp.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: 'phone',
        redirect_uri: 'https://phone.example/back',
        code,
        code_verifier: verifier,
        resource: AUDIENCE,
      }),
    });
    const tokens = (await answer.json()) as { access_token: string; id_token: string };
    expect((await show(tokens.access_token)).status).toBe(200);
    expect((await show(tokens.id_token)).status).toBe(401);
    expect((await show(tokens.access_token, { 'unisson-organization': '' })).status).toBe(400);
    const strangers = await api.practice();
    expect((await show(tokens.access_token, { 'unisson-organization': strangers.organization })).status).toBe(401);
    expect((await show(tokens.access_token, { 'unisson-collaborator': randomUUID() })).status).toBe(403);
  });

  test('is refused when it is not for this API, not of this issuer, over, not yet, unsigned or signed by anybody', async () => {
    const now = Math.floor(Date.now() / 1000);
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const body = { iss: idp.issuer, sub: 'claire', aud: AUDIENCE, iat: now, exp: now + 300 };
    const unsigned = `${part({ alg: 'none', typ: 'at+jwt' })}.${part(body)}.`;
    const publicKey = JSON.stringify(idp.key);
    const shared = `${part({ alg: 'HS256', kid: idp.key.kid, typ: 'at+jwt' })}.${part(body)}`;
    const hmac = `${shared}.${createHmac('sha256', publicKey).update(shared).digest('base64url')}`;
    const good = await idp.token();
    const cases: Record<string, string> = {
      audience: await idp.token({ aud: 'https://other.example' }),
      client: await idp.token({ aud: CLIENT.id }),
      issuer: await idp.token({ iss: 'https://evil.example' }),
      expired: await idp.token({ exp: now - 60 }),
      endless: await idp.token({ exp: undefined }),
      nobody: await idp.token({ sub: undefined }),
      early: await idp.token({ nbf: now + 120 }),
      kind: await idp.token({}, { typ: 'logout+jwt' }),
      key: await idp.token({}, { kid: 'unknown' }),
      unsigned,
      hmac,
      altered: good.slice(0, -4) + (good.endsWith('AAAA') ? 'BBBB' : 'AAAA'),
      body: good.replace(/\.[^.]+\./, `.${part({ ...body, sub: 'anne' })}.`),
      nonsense: 'a.b.c',
    };
    for (const [name, token] of Object.entries(cases)) expect([name, (await show(token)).status]).toEqual([name, 401]);
    expect((await show(good)).status).toBe(200);
    expect((await show(await idp.token({ exp: now - 10 }))).status).toBe(200);
  });

  test('of somebody nobody linked is answered with what to do', async () => {
    const answer = await show(await idp.token({ sub: 'newcomer' }));
    expect(answer.json).toMatchObject({ status: 403, subject: 'newcomer', issuer: idp.issuer });
    expect(answer.json.type).toMatch(/person-unknown$/);
  });

  test('is known by a new key soon after the provider changed it, and unknown keys ask seldom', async () => {
    const old = await idp.token();
    expect((await show(old)).status).toBe(200);
    idp.rotate();
    const fresh = await idp.token();
    let status = 0;
    for (let n = 0; n < 40 && status !== 200; n += 1) {
      ({ status } = await show(fresh));
      if (status !== 200) await sleep(250);
    }
    expect(status).toBe(200);
    expect((await show(old)).status).toBe(401);
    const before = idp.keysAsked;
    for (let n = 0; n < 8; n += 1) await show(await idp.token({}, { kid: randomUUID() }));
    expect(idp.keysAsked - before).toBeLessThanOrEqual(2);
  });
});

test('who an account is here an administrator says: not beyond his own scopes, nor for whom others trust; and unsays at once', async () => {
  const [admin, collaborator] = [await api.client(practice), await desk.colleague()];
  const provider = desk.provider;
  await admin('PUT', `/v1/agendas/${practice.agenda}/owner`, { body: { collaborator: practice.collaborator } });
  await admin('POST', '/v1/grants', {
    body: { holder: { kind: 'collaborator', id: collaborator }, actions: ['see-busy'] },
  });
  const link = (more: object = {}, by = admin): Promise<Answer> =>
    by('POST', '/v1/identities', {
      body: { provider, collaborator, subject: 'nadia', scopes: ['agenda:read'], ...more },
    });
  const narrow = await api.client(practice, ['grant:manage', 'agenda:read']);
  expect((await link({ scopes: ['patient:manage'] }, narrow)).json).toMatchObject({ right: 'patient:manage' });
  expect((await link({ collaborator: practice.collaborator })).json.type).toMatch(/operator-required$/);
  expect((await link({ rpps: '99700218896' })).status).toBe(400);
  for (const nobody of [{ provider: randomUUID() }, { collaborator: randomUUID() }])
    expect((await link(nobody)).json.type).toMatch(/unknown-reference$/);
  expect((await link({}, await api.client(await api.practice()))).json.type).toMatch(/unknown-reference$/);
  const token = await idp.token({ sub: 'nadia' });
  const unknown = async (): Promise<unknown> => (await show(token)).json.type;
  expect(await unknown()).toMatch(/person-unknown$/);
  const linked = await link({}, narrow);
  expect([linked.status, linked.json]).toMatchObject([201, { provider, collaborator, subject: 'nadia' }]);
  expect((await link()).json.errors).toEqual([expect.objectContaining({ path: 'body.subject' })]);
  expect((await show(token)).status).toBe(200);
  const id = linked.json.id as string;
  expect((await admin('DELETE', `/v1/identities/${id}`)).status).toBe(204);
  expect(await unknown()).toMatch(/person-unknown$/);
  const changes = ['person-linked', 'person-unlinked'];
  const events = `SELECT type AS what, actor->>'id' AS by FROM event WHERE subject_id = $1 ORDER BY id`;
  expect(await api.sql(practice, events, [id])).toEqual(changes.map((what) => ({ what, by: practice.collaborator })));
  const told = 'SELECT change AS what FROM grant_notice WHERE identity_id = $1 ORDER BY change';
  expect(await api.sql(practice, told, [id])).toEqual(changes.map((what) => ({ what })));
});
