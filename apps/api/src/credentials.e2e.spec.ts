import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { issueApiKey, NOBODY } from '#platform';
import type { Practice } from '../../../test/support/practice.js';
import { TestApi, type Answer } from './api.suite.js';

let api: TestApi;
let practice: Practice;

beforeAll(async () => {
  api = await TestApi.start({
    SIGN_IN_FAILURES_PER_MINUTE: '10',
    TRUSTED_PROXIES: '127.0.0.1',
    PUBLIC_URL: 'https://unisson.example/',
  });
  practice = await api.practice();
});

afterAll(() => api.stop());

const revoke = (id: string) =>
  api.sql(practice, 'UPDATE api_key SET revoked_at = now() WHERE organization_id = $1 AND id = $2', [
    practice.organization,
    id,
  ]);

interface Client {
  readonly id: string;
  readonly secret: string;
}

async function newClient(scopes?: Parameters<TestApi['key']>[1]): Promise<Client & { keyId: string; key: string }> {
  const { text, id: keyId } = await api.key(practice, scopes);
  return { id: text.slice(8, 51), secret: text.slice(52), keyId, key: text };
}

const form = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();

/** A request to the token endpoint, from an address of its own. */
function post(
  fields: Record<string, string> | string,
  headers: Record<string, string> = {},
  path = '',
): Promise<Answer> {
  return api.ask('POST', `/v1/token${path}`, {
    body: typeof fields === 'string' ? fields : form(fields),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-forwarded-for': headers['x-forwarded-for'] ?? randomAddress(),
      ...headers,
    },
  });
}

const basic = ({ id, secret }: Client) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});
const grant = { grant_type: 'client_credentials' };

const randomAddress = (): string => {
  const [a, b, c] = Buffer.from(randomUUID().slice(0, 6), 'hex');
  return `10.${String(a)}.${String(b)}.${String(c)}`;
};

/** The status with which agendas are read. */
async function read(bearer: string, address = randomAddress(), url = api.url): Promise<Answer> {
  const headers = { authorization: `Bearer ${bearer}`, 'x-forwarded-for': address };
  return api.ask('GET', '/v1/agendas', { headers }, url);
}

const wrong = (key: string): string =>
  key.slice(0, -43) + Buffer.from(randomUUID().repeat(2)).toString('base64url').slice(0, 43);

describe('client credentials', () => {
  test('give a token that does what the key does, in the name of a collaborator', async () => {
    const client = await newClient(['agenda:read', 'appointment:write']);
    for (const asked of [
      await post(grant, basic(client)),
      await post({ ...grant, client_id: client.id, client_secret: client.secret }),
    ]) {
      expect(asked.status).toBe(200);
      expect(asked.json).toEqual({
        access_token: expect.stringMatching(/^unisson_at_/),
        token_type: 'Bearer',
        expires_in: 900,
        scope: 'agenda:read appointment:write',
      });
      expect(asked.headers['cache-control']).toBe('no-store');
      const token = asked.json.access_token as string;
      expect((await read(token)).status).toBe(200);
      const hold = (collaborator?: string) =>
        api.ask('POST', '/v1/holds', {
          body: {},
          headers: { authorization: `Bearer ${token}`, 'unisson-collaborator': collaborator },
        });
      expect((await hold()).json.type).toMatch(/collaborator-required$/);
      expect((await hold(randomUUID())).json.type).toMatch(/collaborator-unknown$/);
      expect((await hold(practice.collaborator)).status).toBe(400);
    }
  });

  test('narrow scopes, and never widen them', async () => {
    const client = await newClient(['agenda:read', 'appointment:write']);
    const narrow = await post({ ...grant, scope: 'appointment:write' }, basic(client));
    expect(narrow.json.scope).toBe('appointment:write');
    expect((await read(narrow.json.access_token as string)).status).toBe(403);
    const wide = await post({ ...grant, scope: 'agenda:read connection:manage' }, basic(client));
    expect([wide.status, wide.json.error]).toEqual([400, 'invalid_scope']);
  });

  test('refuse in the words of RFC 6749', async () => {
    const client = await newClient();
    const twice = form(grant) + '&grant_type=password';
    const answers = await Promise.all([
      post({ grant_type: 'password' }, basic(client)),
      post({}, basic(client)),
      post(twice, basic(client)),
      post({ ...grant, client_secret: client.secret }, basic(client)),
      post({ grant_type: 'client_credentials' }),
      post(grant, basic({ ...client, secret: wrong(client.key).slice(52) })),
      post(grant, { authorization: 'Basic !' }),
      post(JSON.stringify(grant), { ...basic(client), 'content-type': 'application/json' }),
    ]);
    expect(answers.map(({ status, json }) => [status, json.error])).toEqual([
      [400, 'unsupported_grant_type'],
      [400, 'invalid_request'],
      [400, 'invalid_request'],
      [400, 'invalid_request'],
      [401, 'invalid_client'],
      [401, 'invalid_client'],
      [401, 'invalid_client'],
      [400, 'invalid_request'],
    ]);
    expect(answers[5]?.headers['www-authenticate']).toMatch(/^Basic /);
  });

  test('a token ends with its time, by its revocation and with its key, each at once', async () => {
    const client = await newClient();
    const obtain = async () => (await post(grant, basic(client))).json.access_token as string;
    const [old, returned, last] = [await obtain(), await obtain(), await obtain()];
    const id = Buffer.from(old.slice(11, 54), 'base64url').subarray(16).toString('hex');
    await api.sql(practice, `UPDATE access_token SET expires_at = now() WHERE id = $1`, [id]);
    expect((await read(old)).status).toBe(401);
    const stranger = await newClient();
    expect((await post({ token: returned }, basic(stranger), '/revocation')).status).toBe(200);
    expect((await read(returned)).status).toBe(200);
    expect((await post({ token: returned }, basic(client), '/revocation')).status).toBe(200);
    expect((await read(returned)).status).toBe(401);
    expect((await post({ token: 'unknown' }, basic(client), '/revocation')).status).toBe(200);
    await revoke(client.keyId);
    expect((await read(last)).status).toBe(401);
    expect((await read(wrong(last))).status).toBe(401);
  });

  test('are described where applications look for them', async () => {
    const { json } = await api.ask('GET', '/.well-known/oauth-authorization-server', {});
    expect(json).toMatchObject({
      issuer: 'https://unisson.example',
      token_endpoint: 'https://unisson.example/v1/token',
      grant_types_supported: ['client_credentials'],
    });
  });
});

describe('guessing', () => {
  test('ten wrong secrets for one key, from anywhere and at any process, lock it for a minute', async () => {
    const beside = await api.beside();
    try {
      const { key, keyId } = await newClient();
      const tries = Array.from({ length: 30 }, (_, n) =>
        read(wrong(key), randomAddress(), n % 2 ? beside.url : api.url),
      );
      const statuses = (await Promise.all(tries)).map(({ status }) => status);
      expect([statuses.filter((status) => status === 401).length, new Set(statuses)]).toEqual([
        10,
        new Set([401, 429]),
      ]);
      for (const url of [api.url, beside.url]) {
        const right = await read(key, randomAddress(), url);
        expect([right.status, right.json.type]).toEqual([429, expect.stringMatching(/locked-out$/)]);
        expect(Number(right.headers['retry-after'])).toBeGreaterThan(0);
        expect(Number(right.headers['retry-after'])).toBeLessThanOrEqual(60);
      }
      const events = await api.sql(
        practice,
        `SELECT subject_id AS key, data FROM event WHERE type = 'credential-locked' AND subject_id = $1`,
        [keyId],
      );
      expect(events).toEqual([{ key: keyId, data: { failures: 10 } }]);
      await api.sql({ ...practice, organization: NOBODY }, `UPDATE failed_attempt SET at = at - interval '1 minute'`);
      expect((await read(key)).status).toBe(200);
    } finally {
      await beside.stop();
    }
  });

  test('locks nobody out of the place where the key is at home', async () => {
    const { key } = await newClient();
    const home = randomAddress();
    expect((await read(key, home)).status).toBe(200);
    await Promise.all(Array.from({ length: 12 }, () => read(wrong(key))));
    const beside = await api.beside();
    try {
      expect((await read(key, randomAddress(), beside.url)).status).toBe(429);
      expect((await read(key, home, beside.url)).status).toBe(200);
    } finally {
      await beside.stop();
    }
  });

  test('ten wrong secrets from one address, for any keys and none, lock the address', async () => {
    const address = randomAddress();
    const { key } = await newClient();
    const answers: Answer[] = [];
    for (let n = 0; n < 12; n += 1)
      answers.push(await read(n % 2 ? issueApiKey(randomUUID(), randomUUID()).text : 'nonsense', address));
    expect(answers.map(({ status }) => status)).toEqual([...Array<number>(10).fill(401), 429, 429]);
    expect((await read(key, address)).status).toBe(429);
    expect((await read(key)).status).toBe(200);
  });

  test('a right secret ends the count of its own failures, and of no other', async () => {
    const address = randomAddress();
    const [mine, other] = [await newClient(), await newClient()];
    const fail = async (key: string, times: number) => {
      for (let n = 0; n < times; n += 1) expect((await read(wrong(key), address)).status).toBe(401);
    };
    await fail(mine.key, 9);
    expect((await read(mine.key, address)).status).toBe(200);
    await fail(other.key, 9);
    expect((await read((await newClient()).key, address)).status).toBe(200);
    await fail(other.key, 1);
    expect((await read(wrong(other.key), address)).status).toBe(429);
  });

  test('tells an unknown key, an unknown organization and a wrong secret by nothing', async () => {
    const { key } = await newClient();
    const shown = [
      wrong(key),
      issueApiKey(practice.organization, randomUUID()).text,
      issueApiKey(randomUUID(), randomUUID()).text,
    ];
    const series = await Promise.all(
      shown.map(async (text) => {
        const seen: unknown[] = [];
        for (let n = 0; n < 12; n += 1) {
          const { status, json } = await read(text.slice(0, -1) + 'AB'.charAt(n % 2));
          seen.push([status, { ...json, requestId: '' }]);
        }
        return JSON.stringify(seen);
      }),
    );
    expect(new Set(series).size).toBe(1);
  });

  test('costs the same work whether the key, the organization or only the secret is wrong', async () => {
    const { key } = await newClient();
    const statements = jest.spyOn(pg.Client.prototype, 'query');
    const work: unknown[] = [];
    for (const text of [
      wrong(key),
      issueApiKey(practice.organization, randomUUID()).text,
      issueApiKey(randomUUID(), randomUUID()).text,
      'nonsense',
    ]) {
      statements.mockClear();
      expect((await read(text)).status).toBe(401);
      const names = statements.mock.calls.map(([query]: readonly unknown[]) => (query as { name?: string }).name);
      work.push(names.filter((name) => name !== undefined));
    }
    statements.mockRestore();
    expect(work[0]).toEqual(['find-api-key', 'record-failure']);
    expect(new Set(work.map((one) => JSON.stringify(one))).size).toBe(1);
  });

  test('is counted by no name: neither address nor key stands in the table', async () => {
    const address = '203.0.113.77';
    await read('nonsense', address);
    const rows = await api.sql(
      { ...practice, organization: NOBODY },
      'SELECT failed_attempt::text AS row FROM failed_attempt',
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(Buffer.from(address).toString('hex'));
    expect(api.logged()).not.toContain(address);
  });
});
