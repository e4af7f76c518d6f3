import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId, type Actor, type BookingAnswer } from '#application';
import { openReceiver } from '#connector-testkit';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { eventsOf, linkAgenda, openHub, type RemoteAccount, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, type Practice } from '../support/practice.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const PATIENT = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };
const USER = 'loop@example.com';
const CLIENT = { id: 'loop-google-client', secret: 'loop-google-client-secret', rotates: true };
const REFRESH_TOKEN = '1//loop-google-refresh-token';

interface GoogleEvent {
  readonly calendarId: string;
  readonly id: string;
  readonly summary?: string;
  readonly visibility?: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** Ten o'clock UTC in ten days: inside the window that a pull covers. */
const TEN = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 10 * 86_400_000 + 10 * HOUR;

describe('the loop between the hub and a Google calendar', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let hub: TestHub;
  let practice: Practice;
  let account: RemoteAccount;
  let linkId: string;
  let calendarId: string;
  const vendors = createMockVendors();
  let origin = '';

  const control = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const answer = await fetch(`${origin}/google/__control/${path}`, {
      method,
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
    if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const events = async (): Promise<GoogleEvent[]> =>
    (await control<{ events: GoogleEvent[] }>('GET', 'dump')).events.filter((one) => one.calendarId === calendarId);
  const edit = async (body: object): Promise<GoogleEvent> =>
    (await control<{ event: GoogleEvent }>('POST', 'edit', { calendarId, ...body })).event;
  const timed = (start: number, end: number): object => ({
    start: { dateTime: new Date(start).toISOString(), timeZone: 'Europe/Paris' },
    end: { dateTime: new Date(end).toISOString(), timeZone: 'Europe/Paris' },
  });
  const actor = (): Extract<Actor, { kind: 'collaborator' }> => ({
    kind: 'collaborator',
    id: practice.collaborator,
    key: newId(),
  });
  const book = (start: number, on: TestHub = hub): Promise<BookingAnswer> =>
    on.booking.book({
      organizationId: practice.organization,
      id: newId(),
      agendaId: practice.agenda,
      motifId: practice.motif,
      start,
      patient: PATIENT,
      actor: actor(),
      key: null,
      waitMs: 8000,
    });
  const pull = (sync: 'delta' | 'full' = 'delta', on: TestHub = hub) =>
    on.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync });
  const stands = async (id: string) => (await hub.bookings.get({ organizationId: practice.organization, id }))!;
  const freeMinutes = async (): Promise<number[]> => {
    const query = {
      organizationId: practice.organization,
      agendaIds: [practice.agenda],
      motifId: practice.motif,
      window: { start: TEN, end: TEN + HOUR },
      limit: 100,
    };
    return (await hub.search.search(query))!.slots.map(({ start }) => (start - TEN) / MINUTE);
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
    hub = await openHub({ url: database.appUrl });
    origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await hub.close();
    await vendors.close();
    await pool.end();
    await database.drop();
  });
  beforeEach(async () => {
    practice = await createPractice(pool);
    await hub.housekeeping.extendOpenings(practice.organization, practice.agenda);
    calendarId = `agenda-${practice.agenda}@group.calendar.example.com`;
    await control('POST', 'reset');
    await control('POST', 'seed', {
      clients: [CLIENT],
      grants: [{ refreshToken: REFRESH_TOKEN, user: USER, clientId: CLIENT.id }],
      calendars: [{ id: calendarId, summary: 'Dr Martin', acl: { [USER]: 'writer' } }],
    });
    account = {
      connectorId: 'google',
      settings: { rootUrl: `${origin}/google`, tokenUrl: `${origin}/google/token` },
      secrets: {
        auth: { type: 'oauth', clientId: CLIENT.id, clientSecret: CLIENT.secret, refreshToken: REFRESH_TOKEN },
      },
      remoteAgendaId: calendarId,
    };
    linkId = await linkAgenda(hub, practice, account);
  });

  it('books into it, privately, and once', async () => {
    const answer = await book(TEN);
    expect(answer).toMatchObject({ outcome: 'booked', status: 201, record: { status: 'confirmed', start: TEN } });
    const [event, ...others] = await events();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      startMs: TEN,
      endMs: TEN + 30 * MINUTE,
      summary: 'DURAND Zoé – Consultation',
      visibility: 'private',
    });
    expect(await pull()).toBe('done');
    expect(await pull('full')).toBe('done');
    expect(await stands(answer.record!.id)).toMatchObject({ status: 'confirmed', version: answer.record!.version });
  });

  it('follows the practitioner: moved, retitled, deleted; and books the freed hour anew', async () => {
    const { record } = await book(TEN);
    const [event] = await events();
    await edit({ action: 'move', id: event!.id, start: TEN + HOUR, end: TEN + HOUR + 15 * MINUTE });
    await pull();
    expect(await stands(record!.id)).toMatchObject({ status: 'confirmed', start: TEN + HOUR });
    await edit({ action: 'change', id: event!.id, event: { summary: 'Zoé, contrôle' } });
    await pull();
    await edit({ action: 'delete', id: event!.id });
    await pull();
    expect(await stands(record!.id)).toMatchObject({ status: 'cancelled', reason: { code: 'PRACTITIONER_CANCELLED' } });
    expect(await eventsOf(hub, practice.organization, record!.id)).toEqual([
      'appointment-pending by collaborator',
      'appointment-confirmed by system',
      'appointment-moved by practitioner',
      'appointment-retitled by practitioner',
      'appointment-cancelled by practitioner',
    ]);
    expect(await book(TEN + HOUR)).toMatchObject({ outcome: 'booked', status: 201 });
    expect(await events()).toHaveLength(1);
  });

  it('takes his private events, series and all, out of the search, and gives them back', async () => {
    expect(await freeMinutes()).toContain(0);
    const weekly = { recurrence: ['RRULE:FREQ=DAILY;COUNT=40'], visibility: 'private', summary: 'Musculation' };
    const from = TEN - 7 * 24 * HOUR;
    const series = await edit({
      action: 'create',
      event: { ...timed(from, from + 30 * MINUTE), ...weekly },
    });
    await pull();
    expect(await freeMinutes()).toEqual([30, 35, 40, 45, 50, 55]);
    const mirrored = await hub.database.withOrganization(practice.organization, (transaction) =>
      transaction.query<{ summary: string | null }>('SELECT summary_hash AS summary FROM mirror'),
    );
    expect(mirrored.length).toBeGreaterThan(0);
    expect(mirrored.every(({ summary }) => summary === null)).toBe(true);
    await edit({ action: 'delete', id: series.id });
    await pull();
    expect(await freeMinutes()).toContain(0);
  });

  it('complaint 3: refuses with alternatives when the hour was taken in his calendar meanwhile', async () => {
    await edit({ action: 'create', event: { ...timed(TEN, TEN + 30 * MINUTE), summary: 'Patient en ligne' } });
    expect(await book(TEN)).toMatchObject({ outcome: 'refused', status: 409 });
    expect(await events()).toHaveLength(1);
  });

  it('complaint 7: finds its own event when the answer to a create was lost', async () => {
    await control('POST', 'faults', { faults: [{ kind: 'drop-after-commit', method: 'POST', times: 1 }] });
    expect(await book(TEN)).toMatchObject({ outcome: 'booked', status: 201, record: { status: 'confirmed' } });
    expect(await events()).toHaveLength(1);
  });

  it('an expired sync token costs a complete reading and nothing else', async () => {
    const { record } = await book(TEN);
    await edit({ action: 'create', event: { ...timed(TEN + 30 * MINUTE, TEN + HOUR), summary: 'Privé' } });
    await control('POST', 'expire-cursors');
    expect(await pull()).toBe('done');
    expect(await stands(record!.id)).toMatchObject({ status: 'confirmed' });
    expect(await freeMinutes()).toEqual([]);
  });

  it('refresh tokens that are good for one use: two processes at once lose none, and nobody has to link again', async () => {
    const other = await openHub({ url: database.appUrl });
    try {
      for (let round = 0; round < 4; round += 1) {
        await control('POST', 'expire-access');
        const accounts = await hub.connections.list(practice.organization);
        const ask = (on: TestHub) => on.connections.remoteAgendas(practice.organization, accounts[0]!.id);
        const answers = await Promise.all([hub, other, hub, other, hub, other].map(ask));
        expect(answers.map(({ outcome }) => outcome)).toEqual(Array(6).fill('done'));
      }
      expect(await book(TEN, other)).toMatchObject({ outcome: 'booked', status: 201 });
      const third = await openHub({ url: database.appUrl });
      expect(await pull('full', third)).toBe('done');
      await third.close();
    } finally {
      await other.close();
    }
  });

  it('a quota in any shape slows the whole connection down, and no call is made meanwhile', async () => {
    await control('POST', 'refuse', { status: 403, reason: 'userRateLimitExceeded', retryAfterSeconds: 20 });
    await pull();
    const { blockedMs } = (await hub.links.health(practice.organization, linkId))!;
    expect(blockedMs).toBeGreaterThan(10_000);
    await control('DELETE', 'requests');
    const [connection] = await hub.connections.list(practice.organization);
    expect(await hub.connections.remoteAgendas(practice.organization, connection!.id)).toMatchObject({
      outcome: 'failed',
      failure: { kind: 'unavailable' },
    });
    expect((await control<{ recent: object[] }>('GET', 'requests')).recent).toEqual([]);
  });

  it('is told of changes by a channel whose messages are authenticated, and not by anybody else', async () => {
    const receiver = await openReceiver();
    const pushed = await openHub({ url: database.appUrl, publicUrl: receiver.url });
    const other = await createPractice(pool);
    await control('POST', 'seed', { calendars: [{ id: 'second@example.com', acl: { [USER]: 'owner' } }] });
    const { secrets } = account as { secrets: { auth: object } };
    await control('POST', 'seed', {
      grants: [{ refreshToken: '1//second-refresh-token', user: USER, clientId: CLIENT.id }],
    });
    const auth = { ...secrets.auth, refreshToken: '1//second-refresh-token' };
    const link = await linkAgenda(pushed, other, {
      ...account,
      secrets: { auth },
      remoteAgendaId: 'second@example.com',
    });
    await edit({ action: 'create', calendarId: 'second@example.com', event: timed(TEN, TEN + HOUR) });
    const [greeting, change] = await receiver.wait(2, 5000);
    const organizationId = other.organization;
    for (const push of [greeting!, change!])
      expect(await pushed.subscriptions.receive({ organizationId, linkId: link, ...push })).toBe('accepted');
    const headers = { ...change!.headers, 'x-goog-channel-token': 'guessed' };
    expect(await pushed.subscriptions.receive({ organizationId, linkId: link, ...change!, headers })).toBe('refused');
    await pushed.close();
    await receiver.close();
  });

  it('a withdrawn consent is a red light, and nothing is deleted', async () => {
    const { record } = await book(TEN);
    await control('POST', 'withdraw', { user: USER });
    await pull();
    expect(await hub.links.health(practice.organization, linkId)).toMatchObject({
      status: 'auth-failed',
      read: { light: 'red' },
      lastError: { kind: 'auth' },
    });
    expect(await stands(record!.id)).toMatchObject({ status: 'confirmed' });
    expect(await freeMinutes()).not.toContain(0);
  });
});
