import { describe, expect, it } from '@jest/globals';
import {
  CALENDAR,
  event,
  failed,
  found,
  member,
  multistatus,
  open,
  origin,
  outline,
  pull,
  scriptServer,
  token,
  wanted,
  withData,
  useServers,
  type Answer,
  type Seen,
} from './scripted-server.suite.js';

useServers();

const isSync = ({ body }: Seen): boolean => body.includes('sync-collection');
const isMultiget = ({ body }: Seen): boolean => body.includes('calendar-multiget');
const data = (request: Seen): Answer => multistatus(...wanted(request).map((name) => withData(name, event(name))));

describe('reading by sync-collection', () => {
  it('reads all members of a first sync, in batches, without the tombstones some servers list', async () => {
    const names = Array.from({ length: 620 }, (_, n) => `e${String(n)}`);
    const seen = scriptServer((request) =>
      isSync(request)
        ? multistatus(
            ...names.map((name) => member(name)),
            failed(`${CALENDAR}alt.ics`, 404),
            failed(CALENDAR, 200),
            token('t1'),
          )
        : data(request),
    );
    const { changes, end } = await pull(open(), null);
    expect(seen.map((request) => (isMultiget(request) ? wanted(request).length : request.headers['depth']))).toEqual([
      '0',
      500,
      120,
    ]);
    expect(changes).toHaveLength(620);
    expect(end.cursor).toBe('token:t1');
    expect([...(end.complete?.present ?? [])]).toEqual(names.map((name) => `${CALENDAR}${name}.ics`));
    expect(
      seen.every(
        ({ headers }) => headers['authorization'] === `Basic ${Buffer.from('anne:secret').toString('base64')}`,
      ),
    ).toBe(true);
  });

  it('needs one request when nothing changed, two for changes that are listed without their data', async () => {
    const seen = scriptServer((request) => {
      if (!isSync(request)) return data(request);
      return request.body.includes('>t1<')
        ? multistatus(token('t1'))
        : multistatus(member('a'), member('a'), failed(`${CALENDAR}b.ics`, 404), token('t3'));
    });
    expect(await pull(open(), 'token:t1')).toEqual({
      changes: [],
      end: { type: 'end', cursor: 'token:t1', complete: null },
    });
    expect(seen.splice(0)).toHaveLength(1);
    const { changes, end } = await pull(open(), 'token:t2');
    expect(outline(changes)).toEqual(['removed b', 'upsert a']);
    expect(end).toEqual({ type: 'end', cursor: 'token:t3', complete: null });
    expect(seen).toHaveLength(2);
  });

  it('needs one request for changes too, where the server lists them with their data', async () => {
    const broken = event('b', ['DTSTART;TZID=Nulle/Part:20270607T100000']);
    const seen = scriptServer(() =>
      multistatus(withData('a', event('a')), withData('b', broken), failed(`${CALENDAR}c.ics`, 404), token('t2')),
    );
    const { changes, end } = await pull(open(), 'token:t1');
    expect(outline(changes)).toEqual(['removed c', 'upsert a', 'unreadable b']);
    expect(end).toEqual({ type: 'end', cursor: 'token:t2', complete: null });
    expect(seen).toHaveLength(1);
  });

  it('reads no more of one answer than of any other, and asks for the rest', async () => {
    const names = Array.from({ length: 620 }, (_, n) => `e${String(n)}`);
    const seen = scriptServer((request) =>
      isSync(request) ? multistatus(...names.map((name) => withData(name, event(name))), token('t2')) : data(request),
    );
    const { changes } = await pull(open(), 'token:t1');
    expect(outline(changes)).toEqual(names.map((name) => `upsert ${name}`));
    expect(seen.filter(isMultiget).map((request) => wanted(request).length)).toEqual([120]);
  });

  it.each([
    ['refuses it', { status: 400 }],
    ['fails on one of them', { status: 500 }],
    ['sends what is no XML', multistatus(withData('a', `${event('a')}\u0001`), token('t2'))],
  ])('lists the changes alone when the server, asked for their data, %s, and remembers it', async (_what, answer) => {
    const seen = scriptServer((request) => {
      if (!isSync(request)) return data(request);
      return request.body.includes('calendar-data') ? answer : multistatus(member('a'), token('t2'));
    });
    const session = open();
    expect(outline((await pull(session, 'token:t1')).changes)).toEqual(['upsert a']);
    expect(seen.splice(0)).toHaveLength(3);
    expect(outline((await pull(session, 'token:t2')).changes)).toEqual(['upsert a']);
    expect(seen).toHaveLength(2);
  });

  it('goes on as long as the server says that there is more', async () => {
    const pages: Record<string, Answer> = {
      '': multistatus(member('a'), failed(CALENDAR, 507), token('p1')),
      p1: multistatus(member('b'), failed(CALENDAR, 507, 'd:number-of-matches-within-limits'), token('p2')),
      p2: multistatus(member('c'), token('p3')),
    };
    scriptServer((request) =>
      isSync(request) ? (pages[/<sync-token>([^<]*)/.exec(request.body)?.[1] ?? ''] ?? { status: 500 }) : data(request),
    );
    const { changes, end } = await pull(open(), null);
    expect(outline(changes)).toEqual(['upsert a', 'upsert b', 'upsert c']);
    expect(end.cursor).toBe('token:p3');
    expect(end.complete?.present.size).toBe(3);
  });

  it('stops when the pages go round in circles', async () => {
    scriptServer((request) => (isSync(request) ? multistatus(failed(CALENDAR, 507), token('p1')) : data(request)));
    await expect(pull(open(), null)).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it.each([403, 400, 409, 410, 412, 418, 500, 507])('scenario 36: takes %d for a dead token', async (status) => {
    scriptServer(() => ({
      status,
      body: status === 403 ? '<d:error xmlns:d="DAV:"><d:valid-sync-token/></d:error>' : '',
    }));
    await expect(pull(open(), 'token:old')).rejects.toMatchObject({ kind: 'cursor_expired' });
  });

  it.each([
    [401, 'auth'],
    [404, 'not_found'],
    [429, 'rate_limited'],
    [502, 'unavailable'],
    [503, 'unavailable'],
  ])('does not take %d for a dead token', async (status, kind) => {
    scriptServer(() => ({ status, headers: { 'Retry-After': '7' } }));
    await expect(pull(open(), 'token:old')).rejects.toMatchObject({
      kind,
      ...(status === 429 || status === 503 ? { retryAfterMs: 7000 } : {}),
    });
  });

  it.each([
    ['an answer without a token', multistatus(member('a'))],
    ['a cursor of something else', multistatus(token('x'))],
  ])('does not go on after %s', async (what, answer) => {
    scriptServer(() => answer);
    await expect(pull(open(), what.startsWith('a cursor') ? 'autre' : 'token:t')).rejects.toMatchObject({
      kind: 'cursor_expired',
    });
  });

  it.each([
    ['a web page', { status: 200, headers: { 'Content-Type': 'text/html' }, body: '<html>Connexion</html>' }],
    ['a web page called multistatus', { status: 207, body: '<html>Connexion</html>' }],
    ['XML that is cut off', { status: 207, body: '<d:multistatus xmlns:d="DAV:"><d:response>' }],
    [
      'an entity bomb',
      { status: 207, body: '<!DOCTYPE a [<!ENTITY a "aaaa">]><d:multistatus xmlns:d="DAV:">&a;</d:multistatus>' },
    ],
  ])('never takes %s for an empty calendar', async (_what, answer) => {
    scriptServer(() => answer);
    for (const cursor of [null, 'token:t'])
      await expect(pull(open(), cursor)).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

it('never takes a lost connection for an empty calendar', async () => {
  scriptServer(() => 'reset');
  for (const cursor of [null, 'token:t'])
    await expect(pull(open(), cursor)).rejects.toMatchObject({ kind: 'unavailable' });
});

describe('objects', () => {
  const listing = (...names: readonly string[]): Answer =>
    multistatus(...names.map((name) => member(name)), token('t1'));

  it('quarantines one broken object and goes on', async () => {
    const broken = event('b', ['DTSTART;TZID=Nulle/Part:20270607T100000']);
    scriptServer((request) =>
      isSync(request)
        ? listing('a', 'b', 'c')
        : multistatus(withData('a', event('a')), withData('b', broken, '7'), withData('c', event('c'))),
    );
    const { changes, end } = await pull(open(), null);
    expect(outline(changes)).toEqual(['upsert a', 'unreadable b', 'upsert c']);
    expect(changes[1]).toEqual({
      kind: 'unreadable',
      remoteId: `${CALENDAR}b.ics`,
      version: '"7"',
      reason: 'an unknown time zone',
      raw: broken.replaceAll('\r\n', '\n'),
      busy: [],
    });
    expect(end.complete?.present.size).toBe(3);
  });

  it('keeps 64 KiB of a broken object', async () => {
    const broken = event('b', ['DTSTART:x', `X-A:${'é'.repeat(60_000)}`]);
    scriptServer((request) => (isSync(request) ? listing('b') : multistatus(withData('b', broken))));
    const { changes } = await pull(open(), null);
    const [change] = changes;
    expect(change?.kind === 'unreadable' && Buffer.byteLength(change.raw)).toBeLessThanOrEqual(64 * 1024);
    expect(change?.kind === 'unreadable' && change.raw).not.toContain('\uFFFD');
  });

  it('asks again for members that the answer leaves out, and takes 404 for gone', async () => {
    scriptServer((request) => {
      if (isSync(request)) return listing('a', 'b', 'c', 'd');
      if (isMultiget(request)) return multistatus(withData('a', event('a')), failed(`${CALENDAR}b.ics`, 404));
      return request.target.endsWith('c.ics')
        ? { status: 200, body: event('c'), headers: { ETag: 'W/"9"' } }
        : { status: 404 };
    });
    const { changes, end } = await pull(open(), null);
    expect(outline(changes)).toEqual(['upsert a', 'upsert c']);
    expect(changes[1]).toMatchObject({ object: { version: '"9"' } });
    expect([...(end.complete?.present ?? [])]).toEqual([`${CALENDAR}a.ics`, `${CALENDAR}c.ics`]);
  });

  it.each([404, 403, 500])(
    'isolates the one that makes the server refuse the whole request with %d',
    async (status) => {
      const names = Array.from({ length: 20 }, (_, n) => `e${String(n)}`);
      scriptServer((request) => {
        if (isSync(request)) return listing(...names);
        if (isMultiget(request)) return wanted(request).includes('e7') ? { status } : data(request);
        return { status };
      });
      const { changes } = await pull(open(), 'token:t');
      expect(changes).toHaveLength(20);
      expect(outline(changes)).toContain(status === 404 ? 'removed e7' : 'unreadable e7');
      expect(outline(changes)).toContain('upsert e19');
    },
  );

  it('isolates the one that is not XML', async () => {
    scriptServer((request) => {
      if (isSync(request)) return listing('a', 'b', 'c');
      if (isMultiget(request))
        return multistatus(
          ...wanted(request).map((name) => withData(name, name === 'b' ? `${event('b')}\u0001` : event(name))),
        );
      return { status: 200, body: event('b') };
    });
    expect(outline((await pull(open(), null)).changes).sort()).toEqual(['upsert a', 'upsert b', 'upsert c']);
  });

  it('gives up on a server that fails on everything', async () => {
    const names = Array.from({ length: 300 }, (_, n) => `e${String(n)}`);
    const seen = scriptServer((request) => (isSync(request) ? listing(...names) : { status: 500 }));
    await expect(pull(open(), null)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(seen.length).toBeLessThan(60);
  });

  it('knows hrefs in every spelling', async () => {
    const spellings = [
      '/cal/anne/agenda/a%40b%c3%a9.ics',
      `${origin()}${CALENDAR}a@b%C3%A9.ics`,
      'a@b%c3%a9.ics',
      'a:b.ics',
    ];
    scriptServer((request) =>
      isSync(request)
        ? multistatus(
            ...spellings.map((href) => found(href, '<d:getetag>"1"</d:getetag>')),
            found('', '<d:getetag/>'),
            found('https://ailleurs.fr/x.ics', '<d:getetag/>'),
            token('t'),
          )
        : multistatus(
            found(
              '/cal/anne/agenda/a%40b%c3%a9.ics',
              `<d:getetag>"1"</d:getetag><c:calendar-data>${event('a')}</c:calendar-data>`,
            ),
            withData('a:b', event('b')),
          ),
    );
    const { end } = await pull(open(), null);
    expect([...(end.complete?.present ?? [])]).toEqual([`${CALENDAR}a@b%C3%A9.ics`, `${CALENDAR}a:b.ics`]);
  });

  it('leaves out what is no event', async () => {
    const task = event('t').replaceAll('VEVENT', 'VTODO');
    scriptServer((request) =>
      isSync(request) ? listing('a', 't') : multistatus(withData('a', event('a')), withData('t', task)),
    );
    expect(outline((await pull(open(), null)).changes)).toEqual(['upsert a']);
    expect(outline((await pull(open(), 'token:x')).changes)).toEqual(['upsert a', 'removed t']);
  });

  it('asks for the own addresses only when an event was declined', async () => {
    const declined = event('a', [
      'DTSTART:20270607T100000Z',
      'DTEND:20270607T103000Z',
      'ATTENDEE;PARTSTAT=DECLINED:mailto:anne@exemple.fr',
    ]);
    const seen = scriptServer((request) => {
      if (isSync(request)) return listing('a');
      if (isMultiget(request)) return multistatus(withData('a', declined));
      if (request.body.includes('current-user-principal'))
        return multistatus(found('/', '<d:current-user-principal><d:href>/p/</d:href></d:current-user-principal>'));
      return multistatus(
        found(
          '/p/',
          '<c:calendar-user-address-set><d:href>mailto:Anne@exemple.fr</d:href></c:calendar-user-address-set>',
        ),
      );
    });
    const session = open();
    expect((await pull(session, null)).changes).toMatchObject([{ object: { busy: [] } }]);
    expect(seen.splice(0).map(({ method }) => method)).toEqual(['REPORT', 'REPORT', 'PROPFIND', 'PROPFIND']);
    await pull(session, 'token:t');
    expect(seen).toHaveLength(2);
  });
});
