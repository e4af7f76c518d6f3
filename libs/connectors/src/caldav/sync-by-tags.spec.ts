import { describe, expect, it } from '@jest/globals';
import { ConnectorError } from '#connector-sdk';
import {
  CALENDAR,
  event,
  found,
  member,
  multistatus,
  open,
  outline,
  pull,
  scriptServer,
  useServers,
  wanted,
  withData,
  type Answer,
  type Seen,
} from './scripted-server.suite.js';

useServers();

const isSync = ({ body }: Seen): boolean => body.includes('sync-collection');
const isMultiget = ({ body }: Seen): boolean => body.includes('calendar-multiget');
const data = (request: Seen): Answer => multistatus(...wanted(request).map((name) => withData(name, event(name))));

describe('servers without sync-collection', () => {
  const tags =
    (ctag: string | null, members: Readonly<Record<string, string>>) =>
    (request: Seen): Answer => {
      if (isSync(request)) return { status: 403, body: '<d:error xmlns:d="DAV:"><d:supported-report/></d:error>' };
      if (isMultiget(request)) return data(request);
      if (request.method === 'PROPFIND')
        return multistatus(found(CALENDAR, ctag === null ? '' : `<s:getctag>${ctag}</s:getctag>`));
      return multistatus(...Object.entries(members).map(([name, tag]) => member(name, tag)));
    };

  it('lists all at first, then asks one question when nothing changed', async () => {
    const seen = scriptServer(tags('c1', { a: '1', b: '1' }));
    const { changes, end } = await pull(open(), null);
    expect(outline(changes)).toEqual(['upsert a', 'upsert b']);
    expect(end).toMatchObject({ cursor: 'tags:c1', complete: { window: { start: expect.any(Number) } } });
    seen.splice(0);
    expect(await pull(open(), 'tags:c1')).toEqual({
      changes: [],
      end: { type: 'end', cursor: 'tags:c1', complete: null },
    });
    expect(seen.map(({ method }) => method)).toEqual(['PROPFIND']);
  });

  it.each([
    ['a member that goes while it is made', 2, 'upsert a'],
    ['a calendar that is gone', 3, 'not_found'],
  ])('a listing that is not found: %s', async (_, failures, outcome) => {
    const answer = tags('c2', { a: '1' });
    let listings = 0;
    scriptServer((request) => {
      if (request.body.includes('calendar-query') && (listings += 1) <= failures) return { status: 404 };
      return answer(request);
    });
    const pulled = pull(open(), 'tags:c1').then(
      ({ changes }) => outline(changes),
      (error: unknown) => [ConnectorError.is(error) && error.kind],
    );
    expect(await pulled).toEqual([outcome]);
    expect(listings).toBe(3);
  });

  it.each(['c2', null])('fetches only what differs (calendar version %s)', async (ctag) => {
    const seen = scriptServer(tags(ctag, { a: '1', b: '2', c: '1' }));
    const known = { [`${CALENDAR}a.ics`]: '"1"', [`${CALENDAR}b.ics`]: '"1"', [`${CALENDAR}gone.ics`]: '"1"' };
    const { changes, end } = await pull(open(), 'tags:c1', known);
    expect(outline(changes)).toEqual(['upsert b', 'upsert c']);
    expect([...(end.complete?.present ?? [])].map((id) => id.slice(CALENDAR.length)).sort()).toEqual([
      'a.ics',
      'b.ics',
      'c.ics',
    ]);
    expect(end.cursor).toBe(`tags:${ctag ?? ''}`);
    expect(seen.map(({ method }) => method)).toEqual(['PROPFIND', 'REPORT', 'REPORT']);
  });

  it('is not mistaken for one when it answers reports it does not know with an empty list', async () => {
    const answer = tags('c1', { a: '1' });
    scriptServer((request) => (isSync(request) ? multistatus() : answer(request)));
    expect(outline((await pull(open(), null)).changes)).toEqual(['upsert a']);
  });
});
