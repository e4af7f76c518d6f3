import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { issueFeedToken } from '#platform';
import type { Practice } from '../../../test/support/practice.js';
import type { Answer, Client, TestApi } from './api.suite.js';
import { AUDIENCE, Browser, CLIENT, PUBLIC_URL, SignInDesk, type TestProvider } from './sign-in.suite.js';

const ORIGIN = { origin: PUBLIC_URL };
const COOKIE = '__Host-unisson-session';

let desk: SignInDesk;
let api: TestApi;
let idp: TestProvider;
let practice: Practice;
let provider: string;

beforeAll(async () => {
  desk = await SignInDesk.start();
  ({ api, idp, practice, provider } = desk);
});

afterAll(() => desk.stop());

beforeEach(() => {
  idp.login = { accountId: 'claire' };
});

const startUrl = (returnTo = '/', at = provider): string =>
  `${api.url}/v1/sign-in?organization=${practice.organization}&provider=${at}&returnTo=${encodeURIComponent(returnTo)}`;

/** Goes to the provider and stands before the door again. `change` tampers with what is asked there. */
async function comeBack(
  browser: Browser,
  change: (url: URL) => void = () => undefined,
  at = provider,
): Promise<string> {
  const begun = await browser.get(startUrl('/agenda?day=1', at));
  expect(begun.status).toBe(302);
  const url = new URL(begun.headers.get('location') ?? '');
  change(url);
  const back = await browser.followTo(PUBLIC_URL, url.href);
  return back.replace(PUBLIC_URL, api.url);
}

/** A browser that is signed in. */
async function signedIn(): Promise<Browser> {
  const browser = new Browser();
  const answer = await browser.get(await comeBack(browser));
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/agenda?day=1']);
  return browser;
}

const ask = (browser: Browser, method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  api.ask(method, path, { headers: { cookie: browser.cookies(api.url), ...headers } });

const randomAddress = (): string => `10.${[...randomBytes(3)].join('.')}`;

describe('signing in to the console', () => {
  test('goes to the provider with state, nonce and PKCE, and comes back into a session of one’s own', async () => {
    const browser = new Browser();
    const begun = await browser.get(startUrl());
    const asked = new URL(begun.headers.get('location') ?? '').searchParams;
    expect(Object.fromEntries(asked)).toMatchObject({
      client_id: CLIENT.id,
      response_type: 'code',
      code_challenge_method: 'S256',
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      redirect_uri: `${PUBLIC_URL}/v1/sign-in/callback`,
    });
    expect(begun.headers.get('set-cookie')).toMatch(
      /^__Host-unisson-away=[\w-]{43}; SameSite=Lax; Max-Age=600; Path=\/; HttpOnly; Secure$/,
    );
    const done = await browser.get(await comeBack(browser));
    const cookies = done.headers.getSetCookie();
    expect(cookies).toEqual([
      expect.stringMatching(/^__Host-unisson-away=; /),
      expect.stringMatching(
        /^__Host-unisson-session=[\w-]{87}; SameSite=Strict; Max-Age=43200; Path=\/; HttpOnly; Secure$/,
      ),
    ]);
    expect((await ask(browser, 'GET', '/v1/agendas')).status).toBe(200);
    expect((await ask(browser, 'GET', '/v1/connections')).status).toBe(403);
    const hold = await ask(browser, 'POST', '/v1/holds', { ...ORIGIN, 'content-type': 'application/json' });
    expect(hold.status).toBe(400);
    const other = { 'unisson-collaborator': await desk.colleague() };
    expect((await ask(browser, 'GET', '/v1/agendas', other)).json.type).toMatch(/collaborator-unknown$/);
    const [row] = (await api.sql(practice, 'SELECT session::text AS text FROM session LIMIT 1')) as { text: string }[];
    expect(row?.text).not.toContain(browser.cookies(api.url).slice(-43));
    expect(api.logged()).not.toContain(browser.cookies(api.url).slice(-43));
  });

  test('lists the providers of an organization, and only paths of this address to go to', async () => {
    const list = async (organization: string) =>
      (await api.ask('GET', `/v1/sign-in/providers?organization=${organization}`, {})).json.items as { id: string }[];
    expect((await list(practice.organization)).map(({ id }) => id)).toContain(provider);
    expect(await list(randomUUID())).toEqual([]);
    for (const away of ['https://evil.example', '//evil.example', '/\\evil.example', 'x', '/a\r\nSet-Cookie: b'])
      expect([away, (await new Browser().get(startUrl(away))).status]).toEqual([away, 400]);
    expect((await new Browser().get(startUrl('/', randomUUID()))).status).toBe(404);
  });

  test('is good once, and in the browser that left alone', async () => {
    const [browser, thief] = [new Browser(), new Browser()];
    const back = await comeBack(browser);
    await thief.get(startUrl());
    expect((await thief.get(back)).status).toBe(410);
    expect((await new Browser().get(back)).status).toBe(410);
    const cookies = browser.cookies(api.url);
    expect((await browser.get(back)).status).toBe(303);
    expect((await fetch(back, { redirect: 'manual', headers: { cookie: cookies } })).status).toBe(410);
    const late = new Browser();
    const lateBack = await comeBack(late);
    await api.sql(practice, 'UPDATE sign_in SET expires_at = now()');
    expect((await late.get(lateBack)).status).toBe(410);
  });

  test.each([
    [
      'nonce',
      (url: URL) => {
        url.searchParams.set('nonce', 'another');
      },
    ],
    [
      'code challenge',
      (url: URL) => {
        url.searchParams.set('code_challenge', createHash('sha256').update('x').digest('base64url'));
      },
    ],
  ])('is refused with another %s', async (_, change) => {
    const browser = new Browser();
    expect((await browser.get(await comeBack(browser, change))).status).toBe(422);
    expect(browser.cookies(api.url)).toBe('');
  });

  test('is refused with another code, another issuer in the answer, or when the person refuses', async () => {
    const tampered = async (change: (back: URL) => void) => {
      const browser = new Browser();
      const back = new URL(await comeBack(browser));
      change(back);
      return (await browser.get(back.href)).status;
    };
    expect(
      await tampered((back) => {
        back.searchParams.set('code', 'x');
      }),
    ).toBe(422);
    expect(
      await tampered((back) => {
        back.searchParams.set('iss', 'https://evil.example');
      }),
    ).toBe(422);
    expect(
      await tampered((back) => {
        back.searchParams.delete('code');
        back.searchParams.set('error', 'access_denied');
      }),
    ).toBe(403);
  });

  test('tells a person nobody linked what to do, and one whose access was closed', async () => {
    idp.login = { accountId: 'new<b>comer' };
    const browser = new Browser();
    const answer = await browser.get(await comeBack(browser));
    const text = await answer.text();
    expect([answer.status, browser.cookies(api.url)]).toEqual([403, '']);
    expect(text).toContain('new&#60;b&#62;comer');
    expect(text).not.toContain('<b>');
    const gone = await desk.colleague(false);
    await desk.link({ subject: 'gone' }, gone);
    idp.login = { accountId: 'gone' };
    const closed = new Browser();
    expect((await closed.get(await comeBack(closed))).status).toBe(403);
  });

  test('says when the provider cannot be reached', async () => {
    const nowhere = await desk.newProvider('http://127.0.0.1:9');
    const answer = await new Browser().get(startUrl('/', nowhere));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
  });

  test('counts states that nobody was given', async () => {
    const address = { 'x-forwarded-for': randomAddress() };
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      const state = issueFeedToken(practice.organization, randomUUID()).text;
      statuses.push((await new Browser().get(`${api.url}/v1/sign-in/callback?state=${state}&code=x`, address)).status);
    }
    expect(statuses).toEqual([...Array<number>(10).fill(410), 429, 429]);
  });
});

describe('Pro Santé Connect', () => {
  const nationalId = '899700218896';
  const claims = { SubjectNameID: nationalId, otherIds: [{ identifiant: nationalId, origine: 'RPPS', qualite: 1 }] };

  test('knows a professional by his national identifier at first, then by his account; strongly authenticated only', async () => {
    await api.sql(practice, `UPDATE identity_provider SET kind = 'pro-sante-connect' WHERE id = $1`, [provider]);
    try {
      const collaborator = await desk.colleague();
      const identity = await desk.link({ nationalId }, collaborator);
      const accountId = `f:${randomUUID()}:${nationalId}`;
      idp.login = { accountId, claims };
      const weak = new Browser();
      expect((await weak.get(await comeBack(weak))).status).toBe(422);
      idp.login = { accountId, acr: 'eidas1', claims };
      const browser = new Browser();
      const begun = await comeBack(browser, (url) => {
        expect([url.searchParams.get('scope'), url.searchParams.get('acr_values')]).toEqual([
          'openid scope_all',
          'eidas1',
        ]);
      });
      expect((await browser.get(begun)).status).toBe(303);
      expect(await api.sql(practice, 'SELECT subject FROM identity WHERE id = $1', [identity])).toEqual([
        { subject: accountId },
      ]);
      idp.login = { accountId: `f:${randomUUID()}:${nationalId}`, acr: 'eidas1', claims };
      const twin = new Browser();
      expect((await twin.get(await comeBack(twin))).status).toBe(403);
    } finally {
      await api.sql(practice, `UPDATE identity_provider SET kind = 'oidc' WHERE id = $1`, [provider]);
    }
  });
});

describe('a session', () => {
  test('changes nothing for another site, and is never shown beside a key', async () => {
    const browser = await signedIn();
    const post = (headers: Record<string, string>) => ask(browser, 'POST', '/v1/sign-out', headers);
    for (const headers of [
      {},
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site', origin: PUBLIC_URL },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
    ])
      expect([headers, (await post(headers)).json.type]).toEqual([headers, expect.stringMatching(/cross-site$/)]);
    expect((await ask(browser, 'GET', '/v1/agendas', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    const { text } = await api.key(practice);
    const both = await ask(browser, 'GET', '/v1/agendas', { authorization: `Bearer ${text}` });
    expect([both.status, both.json.type]).toEqual([400, expect.stringMatching(/two-credentials$/)]);
    expect((await ask(browser, 'GET', '/v1/agendas')).status).toBe(200);
    expect((await post({ 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });

  test('is listed and ended by its owner, at once and in every process', async () => {
    const [mine, other] = [await signedIn(), await signedIn()];
    const beside = await api.beside();
    try {
      const list = await ask(mine, 'GET', '/v1/sessions');
      const current = (list.json.items as { id: string; current: boolean }[]).filter((session) => session.current);
      expect(current).toHaveLength(1);
      const otherId = (await ask(other, 'GET', '/v1/sessions')).json.items.find((s: { current: boolean }) => s.current)
        .id as string;
      const read = () => api.ask('GET', '/v1/agendas', { headers: { cookie: other.cookies(api.url) } }, beside.url);
      expect((await read()).status).toBe(200);
      expect((await ask(mine, 'DELETE', `/v1/sessions/${otherId}`, ORIGIN)).status).toBe(204);
      expect((await read()).status).toBe(401);
      expect((await ask(mine, 'DELETE', `/v1/sessions/${otherId}`, ORIGIN)).status).toBe(404);
    } finally {
      await beside.stop();
    }
    const client = await api.client(practice);
    expect((await client('GET', '/v1/sessions')).status).toBe(404);
  });

  test('of a colleague is nobody else’s business', async () => {
    await desk.link({ subject: 'anne' }, await desk.colleague());
    const mine = await signedIn();
    idp.login = { accountId: 'anne' };
    const hers = await signedIn();
    const herId = (await ask(hers, 'GET', '/v1/sessions')).json.items[0].id as string;
    expect((await ask(mine, 'DELETE', `/v1/sessions/${herId}`, ORIGIN)).status).toBe(404);
    expect((await ask(hers, 'GET', '/v1/sessions')).json.items).toHaveLength(1);
  });

  test('ends by signing out, here and at the provider', async () => {
    const browser = await signedIn();
    const before = browser.cookies(api.url);
    const out = await ask(browser, 'POST', '/v1/sign-out', ORIGIN);
    expect([out.status, out.headers['set-cookie']]).toEqual([
      200,
      expect.stringMatching(new RegExp(`^${COOKIE}=; .*Max-Age=0`)),
    ]);
    expect((await api.ask('GET', '/v1/agendas', { headers: { cookie: before } })).status).toBe(401);
    const page = await browser.get(out.json.signOutUrl as string);
    expect([page.status, new URL(out.json.signOutUrl as string).origin]).toEqual([200, idp.issuer]);
  });

  test('ends after half an hour without use, at its end, with the link and with the collaborator', async () => {
    const over = async (change: string) => {
      const browser = await signedIn();
      const { id } = (await ask(browser, 'GET', '/v1/sessions')).json.items.find(
        (s: { current: boolean }) => s.current,
      ) as { id: string };
      await api.sql(practice, change, [id]);
      return (await ask(browser, 'GET', '/v1/agendas')).status;
    };
    expect(await over(`UPDATE session SET seen_at = now() - interval '29 minutes' WHERE id = $1`)).toBe(200);
    expect(await over(`UPDATE session SET seen_at = now() - interval '31 minutes' WHERE id = $1`)).toBe(401);
    expect(await over('UPDATE session SET expires_at = now() WHERE id = $1')).toBe(401);
    const linked = (subject: string) => desk.colleague().then((collaborator) => desk.link({ subject }, collaborator));
    await linked('left');
    idp.login = { accountId: 'left' };
    expect(
      await over(
        'UPDATE collaborator SET active = false WHERE id = (SELECT i.collaborator_id FROM identity i JOIN session s ON s.identity_id = i.id WHERE s.id = $1)',
      ),
    ).toBe(403);
    await linked('unlinked');
    idp.login = { accountId: 'unlinked' };
    expect(await over('DELETE FROM identity WHERE id = (SELECT identity_id FROM session WHERE id = $1)')).toBe(401);
  });

  test('is not guessed', async () => {
    const browser = await signedIn();
    const address = { 'x-forwarded-for': randomAddress() };
    const text = browser.cookies(api.url);
    const statuses: number[] = [];
    for (let n = 0; n < 11; n += 1) {
      const cookie =
        n % 2
          ? `${COOKIE}=${issueFeedToken(practice.organization, randomUUID()).text}`
          : `${text.slice(0, -43)}${'A'.repeat(43)}`;
      statuses.push((await api.ask('GET', '/v1/agendas', { headers: { cookie, ...address } })).status);
    }
    expect(statuses).toEqual([...Array<number>(10).fill(401), 429]);
    expect((await ask(browser, 'GET', '/v1/agendas')).status).toBe(200);
  });
});

describe('providers and people', () => {
  const given = { label: 'Annuaire du cabinet', clientSecret: null, clientId: 'phone', audience: AUDIENCE };
  const add = (client: Client, issuer: string, more: object = {}) =>
    client('POST', '/v1/identity-providers', { body: { ...given, issuer, ...more } });

  test('are administered over the API: a provider that answers as one is kept, its secret sealed and never shown', async () => {
    const admin = await api.client(practice);
    const secret = 'a-new-secret-nobody-sees-again';
    const added = await add(admin, idp.issuer, { clientSecret: secret });
    expect([added.status, added.json]).toEqual([
      201,
      { ...given, clientSecret: undefined, id: expect.any(String), kind: 'oidc', issuer: idp.issuer, hasSecret: true },
    ]);
    expect((await add(admin, idp.issuer)).json.errors).toEqual([expect.objectContaining({ path: 'body.issuer' })]);
    for (const issuer of [`${idp.issuer}/nowhere`, 'http://127.0.0.1:9', 'http://[::1]:9'])
      expect([issuer, (await add(admin, issuer)).json.type]).toEqual([issuer, expect.stringMatching(/unusable$/)]);
    expect((await add(admin, idp.issuer, { clientId: AUDIENCE })).status).toBe(400);
    const id = added.json.id as string;
    const change = { label: 'Annuaire', clientSecret: null, audience: null };
    const changed = await admin('PUT', `/v1/identity-providers/${id}`, { body: change });
    expect(changed.json).toMatchObject({ label: 'Annuaire', hasSecret: false, audience: null, clientId: 'phone' });
    const listed = await admin('GET', '/v1/identity-providers');
    expect((listed.json.items as { id: string }[]).map((one) => one.id)).toEqual(
      expect.arrayContaining([id, provider]),
    );
    const stranger = await api.client(await api.practice());
    expect((await stranger('GET', '/v1/identity-providers')).json.items).toEqual([]);
    expect((await stranger('PUT', `/v1/identity-providers/${id}`, { body: change })).status).toBe(404);
    expect((await stranger('DELETE', `/v1/identity-providers/${id}`)).status).toBe(404);
    expect((await admin('DELETE', `/v1/identity-providers/${id}`)).status).toBe(204);
    expect((await admin('DELETE', `/v1/identity-providers/${id}`)).status).toBe(404);
    const events = (await api.sql(
      practice,
      'SELECT type, data::text AS data FROM event WHERE subject_id = $1 ORDER BY id',
      [id],
    )) as { type: string }[];
    expect(events.map(({ type }) => type)).toEqual(
      ['added', 'changed', 'removed'].map((what) => `identity-provider-${what}`),
    );
    expect(JSON.stringify([events, listed.text]) + api.logged()).not.toContain(secret);
  });

  test('whoever is unlinked is out at once, and only by who manages every grant', async () => {
    const link = await desk.link({ subject: 'paule' });
    idp.login = { accountId: 'paule' };
    const browser = await signedIn();
    const admin = await api.client(practice);
    const { json } = await admin('GET', '/v1/identities');
    expect(json.items).toContainEqual(
      expect.objectContaining({ id: link, provider, collaborator: practice.collaborator, subject: 'paule' }),
    );
    expect((await ask(browser, 'GET', '/v1/identities')).status).toBe(403);
    expect((await ask(browser, 'GET', '/v1/agendas')).status).toBe(200);
    expect((await admin('DELETE', `/v1/identities/${link}`)).status).toBe(204);
    expect((await ask(browser, 'GET', '/v1/agendas')).status).toBe(401);
  });
});
