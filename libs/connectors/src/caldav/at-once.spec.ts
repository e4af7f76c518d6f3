import { expect, it } from '@jest/globals';
import {
  call,
  CALENDAR,
  event,
  failed,
  found,
  member,
  multistatus,
  open,
  outline,
  pull,
  scriptServer,
  token,
  useServers,
  wanted,
  WINDOW,
  withData,
  type Answer,
  type Seen,
} from './scripted-server.suite.js';

useServers();

const isListing = ({ body }: Seen): boolean => body.includes('sync-collection');
/** A listing that asks for the events, too. */
const isWhole = (request: Seen): boolean => isListing(request) && request.body.includes('calendar-data');
const said = (request: Seen): string =>
  isWhole(request) ? 'events' : isListing(request) ? 'listing' : wanted(request).join(' ');
const byName = (request: Seen): Answer => multistatus(...wanted(request).map((name) => withData(name, event(name))));
const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `e${String(n)}`);

it('lists a calendar with its events in one answer, and asks by name for what is left out', async () => {
  const names = numbered(450);
  const seen = scriptServer((request) => {
    if (!isListing(request)) return byName(request);
    const told = names.map((name, n) => (n === 7 ? member(name) : withData(name, event(name))));
    return multistatus(found(CALENDAR, ''), failed(`${CALENDAR}alt.ics`, 404), ...told, token('t1'));
  });
  const { changes, end } = await pull(open(), null);
  expect(seen.map(said)).toEqual(['events', 'e7']);
  expect(outline(changes).sort()).toEqual(names.map((name) => `upsert ${name}`).sort());
  expect(end.cursor).toBe('token:t1');
  expect(end.complete?.present).toEqual(new Set(names.map((name) => `${CALENDAR}${name}.ics`)));
});

it('loses no event to bombs in the same listing, and asks by name for the one that is too large to be read with others', async () => {
  const names = numbered(300);
  const bombs: Readonly<Record<string, string>> = {
    e50: event('e50', ['DTSTART:20270104T090000Z', 'RRULE:FREQ=SECONDLY']),
    e150: event('e150', ['DTSTART:20270104T090000Z', 'RRULE:FREQ=SECONDLY;COUNT=1000000000']),
    e250: event(
      'e250',
      Array.from({ length: 200_000 }, () => 'BEGIN:VALARM'),
    ),
  };
  const bodyOf = (name: string): string => bombs[name] ?? event(name);
  const seen = scriptServer((request) => {
    if (request.method === 'GET') return { status: 200, headers: { ETag: '"1"' }, body: bodyOf('e250') };
    const told = (isListing(request) ? names : wanted(request)).map((name) => withData(name, bodyOf(name)));
    return multistatus(...told, token('t1'));
  });
  const { changes, end } = await pull(open(), null);
  expect(outline(changes).sort()).toEqual(
    names.map((name) => `${name in bombs ? 'unreadable' : 'upsert'} ${name}`).sort(),
  );
  expect(end.complete?.present.size).toBe(300);
  expect(seen.map((request) => (request.method === 'GET' ? 'alone' : said(request)))).toEqual([
    'events',
    'e250',
    'alone',
  ]);
});

it('follows a listing that is cut short, page by page', async () => {
  const seen = scriptServer(({ body }) =>
    body.includes('>t1<')
      ? multistatus(withData('b', event('b')), token('t2'))
      : multistatus(withData('a', event('a')), failed(CALENDAR, 507), token('t1')),
  );
  const { changes, end } = await pull(open(), null);
  expect(outline(changes)).toEqual(['upsert a', 'upsert b']);
  expect(end.cursor).toBe('token:t2');
  expect(end.complete?.present.size).toBe(2);
  expect(seen).toHaveLength(2);
});

it.each<[string, Answer | 'silence']>([
  ['does not know that', { status: 501 }],
  ['breaks under it', { status: 500 }],
  ['takes its time', 'silence'],
  [
    'sends more than can be read',
    multistatus(withData('a', event('a')), withData('c', '\r'.repeat(5_000_000)), token('t1')),
  ],
  ['forgets the token', multistatus(withData('c', event('c')))],
])('lists a calendar without its events where the server %s, and does not try again', async (_what, answer) => {
  const seen = scriptServer((request) => {
    if (isWhole(request)) return answer;
    return isListing(request) ? multistatus(member('a'), member('b'), token('t2')) : byName(request);
  });
  const session = open();
  for (let time = 0; time < 2; time += 1) {
    const { changes, end } = await pull(session, null);
    expect(outline(changes)).toEqual(['upsert a', 'upsert b']);
    expect(end.cursor).toBe('token:t2');
    expect(end.complete?.present).toEqual(new Set([`${CALENDAR}a.ics`, `${CALENDAR}b.ics`]));
  }
  expect(new Set(seen.map(said))).toEqual(new Set(['events', 'listing', 'a b']));
  expect(seen.filter((request) => isListing(request) && !isWhole(request))).toHaveLength(2);
});

it.each([10, 300])(
  'has read nothing where an answer of %i events breaks off, and lists the next time',
  async (count) => {
    const names = numbered(count);
    const seen = scriptServer((request) => {
      if (isWhole(request)) {
        const { body = '', ...answer } = multistatus(...names.map((name) => withData(name, event(name))), token('t1'));
        return { ...answer, body: body.slice(0, -100) };
      }
      return isListing(request) ? multistatus(...names.map((name) => member(name)), token('t2')) : byName(request);
    });
    const session = open();
    await expect(pull(session, null)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(outline((await pull(session, null)).changes)).toEqual(names.map((name) => `upsert ${name}`));
    expect(seen.filter(isWhole)).toHaveLength(1);
  },
);

it('reads on after somebody stopped in the middle of a calendar, as often as that may be', async () => {
  const names = numbered(1000);
  scriptServer(() => multistatus(...names.map((name) => withData(name, event(name))), token('t1')));
  const session = open();
  const request = { agendaId: CALENDAR, window: WINDOW, timeZone: 'Europe/Paris', cursor: null };
  for (let time = 0; time < 5; time += 1)
    for await (const item of session.pull({ ...request, known: () => Promise.resolve(new Map()) }, call)) {
      expect(item.type).toBe('changes');
      break;
    }
  expect((await pull(session, null)).end.complete?.present.size).toBe(1000);
});

it('waits longer for a whole calendar, by whatever listing, and for many events, than for anything else', async () => {
  const slow = { timeoutMs: 250, listingTimeoutMs: 5000 };
  const late = (answer: Answer): Answer => ({ ...answer, afterMs: 500 });
  for (const isRefused of [(): boolean => false, isWhole, isListing]) {
    scriptServer((request) => {
      if (isRefused(request)) return { status: 501 };
      if (isWhole(request)) return late(multistatus(withData('a', event('a')), token('t1')));
      if (isListing(request)) return late(multistatus(member('a'), token('t1')));
      if (request.method === 'PROPFIND') return multistatus(found(CALENDAR, ''));
      return late(request.body.includes('multiget') ? byName(request) : multistatus(member('a')));
    });
    expect(outline((await pull(open({}, undefined, slow), null)).changes)).toEqual(['upsert a']);
  }
});

it('waits as long for an event that is too large to come with others', async () => {
  const large = event('a').replace('END:VEVENT', `ATTACH:${'A'.repeat(300_000)}\r\nEND:VEVENT`);
  scriptServer((request) =>
    request.method === 'GET'
      ? { status: 200, headers: { etag: '"1"' }, body: large, afterMs: 500 }
      : multistatus(withData('a', large), token('t1')),
  );
  const session = open({}, undefined, { timeoutMs: 250, listingTimeoutMs: 5000 });
  expect(outline((await pull(session, null)).changes)).toEqual(['upsert a']);
});

it('waits as long for changes once they did not come in time', async () => {
  const session = open({}, undefined, { timeoutMs: 250, listingTimeoutMs: 5000 });
  let afterMs = 500;
  scriptServer(() => ({ ...multistatus(withData('a', event('a')), token('t2')), afterMs }));
  await expect(pull(session, 'token:t1')).rejects.toMatchObject({ kind: 'unavailable' });
  expect(outline((await pull(session, 'token:t1')).changes)).toEqual(['upsert a']);
  await expect(pull(session, 'token:t1')).rejects.toMatchObject({ kind: 'unavailable' });
  afterMs = 0;
  expect(outline((await pull(session, 'token:t1')).changes)).toEqual(['upsert a']);
});

it.each([401, 429, 503])('gives up at once when it is refused or put off (%i)', async (status) => {
  const seen = scriptServer(() => ({ status }));
  await expect(pull(open(), null)).rejects.toMatchObject({ status });
  expect(seen.map(said)).toEqual(['events']);
});
