import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId, type Actor, type BookingAnswer, type Patient } from '#application';
import { openReceiver } from '#connector-testkit';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { controlOf, type Control, type Dumped } from '../contract/simulator-target.js';
import { linkAgenda, openHub, type RemoteAccount, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, type Practice } from '../support/practice.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const PATIENT: Patient = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };
const CLIENT = { clientId: 'loop-client', clientSecret: 'loop-client-secret' };
const KEY = 'dr-martin';
/** Ten o'clock UTC in ten days: inside the window that a pull covers. */
const TEN = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 10 * 86_400_000 + 10 * HOUR;

const everyDay = (from: string, to: string): object[] =>
  [0, 1, 2, 3, 4, 5, 6].map((day) => ({ day, ranges: [[from, to]] }));

describe('the loop between the hub and an agenda that holds before it confirms', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let hub: TestHub;
  let practice: Practice;
  let control: Control;
  const vendors = createMockVendors();
  let origin = '';

  const account = (settings: object = {}): RemoteAccount => ({
    connectorId: 'doctolib',
    settings: { baseUrl: `${origin}/doctolib`, profile: 'cabinet', motif: '30', ...settings },
    secrets: CLIENT,
    remoteAgendaId: 'practice-20/practitioner-40',
  });
  const dump = async (): Promise<{ entries: Dumped[]; holds: object[] }> => (await control('GET', 'dump')) as never;
  const entries = async (): Promise<Dumped[]> => (await dump()).entries.filter(({ deleted }) => !deleted);
  const edit = async (body: object): Promise<Dumped> =>
    (await control('POST', 'edit', { agendaId: KEY, ...body }))['entry'] as Dumped;
  const actor = (): Extract<Actor, { kind: 'collaborator' }> => ({
    kind: 'collaborator',
    id: practice.collaborator,
    key: newId(),
  });
  const book = (start: number, patient = PATIENT): Promise<BookingAnswer> =>
    hub.booking.book({
      ...{ organizationId: practice.organization, id: newId(), agendaId: practice.agenda, motifId: practice.motif },
      ...{ start, patient, actor: actor(), key: null, waitMs: 8000 },
    });
  const pull = (sync: 'delta' | 'full' = 'delta') =>
    hub.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync });
  const stands = async (id: string) => (await hub.bookings.get({ organizationId: practice.organization, id }))!;
  const freeMinutes = async (): Promise<number[]> => {
    const query = {
      ...{ organizationId: practice.organization, agendaIds: [practice.agenda], motifId: practice.motif },
      ...{ window: { start: TEN, end: TEN + HOUR }, limit: 100 },
    };
    return (await hub.search.search(query))!.slots.map(({ start }) => (start - TEN) / MINUTE);
  };
  const seed = (more: object = {}, motive: object = {}): Promise<unknown> =>
    control('POST', 'seed', {
      profile: { id: 10, slug: 'cabinet', name: 'Cabinet' },
      clients: [{ id: CLIENT.clientId, secret: CLIENT.clientSecret }],
      practices: [{ id: 20, name: 'Cabinet', zone: 'UTC', opening_hours: everyDay('06:00', '20:00'), ...more }],
      motives: [{ id: 30, name: 'Suivi', minutes: 30, ...motive }],
      agendas: [{ key: KEY, id: 51, name: 'Dr Martin', practice_id: 20, practitioner_id: 40, motives: [30] }],
    });

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
    hub = await openHub({ url: database.appUrl });
    origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
    control = controlOf(origin, 'doctolib');
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
    await control('POST', 'reset');
    await seed();
  });

  it('books into it, once, and holds nothing afterwards', async () => {
    await linkAgenda(hub, practice, account());
    const { record } = await book(TEN);
    expect(record).toMatchObject({ status: 'confirmed', start: TEN });
    expect(await entries()).toMatchObject([{ start: TEN, end: TEN + 30 * MINUTE, title: 'DURAND Zoé – Consultation' }]);
    expect((await dump()).holds).toEqual([]);
    expect([await pull(), await pull('full')]).toEqual(['done', 'done']);
    expect(await stands(record!.id)).toMatchObject({ status: 'confirmed', version: record!.version });
  });

  it('follows the practitioner, whatever number his agenda has by now', async () => {
    await linkAgenda(hub, practice, account());
    const { record } = await book(TEN);
    const [entry] = await entries();
    await edit({ action: 'move', id: entry!.id, start: TEN + HOUR, end: TEN + HOUR + 30 * MINUTE });
    await control('POST', 'rotate-ids');
    await pull();
    expect(await stands(record!.id)).toMatchObject({ status: 'confirmed', start: TEN + HOUR });
    await edit({ action: 'delete', id: entry!.id });
    await pull();
    expect(await stands(record!.id)).toMatchObject({ status: 'cancelled', reason: { code: 'PRACTITIONER_CANCELLED' } });
  });

  it('refuses with what is free when an online patient was quicker', async () => {
    await linkAgenda(hub, practice, account());
    await edit({ action: 'create', by: 'patient', entry: { start: TEN, end: TEN + 30 * MINUTE, title: 'Mme Petit' } });
    expect(await book(TEN)).toMatchObject({ outcome: 'refused', status: 409 });
    expect(await entries()).toHaveLength(1);
    expect(await freeMinutes()).toEqual([30]);
  });

  it.each(['POST', 'PUT'])('finds its own when the answer to a %s was lost', async (method) => {
    await linkAgenda(hub, practice, account());
    await control('POST', 'faults', {
      faults: [{ kind: 'drop-after-commit', method, route: '/appointments', times: 1 }],
    });
    expect(await book(TEN)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
    expect(await entries()).toHaveLength(1);
  });

  it('offers only what the practitioner’s own tool lets be booked, and goes on knowing it behind a wall', async () => {
    expect(await freeMinutes()).toContain(0);
    await seed({ opening_hours: everyDay('10:30', '20:00') });
    await linkAgenda(hub, practice, account());
    expect(await freeMinutes()).toEqual([30, 35, 40, 45, 50, 55]);
    await control('POST', 'ban');
    await pull('full');
    expect(await freeMinutes()).toEqual([30, 35, 40, 45, 50, 55]);
  });

  it('keeps new patients and ages as the practitioner’s own tool does', async () => {
    const ages = [{ agendas: [KEY], operator: 'lt', age: 6 }];
    await seed({}, { closed_to_new: [KEY], ages });
    await linkAgenda(hub, practice, account());
    const child = {
      ...PATIENT,
      isNew: false,
      birthDate: new Date(TEN - 2 * 365 * 86_400_000).toISOString().slice(0, 10),
    };
    expect(await book(TEN, { ...PATIENT, isNew: true, birthDate: '1980-01-01' })).toMatchObject({ outcome: 'refused' });
    expect(await book(TEN, child)).toMatchObject({ outcome: 'refused' });
    expect(await entries()).toEqual([]);
    const known = { ...PATIENT, isNew: false, birthDate: '1980-01-01' };
    expect(await book(TEN, known)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
  });

  it('is told of changes, by those who know the secret alone', async () => {
    const receiver = await openReceiver();
    const pushed = await openHub({ url: database.appUrl, publicUrl: receiver.url });
    try {
      const linkId = await linkAgenda(pushed, practice, account());
      await edit({ action: 'create', entry: { start: TEN, end: TEN + HOUR, title: 'Privé' } });
      const [push] = await receiver.wait(1, 5000);
      const organizationId = practice.organization;
      expect(await pushed.subscriptions.receive({ organizationId, linkId, ...push! })).toBe('accepted');
      const rawBody = Buffer.concat([push!.rawBody, Buffer.from(' ')]);
      expect(await pushed.subscriptions.receive({ organizationId, linkId, ...push!, rawBody })).toBe('refused');
    } finally {
      await pushed.close();
      await receiver.close();
    }
  });
});
