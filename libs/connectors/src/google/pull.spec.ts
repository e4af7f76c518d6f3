import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import nock from 'nock';
import type { Session } from '#connector-sdk';
import { eventIdOf } from './event-ids.js';
import {
  API,
  at,
  CALENDAR,
  event,
  EVENTS,
  failureOf,
  grantTokens,
  kindOf,
  openSession,
  page,
  pulled,
  refusal,
  scripted,
  WINDOW,
} from './scripted-google.suite.js';

const OURS = eventIdOf('appointment-1');
let session: Session;

scripted();
beforeEach(() => {
  grantTokens();
  session = openSession();
});
afterEach(() => {
  session.close();
});

const list = (query: object | true, body: object): void =>
  void nock(API)
    .get(EVENTS)
    .query(query as never)
    .reply(200, body);
const delta = (items: readonly object[]): void =>
  list((q: Record<string, string>) => q['syncToken'] === 'old', page(items));
const objectOf = async (more: object): Promise<unknown> => {
  list(true, page([event('e1', more)]));
  const { changes } = await pulled(session, null);
  return changes[0]?.kind === 'upsert' ? changes[0].object : changes[0];
};

describe('a complete listing', () => {
  it('asks for instances in the window, page after page, and keeps the token of the last one', async () => {
    const first = (q: Record<string, string>): boolean =>
      q['singleEvents'] === 'true' &&
      q['timeMin'] === '2027-06-01T00:00:00.000Z' &&
      !q['pageToken'] &&
      !q['showDeleted'];
    list(first, page([event('e1')], { nextPageToken: 'p2' }));
    list((q: Record<string, string>) => q['pageToken'] === 'p2', page([], { nextPageToken: 'p3' }));
    list((q: Record<string, string>) => q['pageToken'] === 'p3' && q['timeMin'] !== undefined, page([event('e2')]));
    const { changes, end } = await pulled(session, null);
    expect(changes.map((change) => change.kind === 'upsert' && change.object.remoteId)).toEqual(['e1', 'e2']);
    expect(end).toEqual({
      type: 'end',
      cursor: '1:next',
      complete: { window: WINDOW, present: new Set(['e1', 'e2']) },
    });
  });

  it.each<[string, object, object]>([
    [
      'a timed event',
      {},
      {
        when: { start: at('2027-06-07T07:00Z'), end: at('2027-06-07T07:30Z') },
        recurring: false,
        summary: 'Réunion',
        version: '"e1-1"',
        modifiedAt: at('2027-06-01T08:00Z'),
        reference: null,
      },
    ],
    [
      'days without hours, on the shorter day of the spring',
      { start: { date: '2027-10-31' }, end: { date: '2027-11-01' } },
      {
        when: { start: at('2027-10-30T22:00Z'), end: at('2027-10-31T23:00Z') },
        busy: [{ start: at('2027-10-30T22:00Z'), end: at('2027-10-31T23:00Z') }],
      },
    ],
    ['a transparent event', { transparency: 'transparent' }, { busy: [] }],
    [
      'out of office',
      { eventType: 'outOfOffice' },
      { busy: [{ start: at('2027-06-07T07:00Z'), end: at('2027-06-07T07:30Z') }] },
    ],
    [
      'focus time',
      { eventType: 'focusTime' },
      { busy: [{ start: at('2027-06-07T07:00Z'), end: at('2027-06-07T07:30Z') }] },
    ],
    ['a working location', { eventType: 'workingLocation' }, { busy: [] }],
    ['a birthday', { eventType: 'birthday' }, { busy: [] }],
    ['what he declined', { attendees: [{ self: true, responseStatus: 'declined' }] }, { busy: [] }],
    [
      'what somebody else declined',
      { attendees: [{ responseStatus: 'declined' }] },
      { busy: [{ start: at('2027-06-07T07:00Z'), end: at('2027-06-07T07:30Z') }] },
    ],
    [
      'tentative',
      { status: 'tentative' },
      { busy: [{ start: at('2027-06-07T07:00Z'), end: at('2027-06-07T07:30Z') }] },
    ],
    [
      'a private event',
      { visibility: 'private' },
      { summary: null, busy: [{ start: at('2027-06-07T07:00Z'), end: at('2027-06-07T07:30Z') }] },
    ],
    ['an event whose details are not shown', { summary: undefined }, { summary: null }],
    ['no length', { end: { dateTime: '2027-06-07T09:00:00+02:00' } }, { busy: [] }],
    ['ours, private or not', { id: OURS, visibility: 'private' }, { reference: 'appointment-1', summary: 'Réunion' }],
    [
      'a copy with our marker',
      { extendedProperties: { private: { unissonReference: 'appointment-1' } } },
      { reference: 'appointment-1' },
    ],
    ['a foreign marker', { extendedProperties: { private: { unissonReference: '<script>' } } }, { reference: null }],
    [
      'an instance that inherited our marker, as its series',
      { recurringEventId: 'x', extendedProperties: { private: { unissonReference: 'appointment-1' } } },
      { remoteId: 'x', recurring: true, reference: null },
    ],
    [
      'an instance that cannot be read, as its whole series',
      { recurringEventId: 'x', start: {} },
      { kind: 'unreadable', remoteId: 'x' },
    ],
    [
      'a time that cannot be read',
      { start: { dateTime: 'tomorrow' } },
      { kind: 'unreadable', remoteId: 'e1', version: '"e1-1"' },
    ],
    [
      'a time without an offset',
      { start: { dateTime: '2027-06-07T09:00:00' } },
      { kind: 'unreadable', remoteId: 'e1' },
    ],
  ])('reads %s', async (_what, more, expected) => {
    expect(await objectOf(more)).toMatchObject(expected);
  });

  it('takes instants for the content, not the way they are written', async () => {
    const hashes = async (more: object): Promise<unknown> =>
      ((await objectOf(more)) as { contentHash: string }).contentHash;
    const same = {
      start: { dateTime: '2027-06-07T07:00:00Z' },
      end: { dateTime: '2027-06-07T07:30:00Z' },
      etag: '"other"',
    };
    const first = await hashes({});
    expect(await hashes(same)).toBe(first);
    expect(await hashes({ summary: 'Autre' })).not.toBe(first);
    expect(await hashes({ transparency: 'transparent' })).not.toBe(first);
  });

  it('without a token at its end is complete all the same', async () => {
    list(true, page([event('e1')], {}));
    expect((await pulled(session, null)).end).toMatchObject({ cursor: null, complete: { present: new Set(['e1']) } });
  });

  it.each<[string, object | string]>([
    ['an item without an id', page([{ status: 'confirmed' }])],
    ['no list', { kind: 'calendar#events', items: 'none', nextSyncToken: 'x' }],
    ['another thing', { kind: 'calendar#calendarList', items: [] }],
    ['HTML', '<html>'],
    ['a page that names itself as the next', page([], { nextPageToken: 'same' })],
  ])('%s is an outage, never an empty agenda', async (_what, body) => {
    nock(API).get(EVENTS).query(true).times(2).reply(200, body);
    expect(await kindOf(pulled(session, null))).toBe('unavailable');
  });
});

describe('a delta', () => {
  it('carries its token alone, and ends with the next', async () => {
    const alone = (q: Record<string, string>): boolean =>
      q['syncToken'] === 'old' && !q['timeMin'] && q['singleEvents'] === 'true';
    list(alone, page([event('e1'), { id: 'e2', status: 'cancelled' }]));
    const { changes, end } = await pulled(session, '1:old');
    expect(changes).toMatchObject([{ kind: 'upsert' }, { kind: 'removed', remoteId: 'e2' }]);
    expect(end).toEqual({ type: 'end', cursor: '1:next', complete: null });
  });

  it('that ends without a token did not end', async () => {
    list(true, page([event('e1')], {}));
    expect(await kindOf(pulled(session, '1:old'))).toBe('unavailable');
  });

  it.each<[number, string]>([
    [410, 'fullSyncRequired'],
    [410, 'updatedMinTooLongAgo'],
    [400, 'invalid'],
  ])('refused by %i %s asks for a complete listing', async (status, reason) => {
    nock(API).get(EVENTS).query(true).reply(status, refusal(status, reason));
    expect(await kindOf(pulled(session, '1:old'))).toBe('cursor_expired');
  });

  const instances = (id: string, items: readonly object[]): void =>
    void nock(API).get(`${EVENTS}/${id}/instances`).query(true).reply(200, page(items, {}));

  it('reads each series that it touches anew, as one object', async () => {
    const [first, second] = ['s_20270607T070000Z', 's_20270614T070000Z'].map((id) =>
      event(id, { recurringEventId: 's' }),
    );
    delta([second!, { id: 's_20270621T070000Z', status: 'cancelled' }]);
    instances('s', [first!, event('s_20270608', { recurringEventId: 's', status: 'cancelled' })]);
    const { changes } = await pulled(session, '1:old');
    expect(changes).toMatchObject([
      { kind: 'removed', remoteId: 's_20270621T070000Z' },
      {
        kind: 'upsert',
        object: { remoteId: 's', recurring: true, reference: null, busy: [{ start: at('2027-06-07T07:00Z') }] },
      },
    ]);
  });

  it.each([
    [200, page([], {})],
    [404, refusal(404, 'notFound')],
  ])('a touched series of which nothing is left in the window (%i) is gone', async (status, body) => {
    delta([{ id: 's_20270621T070000Z', status: 'cancelled', recurringEventId: 's' }]);
    nock(API).get(`${EVENTS}/s/instances`).query(true).reply(status, body);
    list(true, page([]));
    expect((await pulled(session, '1:old')).changes).toContainEqual({ kind: 'removed', remoteId: 's' });
  });

  it('that touches very many series gives way to a complete listing', async () => {
    delta(Array.from({ length: 51 }, (_, n) => event(`s${n}_20270607`, { recurringEventId: `s${n}` })));
    expect(await kindOf(pulled(session, '1:old'))).toBe('cursor_expired');
  });

  it('passes over what is far away and unknown; what was known has moved there', async () => {
    const far = { start: { dateTime: '2030-06-07T09:00:00Z' }, end: { dateTime: '2030-06-07T09:30:00Z' } };
    delta([event('unknown', far), event('known', far), event(OURS, far)]);
    const { changes } = await pulled(session, '1:old', ['known']);
    expect(changes).toMatchObject([
      { object: { remoteId: 'known', busy: [] } },
      { object: { remoteId: OURS, reference: 'appointment-1', busy: [] } },
    ]);
  });

  it('keeps one of ours together when it was made a series', async () => {
    const recurrence = ['RRULE:FREQ=WEEKLY'];
    delta([
      event(`${OURS}_20270607T070000Z`, { recurringEventId: OURS }),
      { id: `${OURS}_20270614T070000Z`, status: 'cancelled' },
    ]);
    nock(API).get(`${EVENTS}/${OURS}`).query(true).reply(200, event(OURS, { recurrence }));
    nock(API)
      .get(`${EVENTS}/${OURS}/instances`)
      .query(true)
      .reply(200, page([event(`${OURS}_20270607T070000Z`, { recurringEventId: OURS })], {}));
    const { changes } = await pulled(session, '1:old', [OURS]);
    expect(changes.slice(1)).toMatchObject([
      {
        kind: 'upsert',
        object: {
          remoteId: OURS,
          recurring: true,
          reference: 'appointment-1',
          busy: [{ start: at('2027-06-07T07:00Z') }],
        },
      },
    ]);
  });
});

describe('where only free and busy may be seen', () => {
  const forbidden = (): void =>
    void nock(API).get(EVENTS).query(true).reply(403, refusal(403, 'insufficientPermissions'));

  it('every busy interval is an object, read completely each time', async () => {
    forbidden();
    const busy = [{ start: '2027-06-07T07:00:00Z', end: '2027-06-07T08:00:00Z' }];
    nock(API)
      .post('/calendar/v3/freeBusy')
      .reply(200, { calendars: { [CALENDAR]: { busy } } });
    nock(API)
      .post('/calendar/v3/freeBusy')
      .times(2)
      .reply(200, { calendars: { [CALENDAR]: { busy: [] } } });
    const { changes, end } = await pulled(session, null);
    expect(changes).toMatchObject([
      { object: { summary: null, reference: null, busy: [{ start: at('2027-06-07T07:00Z') }] } },
    ]);
    expect(end.cursor).toBeNull();
    expect(end.complete?.present.size).toBe(1);
  });

  it('a calendar that cannot be asked is no free calendar', async () => {
    forbidden();
    nock(API)
      .post('/calendar/v3/freeBusy')
      .reply(200, { calendars: { [CALENDAR]: { errors: [{ reason: 'internalError' }], busy: [] } } });
    expect(await kindOf(pulled(session, null))).toBe('forbidden');
  });

  it('a calendar that showed its events before is not emptied', async () => {
    forbidden();
    expect((await failureOf(pulled(session, null, ['e1']))).kind).toBe('forbidden');
  });
});
