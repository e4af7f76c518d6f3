import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Session } from '#connector-sdk';
import type { RemoteObject } from '#domain';
import { CalendarApplication } from '../../../../test/support/caldav-client.js';
import { DavProxy } from '../../../../test/support/dav-proxy.js';
import type { DavServer } from '../../../../test/support/dav-server.js';
import { describeOnServers } from '../../../../test/support/dav-servers.js';
import connector from './connector.js';

const NOON = Date.parse('2027-06-07T10:00:00Z');
const HOUR = 3_600_000;
const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
const PASSWORD = 'mot de passe';
const call = { signal: new AbortController().signal };

/** What a probe finds, measured. Those that let several writers win at once do so in most rounds, not in all. */
const MANNERS: Readonly<Record<string, object>> = {
  Radicale: { staleChanges: 'always', deadCursors: 'refused', missingObjects: 'named' },
  Xandikos: { staleChanges: 'always', deadCursors: 'refused', missingObjects: 'named' },
  DAViCal: { deadCursors: 'believed', missingObjects: 'left-out', sendsInvitations: true },
  Cyrus: { staleChanges: 'always', deadCursors: 'refused', missingObjects: 'named', sendsInvitations: true },
  SOGo: {
    sendsInvitations: true,
    secondCreates: 'never',
    staleRemovals: 'never',
    deadCursors: 'believed',
    missingObjects: 'named',
  },
  SabreDAV: { deadCursors: 'none', missingObjects: 'spoil-all' },
};

const USUAL = { secondCreates: 'always', staleRemovals: 'always', versions: 'strong', sendsInvitations: false };

describeOnServers('probe and series', ({ name, start }) => {
  let server: DavServer;
  let proxy: DavProxy;
  let session: Session;
  let application: CalendarApplication;
  let calendar: string;

  beforeAll(async () => {
    server = await start({ anne: PASSWORD });
    proxy = await DavProxy.start(server.url);
    calendar = await server.makeCalendar('anne', 'agenda');
    application = new CalendarApplication(server, 'anne', calendar);
    session = connector.open(
      {
        settings: connector.config.settings.parse({ url: proxy.url }),
        secrets: connector.config.secrets.parse({ auth: { type: 'basic', username: 'anne', password: PASSWORD } }),
      },
      { timeoutMs: 60_000, allowPrivateNetworks: true, now: Date.now },
    );
  });
  afterAll(async () => {
    session?.close();
    await proxy?.stop();
    await server?.stop();
  });

  it('finds out what the server does, and leaves nothing there', async () => {
    const manners = await session.probe!({ agendaId: calendar, write: true }, call);
    expect(manners).toMatchObject({ ...USUAL, ...MANNERS[name] });
    expect(['always', 'one-by-one']).toContain(manners.staleChanges);
    expect(await application.entries()).toEqual([]);
  });

  it('writes nothing where it must not, and removes what one that was killed left behind', async () => {
    const id = await application.create({ start: NOON, end: NOON + 900_000, title: 'Unisson : essai 0' });
    const body = await (await server.request('anne', 'GET', id)).text();
    await application.remove(id);
    const headers = { 'Content-Type': 'text/calendar; charset=utf-8' };
    const left = { body: body.replace(/UID:.*/, 'UID:unisson-essai-1@unisson'), headers };
    expect((await server.request('anne', 'PUT', `${calendar}unisson-essai.ics`, left)).ok).toBe(true);
    proxy.take();
    const read = await session.probe!({ agendaId: calendar, write: false }, call);
    expect(read).toMatchObject({ staleChanges: null, secondCreates: null, keeps: null });
    expect(proxy.take().filter((method) => method === 'PUT' || method === 'DELETE')).toEqual([]);
    expect(await application.entries()).toHaveLength(1);
    await session.probe!({ agendaId: calendar, write: true }, call);
    expect(await application.entries()).toEqual([]);
  });

  it('changes one instance of a series, and splits it, and the rest stays', async () => {
    const path = `${calendar}garde.ics`;
    const lines = ['UID:garde', 'DTSTAMP:20270101T000000Z', 'DTSTART:20270607T100000Z', 'DTEND:20270607T110000Z'];
    const event = [...lines, 'RRULE:FREQ=WEEKLY;COUNT=6', 'SUMMARY:Garde', 'COLOR:turquoise'];
    const all = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Ailleurs//FR', 'BEGIN:VEVENT', ...event, 'END:VEVENT'];
    const body = [...all, 'END:VCALENDAR', ''].join('\r\n');
    const headers = { 'Content-Type': 'text/calendar; charset=utf-8' };
    expect((await server.request('anne', 'PUT', path, { body, headers })).ok).toBe(true);
    const week = (n: number): number => NOON + n * 7 * 24 * HOUR;
    const named = { agendaId: calendar, remoteId: path, timeZone: 'Europe/Paris' };
    const moved = await session.changeInstance!(
      { ...named, version: null, instance: week(1), to: { start: week(1) + HOUR, end: week(1) + 2 * HOUR } },
      call,
    );
    await expect(
      session.changeInstance!({ ...named, version: 'another', instance: week(2), to: null }, call),
    ).rejects.toMatchObject({ kind: 'stale' });
    await session.changeInstance!({ ...named, version: moved.version, instance: week(2), to: null }, call);
    await session.splitSeries!(
      { ...named, version: null, instance: week(4), reference: 'garde-2', to: { start: week(4), end: week(4) + HOUR } },
      call,
    );
    const found: RemoteObject[] = [];
    const asked = { agendaId: calendar, cursor: null, window: WINDOW, timeZone: 'Europe/Paris' };
    for await (const item of session.pull({ ...asked, known: () => Promise.resolve(new Map()) }, call))
      if (item.type === 'changes')
        found.push(...item.changes.flatMap((change) => (change.kind === 'upsert' ? [change.object] : [])));
    const busy = found.map((object) => object.busy.map(({ start }) => (start - NOON) / HOUR / 168));
    expect(busy.sort((a, b) => a[0]! - b[0]!)).toEqual([
      [0, 1 + 1 / 168, 3],
      [4, 5],
    ]);
    for (const { remoteId } of found)
      expect(await (await server.request('anne', 'GET', remoteId)).text()).toContain('COLOR:turquoise');
  });
});
