import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import nock from 'nock';
import { ConnectorError, type ConnectorErrorKind, type PullItem, type Session } from '#connector-sdk';
import connector from './connector.js';

const ORIGIN = 'https://agenda.example';
const ENTRIES = '/api/agendas/a1/entries';
const CHANGES = '/api/agendas/a1/changes';
const start = Date.parse('2027-03-29T07:00:00Z');
const end = start + 1_800_000;
const stored = { id: 'e1', start, end, title: 'RDV', reference: 'r-1', version: 3, updatedAt: 5, colour: 'teal' };
const booking = { agendaId: 'a1', reference: 'r-1', content: { start, end, timeZone: 'Europe/Paris', summary: 'RDV' } };
const window = { start: start - 86_400_000, end: start + 86_400_000 };

let session: Session;
const call = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(5_000) });

beforeEach(() => {
  nock.disableNetConnect();
  session = connector.open(
    { settings: { baseUrl: `${ORIGIN}/api/` }, secrets: { apiKey: 'key-12345' } },
    { timeoutMs: 2_000, allowPrivateNetworks: true, now: () => 1_000 },
  );
});

afterEach(() => {
  session.close();
  nock.cleanAll();
  nock.enableNetConnect();
});

// Each spec file has a nock of its own, and those of earlier ones would still listen.
afterAll(() => {
  nock.restore();
});

async function kindOf(attempt: Promise<unknown>): Promise<ConnectorErrorKind> {
  try {
    await attempt;
  } catch (error) {
    if (ConnectorError.is(error)) return error.kind;
    throw error;
  }
  throw new Error('it succeeded');
}

async function pulled(cursor: string | null, known: readonly string[] = []): Promise<PullItem[]> {
  const items: PullItem[] = [];
  const request = {
    agendaId: 'a1',
    cursor,
    window,
    timeZone: 'Europe/Paris',
    known: () => Promise.resolve(new Map(known.map((id) => [id, null]))),
  };
  for await (const item of session.pull(request, call())) items.push(item);
  return items;
}

const refusal = (code: string): object => ({ error: { code } });
interface Kinds {
  readonly read: ConnectorErrorKind;
  readonly write: ConnectorErrorKind;
}

const HTML = '<!doctype html><title>502</title>';

describe('failures become kinds', () => {
  it.each<[string, number, nock.Body, Kinds]>([
    ['a bad key', 401, refusal('key_unknown'), { read: 'auth', write: 'auth' }],
    ['a bad key, said by a gateway', 401, '', { read: 'auth', write: 'auth' }],
    ['a foreign agenda', 403, refusal('not_yours'), { read: 'forbidden', write: 'forbidden' }],
    ['a bot wall', 403, HTML, { read: 'unavailable', write: 'unknown' }],
    ['an unknown entry', 404, refusal('entry_unknown'), { read: 'not_found', write: 'not_found' }],
    ['an unknown agenda', 404, refusal('agenda_unknown'), { read: 'invalid', write: 'invalid' }],
    ['a wrong base URL', 404, HTML, { read: 'unavailable', write: 'unknown' }],
    ['an overlap', 409, refusal('overlap'), { read: 'taken', write: 'taken' }],
    ['a spent key', 409, refusal('key_spent'), { read: 'stale', write: 'stale' }],
    ['a conflict never heard of', 409, refusal('other'), { read: 'unavailable', write: 'unknown' }],
    ['a version that moved on', 412, refusal('version_mismatch'), { read: 'stale', write: 'stale' }],
    ['a refused content', 422, refusal('invalid'), { read: 'invalid', write: 'invalid' }],
    ['too many requests', 429, HTML, { read: 'rate_limited', write: 'rate_limited' }],
    ['a redirect', 302, '', { read: 'unavailable', write: 'unknown' }],
    ['a crash', 500, refusal('internal'), { read: 'unavailable', write: 'unknown' }],
    ['a gateway', 502, HTML, { read: 'unavailable', write: 'unknown' }],
    ['HTML instead of data', 200, HTML, { read: 'unavailable', write: 'unknown' }],
    ['half an answer', 200, '{"id": "e1", "sta', { read: 'unavailable', write: 'unknown' }],
    [
      'an entry that ends before it starts',
      200,
      { ...stored, end: start - 1 },
      { read: 'unavailable', write: 'unknown' },
    ],
  ])('%s (%i)', async (_what, status, body, { read, write }) => {
    nock(ORIGIN).get(`${ENTRIES}/e1`).reply(status, body, { location: 'https://elsewhere.example/' });
    nock(ORIGIN).patch(`${ENTRIES}/e1`).reply(status, body, { location: 'https://elsewhere.example/' });
    const update = { ...booking, remoteId: 'e1' };
    expect(await kindOf(session.update({ ...update, version: null }, call()))).toBe(read);
    expect(await kindOf(session.update({ ...update, version: '3' }, call()))).toBe(write);
  });

  it.each([
    ['7', 7_000],
    [new Date(11_000).toUTCString(), 10_000],
  ])('Retry-After: %s is kept', async (header, retryAfterMs) => {
    nock(ORIGIN).get('/api/account').reply(429, '', { 'retry-after': header });
    await expect(session.verify(call())).rejects.toMatchObject({ kind: 'rate_limited', retryAfterMs });
  });
});

describe('writes', () => {
  it('creates under the reference as idempotency key, and reads back', async () => {
    nock(ORIGIN, { reqheaders: { authorization: 'Bearer key-12345', 'idempotency-key': 'r-1' } })
      .post(ENTRIES, { start, end, title: 'RDV', reference: 'r-1' })
      .reply(201, { ...stored, version: 1 });
    nock(ORIGIN).get(`${ENTRIES}/e1`).reply(200, stored);
    expect(await session.create(booking, call())).toMatchObject({
      remoteId: 'e1',
      version: '3',
      reference: 'r-1',
      when: { start, end },
      summary: 'RDV',
    });
  });

  it.each([401, 404, 429, 500])('a write that cannot be read back (%i) is unknown', async (status) => {
    nock(ORIGIN).post(ENTRIES).reply(201, stored);
    nock(ORIGIN).get(`${ENTRIES}/e1`).reply(status, refusal('entry_unknown'));
    expect(await kindOf(session.create(booking, call()))).toBe('unknown');
  });

  it('moves with If-Match', async () => {
    nock(ORIGIN, { reqheaders: { 'if-match': '"3"' } })
      .patch(`${ENTRIES}/e1`)
      .reply(200, stored);
    nock(ORIGIN)
      .get(`${ENTRIES}/e1`)
      .reply(200, { ...stored, version: 4 });
    expect((await session.update({ ...booking, remoteId: 'e1', version: '3' }, call())).version).toBe('4');
  });

  it('a deletion that did not happen is unknown', async () => {
    nock(ORIGIN).delete(`${ENTRIES}/e1`).reply(204);
    nock(ORIGIN).get(`${ENTRIES}/e1`).reply(200, stored);
    expect(
      await kindOf(session.cancel({ agendaId: 'a1', reference: 'r-1', remoteId: 'e1', version: null }, call())),
    ).toBe('unknown');
  });

  it('a bare 404 is not taken for a deletion', async () => {
    nock(ORIGIN).delete(`${ENTRIES}/e1`).reply(404, HTML);
    expect(
      await kindOf(session.cancel({ agendaId: 'a1', reference: 'r-1', remoteId: 'e1', version: '3' }, call())),
    ).toBe('unknown');
  });

  it('ids cannot leave their place in the path', async () => {
    nock(ORIGIN).get('/api/agendas/a1/entries/..%2F..%2Faccount').reply(404, refusal('entry_unknown'));
    expect(await kindOf(session.update({ ...booking, remoteId: '../../account', version: null }, call()))).toBe(
      'not_found',
    );
  });
});

describe('pull', () => {
  it('lists the window, then what was written meanwhile', async () => {
    const listed = (id: string): object => ({ ...stored, id });
    nock(ORIGIN)
      .get(ENTRIES)
      .query({ from: window.start, to: window.end, limit: 500 })
      .reply(200, { items: [listed('e1'), listed('e2')], next: 'e2', seq: 10 });
    nock(ORIGIN)
      .get(ENTRIES)
      .query({ from: window.start, to: window.end, limit: 500, after: 'e2' })
      .reply(200, { items: [listed('e3')], next: null, seq: 12 });
    nock(ORIGIN)
      .get(CHANGES)
      .query({ after: 10, limit: 500 })
      .reply(200, {
        items: [
          { id: 'e1', deleted: true },
          { id: 'e4', entry: listed('e4') },
        ],
        next: 12,
        more: false,
      });
    const items = await pulled(null);
    expect(items.at(-1)).toEqual({
      type: 'end',
      cursor: '12',
      complete: { window, present: new Set(['e2', 'e3', 'e4']) },
    });
  });

  it('a known entry that left the window is a move, not a removal', async () => {
    const far = { ...stored, start: window.end, end: window.end + 60_000 };
    nock(ORIGIN)
      .get(ENTRIES)
      .query((query) => 'from' in query)
      .reply(200, { items: [], seq: 10 });
    nock(ORIGIN).get(CHANGES).query(true).reply(200, { items: [], next: 10, more: false });
    nock(ORIGIN)
      .get(ENTRIES)
      .query({ ids: 'e1,e9', limit: 100 })
      .reply(200, { items: [far], seq: 10 });
    const items = await pulled(null, ['e1', 'e9']);
    expect(items).toMatchObject([
      {
        type: 'changes',
        changes: [{ kind: 'upsert', object: { remoteId: 'e1', busy: [], when: { start: window.end } } }],
      },
      { type: 'end', complete: { present: new Set(['e1']) } },
    ]);
  });

  it('puts an unreadable entry aside and goes on', async () => {
    const poison = { id: 'e1', start: 'tomorrow', end, version: 2 };
    nock(ORIGIN)
      .get(CHANGES)
      .query({ after: 5, limit: 500 })
      .reply(200, {
        items: [
          { id: 'e1', entry: poison },
          { id: 'e2', entry: { ...stored, id: 'e2' } },
        ],
        next: 6,
        more: true,
      });
    nock(ORIGIN).get(CHANGES).query({ after: 6, limit: 500 }).reply(200, { items: [], next: 6, more: false });
    const [changes, end_] = await pulled('5');
    expect(changes).toMatchObject({
      changes: [{ kind: 'unreadable', remoteId: 'e1', version: '2', reason: 'unreadable: start' }, { kind: 'upsert' }],
    });
    expect(end_).toEqual({ type: 'end', cursor: '6', complete: null });
  });

  it.each<[string, number, nock.Body, ConnectorErrorKind]>([
    ['an expired cursor', 410, refusal('cursor_expired'), 'cursor_expired'],
    ['an agenda that is gone', 404, refusal('agenda_unknown'), 'not_found'],
    ['a bare 404', 404, HTML, 'unavailable'],
    ['a bare 410', 410, HTML, 'unavailable'],
    ['a log that does not advance', 200, { items: [], next: 5, more: true }, 'unavailable'],
    ['a change that names nothing', 200, { items: [{}], next: 6, more: false }, 'unavailable'],
    ['a list that is no list', 200, { items: null, next: 6, more: false }, 'unavailable'],
  ])('%s', async (_what, status, body, kind) => {
    nock(ORIGIN).get(CHANGES).query(true).reply(status, body);
    expect(await kindOf(pulled('5'))).toBe(kind);
  });

  it('a listing with an entry that cannot be named is not complete', async () => {
    nock(ORIGIN)
      .get(ENTRIES)
      .query(true)
      .reply(200, { items: [{ start, end }], seq: 1 });
    expect(await kindOf(pulled(null))).toBe('unavailable');
  });
});
