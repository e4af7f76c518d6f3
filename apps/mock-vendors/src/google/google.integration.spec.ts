import { createSign, generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { createMockVendors } from '../server.js';

const USER = 'anne@example.com';
const READER = 'reader@example.com';
const BUSY = 'busy@example.com';
const NOBODY = 'nobody@example.com';
const EVENTS = `/calendar/v3/calendars/${USER}/events`;
const CLIENT = { client_id: 'c', client_secret: 's', grant_type: 'refresh_token' };

let app: FastifyInstance;
let origin: string;
let bearer: string;

beforeEach(async () => {
  app = createMockVendors();
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
  const users = [USER, READER, BUSY, NOBODY];
  await control('seed', {
    clients: [{ id: 'c', secret: 's' }],
    grants: users.map((user) => ({ refreshToken: `rt-${user}`, user, clientId: 'c' })),
    calendars: [{ id: USER, acl: { [USER]: 'owner', [READER]: 'reader', [BUSY]: 'freeBusyReader' } }],
  });
  bearer = await tokenOf(USER);
});
afterEach(() => app.close());

async function control(path: string, body: object = {}): Promise<Record<string, unknown>> {
  const answer = await fetch(`${origin}/google/__control/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Record<string, unknown>;
}

async function grant(form: Record<string, string>): Promise<{ status: number; body: Record<string, string> }> {
  const answer = await fetch(`${origin}/google/token`, { method: 'POST', body: new URLSearchParams(form) });
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
}

async function tokenOf(user: string): Promise<string> {
  return (await grant({ ...CLIENT, refresh_token: `rt-${user}` })).body['access_token'] ?? '';
}

interface Answer {
  readonly status: number;
  /** `error.errors[0].reason` of a refusal. */
  readonly reason: string | undefined;
  readonly body: Record<string, unknown> & { readonly items: Record<string, unknown>[] };
  readonly headers: Headers;
}

async function ask(
  method: string,
  path: string,
  options: { body?: object; ifMatch?: string; as?: string } = {},
): Promise<Answer> {
  const answer = await fetch(`${origin}/google${path}`, {
    method,
    headers: {
      authorization: `Bearer ${options.as ?? bearer}`,
      ...(options.body ? { 'content-type': 'application/json' } : {}),
      ...(options.ifMatch ? { 'if-match': options.ifMatch } : {}),
    },
    ...(options.body ? { body: JSON.stringify(options.body) } : {}),
  });
  const text = await answer.text();
  const body = (text === '' ? {} : JSON.parse(text)) as Answer['body'];
  const { error } = body as { error?: { errors: { reason: string }[] } };
  return { status: answer.status, reason: error?.errors[0]?.reason, body, headers: answer.headers };
}

const at = (time: string): object => ({ dateTime: `2027-06-07T${time}:00+02:00`, timeZone: 'Europe/Paris' });
const meeting = { summary: 'Réunion', start: at('09:00'), end: at('09:30') };
const query = (parameters: Record<string, string>): string => `${EVENTS}?${new URLSearchParams(parameters).toString()}`;
const ids = ({ body }: Answer): unknown[] => body.items.map(({ id }) => id);
const refused = ({ status, reason }: Answer): unknown => [status, reason];

describe('events', () => {
  it('keeps ids, versions and properties as Google does', async () => {
    const long = 'x'.repeat(2000);
    const made = await ask('POST', EVENTS, {
      body: {
        ...meeting,
        id: 'abcde0',
        extendedProperties: { private: { mark: long, ['k'.repeat(45)]: 'dropped' } },
      },
    });
    expect(made).toMatchObject({ status: 200, body: { id: 'abcde0', status: 'confirmed' } });
    expect(made.body['extendedProperties']).toEqual({ private: { mark: long.slice(0, 1024) } });
    expect(refused(await ask('POST', EVENTS, { body: { ...meeting, id: 'abcde0' } }))).toEqual([409, 'duplicate']);
    for (const bad of [{ id: 'wxyz0' }, { id: 'abc' }, { id: 'abcde1', iCalUID: 'u' }])
      expect(refused(await ask('POST', EVENTS, { body: { ...meeting, ...bad } }))).toEqual([400, 'invalid']);

    const ifMatch = String(made.body['etag']);
    const path = `${EVENTS}/abcde0`;
    const moved = await ask('PATCH', path, { body: { start: at('10:00'), end: at('10:30') }, ifMatch });
    expect(moved.body).toMatchObject({ summary: 'Réunion', start: { dateTime: '2027-06-07T10:00:00+02:00' } });
    expect(refused(await ask('PATCH', path, { body: {}, ifMatch }))).toEqual([412, 'conditionNotMet']);
    expect(refused(await ask('DELETE', path, { ifMatch }))).toEqual([412, 'conditionNotMet']);
    expect((await ask('DELETE', path)).status).toBe(204);
    expect(refused(await ask('DELETE', path))).toEqual([410, 'deleted']);
    expect(refused(await ask('PATCH', path, { body: {} }))).toEqual([403, 'forbidden']);
    expect((await ask('GET', path)).body).toMatchObject({ status: 'cancelled' });
    expect(refused(await ask('POST', EVENTS, { body: { ...meeting, id: 'abcde0' } }))).toEqual([409, 'duplicate']);
    await control('forget-deleted');
    expect(refused(await ask('GET', path))).toEqual([404, 'notFound']);
    expect(refused(await ask('POST', EVENTS, { body: { ...meeting, id: 'abcde0' } }))).toEqual([409, 'duplicate']);
  });

  it.each([
    ['no end', { start: at('09:00') }, 'required'],
    ['an end before the start', { start: at('09:00'), end: at('08:00') }, 'timeRangeEmpty'],
    ['a day and a time', { start: { date: '2027-06-07' }, end: at('09:00') }, 'invalid'],
    ['a time without offset or zone', { start: { dateTime: '2027-06-07T09:00:00' }, end: at('10:00') }, 'invalid'],
    ['an unknown zone', { start: { dateTime: '2027-06-07T09:00:00', timeZone: 'Paris' }, end: at('10:00') }, 'invalid'],
    [
      'a series without a zone',
      { ...meeting, start: { dateTime: '2027-06-07T07:00:00Z' }, recurrence: ['RRULE:FREQ=DAILY'] },
      'required',
    ],
    ['a start inside the rule', { ...meeting, recurrence: ['DTSTART:20270607T070000Z'] }, 'invalid'],
  ])('refuses %s', async (_what, body, reason) => {
    expect(refused(await ask('POST', EVENTS, { body }))).toEqual([400, reason]);
  });

  it('lets everything overlap', async () => {
    for (let time = 0; time < 2; time += 1) expect((await ask('POST', EVENTS, { body: meeting })).status).toBe(200);
  });
});

describe('listing', () => {
  const window = { timeMin: '2027-06-01T00:00:00Z', timeMax: '2027-07-01T00:00:00Z', singleEvents: 'true' };

  it('gives a sync token at the end of the last page, and takes it with nothing else', async () => {
    for (let n = 0; n < 5; n += 1) await ask('POST', EVENTS, { body: { ...meeting, id: `event${String(n)}` } });
    const small = { ...window, maxResults: '2' };
    const first = await ask('GET', query(small));
    expect(first.body).not.toHaveProperty('nextSyncToken');
    const pageToken = String(first.body['nextPageToken']);
    // What changes meanwhile comes with the delta.
    await ask('DELETE', `${EVENTS}/event0`);
    const second = await ask('GET', query({ ...small, pageToken }));
    const third = await ask('GET', query({ ...small, pageToken: String(second.body['nextPageToken']) }));
    expect([first, second, third].flatMap(ids)).toEqual(['event0', 'event1', 'event2', 'event3', 'event4']);
    const syncToken = String(third.body['nextSyncToken']);
    const delta = await ask('GET', query({ singleEvents: 'true', maxResults: '2', syncToken }));
    expect(delta.body.items).toEqual([expect.objectContaining({ id: 'event0', status: 'cancelled' })]);
    for (const restriction of [
      { timeMin: window.timeMin },
      { q: 'x' },
      { showDeleted: 'false' },
      { orderBy: 'updated' },
    ])
      expect(
        (await ask('GET', query({ singleEvents: 'true', maxResults: '2', syncToken, ...restriction }))).status,
      ).toBe(400);
    expect(refused(await ask('GET', query({ syncToken })))).toEqual([400, 'invalid']);
    expect(refused(await ask('GET', query({ syncToken: 'nonsense' })))).toEqual([400, 'invalid']);
    await control('expire-cursors');
    expect(refused(await ask('GET', query({ singleEvents: 'true', maxResults: '2', syncToken })))).toEqual([
      410,
      'fullSyncRequired',
    ]);
  });

  it('leaves out what a partial response did not ask for, the token too', async () => {
    await ask('POST', EVENTS, { body: meeting });
    const { body } = await ask('GET', query({ ...window, fields: 'items(summary,start/timeZone)' }));
    expect(body).toEqual({ items: [{ summary: 'Réunion', start: { timeZone: 'Europe/Paris' } }] });
    const ordered = await ask('GET', query({ ...window, orderBy: 'startTime' }));
    expect(ordered.body).not.toHaveProperty('nextSyncToken');
    expect(refused(await ask('GET', query({ timeMin: '2027-06-01T00:00:00' })))).toEqual([400, 'badRequest']);
  });

  it('expands a series on the wall clock, and names what happens to its instances', async () => {
    const october = { timeMin: '2027-10-01T00:00:00Z', timeMax: '2027-12-01T00:00:00Z', singleEvents: 'true' };
    const start = { dateTime: '2027-10-24T09:00:00', timeZone: 'Europe/Paris' };
    const end = { dateTime: '2027-10-24T10:00:00', timeZone: 'Europe/Paris' };
    await ask('POST', EVENTS, {
      body: {
        id: 'series',
        start,
        end,
        recurrence: ['RRULE:FREQ=WEEKLY;COUNT=4', 'EXDATE;TZID=Europe/Paris:20271107T090000'],
      },
    });
    const full = await ask('GET', query(october));
    expect(ids(full)).toEqual(['series_20271024T070000Z', 'series_20271031T080000Z', 'series_20271114T080000Z']);
    const follow = async (token: unknown): Promise<Answer> =>
      ask('GET', query({ singleEvents: 'true', syncToken: String(token) }));
    await ask('PATCH', `${EVENTS}/series_20271031T080000Z`, {
      body: { start: { dateTime: '2027-11-02T12:00:00Z' }, end: { dateTime: '2027-11-02T13:00:00Z' } },
    });
    const moved = await follow(full.body['nextSyncToken']);
    expect(moved.body.items).toMatchObject([
      { id: 'series_20271031T080000Z', recurringEventId: 'series', start: { dateTime: '2027-11-02T13:00:00+01:00' } },
    ]);
    await ask('DELETE', `${EVENTS}/series_20271114T080000Z`);
    const cancelled = await follow(moved.body['nextSyncToken']);
    expect(cancelled.body.items).toEqual([
      { kind: 'calendar#event', etag: expect.any(String), id: 'series_20271114T080000Z', status: 'cancelled' },
    ]);
    expect(ids(await ask('GET', query(october)))).toEqual(['series_20271024T070000Z', 'series_20271031T080000Z']);
    await ask('PATCH', `${EVENTS}/series`, { body: { recurrence: ['RRULE:FREQ=WEEKLY;UNTIL=20271025'] } });
    await ask('DELETE', `${EVENTS}/series`);
    expect(ids(await follow(cancelled.body['nextSyncToken']))).toContain('series');
    expect(ids(await ask('GET', query(october)))).toEqual([]);
  });
});

describe('access', () => {
  it('shows as much as the role allows', async () => {
    await ask('POST', EVENTS, { body: { ...meeting, visibility: 'private' } });
    const list = async (user: string): Promise<Answer> => ask('GET', EVENTS, { as: await tokenOf(user) });
    expect((await list(READER)).body.items[0]).not.toHaveProperty('summary');
    expect((await list(BUSY)).body.items[0]).toMatchObject({ start: { dateTime: '2027-06-07T09:00:00+02:00' } });
    expect(refused(await list(NOBODY))).toEqual([404, 'notFound']);
    expect(refused(await ask('POST', EVENTS, { body: meeting, as: await tokenOf(READER) }))).toEqual([
      403,
      'requiredAccessLevel',
    ]);
  });

  it('asks for the scope of each method, and for a token that lives', async () => {
    await control('seed', {
      grants: [{ refreshToken: 'rt-few', user: USER, clientId: 'c', scopes: ['calendar.events'] }],
    });
    const few = (await grant({ ...CLIENT, refresh_token: 'rt-few' })).body['access_token'] ?? '';
    expect((await ask('GET', EVENTS, { as: few })).status).toBe(200);
    expect(refused(await ask('GET', '/calendar/v3/users/me/calendarList', { as: few }))).toEqual([
      403,
      'insufficientPermissions',
    ]);
    await control('clock', { advanceMs: 3_600_000 });
    expect(refused(await ask('GET', EVENTS))).toEqual([401, 'authError']);
  });

  it('frees and busies, at most about 90 days at a time', async () => {
    await ask('POST', EVENTS, { body: meeting });
    await ask('POST', EVENTS, { body: { ...meeting, transparency: 'transparent' } });
    const range = { timeMin: '2027-06-01T00:00:00Z', timeMax: '2027-08-01T00:00:00Z' };
    const body = { ...range, items: [{ id: USER }, { id: 'other@example.com' }] };
    expect((await ask('POST', '/calendar/v3/freeBusy', { body })).body['calendars']).toEqual({
      [USER]: { busy: [{ start: '2027-06-07T07:00:00.000Z', end: '2027-06-07T07:30:00.000Z' }] },
      'other@example.com': { errors: [{ domain: 'global', reason: 'notFound' }], busy: [] },
    });
    const year = { ...body, timeMax: '2028-06-01T00:00:00Z' };
    expect((await ask('POST', '/calendar/v3/freeBusy', { body: year })).status).toBe(400);
  });
});

describe('grants', () => {
  it('rotates for clients that rotate, and refuses what was used or withdrawn', async () => {
    await control('seed', {
      clients: [{ id: 'r', secret: 's', rotates: true }],
      grants: [{ refreshToken: 'once', user: USER, clientId: 'r' }],
    });
    const form = { ...CLIENT, client_id: 'r' };
    const first = await grant({ ...form, refresh_token: 'once' });
    const next = first.body['refresh_token'] ?? '';
    expect(await grant({ ...form, refresh_token: 'once' })).toEqual({ status: 400, body: { error: 'invalid_grant' } });
    expect(await grant({ ...form, client_secret: 'x', refresh_token: next })).toEqual({
      status: 401,
      body: { error: 'invalid_client' },
    });
    const revoked = await fetch(`${origin}/google/revoke?token=${first.body['access_token'] ?? ''}`, {
      method: 'POST',
    });
    expect(revoked.status).toBe(200);
    expect((await grant({ ...form, refresh_token: next })).body).toEqual({ error: 'invalid_grant' });
  });

  it('takes a service account at its signature, and in a name that was delegated', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const email = 'hub@project.iam.gserviceaccount.com';
    await control('seed', {
      serviceAccounts: [{ email, publicKey: publicKey.export({ type: 'spki', format: 'pem' }), subjects: [USER] }],
    });
    const assertion = (claims: object, key = privateKey): string => {
      const now = Math.floor(Date.now() / 1000);
      const all = {
        iss: email,
        scope: 'https://www.googleapis.com/auth/calendar.events',
        aud: `${origin}/google/token`,
        iat: now,
        exp: now + 3600,
        ...claims,
      };
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      const signed = `${part({ alg: 'RS256' })}.${part(all)}`;
      return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key, 'base64url')}`;
    };
    const outcome = async (text: string): Promise<string> => {
      const { body } = await grant({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: text });
      return body['error'] ?? 'granted';
    };
    expect(await outcome(assertion({ sub: USER }))).toBe('granted');
    expect(await outcome(assertion({ sub: READER }))).toBe('unauthorized_client');
    expect(await outcome(assertion({ aud: 'https://elsewhere.example/token' }))).toBe('invalid_grant');
    expect(await outcome(assertion({ exp: 1 }))).toBe('invalid_grant');
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    expect(await outcome(assertion({ sub: USER }, other))).toBe('invalid_grant');
  });
});

describe('channels', () => {
  it('refuses what cannot be one, and stops only what is one', async () => {
    const watch = `${EVENTS}/watch`;
    const body = { id: 'channel-1', type: 'web_hook', address: 'http://127.0.0.1:9/push', token: 't' };
    expect((await ask('POST', watch, { body: { ...body, address: 'http://elsewhere.example/' } })).status).toBe(400);
    expect((await ask('POST', watch, { body: { ...body, id: 'x'.repeat(65) } })).status).toBe(400);
    const made = await ask('POST', watch, { body });
    expect(Number(made.body['expiration'])).toBeGreaterThan(Date.now());
    expect(refused(await ask('POST', watch, { body }))).toEqual([400, 'channelIdNotUnique']);
    const { id, resourceId } = made.body;
    expect(refused(await ask('POST', '/calendar/v3/channels/stop', { body: { id, resourceId: 'x' } }))).toEqual([
      404,
      'notFound',
    ]);
    expect((await ask('POST', '/calendar/v3/channels/stop', { body: { id, resourceId } })).status).toBe(204);
  });
});

describe('trouble', () => {
  it('comes in the API’s own words, and from the token endpoint only when asked for there', async () => {
    await control('refuse', { status: 403, reason: 'rateLimitExceeded', retryAfterSeconds: 7 });
    const limited = await ask('GET', EVENTS);
    expect(refused(limited)).toEqual([403, 'rateLimitExceeded']);
    expect(limited.headers.get('retry-after')).toBe('7');
    expect((await ask('GET', EVENTS)).status).toBe(200);
    await control('faults', { faults: [{ kind: 'error', status: 500 }] });
    expect(refused(await ask('GET', EVENTS))).toEqual([500, 'backendError']);
    expect((await grant({ ...CLIENT, refresh_token: `rt-${USER}` })).status).toBe(200);
    await control('faults', { faults: [{ kind: 'error', status: 500, route: '/token' }] });
    expect((await grant({ ...CLIENT, refresh_token: `rt-${USER}` })).status).toBe(500);
  });
});
