import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import nock from 'nock';
import { ConnectorError } from '#connector-sdk';
import { BASE, options, ORIGIN, pulled, row, sessionOf, smallDocument, type Loose } from './scripted.suite.js';

beforeAll(() => nock.disableNetConnect());
afterEach(() => nock.cleanAll());
afterAll(() => {
  nock.enableNetConnect();
  nock.restore();
});

async function failure(attempt: Promise<unknown>): Promise<ConnectorError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!ConnectorError.is(error)) throw new Error('no ConnectorError', { cause: error });
  return error;
}

/** The next listing of the small document, whatever range it asks for. */
function listed(page: number, body: object): nock.Scope {
  return nock(ORIGIN)
    .get(`${BASE}/entries`)
    .query(({ p }) => p === String(page))
    .reply(200, body);
}

const changed = (change: (document: Loose) => void): Loose => {
  const document = smallDocument();
  change(document);
  return document;
};

const content = {
  start: Date.parse('2027-06-07T07:00:00Z'),
  end: Date.parse('2027-06-07T07:30:00Z'),
  timeZone: 'Europe/Paris',
  summary: 'Visite',
};
const named = { agendaId: 'a', reference: 'ref-1' };

describe('who asks', () => {
  it.each<[object, object, Record<string, string>, string]>([
    [{ kind: 'bearer' }, { token: 't-1' }, { authorization: 'Bearer t-1' }, ''],
    [{ kind: 'basic' }, { username: 'u', password: 'p' }, { authorization: 'Basic dTpw' }, ''],
    [{ kind: 'header', name: 'X-Key' }, { key: 'k' }, { 'x-key': 'k' }, ''],
    [{ kind: 'header', name: 'Authorization', prefix: 'Token ' }, { key: 'k' }, { authorization: 'Token k' }, ''],
    [{ kind: 'query', name: 'apikey' }, { key: 'k&1' }, {}, 'k&1'],
  ])('is proved by %j', async (authentication, secrets, reqheaders, key) => {
    const document = changed((d) => (d['authentication'] = authentication));
    const asked = nock(ORIGIN, { reqheaders })
      .get(`${BASE}/entries/1`)
      .query(key === '' ? {} : { apikey: key })
      .reply(404, { error: 'gone' });
    const session = sessionOf(document, secrets);
    await session.cancel({ ...named, remoteId: '1', version: null }, options);
    expect(asked.isDone()).toBe(true);
  });

  it('is asked for the secret that is missing', async () => {
    const error = await failure(sessionOf(smallDocument(), {}).verify(options));
    expect([error.kind, error.message]).toEqual(['invalid', expect.stringContaining('"token"')]);
  });
});

describe('where it is asked', () => {
  it('what an id holds stays in its segment', async () => {
    const asked = nock(ORIGIN).get(`${BASE}/entries/..%2F..%2Fadmin%3Fx`).reply(404, { error: 'gone' });
    await sessionOf(smallDocument()).cancel({ ...named, remoteId: '../../admin?x', version: null }, options);
    expect(asked.isDone()).toBe(true);
  });

  it.each(['..', '.', ''])('the id "%s" leads nowhere', async (remoteId) => {
    const attempt = sessionOf(smallDocument()).cancel({ ...named, remoteId, version: null }, options);
    expect((await failure(attempt)).kind).toBe('invalid');
  });

  it('a redirect is not followed', async () => {
    nock(ORIGIN).get(`${BASE}/entries`).query(true).reply(302, '', { location: 'https://evil.example/' });
    expect((await failure(pulled(sessionOf(smallDocument())))).kind).toBe('unavailable');
  });
});

describe('numbered pages', () => {
  it('are read until as many items came as there are; a short page ends nothing', async () => {
    listed(1, { count: 3, rows: [row('1', 1)] });
    listed(2, { count: 3, rows: [row('2', 2), row('3', 3)] });
    expect((await pulled(sessionOf(smallDocument()))).end.complete?.present).toEqual(new Set(['1', '2', '3']));
  });

  it('that end too soon say nothing, least of all that something was deleted', async () => {
    for (let time = 0; time < 3; time += 1) {
      listed(1, { count: 2, rows: [row('1', 1)] });
      listed(2, { count: 2, rows: [] });
    }
    expect((await failure(pulled(sessionOf(smallDocument())))).kind).toBe('unavailable');
    expect(nock.isDone()).toBe(true);
  });

  it('that shift while they are read are read again', async () => {
    listed(1, { count: 2, rows: [row('1', 1)] });
    listed(2, { count: 3, rows: [row('1', 1)] });
    listed(1, { count: 2, rows: [row('0', 1)] });
    listed(2, { count: 2, rows: [row('0', 1)] });
    listed(1, { count: 2, rows: [row('0', 1)] });
    listed(2, { count: 2, rows: [row('1', 1)] });
    expect((await pulled(sessionOf(smallDocument()))).end.complete?.present).toEqual(new Set(['0', '1']));
  });

  it('without any number are read until one is empty', async () => {
    const document = changed((d) => (d['reading'].list.paging = { kind: 'page', parameter: 'p', first: 0 }));
    listed(0, { rows: [row('1', 1)] });
    listed(1, { rows: [row('2', 2)] });
    listed(2, { rows: [] });
    expect((await pulled(sessionOf(document))).end.complete?.present.size).toBe(2);
  });
});

describe('a listing', () => {
  it.each([[''], ['<html></html>'], ['{"count":0}'], ['{"count":0,"rows":null}'], ['[]']])(
    'that is %j says nothing',
    async (body) => {
      nock(ORIGIN).get(`${BASE}/entries`).query(true).reply(200, body);
      const error = await failure(pulled(sessionOf(smallDocument())));
      expect([error.kind, error.message]).toEqual(['unavailable', expect.stringContaining('reading.list')]);
    },
  );

  it('with an entry that does not say which it is says nothing', async () => {
    listed(1, { count: 1, rows: [{ from: 'x' }] });
    expect((await failure(pulled(sessionOf(smallDocument())))).message).toContain('entry.id');
  });

  it('is cut into the parts that the backend allows, and an entry across two of them is there once', async () => {
    const document = changed((d) => Object.assign(d['reading'].list, { maxDays: 92, paging: { kind: 'none' } }));
    const asked: string[] = [];
    nock(ORIGIN)
      .get(`${BASE}/entries`)
      .query(({ from, to }) => asked.push(`${String(from)} ${String(to)}`) > 0)
      .times(2)
      .reply(200, { rows: [row('1', 1)] });
    const { objects } = await pulled(sessionOf(document));
    expect([objects.length, asked]).toEqual([
      1,
      ['2027-06-01T00:00:00Z 2027-09-01T00:00:00Z', '2027-09-01T00:00:00Z 2027-12-01T00:00:00Z'],
    ]);
  });

  it('is believed about what was deleted, once what it no longer shows was asked for', async () => {
    listed(1, { count: 3, rows: [row('1', 1), row('2', 2), row('3', 3)] });
    const first = await pulled(sessionOf(smallDocument()));
    const known = new Map(first.objects.map(({ remoteId, version }) => [remoteId, version]));
    listed(1, { count: 1, rows: [row('1', 1)] });
    nock(ORIGIN).get(`${BASE}/entries/2`).reply(404, { error: 'gone' });
    const away = row('3', 1, { from: '2030-01-01T07:00:00Z', to: '2030-01-01T08:00:00Z', v: 2 });
    nock(ORIGIN).get(`${BASE}/entries/3`).reply(200, away);
    const { objects, end } = await pulled(sessionOf(smallDocument()), known);
    expect(objects.map(({ remoteId, busy }) => [remoteId, busy])).toEqual([['3', []]]);
    expect(end.complete?.present).toEqual(new Set(['1', '3']));
    listed(1, { count: 1, rows: [row('1', 1)] });
    nock(ORIGIN).get(`${BASE}/entries/2`).reply(404, '<html>not ours</html>');
    expect((await failure(pulled(sessionOf(smallDocument()), known))).kind).toBe('unavailable');
  });

  it('tells what is free, cancelled and ours', async () => {
    const document = changed((d) => (d['entry'].status = { path: 's', gone: ['X'], free: ['F'] }));
    const rows = [
      row('1', 1, { s: 'F' }),
      row('2', 2, { s: 'X' }),
      row('3', 3, { ref: 'ref-1' }),
      row('4', 4, { ref: 'Non !' }),
    ];
    listed(1, { count: 4, rows });
    const { objects, removed, end } = await pulled(sessionOf(document), new Map([['2', null]]));
    expect(objects.map(({ remoteId, busy, reference }) => [remoteId, busy.length, reference])).toEqual([
      ['1', 0, null],
      ['3', 1, 'ref-1'],
      ['4', 1, null],
    ]);
    expect([removed, end.complete?.present.has('2')]).toEqual([['2'], false]);
  });
});

describe('a write', () => {
  const stored = row('7', 7, { ref: 'ref-1' });

  it('sends what the document says, and resolves with what was read back', async () => {
    const body = { from: '2027-06-07T07:00:00Z', to: '2027-06-07T07:30:00Z', text: 'Visite', ref: 'ref-1' };
    nock(ORIGIN).post(`${BASE}/entries`, body).reply(201, { id: 7 });
    nock(ORIGIN)
      .get(`${BASE}/entries/7`)
      .reply(200, { ...stored, text: 'Visite (relue)' });
    const made = await sessionOf(smallDocument()).create({ ...named, content }, options);
    expect(made).toMatchObject({ remoteId: '7', reference: 'ref-1', summary: 'Visite (relue)' });
  });

  it('that is answered without its id is found by its reference', async () => {
    const document = changed((d) => delete d['writing'].create.id);
    nock(ORIGIN).post(`${BASE}/entries`).reply(204);
    listed(1, { count: 2, rows: [row('1', 1), stored] });
    nock(ORIGIN).get(`${BASE}/entries/7`).reply(200, stored);
    expect((await sessionOf(document).create({ ...named, content }, options)).remoteId).toBe('7');
  });

  it('that answers an error with status 200 is that error', async () => {
    const document = changed((d) => d['errors'].unshift({ path: 'error', equals: ['busy'], means: 'taken' }));
    nock(ORIGIN).post(`${BASE}/entries`).reply(200, { error: 'busy' });
    expect((await failure(sessionOf(document).create({ ...named, content }, options))).kind).toBe('taken');
  });

  it('sends a version as the number it was, and refuses one that moved on before anything is sent', async () => {
    const session = sessionOf(smallDocument());
    const update = { ...named, remoteId: '7', content };
    nock(ORIGIN).get(`${BASE}/entries/7`).reply(200, stored);
    expect((await failure(session.update({ ...update, version: 'old' }, options))).kind).toBe('stale');
    nock(ORIGIN).get(`${BASE}/entries/7`).reply(200, row('7', 6));
    const sent = nock(ORIGIN).patch(`${BASE}/entries/7`, ({ v }) => v === 1);
    sent.reply(204);
    nock(ORIGIN)
      .get(`${BASE}/entries/7`)
      .reply(200, { ...stored, v: 2 });
    expect((await session.update({ ...update, version: null }, options)).when).toEqual({
      start: content.start,
      end: content.end,
    });
  });

  it('that was answered with success and changed nothing is unknown', async () => {
    const session = sessionOf(smallDocument());
    nock(ORIGIN).get(`${BASE}/entries/7`).times(2).reply(200, row('7', 6));
    nock(ORIGIN).patch(`${BASE}/entries/7`).reply(200, {});
    const attempt = session.update({ ...named, remoteId: '7', version: null, content }, options);
    expect((await failure(attempt)).kind).toBe('unknown');
  });

  it.each([500, 502, 503])('that is answered with %d may have landed', async (status) => {
    nock(ORIGIN).post(`${BASE}/entries`).reply(status, { error: 'x' });
    expect((await failure(sessionOf(smallDocument()).create({ ...named, content }, options))).kind).toBe('unknown');
  });

  it('that was accepted and cannot be read back is unknown, whatever the reason', async () => {
    for (const [status, body] of [
      [401, {}],
      [404, { error: 'gone' }],
      [429, {}],
      [200, '<html>'],
    ] as const) {
      nock(ORIGIN).post(`${BASE}/entries`).reply(201, { id: 7 });
      nock(ORIGIN).get(`${BASE}/entries/7`).reply(status, body);
      expect((await failure(sessionOf(smallDocument()).create({ ...named, content }, options))).kind).toBe('unknown');
    }
  });

  it('where the document describes none is forbidden, and the agenda is told to be read only', async () => {
    const session = sessionOf(changed((d) => delete d['writing']));
    expect((await failure(session.create({ ...named, content }, options))).kind).toBe('forbidden');
    expect(await session.listAgendas(options)).toEqual([{ id: 'a', name: 'Cabinet', writable: false, timeZone: null }]);
  });
});
