import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { PullItem, Session } from '#connector-sdk';
import type { RemoteChange, RemoteObject } from '#domain';
import { DavProxy } from '../../../../test/support/dav-proxy.js';
import { RadicaleServer } from '../../../../test/support/radicale.js';
import connector from './connector.js';

const HOUR = 3_600_000;
const NOON = Date.parse('2027-06-07T10:00:00Z');
const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
const PASSWORD = 'un mot de passe é';

function event(uid: string, lines: readonly string[]): string {
  const all = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Ailleurs//FR',
    'BEGIN:VEVENT',
    `UID:${uid}`,
    'DTSTAMP:20270101T000000Z',
    ...lines,
  ];
  return [...all, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n');
}

describe('Radicale', () => {
  let server: RadicaleServer;
  let proxy: DavProxy;
  let session: Session;
  let calendar: string;
  let number = 0;
  const call = { signal: new AbortController().signal };

  beforeAll(async () => {
    server = await RadicaleServer.start({ anne: PASSWORD });
    proxy = await DavProxy.start(server.url);
    session = connector.open(
      {
        settings: connector.config.settings.parse({ url: proxy.url }),
        secrets: connector.config.secrets.parse({ auth: { type: 'basic', username: 'anne', password: PASSWORD } }),
      },
      { timeoutMs: 60_000, allowPrivateNetworks: true, now: Date.now },
    );
  });

  afterAll(async () => {
    session.close();
    await proxy.stop();
    await server.stop();
  });

  beforeEach(async () => {
    number += 1;
    calendar = await server.makeCalendar('anne', `agenda ${String(number)}`);
    proxy.take();
  });

  const put = async (name: string, body: string): Promise<void> => {
    const { status } = await server.request('anne', 'PUT', `${calendar}${name}.ics`, {
      body,
      headers: { 'Content-Type': 'text/calendar' },
    });
    // Newer ones tell a change from a new object.
    expect([201, 204]).toContain(status);
  };

  const booking = (reference: string, hour = 0) => ({
    agendaId: calendar,
    reference,
    content: {
      start: NOON + hour * HOUR,
      end: NOON + (hour + 1) * HOUR,
      timeZone: 'Europe/Paris',
      summary: 'Consultation',
    },
  });

  async function pull(
    cursor: string | null,
  ): Promise<{ changes: RemoteChange[]; end: Extract<PullItem, { type: 'end' }> }> {
    const changes: RemoteChange[] = [];
    let end: PullItem | undefined;
    const known = () => Promise.resolve(new Map<string, string | null>());
    for await (const item of session.pull(
      { agendaId: calendar, cursor, window: WINDOW, timeZone: 'Europe/Paris', known },
      call,
    )) {
      if (item.type === 'changes') changes.push(...item.changes);
      else end = item;
    }
    if (end?.type !== 'end') throw new Error('a pull without an end');
    return { changes, end };
  }

  const objects = (changes: readonly RemoteChange[]): RemoteObject[] =>
    changes.flatMap((change) => (change.kind === 'upsert' ? [change.object] : []));

  it('finds the account and its event calendars from the bare host', async () => {
    await server.makeCalendar('anne', `taches ${String(number)}`, 'VTODO');
    expect(await session.verify(call)).toEqual({ account: 'anne' });
    const agendas = await session.listAgendas(call);
    expect(agendas).toContainEqual({ id: calendar, name: `agenda ${String(number)}`, writable: true, timeZone: null });
    expect(agendas.some(({ name }) => name.startsWith('taches'))).toBe(false);
  });

  it('books, moves and cancels so that another client sees it', async () => {
    const made = await session.create(booking('rdv-1'), call);
    expect(made).toMatchObject({
      remoteId: `${calendar}rdv-1.ics`,
      reference: 'rdv-1',
      summary: 'Consultation',
      recurring: false,
    });
    expect(made.when).toEqual({ start: NOON, end: NOON + HOUR });
    const seen = await (await server.request('anne', 'GET', `${calendar}rdv-1.ics`)).text();
    expect(seen).toContain('DTSTART;TZID=Europe/Paris:20270607T120000');

    const again = await session.create(booking('rdv-1'), call);
    expect(again).toEqual(made);

    const moved = await session.update(
      { ...booking('rdv-1', 3), remoteId: made.remoteId, version: made.version },
      call,
    );
    expect(moved.busy).toEqual([{ start: NOON + 3 * HOUR, end: NOON + 4 * HOUR }]);
    await expect(
      session.update({ ...booking('rdv-1', 5), remoteId: made.remoteId, version: made.version }, call),
    ).rejects.toMatchObject({ kind: 'stale' });
    await expect(
      session.cancel({ ...booking('rdv-1'), remoteId: made.remoteId, version: made.version }, call),
    ).rejects.toMatchObject({ kind: 'stale' });
    await session.cancel({ ...booking('rdv-1'), remoteId: made.remoteId, version: moved.version }, call);
    expect((await server.request('anne', 'GET', `${calendar}rdv-1.ics`)).status).toBe(404);
    await session.cancel({ ...booking('rdv-1'), remoteId: made.remoteId, version: moved.version }, call);
    expect(await session.find(booking('rdv-1'), call)).toBeNull();
  });

  it('keeps what it does not know when it moves an event', async () => {
    const made = await session.create(booking('rdv-2'), call);
    const body = await (await server.request('anne', 'GET', made.remoteId)).text();
    const extra = [
      'X-AUTRE;X-P="a:b":été',
      'BEGIN:VALARM',
      'ACTION:DISPLAY',
      'DESCRIPTION:x',
      'TRIGGER:-PT10M',
      'END:VALARM',
    ];
    await put('rdv-2', body.replace('END:VEVENT', `${extra.join('\r\n')}\r\nEND:VEVENT`));
    const found = await session.find(booking('rdv-2'), call);
    await session.update({ ...booking('rdv-2', 2), remoteId: made.remoteId, version: found?.version ?? null }, call);
    const after = await (await server.request('anne', 'GET', made.remoteId)).text();
    for (const line of extra) expect(after).toContain(line);
    expect(after).toMatch(/SEQUENCE:1\r\n/);
  });

  it('finds an event that another client moved to another address', async () => {
    const made = await session.create(booking('rdv-3'), call);
    const body = await (await server.request('anne', 'GET', made.remoteId)).text();
    await server.request('anne', 'DELETE', made.remoteId);
    await put('ailleurs', body);
    expect(await session.find(booking('rdv-3'), call)).toMatchObject({
      remoteId: `${calendar}ailleurs.ics`,
      reference: 'rdv-3',
    });
    expect(await session.create(booking('rdv-3'), call)).toMatchObject({ remoteId: `${calendar}ailleurs.ics` });
  });

  it('reads nothing in one request, ten changes in one', async () => {
    for (let n = 0; n < 12; n++)
      await put(`e${String(n)}`, event(`e${String(n)}`, ['DTSTART:20270607T080000Z', 'DTEND:20270607T083000Z']));
    const first = await pull(null);
    expect(proxy.take()).toEqual(['REPORT']);
    expect(first.changes).toHaveLength(12);
    expect(first.end.complete?.present.size).toBe(12);

    const second = await pull(first.end.cursor);
    expect(proxy.take()).toEqual(['REPORT']);
    expect(second).toEqual({ changes: [], end: { type: 'end', cursor: first.end.cursor, complete: null } });

    for (let n = 0; n < 10; n++)
      await put(`e${String(n)}`, event(`e${String(n)}`, ['DTSTART:20270608T080000Z', 'DTEND:20270608T083000Z']));
    const third = await pull(second.end.cursor);
    expect(proxy.take()).toEqual(['REPORT']);
    expect(objects(third.changes).map(({ when }) => when?.start)).toEqual(
      Array<number>(10).fill(Date.parse('2027-06-08T08:00:00Z')),
    );

    await server.request('anne', 'DELETE', `${calendar}e11.ics`);
    await session.create(booking('rdv-4'), call);
    const fourth = await pull(third.end.cursor);
    expect(fourth.changes).toContainEqual({ kind: 'removed', remoteId: `${calendar}e11.ics` });
    expect(objects(fourth.changes)).toMatchObject([{ reference: 'rdv-4', busy: [{ start: NOON, end: NOON + HOUR }] }]);

    const fresh = await pull(null);
    expect(fresh.changes.some(({ kind }) => kind === 'removed')).toBe(false);
    expect(fresh.end.complete?.present.size).toBe(12);
    await expect(pull('token:http://radicale.org/ns/sync/0123456789abcdef')).rejects.toMatchObject({
      kind: 'cursor_expired',
    });
  });

  it('stores what the next pull reads back, and changes it at the version that this told', async () => {
    const { end } = await pull(null);
    expect(await session.store?.(booking('rdv-6'), call)).toBeNull();
    const added = await pull(end.cursor);
    expect(objects(added.changes)).toMatchObject([{ reference: 'rdv-6', when: { start: NOON, end: NOON + HOUR } }]);
    const { remoteId, version } = objects(added.changes)[0]!;
    const move = { ...booking('rdv-6', 2), remoteId, version };
    expect(await session.store?.(move, call)).toBeNull();
    const moved = await pull(added.end.cursor);
    expect(objects(moved.changes)).toMatchObject([{ remoteId, reference: 'rdv-6', when: { start: NOON + 2 * HOUR } }]);
    await expect(session.store?.({ ...booking('rdv-6'), remoteId, version }, call)).rejects.toMatchObject({
      kind: 'stale',
    });
    expect(proxy.take()).toEqual(['REPORT', 'PUT', 'REPORT', 'GET', 'PUT', 'REPORT', 'GET']);
  });

  it('reads 1,000 events in one request', async () => {
    const bodies = Array.from({ length: 1000 }, (_, n) => {
      const day = String(1 + (n % 28)).padStart(2, '0');
      const times = [`DTSTART;TZID=Europe/Paris:202703${day}T100000`, `DTEND;TZID=Europe/Paris:202703${day}T103000`];
      return [`m${String(n)}`, event(`m${String(n)}`, [...times, `SUMMARY:Visite ${String(n)}`])] as const;
    });
    calendar = server.importCalendar('anne', `plein ${String(number)}`, Object.fromEntries(bodies));
    // Radicale parses every event it has not seen before: that is its time, not ours.
    await (await server.request('anne', 'PROPFIND', calendar, { headers: { Depth: '1' } })).text();
    proxy.take();
    const started = performance.now();
    const { changes, end } = await pull(null);
    expect(proxy.take()).toEqual(['REPORT']);
    expect(objects(changes)).toHaveLength(1000);
    expect(end.complete?.present.size).toBe(1000);
    expect(performance.now() - started).toBeLessThan(15_000);
  }, 240_000);

  it('says that a calendar is gone, and that a password is wrong', async () => {
    await server.request('anne', 'DELETE', calendar);
    await expect(pull(null)).rejects.toMatchObject({ kind: 'not_found' });
    await expect(session.create(booking('rdv-5'), call)).rejects.toMatchObject({ kind: 'not_found' });
    const wrong = connector.open(
      { settings: { url: proxy.url }, secrets: { auth: { type: 'basic', username: 'anne', password: 'faux' } } },
      { timeoutMs: 5000, allowPrivateNetworks: true, now: Date.now },
    );
    await expect(wrong.verify(call)).rejects.toMatchObject({ kind: 'auth' });
    wrong.close();
  });
});
