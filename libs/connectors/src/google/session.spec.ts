import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import nock from 'nock';
import type { ConnectorErrorKind, Session } from '#connector-sdk';
import { eventIdOf, referenceIn, seriesIn } from './event-ids.js';
import {
  API,
  at,
  call,
  CALENDAR,
  event,
  EVENTS,
  failureOf,
  grantTokens,
  kindOf,
  NOW,
  openSession,
  page,
  pulled,
  REFRESH,
  refusal,
  scripted,
  SECRET,
} from './scripted-google.suite.js';

const REFERENCE = '0190f7a2-6d1c-7c3e-9f10-5b8f1d2a3c4d-12';
const OURS = eventIdOf(REFERENCE);
const start = at('2027-06-07T07:00Z');
const content = { start, end: start + 1_800_000, timeZone: 'Europe/Paris', summary: 'DURAND Zoé' };
const booking = { agendaId: CALENDAR, reference: REFERENCE, content };
const stored = event(OURS, { summary: 'DURAND Zoé', visibility: 'private' });
const HTML = '<!doctype html><title>502</title>';

let session: Session;
scripted();
beforeEach(() => {
  grantTokens();
  session = openSession();
});
afterEach(() => {
  session.close();
});

const get = (status: number, body: object | string = stored): void =>
  void nock(API).get(`${EVENTS}/${OURS}`).query(true).reply(status, body);
const calendarIs = (status: number): void =>
  void nock(API)
    .get(EVENTS)
    .query(true)
    .reply(status, status === 200 ? page([]) : refusal(status, 'notFound'));
const cancel = (version: string | null = null): Promise<void> =>
  session.cancel({ ...booking, remoteId: null, version }, call());
const update = (version: string | null = '"1"'): Promise<unknown> =>
  session.update({ ...booking, remoteId: OURS, version }, call());

describe('event ids', () => {
  it('are legal, reversible and only ours', () => {
    expect(OURS).toMatch(/^[a-v0-9]{5,1024}$/);
    expect(referenceIn(OURS)).toBe(REFERENCE);
    expect(referenceIn(eventIdOf('z'.repeat(64)))).toBe('z'.repeat(64));
    for (const foreign of ['unisson', `${OURS}0`, OURS.toUpperCase(), 'unissonwxyz', 'abcde', `${OURS}_20270607`])
      expect(referenceIn(foreign)).toBeNull();
    expect(seriesIn(`${OURS}_20270607T070000Z`)).toBe(OURS);
    expect(seriesIn('a_R20270614T090000')).toBeNull();
  });
});

describe('failures become kinds', () => {
  interface Kinds {
    readonly read: ConnectorErrorKind;
    readonly write: ConnectorErrorKind;
  }
  it.each<[string, number, object | string, Kinds]>([
    ['no right', 403, refusal(403, 'requiredAccessLevel'), { read: 'forbidden', write: 'forbidden' }],
    ['a bot wall', 403, HTML, { read: 'unavailable', write: 'unknown' }],
    ['a bare 404', 404, '', { read: 'unavailable', write: 'unknown' }],
    ['a calendar that is gone', 404, refusal(404, 'notFound'), { read: 'not_found', write: 'invalid' }],
    ['refused content', 400, refusal(400, 'timeRangeEmpty'), { read: 'invalid', write: 'invalid' }],
    ['a gone never heard of', 410, HTML, { read: 'unavailable', write: 'unknown' }],
    ['a redirect', 302, '', { read: 'unavailable', write: 'unknown' }],
    ['a crash', 500, refusal(500, 'backendError'), { read: 'unavailable', write: 'unknown' }],
    ['a gateway', 503, HTML, { read: 'unavailable', write: 'unknown' }],
    ['success in HTML', 200, HTML, { read: 'unavailable', write: 'unknown' }],
    ['success cut short', 200, '{"kind":"calendar#ev', { read: 'unavailable', write: 'unknown' }],
  ])('%s', async (_what, status, body, { read, write }) => {
    nock(API).get(EVENTS).query(true).reply(status, body, { 'content-type': 'application/json' });
    nock(API).post('/calendar/v3/freeBusy').reply(403, refusal(403, 'forbidden'));
    nock(API).post(EVENTS).query(true).reply(status, body, { 'content-type': 'application/json' });
    expect(await kindOf(pulled(session, null))).toBe(read);
    expect(await kindOf(session.create(booking, call()))).toBe(write);
  });

  it.each<[number, string, Record<string, string>, number]>([
    [403, 'rateLimitExceeded', {}, 10_000],
    [403, 'userRateLimitExceeded', { 'retry-after': '7' }, 7_000],
    [403, 'quotaExceeded', {}, 60_000],
    [403, 'dailyLimitExceeded', {}, 900_000],
    [429, 'rateLimitExceeded', { 'retry-after': new Date(NOW + 30_000).toUTCString() }, 30_000],
    [429, 'neverHeardOf', {}, 10_000],
  ])('%i %s is a quota, and says how long to wait', async (status, reason, headers, retryAfterMs) => {
    nock(API).post(EVENTS).query(true).reply(status, refusal(status, reason), headers);
    expect(await failureOf(session.create(booking, call()))).toMatchObject({ kind: 'rate_limited', retryAfterMs });
  });

  it('sends once, and says nothing of what it sent', async () => {
    nock(API)
      .post(EVENTS)
      .query(true)
      .replyWithError(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    const error = await failureOf(session.create(booking, call()));
    expect(error.kind).toBe('unknown');
    const told = inspect(error, { depth: 10, showHidden: true }) + (error.stack ?? '');
    for (const hidden of [SECRET, REFRESH, 'ya29', 'DURAND', CALENDAR]) expect(told).not.toContain(hidden);
  });

  it('a private address in the settings is never reached', async () => {
    const guarded = openSession(
      { allowPrivateNetworks: false },
      { rootUrl: 'http://127.0.0.1:9', tokenUrl: 'http://10.0.0.1/token' },
    );
    expect(await kindOf(guarded.verify(call()))).toBe('invalid');
    guarded.close();
  });
});

describe('create', () => {
  it('chooses the id, marks and hides the event, and returns what was stored', async () => {
    const sent = {
      id: OURS,
      summary: 'DURAND Zoé',
      start: { date: null, dateTime: '2027-06-07T07:00:00.000Z', timeZone: 'Europe/Paris' },
      end: { date: null, dateTime: '2027-06-07T07:30:00.000Z', timeZone: 'Europe/Paris' },
      visibility: 'private',
      extendedProperties: { private: { unissonReference: REFERENCE } },
    };
    nock(API, { reqheaders: { authorization: 'Bearer ya29.access' } })
      .post(EVENTS, sent)
      .query(true)
      .reply(200, { id: OURS });
    get(200);
    expect(await session.create(booking, call())).toMatchObject({
      remoteId: OURS,
      reference: REFERENCE,
      version: `"${OURS}-1"`,
      summary: 'DURAND Zoé',
    });
  });

  const duplicate = (): void => void nock(API).post(EVENTS).query(true).reply(409, refusal(409, 'duplicate'));

  it('made already is read, wherever it is by now', async () => {
    duplicate();
    get(200, event(OURS, { start: { dateTime: '2027-06-08T09:00:00Z' }, end: { dateTime: '2027-06-08T10:00:00Z' } }));
    expect(await session.create(booking, call())).toMatchObject({ when: { start: at('2027-06-08T09:00Z') } });
  });

  it('deleted since is not revived', async () => {
    duplicate();
    get(200, { id: OURS, status: 'cancelled' });
    expect(await kindOf(session.create(booking, call()))).toBe('stale');
    duplicate();
    get(404, refusal(404, 'notFound'));
    calendarIs(200);
    expect(await kindOf(session.create(booking, call()))).toBe('stale');
  });

  it('that cannot be read back is unproven', async () => {
    nock(API).post(EVENTS).query(true).reply(200, { id: OURS });
    get(503, HTML);
    expect(await kindOf(session.create(booking, call()))).toBe('unknown');
  });
});

describe('update and cancel', () => {
  it('change only what stands as it was seen', async () => {
    nock(API, { reqheaders: { 'if-match': '"1"' } })
      .patch(`${EVENTS}/${OURS}`)
      .query(true)
      .reply(412, refusal(412, 'conditionNotMet'));
    get(200);
    expect(await kindOf(update())).toBe('stale');
    nock(API, { reqheaders: { 'if-match': '"1"' } })
      .delete(`${EVENTS}/${OURS}`)
      .query(true)
      .reply(412, refusal(412, 'conditionNotMet'));
    get(200);
    expect(await kindOf(cancel('"1"'))).toBe('stale');
  });

  it.each([412, 403])('an event deleted meanwhile, refused as %i, is gone', async (status) => {
    nock(API).patch(`${EVENTS}/${OURS}`).query(true).reply(status, refusal(status, 'forbidden'));
    get(200, { id: OURS, status: 'cancelled' });
    expect(await kindOf(update())).toBe('not_found');
  });

  it('a series is not moved as a whole', async () => {
    get(200, event(OURS, { recurrence: ['RRULE:FREQ=DAILY'] }));
    expect(await kindOf(update(null))).toBe('invalid');
  });

  it.each<[number, string]>([
    [410, 'deleted'],
    [404, 'notFound'],
  ])('removing what is gone (%i) succeeds while the calendar is there', async (status, reason) => {
    nock(API).delete(`${EVENTS}/${OURS}`).query(true).reply(status, refusal(status, reason));
    get(404, refusal(404, 'notFound'));
    calendarIs(200);
    await cancel();
    expect(nock.isDone()).toBe(true);
  });

  it('a calendar that is gone is no proof that the event is', async () => {
    nock(API).delete(`${EVENTS}/${OURS}`).query(true).reply(404, refusal(404, 'notFound'));
    get(404, refusal(404, 'notFound'));
    calendarIs(404);
    expect(await kindOf(cancel())).toBe('invalid');
    get(404, refusal(404, 'notFound'));
    calendarIs(404);
    expect(await kindOf(session.find(booking, call()))).toBe('invalid');
  });

  it('a deletion that did not happen is unproven', async () => {
    nock(API).delete(`${EVENTS}/${OURS}`).query(true).reply(204);
    get(200);
    expect(await kindOf(cancel())).toBe('unknown');
  });

  it('finds a day without hours in the calendar’s own zone', async () => {
    get(200, event(OURS, { start: { date: '2027-06-07' }, end: { date: '2027-06-08' } }));
    nock(API)
      .get(EVENTS)
      .query(true)
      .reply(200, page([], { timeZone: 'Indian/Reunion' }));
    expect(await session.find(booking, call())).toMatchObject({ when: { start: at('2027-06-06T20:00Z') } });
  });
});

describe('calendars', () => {
  it('are listed page by page with what may be done; those only shared are asked one by one', async () => {
    session.close();
    session = openSession({}, { calendarIds: [CALENDAR, 'lost@example.com', 'a'] });
    const lists = '/calendar/v3/users/me/calendarList';
    const item = (id: string, accessRole: string, more: object = {}): object => ({
      id,
      summary: id,
      accessRole,
      timeZone: 'Europe/Paris',
      ...more,
    });
    nock(API)
      .get(lists)
      .query(true)
      .reply(200, { kind: 'calendar#calendarList', items: [item('a', 'owner')], nextPageToken: 'p' });
    const items = [
      item('b', 'reader', { summaryOverride: 'Autre nom' }),
      item('c', 'writerWithoutPrivateAccess'),
      item('d', 'owner', { deleted: true }),
    ];
    nock(API)
      .get(lists)
      .query((q) => q['pageToken'] === 'p')
      .reply(200, { kind: 'calendar#calendarList', items });
    nock(API)
      .get(EVENTS)
      .query(true)
      .reply(200, page([], { summary: 'Dr Anne', timeZone: 'Europe/Paris', accessRole: 'writer' }));
    nock(API).get(/lost/).reply(404, refusal(404, 'notFound'));
    expect(await session.listAgendas(call())).toEqual([
      { id: 'a', name: 'a', writable: true, timeZone: 'Europe/Paris' },
      { id: 'b', name: 'Autre nom', writable: false, timeZone: 'Europe/Paris' },
      { id: 'c', name: 'c', writable: false, timeZone: 'Europe/Paris' },
      { id: CALENDAR, name: 'Dr Anne', writable: true, timeZone: 'Europe/Paris' },
    ]);
  });
});

describe('channels', () => {
  const push = { callbackUrl: 'https://hub.example/push', agendaId: CALENDAR, secret: 's'.repeat(32) };

  it('are replaced, the new one first, and stopped by both ids', async () => {
    const granted = { kind: 'api#channel', resourceId: 'resource-2', expiration: '1811800000000' };
    nock(API)
      .post(
        `${EVENTS}/watch`,
        (body: Record<string, unknown>) =>
          body['token'] === push.secret && body['type'] === 'web_hook' && body['address'] === push.callbackUrl,
      )
      .reply(200, granted);
    nock(API)
      .post('/calendar/v3/channels/stop', { id: 'channel-1', resourceId: 'resource-1' })
      .reply(404, refusal(404, 'channelUnknown'));
    const renewed = await session.renew!({ ...push, subscriptionId: 'channel-1 resource-1' }, call());
    expect(renewed).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36} resource-2$/), expiresAt: 1_811_800_000_000 });
    expect(nock.isDone()).toBe(true);
  });

  it('a new channel is kept although the old one cannot be stopped', async () => {
    nock(API).post(`${EVENTS}/watch`).reply(200, { resourceId: 'r' });
    nock(API).post('/calendar/v3/channels/stop').reply(503, HTML);
    expect(await session.renew!({ ...push, subscriptionId: 'a b' }, call())).toMatchObject({ expiresAt: null });
  });
});
