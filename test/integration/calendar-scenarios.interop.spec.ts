import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId, type BookingAnswer } from '#application';
import { practitionerCalendar, retitled } from '../bench/calendars.js';
import { DavProxy, type Interferer } from '../support/dav-proxy.js';
import { eventsOf, linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { HOUR, MINUTE, TEN } from '../support/loop.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, query, type Practice } from '../support/practice.js';
import type { RadicaleServer } from '../support/radicale.js';
import { openCalendar, startRadicale, type RemoteCalendar } from '../support/remotes.js';

const HALF = 30 * MINUTE;
/** What an overlap that a person makes may stay unseen. */
const SEEN_WITHIN_MS = 90_000;
const EVENTS = 500;

let radicale: RadicaleServer;
let database: TestDatabase;
let pool: pg.Pool;
let hub: TestHub;
let practice: Practice;
let remote: RemoteCalendar;
let proxy: DavProxy;

beforeAll(async () => {
  radicale = await startRadicale();
  database = await createTestDatabase();
  pool = openPool(database.appUrl);
  hub = await openHub({ url: database.appUrl, timeoutMs: 20_000 });
});
afterAll(async () => {
  await hub.close();
  await radicale.stop();
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  practice = await createPractice(pool);
  await hub.housekeeping.extendOpenings(practice.organization, practice.agenda);
  remote = await openCalendar(radicale);
  proxy = await DavProxy.start(radicale.url);
});
afterEach(async () => {
  await proxy.stop();
  await remote.close();
});

const link = async (remoteAgendaId = remote.access.calendar): Promise<string> => {
  const linkId = await linkAgenda(hub, practice, { ...remote.account, settings: { url: proxy.url }, remoteAgendaId });
  // What was asked to find out what the server does is not looked at here.
  proxy.passed.length = 0;
  return linkId;
};

const book = (start: number, waitMs: number): Promise<BookingAnswer> => {
  const { organization: organizationId, agenda: agendaId, motif: motifId, collaborator } = practice;
  const place = { organizationId, id: newId(), agendaId, motifId, start };
  const actor = { kind: 'collaborator', id: collaborator, key: newId() } as const;
  const patient = { lastName: 'Durand', firstName: 'Zoé' };
  return hub.booking.book({ ...place, patient, actor, key: null, waitMs });
};

const run = (sync: 'none' | 'delta' | 'full'): Promise<string> =>
  hub.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync });

const stands = async (id: string) => (await hub.bookings.get({ organizationId: practice.organization, id }))!;

const sql = <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> =>
  query<Row>(pool, practice, text, values);

describe('scenario 9: the server refuses because of our own earlier attempt', () => {
  const puts = () => proxy.passed.filter(({ method }) => method === 'PUT').map(({ status }) => status);

  it('a create that arrives twice and is answered 412 is confirmed, and stands once', async () => {
    await link();
    proxy.interfere = ({ method }) => (method === 'PUT' ? 'twice' : undefined);
    const { status, record } = await book(TEN, 8_000);
    expect(puts()).toEqual([412]);
    expect({ status, record: record?.status }).toEqual({ status: 201, record: 'confirmed' });
    expect(await remote.entries()).toMatchObject([{ start: TEN, end: TEN + HALF, appointmentId: record!.id }]);
  });

  it('a create thought lost that lands just before its repetition is confirmed, and stands once', async () => {
    await link();
    const late = holdFirstPut();
    const pending = await book(TEN, 0);
    const id = pending.record!.id;
    await run('none');
    expect(await remote.entries()).toEqual([]);
    expect(await sql('SELECT attempts, unanswered FROM remote_write')).toEqual([{ attempts: 1, unanswered: 1 }]);
    await sql(`UPDATE remote_write SET last_sent_at = last_sent_at - interval '5 minutes', due_at = now()`);
    await run('none');
    expect(late.landed).toBe(201);
    expect(puts()).toEqual([412]);
    expect(await stands(id)).toMatchObject({ status: 'confirmed', start: TEN });
    expect(await remote.entries()).toMatchObject([{ start: TEN, appointmentId: id }]);
  });

  /** The first create is cut off on its way, and arrives when the second one is about to. */
  function holdFirstPut(): { landed: number | null } {
    const late: { landed: number | null } = { landed: null };
    let first: Parameters<Interferer>[0] | null = null;
    proxy.interfere = (request) => {
      if (request.method !== 'PUT') return undefined;
      if (first === null) {
        first = request;
        return 'reset';
      }
      const { target, body } = first;
      const headers = { 'Content-Type': 'text/calendar; charset=utf-8', 'If-None-Match': '*' };
      void radicale
        .request(remote.access.user, 'PUT', target, { headers, body })
        .then(({ status }) => (late.landed = status));
      return { heldUpMs: 1_000 };
    };
    return late;
  }
});

describe('scenario 20: a person makes an overlap in a calendar that lets it in', () => {
  it('the conflict is seen within 90 s, both stay, somebody is told', async () => {
    const linkId = await link();
    const { record } = await book(TEN, 8_000);
    const id = record!.id;
    const his = await remote.create({ start: TEN, end: TEN + HOUR, title: 'Patient en ligne' });
    const due = async () => (await hub.due.links(500)).some((one) => one.linkId === linkId);
    expect(await due()).toBe(false);
    // The time that may pass does, by the database's clock.
    await sql(`UPDATE link SET poll_at = poll_at - $1 * interval '1 millisecond'`, [SEEN_WITHIN_MS]);
    expect(await due()).toBe(true);
    await run('delta');
    expect(await stands(id)).toMatchObject({ status: 'conflict', reason: { code: 'PRACTITIONER_BUSY' }, start: TEN });
    expect((await remote.entries()).map((entry) => entry.appointmentId ?? entry.id).sort()).toEqual([id, his].sort());
    expect(await eventsOf(hub, practice.organization, id)).toContain('appointment-conflict by practitioner');
    const all = { organizationId: practice.organization, agendaIds: [], after: null, limit: 50 };
    expect(await hub.conflicts.list({ ...all, state: 'open' })).toMatchObject([
      { appointmentId: id, reason: 'double-booked' },
    ]);
    expect(await book(TEN, 0)).toMatchObject({ outcome: 'refused', status: 409 });
  });
});

describe('a series that is too much to be read', () => {
  it('is not booked over, and a person is asked to look', async () => {
    await link();
    const his = await remote.create({ start: TEN, end: TEN + HALF, title: 'Réunion' });
    const body = await (await radicale.request(remote.access.user, 'GET', his)).text();
    const strange = body.replace('END:VEVENT', 'RRULE:FREQ=MINUTELY;COUNT=5000\r\nEND:VEVENT');
    const headers = { 'Content-Type': 'text/calendar; charset=utf-8' };
    expect((await radicale.request(remote.access.user, 'PUT', his, { headers, body: strange })).ok).toBe(true);
    await run('delta');
    expect(await book(TEN, 0)).toMatchObject({ outcome: 'refused', status: 409 });
    expect(await sql('SELECT remote_id FROM quarantine')).toEqual([{ remote_id: his }]);
    expect((await book(TEN + HALF, 8_000)).record).toMatchObject({ status: 'confirmed' });
    await remote.remove(his);
    await run('delta');
    expect((await book(TEN, 8_000)).record).toMatchObject({ status: 'confirmed' });
    expect(await sql('SELECT remote_id FROM quarantine')).toEqual([]);
  });
});

describe('complaint 14: a server without sync tokens', () => {
  it(`${EVENTS} events are listed once; then one question when nothing changed, and only what changed is fetched`, async () => {
    const objects = practitionerCalendar(EVENTS, Date.now());
    const calendar = radicale.importCalendar(remote.access.user, `without-tokens-${newId()}`, objects);
    const asked: string[] = [];
    proxy.interfere = ({ body }) => {
      if (body.includes('sync-collection')) return NO_SUCH_REPORT;
      asked.push(body);
      return undefined;
    };
    // Radicale reads what was put into its storage once; that is not what is looked at here.
    await (await radicale.request(remote.access.user, 'PROPFIND', calendar, { headers: { Depth: '1' } })).text();
    const linkId = await link(calendar);
    const cursor = () => sql<{ cursor: string }>('SELECT cursor FROM link WHERE id = $1', [linkId]);
    expect(await cursor()).toMatchObject([{ cursor: expect.stringMatching(/^tags:./) }]);
    expect(await mirrored()).toBe(EVENTS);
    [asked.length, proxy.passed.length] = [0, 0];
    expect(await run('delta')).toBe('done');
    expect(proxy.take()).toEqual(['PROPFIND']);

    const [name, body] = Object.entries(objects)[0]!;
    const target = `${calendar}${name}.ics`;
    const headers = { 'Content-Type': 'text/calendar' };
    await radicale.request(remote.access.user, 'PUT', target, { body: retitled(body), headers });
    // In five days: what lies outside the window is never inferred to be gone.
    await radicale.request(remote.access.user, 'DELETE', `${calendar}event-5.ics`);
    asked.length = 0;
    expect(await run('delta')).toBe('done');
    expect(proxy.take()).toEqual(['PROPFIND', 'REPORT', 'REPORT']);
    expect(asked.flatMap((request) => request.match(/event-\d+\.ics/g) ?? [])).toEqual([`${name}.ics`]);
    expect(await mirrored()).toBe(EVENTS - 1);
  }, 180_000);

  /** RFC 3253 3.6: what a server says to a report it does not know. */
  const NO_SUCH_REPORT = { status: 403, body: '<d:error xmlns:d="DAV:"><d:supported-report/></d:error>' };

  const mirrored = async (): Promise<number> =>
    (await sql<{ n: number }>('SELECT count(*)::int AS n FROM mirror WHERE gone_at IS NULL'))[0]!.n;
});
