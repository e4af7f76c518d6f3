import { createVerify, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import nock from 'nock';
import type { SharedTokens } from '#connector-sdk';
import connector from './connector.js';
import {
  API,
  call,
  failureOf,
  grantTokens,
  kindOf,
  NOW,
  openSession,
  REFRESH,
  refusal,
  scripted,
  TOKENS,
} from './scripted-google.suite.js';

const PRIMARY = '/calendar/v3/users/me/calendarList/primary';

scripted();

const account = (token: string): nock.Scope =>
  nock(API, { reqheaders: { authorization: `Bearer ${token}` } })
    .get(PRIMARY)
    .query(true)
    .reply(200, { id: 'anne@example.com' });
const refused = (token: string): nock.Scope =>
  nock(API, { reqheaders: { authorization: `Bearer ${token}` } })
    .get(PRIMARY)
    .query(true)
    .reply(401, refusal(401, 'authError'));
const exchange = (refreshToken: string, answer: object, status = 200): nock.Scope =>
  nock(TOKENS)
    .post('/token', (body: Record<string, string>) => body['refresh_token'] === refreshToken)
    .reply(status, answer);

/** What the processes of a hub share, in one place. */
function sharedTokens(): SharedTokens & { value: string | null } {
  return {
    value: null,
    read() {
      return Promise.resolve(this.value);
    },
    replace(expected, next) {
      if (this.value !== expected) return Promise.resolve(false);
      this.value = next;
      return Promise.resolve(true);
    },
  };
}

describe('a refresh token', () => {
  it('is exchanged once for many calls, and again when the access token is refused', async () => {
    grantTokens();
    nock(API).get(PRIMARY).query(true).times(5).reply(200, { id: 'anne@example.com' });
    const session = openSession();
    await Promise.all(Array.from({ length: 5 }, () => session.verify(call())));
    refused('ya29.access');
    exchange(REFRESH, { access_token: 'second' });
    account('second');
    expect(await session.verify(call())).toEqual({ account: 'anne@example.com' });
    refused('second');
    exchange(REFRESH, { access_token: 'third' });
    refused('third');
    expect(await kindOf(session.verify(call()))).toBe('auth');
    session.close();
  });

  it.each<[number, object | string, string]>([
    [400, { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' }, 'auth'],
    [401, { error: 'invalid_client' }, 'auth'],
    [429, '', 'rate_limited'],
    [500, { error: 'internal_failure' }, 'unavailable'],
    [200, '<html>', 'unavailable'],
    [403, '<html>', 'unavailable'],
  ])('answered with %i %j is %s, and nothing was sent', async (status, body, kind) => {
    nock(TOKENS).post('/token').reply(status, body);
    const session = openSession();
    const error = await failureOf(
      session.create(
        { agendaId: 'a', reference: 'r', content: { start: 1, end: 2, timeZone: 'UTC', summary: '' } },
        call(),
      ),
    );
    expect(error.kind).toBe(kind);
    expect(JSON.stringify(error) + (error.stack ?? '')).not.toContain(REFRESH);
    session.close();
  });

  it('is waited for no longer than the caller waits', async () => {
    nock(TOKENS).post('/token').delay(300).reply(200, { access_token: 'late' });
    const session = openSession();
    expect(await kindOf(session.verify({ signal: AbortSignal.timeout(50) }))).toBe('unavailable');
    session.close();
  });

  it('complaint 23: that is replaced is stored with its access token, so that others need not use it up', async () => {
    const tokens = sharedTokens();
    exchange(REFRESH, { access_token: 'first', expires_in: 3600, refresh_token: 'rotated' });
    account('first').get(PRIMARY).query(true).reply(200, { id: 'anne@example.com' });
    const session = openSession({ tokens });
    await session.verify(call());
    expect(JSON.parse(tokens.value ?? '')).toEqual({
      refreshToken: 'rotated',
      accessToken: 'first',
      expiresAt: NOW + 3_600_000,
    });
    const other = openSession({ tokens });
    await other.verify(call());
    refused('first');
    exchange('rotated', { access_token: 'second', refresh_token: 'again' });
    account('second');
    await session.verify(call());
    expect(JSON.parse(tokens.value ?? '')).toMatchObject({ refreshToken: 'again', accessToken: 'second' });
    session.close();
    other.close();
  });

  it('complaint 23: used at once by two is lost by neither', async () => {
    const tokens = sharedTokens();
    exchange(REFRESH, { access_token: 'first', refresh_token: 'rotated' })
      .post('/token')
      .reply(400, { error: 'invalid_grant' });
    nock(API, { reqheaders: { authorization: 'Bearer first' } })
      .get(PRIMARY)
      .query(true)
      .times(2)
      .reply(200, { id: 'anne@example.com' });
    const sessions = [openSession({ tokens }), openSession({ tokens })];
    expect(await Promise.all(sessions.map((session) => session.verify(call())))).toHaveLength(2);
    expect(nock.isDone()).toBe(true);
    for (const session of sessions) session.close();
  });

  it('that could not be stored is stored before the next use', async () => {
    const tokens = sharedTokens();
    const broken = { ...tokens, replace: () => Promise.reject(new Error('database gone')) };
    let current: SharedTokens = broken;
    const shared: SharedTokens = { read: () => tokens.read(), replace: (...change) => current.replace(...change) };
    exchange(REFRESH, { access_token: 'first', refresh_token: 'rotated' });
    account('first');
    const session = openSession({ tokens: shared });
    expect(await kindOf(session.verify(call()))).toBe('unavailable');
    current = tokens;
    expect(await session.verify(call())).toEqual({ account: 'anne@example.com' });
    expect(JSON.parse(tokens.value ?? '')).toMatchObject({ refreshToken: 'rotated' });
    session.close();
  });
});

describe('a service account', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const auth = {
    type: 'service-account' as const,
    clientEmail: 'hub@project.iam.gserviceaccount.com',
    privateKey: pem,
  };

  it('signs for the person it acts for', async () => {
    let assertion = '';
    nock(TOKENS)
      .post('/token', (body: Record<string, string>) => {
        assertion = body['assertion'] ?? '';
        return body['grant_type'] === 'urn:ietf:params:oauth:grant-type:jwt-bearer';
      })
      .reply(200, { access_token: 'delegated', expires_in: 3599 });
    account('delegated');
    const settings = connector.config.settings.parse({ subject: 'anne@example.com' });
    const session = connector.open(
      { settings, secrets: { auth } },
      { timeoutMs: 2_000, allowPrivateNetworks: true, now: () => NOW },
    );
    await session.verify(call());
    const [header, payload, signature] = assertion.split('.') as [string, string, string];
    expect(createVerify('RSA-SHA256').update(`${header}.${payload}`).verify(publicKey, signature, 'base64url')).toBe(
      true,
    );
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      iss: auth.clientEmail,
      sub: 'anne@example.com',
      aud: `${TOKENS}/token`,
      scope: expect.stringContaining('https://www.googleapis.com/auth/calendar.events '),
    });
    session.close();
  });

  it('without a readable key is refused when it is entered', () => {
    expect(connector.config.secrets.safeParse({ auth }).success).toBe(true);
    expect(connector.config.secrets.safeParse({ auth: { ...auth, privateKey: 'no key' } }).success).toBe(false);
  });
});
