import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '#connector-sdk';
import { Mirror, type PullReport } from '#connector-testkit';
import type { RemoteObject } from '#domain';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import google from '../../libs/connectors/src/google/connector.js';

const USER = 'anne@example.com';
const GUEST = 'guest@example.com';
const CLIENT = { id: 'behaviour-client', secret: 'behaviour-secret' };
const WINDOW = { start: Date.parse('2027-06-01T00:00:00Z'), end: Date.parse('2027-12-01T00:00:00Z') };
const HOUR = 3_600_000;

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const SERVICE = 'hub@project.iam.gserviceaccount.com';

describe('what practitioners do in Google Calendar, as the connector tells it', () => {
  const vendors = createMockVendors();
  let origin = '';
  const sessions: Session[] = [];

  const control = async (path: string, body: object = {}): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${origin}/google/__control/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${await answer.text()}`);
    return (await answer.json()) as Record<string, unknown>;
  };
  const edit = async (body: object): Promise<{ id: string }> =>
    (await control('edit', { calendarId: USER, ...body }))['event'] as { id: string };
  const call = () => ({ signal: AbortSignal.timeout(10_000) });
  const open = (auth: object, settings: object = {}): Session => {
    const session = google.open(
      {
        settings: google.config.settings.parse({
          rootUrl: `${origin}/google`,
          tokenUrl: `${origin}/google/token`,
          ...settings,
        }),
        secrets: google.config.secrets.parse({ auth }),
      },
      { timeoutMs: 3000, allowPrivateNetworks: true, now: Date.now },
    );
    sessions.push(session);
    return session;
  };
  const as = (user: string): Session =>
    open({ type: 'oauth', clientId: CLIENT.id, clientSecret: CLIENT.secret, refreshToken: `1//${user}` });
  const pull = (mirror: Mirror): Promise<PullReport> => mirror.pull(call().signal);
  const follow = async (session: Session = as(USER)): Promise<Mirror> => {
    const mirror = new Mirror(session, USER, WINDOW);
    await pull(mirror);
    return mirror;
  };
  const busy = (mirror: Mirror): string[] =>
    [...mirror.objects.values()]
      .flatMap((object: RemoteObject) => object.busy)
      .sort((a, b) => a.start - b.start)
      .map(({ start, end }) => `${new Date(start).toISOString().slice(0, 16)}+${String((end - start) / HOUR)}h`);

  const timed = (local: string, hours: number, more: object = {}): object => ({
    start: { dateTime: `${local}:00`, timeZone: 'Europe/Paris' },
    end: {
      dateTime: new Date(Date.parse(`${local}:00Z`) + hours * HOUR).toISOString().slice(0, 19),
      timeZone: 'Europe/Paris',
    },
    ...more,
  });

  beforeAll(async () => {
    origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    for (const session of sessions) session.close();
    await vendors.close();
  });
  beforeEach(async () => {
    await control('reset');
    await control('seed', {
      clients: [CLIENT],
      grants: [USER, GUEST].map((user) => ({ refreshToken: `1//${user}`, user, clientId: CLIENT.id })),
      serviceAccounts: [
        { email: SERVICE, publicKey: publicKey.export({ type: 'spki', format: 'pem' }), subjects: [USER] },
      ],
      calendars: [{ id: USER, summary: 'Dr Anne', acl: { [USER]: 'owner', [GUEST]: 'freeBusyReader' } }],
    });
  });

  it('a series keeps its wall clock over the change of clocks; moved and cancelled instances are followed', async () => {
    const mirror = await follow();
    const rule = { recurrence: ['RRULE:FREQ=WEEKLY;COUNT=4'], summary: 'Bloc' };
    const { id } = await edit({ action: 'create', event: timed('2027-10-18T09:00', 1, rule) });
    await pull(mirror);
    expect(busy(mirror)).toEqual([
      '2027-10-18T07:00+1h',
      '2027-10-25T07:00+1h',
      '2027-11-01T08:00+1h',
      '2027-11-08T08:00+1h',
    ]);
    await edit({ action: 'change', id: `${id}_20271025T070000Z`, event: timed('2027-10-26T14:00', 2) });
    await edit({ action: 'delete', id: `${id}_20271101T080000Z` });
    await pull(mirror);
    const expected = ['2027-10-18T07:00+1h', '2027-10-26T12:00+2h', '2027-11-08T08:00+1h'];
    expect(busy(mirror)).toEqual(expected);
    expect(busy(await follow())).toEqual(expected);
    await edit({ action: 'change', id, event: { recurrence: ['RRULE:FREQ=WEEKLY;UNTIL=20271101'] } });
    await pull(mirror);
    expect(busy(mirror)).toEqual(['2027-10-18T07:00+1h', '2027-10-26T12:00+2h']);
    await edit({ action: 'delete', id });
    expect((await pull(mirror)).removed).toEqual([id]);
    expect(busy(mirror)).toEqual([]);
  });

  it('an endless series occupies the window and no more', async () => {
    const mirror = await follow();
    await edit({ action: 'create', event: timed('2027-06-02T12:00', 1, { recurrence: ['RRULE:FREQ=DAILY'] }) });
    await pull(mirror);
    expect(busy(mirror)).toHaveLength(182);
    expect(mirror.objects.size).toBe(1);
  });

  it('days without hours, absences and free time', async () => {
    const day = (from: string, to: string, more: object = {}): object => ({
      start: { date: from },
      end: { date: to },
      ...more,
    });
    await edit({ action: 'create', event: day('2027-10-31', '2027-11-01', { summary: 'Congé' }) });
    await edit({ action: 'create', event: day('2027-07-14', '2027-07-15', { transparency: 'transparent' }) });
    await edit({ action: 'create', event: day('2027-07-01', '2027-07-02', { eventType: 'workingLocation' }) });
    await edit({ action: 'create', event: timed('2027-07-05T09:00', 8, { eventType: 'outOfOffice' }) });
    await edit({ action: 'create', event: timed('2027-07-06T09:00', 2, { eventType: 'focusTime' }) });
    const declined = { attendees: [{ email: USER, self: true, responseStatus: 'declined' }] };
    await edit({ action: 'create', event: timed('2027-07-07T09:00', 2, declined) });
    expect(busy(await follow())).toEqual(['2027-07-05T07:00+8h', '2027-07-06T07:00+2h', '2027-10-30T22:00+25h']);
  });

  it('one of ours that he makes a series, and a single event again, stays one object with its reference', async () => {
    const session = as(USER);
    const mirror = await follow(session);
    const content = {
      start: Date.parse('2027-06-07T07:00Z'),
      end: Date.parse('2027-06-07T08:00Z'),
      timeZone: 'Europe/Paris',
      summary: 'DURAND Zoé',
    };
    const { remoteId } = await session.create({ agendaId: USER, reference: 'visit-1', content }, call());
    await pull(mirror);
    const event = { ...timed('2027-06-07T09:00', 1), recurrence: ['RRULE:FREQ=WEEKLY;COUNT=3'] };
    await edit({ action: 'change', id: remoteId, event });
    await pull(mirror);
    const series = { remoteId, recurring: true, reference: 'visit-1' };
    expect([...mirror.objects.values()]).toMatchObject([series]);
    expect(busy(mirror)).toEqual(['2027-06-07T07:00+1h', '2027-06-14T07:00+1h', '2027-06-21T07:00+1h']);
    expect([...(await follow(session)).objects.values()]).toMatchObject([series]);
    await edit({ action: 'change', id: remoteId, event: { recurrence: [] } });
    await pull(mirror);
    expect([...mirror.objects.values()]).toMatchObject([{ remoteId, recurring: false, reference: 'visit-1' }]);
    await edit({ action: 'delete', id: remoteId });
    await pull(mirror);
    expect(mirror.objects.size).toBe(0);
  });

  it('a deleted appointment is not revived under its id, however long ago it was', async () => {
    const session = as(USER);
    const content = { start: WINDOW.start, end: WINDOW.start + HOUR, timeZone: 'Europe/Paris', summary: 'X' };
    const booking = { agendaId: USER, reference: 'visit-2', content };
    const { remoteId } = await session.create(booking, call());
    await edit({ action: 'delete', id: remoteId });
    await expect(session.create(booking, call())).rejects.toMatchObject({ kind: 'stale' });
    await control('forget-deleted');
    await expect(session.create(booking, call())).rejects.toMatchObject({ kind: 'stale' });
    expect(await session.find(booking, call())).toBeNull();
  });

  it('who sees free and busy only, mirrors busy time without a word of it, and cannot write', async () => {
    await edit({ action: 'create', event: timed('2027-06-07T09:00', 1, { summary: 'Zoé' }) });
    const guest = as(GUEST);
    expect(await guest.listAgendas(call())).toMatchObject([{ id: USER, writable: false }]);
    const mirror = await follow(guest);
    expect([...mirror.objects.values()]).toMatchObject([
      { summary: null, busy: [{ start: Date.parse('2027-06-07T07:00Z') }] },
    ]);
    const content = { start: WINDOW.start, end: WINDOW.start + HOUR, timeZone: 'Europe/Paris', summary: 'X' };
    const attempt = guest.create({ agendaId: USER, reference: 'visit-3', content }, call());
    await expect(attempt).rejects.toMatchObject({ kind: 'forbidden' });
  });

  it('who may ask for free and busy and nothing else, mirrors that', async () => {
    await control('seed', {
      grants: [{ refreshToken: '1//few', user: GUEST, clientId: CLIENT.id, scopes: ['calendar.freebusy'] }],
    });
    await edit({ action: 'create', event: timed('2027-06-07T09:00', 1) });
    const few = open({ type: 'oauth', clientId: CLIENT.id, clientSecret: CLIENT.secret, refreshToken: '1//few' });
    const mirror = await follow(few);
    expect(busy(mirror)).toEqual(['2027-06-07T07:00+1h']);
    await edit({ action: 'create', event: timed('2027-06-08T09:00', 1) });
    expect((await pull(mirror)).added).toHaveLength(1);
  });

  it('a service account acts for the practitioner where the domain delegates it, and for nobody else', async () => {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const auth = { type: 'service-account', clientEmail: SERVICE, privateKey: pem };
    const delegated = open(auth, { subject: USER });
    expect(await delegated.verify(call())).toEqual({ account: USER });
    expect((await follow(delegated)).objects.size).toBe(0);
    await expect(open(auth, { subject: GUEST }).verify(call())).rejects.toMatchObject({ kind: 'auth' });
    const shared = 'cabinet@group.calendar.example.com';
    const calendar = { id: shared, summary: 'Cabinet', acl: { [SERVICE]: 'writer' }, unlisted: [SERVICE] };
    await control('seed', { calendars: [calendar] });
    const itself = open(auth, { calendarIds: [shared, 'lost@example.com'] });
    expect(await itself.listAgendas(call())).toEqual([
      { id: shared, name: 'Cabinet', writable: true, timeZone: 'Europe/Paris' },
    ]);
  });

  it('a practitioner consents in his browser, and withdraws it again', async () => {
    const url = (path: string): string => `${origin}/google${path}`;
    const settings = google.config.settings.parse({
      rootUrl: url(''),
      tokenUrl: url('/token'),
      authUrl: url('/o/oauth2/v2/auth'),
      revokeUrl: url('/revoke'),
    });
    const context = { timeoutMs: 3000, allowPrivateNetworks: true, now: Date.now };
    const via = { context, signal: AbortSignal.timeout(10_000) };
    const verifier = randomBytes(32).toString('base64url');
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const asked = { clientId: CLIENT.id, redirectUri: 'http://127.0.0.1:9/back', state: 'state-1', challenge };
    const page = google.consent!.url(settings, asked);
    expect(new URL(page).searchParams.get('access_type')).toBe('offline');
    const grant = async (proof: string) => {
      const back = await fetch(`${page}&login_hint=${USER}`, { redirect: 'manual' });
      const { searchParams } = new URL(back.headers.get('location') ?? '');
      expect(searchParams.get('state')).toBe('state-1');
      const code = searchParams.get('code') ?? '';
      return google.consent!.exchange(settings, { ...asked, clientSecret: CLIENT.secret, code, verifier: proof }, via);
    };
    await expect(grant('another verifier')).rejects.toMatchObject({ kind: 'auth' });
    const secrets = await grant(verifier);
    const session = open(secrets.auth);
    expect(await session.verify(call())).toEqual({ account: USER });
    for (let time = 0; time < 2; time += 1) await google.consent!.revoke({ settings, secrets }, via);
    await expect(session.verify(call())).rejects.toMatchObject({ kind: 'auth' });
  });

  it('quotas in all their shapes are quotas, and an access token that ended costs one exchange', async () => {
    const session = as(USER);
    for (const [status, reason] of [
      [403, 'rateLimitExceeded'],
      [403, 'userRateLimitExceeded'],
      [403, 'quotaExceeded'],
      [429, 'rateLimitExceeded'],
    ] as const) {
      await control('refuse', { status, reason, retryAfterSeconds: 4 });
      await expect(session.verify(call())).rejects.toMatchObject({ kind: 'rate_limited', retryAfterMs: 4000 });
    }
    await control('expire-access');
    expect(await session.verify(call())).toEqual({ account: USER });
    await control('clock', { advanceMs: HOUR });
    expect(await session.verify(call())).toEqual({ account: USER });
  });

  it('a channel that Google lost can be ended, and opened anew', async () => {
    const session = as(USER);
    const request = { agendaId: USER, callbackUrl: 'http://127.0.0.1:9/push', secret: 's'.repeat(32) };
    const first = await session.subscribe!(request, call());
    await control('forget-channels');
    await session.unsubscribe!({ subscriptionId: first.id }, call());
    const renewed = await session.renew!({ ...request, subscriptionId: first.id }, call());
    expect(renewed.id).not.toBe(first.id);
    expect(renewed.expiresAt).toBeGreaterThan(Date.now());
  });
});
