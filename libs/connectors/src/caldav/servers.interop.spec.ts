import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ConnectorError, type PullItem, type Session } from '#connector-sdk';
import type { RemoteChange, RemoteObject } from '#domain';
import { CalendarApplication } from '../../../../test/support/caldav-client.js';
import { DavProxy } from '../../../../test/support/dav-proxy.js';
import type { DavServer } from '../../../../test/support/dav-server.js';
import { describeOnServers } from '../../../../test/support/dav-servers.js';
import connector from './connector.js';

const HOUR = 3_600_000;
const NOON = Date.parse('2027-06-07T10:00:00Z');
const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
const USERS = { anne: 'mot de passe' };
const call = { signal: new AbortController().signal };
const CONTEXT = { timeoutMs: 60_000, allowPrivateNetworks: true, now: Date.now };

/** What differs between servers, measured; everything else must be alike. */
const KNOWS_SYNC = (name: string): boolean => name !== 'SabreDAV';
/** Requests for ten changes where they are not listed with their data. */
const CHANGES_TAKE: Readonly<Record<string, number>> = { Xandikos: 2, DAViCal: 2, SabreDAV: 3 };
/** Keeps that a calendar makes nobody busy; DAViCal and Radicale drop it, Xandikos refuses it. */
const KEEPS_TRANSPARENCY = (name: string): boolean => ['Cyrus', 'SOGo', 'SabreDAV'].includes(name);
/** Makes a calendar for tasks alone when asked to. */
const HAS_TASKS = (name: string): boolean => name !== 'Xandikos' && name !== 'SOGo';
/** Lets in whoever knocks. */
const ASKS_PASSWORD = (name: string): boolean => name !== 'Xandikos';

describeOnServers('the connector', ({ name, start }) => {
  let server: DavServer;
  let proxy: DavProxy;
  let session: Session;
  let application: CalendarApplication;
  let calendar: string;
  let number = 0;

  const open = (path = '', password = USERS.anne, username = 'anne'): Session =>
    connector.open(
      {
        settings: connector.config.settings.parse({ url: new URL(path, proxy.url).href }),
        secrets: connector.config.secrets.parse({ auth: { type: 'basic', username, password } }),
      },
      CONTEXT,
    );

  beforeAll(async () => {
    server = await start(USERS);
    proxy = await DavProxy.start(server.url);
    session = open(server.home('anne').slice(1));
  });
  afterAll(async () => {
    session?.close();
    await proxy?.stop();
    await server?.stop();
  });
  beforeEach(async () => {
    number += 1;
    calendar = await server.makeCalendar('anne', `agenda-${String(number)}`);
    application = new CalendarApplication(server, 'anne', calendar);
    proxy.take();
  });

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
  const known = new Map<string, string | null>();
  const pull = async (cursor: string | null) => {
    const changes: RemoteChange[] = [];
    let end: PullItem | undefined;
    const request = { agendaId: calendar, cursor, window: WINDOW, timeZone: 'Europe/Paris' };
    for await (const item of session.pull({ ...request, known: () => Promise.resolve(known) }, call)) {
      if (item.type === 'changes') changes.push(...item.changes);
      else end = item;
    }
    if (end?.type !== 'end') throw new Error('a pull without an end');
    for (const change of changes) {
      if (change.kind === 'upsert') known.set(change.object.remoteId, change.object.version);
      if (change.kind === 'removed') known.delete(change.remoteId);
    }
    return { changes, end };
  };
  const objects = (changes: readonly RemoteChange[]): RemoteObject[] =>
    changes.flatMap((change) => (change.kind === 'upsert' ? [change.object] : []));
  const event = (hour: number, title = 'Privé') => ({
    start: NOON + hour * HOUR,
    end: NOON + (hour + 1) * HOUR,
    title,
  });
  const text = async (path: string): Promise<string> => (await server.request('anne', 'GET', path)).text();
  const put = async (path: string, body: string): Promise<void> => {
    const headers = { 'Content-Type': 'text/calendar; charset=utf-8' };
    expect(await server.request('anne', 'PUT', path, { body, headers })).toMatchObject({ ok: true });
  };

  it('finds the calendars from the folder that holds them, from one calendar and from the account', async () => {
    expect(await session.verify(call)).toEqual({ account: 'anne' });
    const found = { id: calendar, name: `agenda-${String(number)}`, writable: true };
    expect(await session.listAgendas(call)).toContainEqual(expect.objectContaining(found));
    const alone = open(calendar.slice(1));
    expect(await alone.listAgendas(call)).toMatchObject([{ ...found, name: expect.any(String) }]);
    alone.close();
  });

  it('tells which calendar never makes anybody busy, where the server keeps that', async () => {
    const body =
      '<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>' +
      '<C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp></D:prop></D:set></D:propertyupdate>';
    const headers = { 'Content-Type': 'application/xml; charset=utf-8' };
    const found = async () => (await session.listAgendas(call)).find(({ id }) => id === calendar);
    expect((await found())?.neverBusy).toBeUndefined();
    expect((await server.request('anne', 'PROPPATCH', calendar, { body, headers })).status).toBe(207);
    expect((await found())?.neverBusy).toBe(KEEPS_TRANSPARENCY(name) ? true : undefined);
  });

  if (name !== 'SOGo')
    it('finds them from the bare host', async () => {
      const bare = open();
      expect(await bare.listAgendas(call)).toContainEqual(expect.objectContaining({ id: calendar }));
      bare.close();
    });

  it('shows no calendar of tasks, no inbox and no outbox', async () => {
    if (HAS_TASKS(name)) await server.makeCalendar('anne', `taches-${String(number)}`, 'VTODO');
    const names = (await session.listAgendas(call)).map(({ id }) => id);
    expect(names.filter((id) => /(inbox|outbox)\/$/i.test(id))).toEqual([]);
    expect(names.filter((id) => id.includes(`taches-${String(number)}`))).toEqual([]);
  });

  if (ASKS_PASSWORD(name))
    it('says that a password is wrong', async () => {
      const wrong = open(server.home('anne').slice(1), 'faux');
      await expect(wrong.verify(call)).rejects.toMatchObject({ kind: 'auth' });
      wrong.close();
    });

  it('reads everything, then nothing, then what changed, by as few requests', async () => {
    const ids: string[] = [];
    for (let hour = 0; hour < 12; hour += 1) ids.push(await application.create(event(hour)));
    await beyondTheSecond();
    const first = await pull(null);
    expect(objects(first.changes)).toHaveLength(12);
    expect(first.end.complete?.present.size).toBe(12);

    proxy.take();
    const second = await pull(first.end.cursor);
    expect(proxy.take()).toHaveLength(1);
    expect(second.changes).toEqual([]);

    for (const id of ids.slice(0, 10)) await application.move(id, NOON + 24 * HOUR, NOON + 25 * HOUR);
    await beyondTheSecond();
    proxy.take();
    const third = await pull(second.end.cursor);
    expect(proxy.take()).toHaveLength(CHANGES_TAKE[name] ?? 1);
    expect(objects(third.changes).map(({ when }) => when?.start)).toEqual(Array<number>(10).fill(NOON + 24 * HOUR));

    await application.remove(ids[11]!);
    const fourth = await pull(third.end.cursor);
    if (fourth.end.complete) expect(fourth.end.complete.present.has(ids[11]!)).toBe(false);
    else expect(fourth.changes).toContainEqual({ kind: 'removed', remoteId: ids[11] });
  });

  /** A sync token may be a second long (measured): what changed in it is told again in the next answer. */
  const beyondTheSecond = async (): Promise<void> => {
    const second = Math.floor(Date.now() / 1000);
    while (Math.floor(Date.now() / 1000) < second + 2) await new Promise((resolve) => setTimeout(resolve, 50));
  };

  it('makes, moves and cancels what another client sees, and repeats without harm', async () => {
    const first = await session.create(booking('rdv-1'), call);
    expect(first).toMatchObject({ reference: 'rdv-1', recurring: false, when: { start: NOON, end: NOON + HOUR } });
    const made = await session.create(booking('rdv-1'), call);
    expect(made.remoteId).toBe(first.remoteId);
    expect(await application.entries()).toMatchObject([{ start: NOON, end: NOON + HOUR, title: 'Consultation' }]);

    const moved = await session.update({ ...booking('rdv-1', 3), ...idOf(made) }, call);
    expect(moved.busy).toEqual([{ start: NOON + 3 * HOUR, end: NOON + 4 * HOUR }]);
    proxy.take();
    await session.update({ ...booking('rdv-1', 3), ...idOf(moved) }, call);
    expect(proxy.take()).not.toContain('PUT');
    await expect(session.update({ ...booking('rdv-1', 5), ...idOf(made) }, call)).rejects.toMatchObject({
      kind: 'stale',
    });
    await expect(session.cancel({ ...booking('rdv-1'), ...idOf(made) }, call)).rejects.toMatchObject({ kind: 'stale' });
    expect(await application.entries()).toMatchObject([{ start: NOON + 3 * HOUR }]);

    await session.cancel({ ...booking('rdv-1'), ...idOf(moved) }, call);
    await session.cancel({ ...booking('rdv-1'), ...idOf(moved) }, call);
    expect(await application.entries()).toEqual([]);
    expect(await session.find(booking('rdv-1'), call)).toBeNull();
  });

  const idOf = ({ remoteId, version }: RemoteObject) => ({ remoteId, version });

  it('two hubs that make the same appointment at once make one event', async () => {
    const other = open(server.home('anne').slice(1));
    const sessions = [session, other, session, other];
    const made = await Promise.allSettled(sessions.map((one) => one.create(booking('rdv-2'), call)));
    const remoteIds = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value.remoteId] : []));
    const failures = made.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    // Whoever is told anything but yes knows that it does not know.
    for (const failure of failures)
      expect(ConnectorError.is(failure) && ['unknown', 'stale', 'unavailable'].includes(failure.kind)).toBe(true);
    expect(new Set(remoteIds).size).toBe(1);
    // A server may list one address several times after such a race (measured): it is one event, and goes as one.
    expect(new Set((await application.entries()).map(({ id }) => id)).size).toBe(1);
    await session.cancel({ agendaId: calendar, reference: 'rdv-2', remoteId: remoteIds[0]!, version: null }, call);
    expect(await application.entries()).toEqual([]);
    other.close();
  });

  it('keeps what it does not know, as the server has it, when it moves an event', async () => {
    const made = await session.create(booking('rdv-3'), call);
    const extra = [
      'X-AUTRE;X-P=abc:quelque chose',
      'ATTACH:https://cabinet.example.test/plan.pdf',
      'COLOR:turquoise',
      'CATEGORIES:Suivi,Urgent',
      'BEGIN:VALARM',
      'ACTION:DISPLAY',
      'DESCRIPTION:Rappel',
      'TRIGGER:-PT10M',
      'END:VALARM',
    ];
    const body = (await text(made.remoteId)).replace('END:VEVENT', `${extra.join('\r\n')}\r\nEND:VEVENT`);
    await put(made.remoteId, body);
    const before = await text(made.remoteId);
    const found = await session.find(booking('rdv-3'), call);
    await session.update({ ...booking('rdv-3', 2), ...idOf(found!) }, call);
    const after = await text(made.remoteId);
    expect(linesOf(after)).toEqual(linesOf(before));
    expect(after).not.toBe(before);
    expect(linesOf(after)).toEqual(expect.arrayContaining(['COLOR:turquoise', 'TRIGGER:-PT10M']));
  });

  it('reads an event with a document of two megabytes in it, and moves both', async () => {
    const made = await session.create(booking('rdv-5'), call);
    const document = Buffer.alloc(2 ** 21, 'compte rendu').toString('base64');
    const attachment = `ATTACH;FMTTYPE=application/pdf;ENCODING=BASE64;VALUE=BINARY:${document}`;
    const body = (await text(made.remoteId)).replace(
      'END:VEVENT',
      `${attachment.replace(/.{74}(?=.)/g, '$&\r\n ')}\r\nEND:VEVENT`,
    );
    await put(made.remoteId, body);
    const [found] = objects((await pull(null)).changes);
    expect(found).toMatchObject({ reference: 'rdv-5', busy: [{ start: NOON, end: NOON + HOUR }] });
    await session.update({ ...booking('rdv-5', 2), ...idOf(found!) }, call);
    const after = (await text(made.remoteId)).replace(/\r?\n[ \t]/g, '');
    expect(after.includes(document)).toBe(true);
    const [moved] = objects((await pull(null)).changes);
    expect(moved?.busy).toEqual([{ start: NOON + 2 * HOUR, end: NOON + 3 * HOUR }]);
  });

  it('moves an event with guests, whose answers are no change', async () => {
    const made = await session.create(booking('rdv-6'), call);
    const guest = (answer: string) =>
      `ATTENDEE;CN=Zoe;PARTSTAT=${answer};SCHEDULE-AGENT=CLIENT:mailto:zoe@example.test`;
    const guests = ['ORGANIZER:mailto:anne@example.test', guest('NEEDS-ACTION')];
    await put(made.remoteId, (await text(made.remoteId)).replace('END:VEVENT', `${guests.join('\r\n')}\r\nEND:VEVENT`));
    const { changes: first, end } = await pull(null);
    const [invited] = objects(first);
    await put(made.remoteId, (await text(made.remoteId)).replace('PARTSTAT=NEEDS-ACTION', 'PARTSTAT=ACCEPTED'));
    const [answered] = objects((await pull(end.cursor)).changes);
    expect(answered).toMatchObject({ reference: 'rdv-6', contentHash: invited?.contentHash, busy: invited?.busy });
    const early = session.update({ ...booking('rdv-6', 2), ...idOf(invited!) }, call);
    await expect(early).rejects.toMatchObject({ kind: 'stale' });
    const moved = await session.update({ ...booking('rdv-6', 2), ...idOf(answered!) }, call);
    expect(moved.busy).toEqual([{ start: NOON + 2 * HOUR, end: NOON + 3 * HOUR }]);
    const after = (await text(made.remoteId)).replace(/\r?\n[ \t]/g, '');
    for (const address of ['anne@example.test', 'zoe@example.test']) expect(after).toContain(`mailto:${address}`);
    await session.cancel({ agendaId: calendar, ...idOf(moved), reference: 'rdv-6' }, call);
    expect(await application.entries()).toEqual([]);
  });

  /** Content lines but those that a change of time is about. */
  const linesOf = (body: string): string[] =>
    body
      .replace(/\r?\n[ \t]/g, '')
      .split(/\r?\n/)
      .sort()
      .filter((line) => !/^(DTSTART|DTEND|DTSTAMP|LAST-MODIFIED|SEQUENCE|CREATED)[;:]/.test(line));

  it('sees that an event was deleted and made anew with the same name', async () => {
    const made = await session.create(booking('rdv-4'), call);
    const { end } = await pull(null);
    const body = await text(made.remoteId);
    await application.remove(made.remoteId);
    const other = body.replace(/SUMMARY:.*/, 'SUMMARY:Tout autre chose').replace(/X-UNISSON.*\r\n/g, '');
    await put(made.remoteId, other);
    const { changes } = await pull(end.cursor);
    expect(objects(changes).map(({ summary }) => summary)).toEqual(['Tout autre chose']);
  });

  it('reads everything but the one event that nobody can place in time', async () => {
    await application.create(event(0));
    const stored = await application.createUnreadable().catch(() => null);
    await application.create(event(2));
    const { changes } = await pull(null);
    expect(objects(changes)).toHaveLength(2);
    if (stored !== null)
      expect(changes.filter(({ kind }) => kind === 'unreadable')).toMatchObject([{ remoteId: stored }]);
  });

  it('leaves nothing of an event that came and went between two looks', async () => {
    const { end } = await pull(null);
    const gone = await application.create(event(0));
    await application.remove(gone);
    const { changes } = await pull(end.cursor);
    expect(objects(changes)).toEqual([]);
  });

  describe('a token that the server does not know', () => {
    if (KNOWS_SYNC(name))
      it('is answered by a dead cursor or by everything that stands, never by an error of its own', async () => {
        await application.create(event(0));
        const { end } = await pull(null);
        const bogus = end.cursor!.replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 5) % 10));
        const answer = await pull(bogus.replace('token:', 'token:x')).catch((error: unknown) => error);
        if (ConnectorError.is(answer)) expect(answer.kind).toBe('cursor_expired');
        else expect(objects((answer as { changes: RemoteChange[] }).changes)).toHaveLength(1);
      });

    it('of a calendar that was deleted and made anew, is noticed at the latest by the versions', async () => {
      const before = await application.create(event(0));
      const { end } = await pull(null);
      expect((await server.request('anne', 'DELETE', calendar)).ok).toBe(true);
      await server.makeCalendar('anne', `agenda-${String(number)}`);
      const after = await application.create(event(1));
      const answer = await pull(end.cursor).catch((error: unknown) => error);
      if (ConnectorError.is(answer)) expect(answer.kind).toBe('cursor_expired');
      const versions = await session.versions!({ agendaId: calendar, window: WINDOW }, call);
      expect([versions.has(before), versions.has(after)]).toEqual([false, true]);
      expect(objects((await pull(null)).changes)).toHaveLength(1);
    });
  });

  it('says that a calendar is gone', async () => {
    expect((await server.request('anne', 'DELETE', calendar)).ok).toBe(true);
    await expect(pull(null)).rejects.toMatchObject({ kind: 'not_found' });
    await expect(session.create(booking('rdv-5'), call)).rejects.toBeInstanceOf(ConnectorError);
  });
});
