import { describe, expect, it } from '@jest/globals';
import nock from 'nock';
import {
  call,
  found,
  elsewhere,
  multistatus,
  open,
  origin,
  scriptServer,
  useServers,
  type Answer,
  type Seen,
} from './scripted-server.suite.js';

useServers();

const CALENDAR = '<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>';
const privileges = (...names: readonly string[]): string =>
  `<d:current-user-privilege-set>${names.map((name) => `<d:privilege><d:${name}/></d:privilege>`).join('')}</d:current-user-privilege-set>`;
const components = (...names: readonly string[]): string =>
  `<c:supported-calendar-component-set>${names.map((name) => `<c:comp name="${name}"/>`).join('')}</c:supported-calendar-component-set>`;

const PRINCIPAL = '<d:current-user-principal><d:href>/p/anne/</d:href></d:current-user-principal>';
const HOME = '<c:calendar-home-set><d:href>/cal/anne/</d:href></c:calendar-home-set>';

const home: Answer = multistatus(
  found('/cal/anne/', '<d:resourcetype><d:collection/></d:resourcetype>'),
  found(
    '/cal/anne/cabinet/',
    `${CALENDAR}<d:displayname>Cabinet</d:displayname>${components('VEVENT', 'VTODO')}${privileges('read', 'write')}<c:calendar-timezone>BEGIN:VCALENDAR&#13;\nBEGIN:VTIMEZONE&#13;\nTZID:Europe/Paris&#13;\nEND:VTIMEZONE&#13;\nEND:VCALENDAR</c:calendar-timezone>`,
  ),
  found('/cal/anne/lecture%20seule', `${CALENDAR}${privileges('read', 'read-free-busy')}`),
  found('/cal/anne/partage/', `${CALENDAR}${privileges('read', 'write-content', 'bind')}`),
  found(
    '/cal/anne/tout/',
    `${CALENDAR}${privileges('all')}<c:schedule-calendar-transp><c:opaque/></c:schedule-calendar-transp>`,
  ),
  found(
    '/cal/anne/prive/',
    `${CALENDAR}${privileges('all')}<c:schedule-calendar-transp><c:transparent/></c:schedule-calendar-transp>`,
  ),
  // The calendar that a server sends for is named as its own outbox (measured).
  found('/cal/anne/personnel/', CALENDAR.replace('</d:resourcetype>', '<c:schedule-outbox/></d:resourcetype>')),
  found('/cal/anne/taches/', `${CALENDAR}${components('VTODO')}`),
  found('/cal/anne/inbox/', '<d:resourcetype><d:collection/><c:schedule-inbox/></d:resourcetype>'),
  found('/cal/anne/abonnement/', '<d:resourcetype><d:collection/><c:calendar/><s:subscribed/></d:resourcetype>'),
);

/** A server whose entry point is at a path; everything else of the way is the same. */
const server =
  (entry: (request: Seen) => Answer) =>
  (request: Seen): Answer => {
    if (request.target === '/p/anne/') return multistatus(found('/p/anne/', HOME));
    if (request.target === '/cal/anne/')
      return request.headers['depth'] === '1' ? home : multistatus(found('/cal/anne/', PRINCIPAL));
    return entry(request);
  };

const expected = [
  { id: '/cal/anne/cabinet/', name: 'Cabinet', writable: true, timeZone: 'Europe/Paris' },
  { id: '/cal/anne/lecture%20seule/', name: 'lecture seule', writable: false, timeZone: null },
  { id: '/cal/anne/partage/', name: 'partage', writable: true, timeZone: null },
  { id: '/cal/anne/tout/', name: 'tout', writable: true, timeZone: null },
  { id: '/cal/anne/prive/', name: 'prive', writable: true, timeZone: null, neverBusy: true },
  { id: '/cal/anne/personnel/', name: 'personnel', writable: true, timeZone: null },
];

describe('finding calendars', () => {
  const entries: Readonly<Record<string, (request: Seen) => Answer>> = {
    'a permanent redirect': ({ target }) =>
      target === '/.well-known/caldav'
        ? { status: 301, headers: { Location: '/dav/' } }
        : multistatus(found('/dav/', PRINCIPAL)),
    'a found redirect to a full address': ({ target }) =>
      target === '/.well-known/caldav'
        ? { status: 302, headers: { Location: `${origin()}/dav/` } }
        : multistatus(found('/dav/', PRINCIPAL)),
    'a temporary redirect': ({ target }) =>
      target === '/.well-known/caldav'
        ? { status: 307, headers: { Location: 'dav' } }
        : multistatus(found('/', PRINCIPAL)),
    'an answer in place': () => multistatus(found('/.well-known/caldav', PRINCIPAL)),
    'nothing there (404)': ({ target }) =>
      target === '/.well-known/caldav' ? { status: 404 } : multistatus(found('/', PRINCIPAL)),
    'a web page (200)': ({ target }) =>
      target === '/.well-known/caldav' ? { status: 200, body: '<html></html>' } : multistatus(found('/', PRINCIPAL)),
  };

  it.each(Object.keys(entries))('from the bare host, whose well-known address is %s', async (what) => {
    scriptServer(server(entries[what]!));
    expect(await open().listAgendas(call)).toEqual(expected);
  });

  it.each(['/p/anne/', '/cal/anne/', '/dav/x/'])('from %s', async (path) => {
    scriptServer(
      server(({ target }) =>
        target === '/.well-known/caldav' ? multistatus(found(target, PRINCIPAL)) : { status: 405 },
      ),
    );
    expect(await open({ url: `${origin()}${path}` }).listAgendas(call)).toEqual(expected);
  });

  it('from a calendar itself: then it is the only one', async () => {
    const seen = scriptServer(() => multistatus(found('/cal/anne/cabinet', `${CALENDAR}${privileges('all')}`)));
    expect(await open({ url: `${origin()}/cal/anne/cabinet` }).listAgendas(call)).toEqual([
      { id: '/cal/anne/cabinet/', name: 'cabinet', writable: true, timeZone: null },
    ]);
    expect(seen).toHaveLength(1);
  });

  it('on another host only when that host was entered', async () => {
    const far = new URL(elsewhere()).host;
    const homeSet = `<c:calendar-home-set><d:href>${elsewhere()}/cal/anne/</d:href></c:calendar-home-set>`;
    const seen = scriptServer(({ host }) => (host === far ? home : multistatus(found('/', homeSet))));
    await expect(open().listAgendas(call)).rejects.toMatchObject({ kind: 'invalid' });
    expect(seen.some(({ host }) => host === far)).toBe(false);
    const agendas = await open({ calendarHome: `${elsewhere()}/cal/anne/` }).listAgendas(call);
    expect(agendas.map(({ id }) => id)).toEqual(expected.map(({ id }) => elsewhere() + id));
  });
});

describe('credentials', () => {
  const entry = (): Answer => multistatus(found('/', PRINCIPAL));

  it('are sent at once and name the account', async () => {
    const seen = scriptServer(server(entry));
    expect(await open().verify(call)).toEqual({ account: 'anne' });
    expect(await open({}, { type: 'bearer', token: 'jeton' }).verify(call)).toEqual({ account: '/p/anne/' });
    expect(new Set(seen.map(({ headers }) => headers['authorization']))).toEqual(
      new Set(['Basic YW5uZTpzZWNyZXQ=', 'Bearer jeton']),
    );
  });

  it('are refused by 401, and by a server that knows nobody', async () => {
    scriptServer(() => ({ status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } }));
    await expect(open().verify(call)).rejects.toMatchObject({ kind: 'auth', status: 401 });
    scriptServer(() =>
      multistatus(found('/', '<d:current-user-principal><d:unauthenticated/></d:current-user-principal>')),
    );
    await expect(open().verify(call)).rejects.toMatchObject({ kind: 'auth' });
  });

  it('answer a digest challenge once a session', async () => {
    const challenge = 'Digest realm="BaikalDAV", qop="auth", nonce="abc", opaque="def", Basic realm="x"';
    const seen = scriptServer((request) =>
      request.headers['authorization']?.startsWith('Digest')
        ? server(entry)(request)
        : { status: 401, headers: { 'WWW-Authenticate': challenge } },
    );
    await open().verify(call);
    expect(seen.map(({ headers }) => headers['authorization']?.slice(0, 6))).toEqual(['Basic ', 'Digest', 'Digest']);
    expect(seen[2]?.headers['authorization']).toMatch(
      /^Digest username="anne", realm="BaikalDAV", nonce="abc", uri="\/p\/anne\/", algorithm=MD5, response="[0-9a-f]{32}", qop=auth, nc=00000002, cnonce="[0-9a-f]+", opaque="def"$/,
    );
  });

  it('stop at a refused digest', async () => {
    let nonce = 0;
    const seen = scriptServer(() => ({
      status: 401,
      headers: { 'WWW-Authenticate': `Digest realm="x", nonce="${String(nonce++)}", qop="auth"` },
    }));
    await expect(open().verify(call)).rejects.toMatchObject({ kind: 'auth' });
    expect(seen).toHaveLength(2);
  });
});

describe('redirects', () => {
  it('keep method and body, and do not go on for ever', async () => {
    const seen = scriptServer(({ target }) => ({ status: 308, headers: { Location: `${target}x/` } }));
    await expect(open({ url: `${origin()}/a/` }).verify(call)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(seen).toHaveLength(6);
    expect(new Set(seen.map(({ method, body }) => method + body)).size).toBe(1);
  });

  it('do not carry credentials to another host', async () => {
    const far = new URL(elsewhere()).host;
    const seen = scriptServer(({ host }) =>
      host === far ? { status: 401 } : { status: 301, headers: { Location: `${elsewhere()}/dav/` } },
    );
    await expect(open().verify(call)).rejects.toMatchObject({ kind: 'invalid' });
    const there = seen.filter(({ host }) => host === far);
    expect(there).not.toHaveLength(0);
    expect(there.every(({ headers }) => headers['authorization'] === undefined)).toBe(true);
  });

  it('are refused for changes to another host', async () => {
    const seen = scriptServer(() => ({ status: 307, headers: { Location: `${elsewhere()}/x.ics` } }));
    const content = { start: 0, end: 3_600_000, timeZone: 'Europe/Paris', summary: 'x' };
    await expect(open().create({ agendaId: '/cal/', reference: 'r', content }, call)).rejects.toMatchObject({
      kind: 'invalid',
    });
    expect(seen).toHaveLength(1);
  });

  it('are refused from https to http', async () => {
    const scope = nock('https://dav.exemple.fr')
      .intercept('/.well-known/caldav', 'PROPFIND')
      .reply(301, '', { Location: 'http://dav.exemple.fr/dav/' });
    await expect(open({ url: 'https://dav.exemple.fr/' }).verify(call)).rejects.toMatchObject({ kind: 'invalid' });
    expect(scope.isDone()).toBe(true);
    nock.restore();
  });
});
