import { describe, expect, it } from '@jest/globals';
import type { PullItem } from '#connector-sdk';
import {
  CALENDAR,
  call,
  event,
  failed,
  found,
  member,
  multistatus,
  open,
  outline,
  scriptServer,
  useServers,
  wanted,
  WINDOW,
  withData,
} from './scripted-server.suite.js';

useServers();

const WEEK = { start: Date.parse('2027-06-07T00:00:00Z'), end: Date.parse('2027-06-14T00:00:00Z') };
const versions = () => open().versions!({ agendaId: CALENDAR, window: WEEK }, call);

describe('versions of a week', () => {
  it('are asked for in one query for entity tags alone, by time', async () => {
    const seen = scriptServer(() =>
      multistatus(member('a'), found(`${CALENDAR}b.ics`, ''), failed(`${CALENDAR}gone.ics`, 404), found(CALENDAR, '')),
    );
    expect([...(await versions())]).toEqual([
      [`${CALENDAR}a.ics`, '"1"'],
      [`${CALENDAR}b.ics`, null],
    ]);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ method: 'REPORT', headers: { depth: '1' } });
    expect(seen[0]?.body).toContain('<C:time-range start="20270607T000000Z" end="20270614T000000Z"/>');
    expect(seen[0]?.body).not.toContain('calendar-data');
  });

  it.each([
    ['cuts the listing short', multistatus(member('a'), failed(CALENDAR, 507)), 'unavailable'],
    ['cuts it short under the name without a slash', multistatus(failed(CALENDAR.slice(0, -1), 507)), 'unavailable'],
    ['knows no time ranges', { status: 403, body: '<e:error xmlns:e="DAV:"/>' }, 'forbidden'],
    ['knows no queries', { status: 501 }, 'unavailable'],
    ['has lost the calendar', { status: 404 }, 'not_found'],
  ])('are not told by a server that %s', async (_, answer, kind) => {
    scriptServer(() => answer);
    await expect(versions()).rejects.toMatchObject({ kind });
  });
});

describe('reading one week', () => {
  const read = async (known: readonly string[]) => {
    const items: PullItem[] = [];
    const names = new Map(known.map((name) => [`${CALENDAR}${name}.ics`, '"1"']));
    const request = { agendaId: CALENDAR, cursor: null, window: WINDOW, only: WEEK, timeZone: 'Europe/Paris' };
    for await (const item of open().pull({ ...request, known: () => Promise.resolve(names) }, call)) items.push(item);
    return {
      changes: outline(items.flatMap((item) => (item.type === 'changes' ? item.changes : []))),
      end: items.at(-1),
    };
  };

  it('asks by name for what is known there and not listed, and calls gone only what is', async () => {
    scriptServer((request) =>
      request.body.includes('calendar-multiget')
        ? multistatus(
            ...wanted(request).map((name) =>
              name === 'gone' ? failed(`${CALENDAR}gone.ics`, 404) : withData(name, event(name)),
            ),
          )
        : multistatus(member('a')),
    );
    const { changes, end } = await read(['a', 'series', 'gone']);
    expect(changes).toEqual(['upsert a', 'upsert series']);
    const present = new Set([`${CALENDAR}a.ics`, `${CALENDAR}series.ics`]);
    expect(end).toEqual({ type: 'end', cursor: null, complete: { window: WEEK, present } });
  });

  it('is no reading when the listing was cut short', async () => {
    scriptServer(() => multistatus(member('a'), failed(CALENDAR, 507)));
    await expect(read(['b'])).rejects.toMatchObject({ kind: 'unavailable' });
  });
});
