import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId, type BookingAnswer } from '#application';
import { openReceiver } from '#connector-testkit';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { AGENDA as HEX, API_KEY, SEED as HEX_SEED } from '../contract/maiia-target.js';
import { AGENDA as NUMBER, SECRETS, SEED as NUMBER_SEED } from '../contract/keldoc-target.js';
import { controlOf, type Control, type Dumped } from '../contract/simulator-target.js';
import { linkAgenda, openHub, type RemoteAccount, type TestHub } from '../support/hub.js';
import { HOUR, TEN } from '../support/loop.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, type Practice } from '../support/practice.js';

const PATIENT = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };

const maiia = {
  vendor: 'maiia',
  seed: HEX_SEED,
  account: (origin: string): RemoteAccount => ({
    connectorId: 'maiia',
    settings: { baseUrl: `${origin}/maiia/api/partner`, motif: 'Consultation de suivi' },
    secrets: { apiKey: API_KEY },
    remoteAgendaId: HEX,
  }),
};
const keldoc = {
  vendor: 'keldoc',
  seed: NUMBER_SEED,
  account: (origin: string): RemoteAccount => ({
    connectorId: 'keldoc',
    settings: { baseUrl: `${origin}/keldoc/partners`, motif: 'Consultation' },
    secrets: SECRETS,
    remoteAgendaId: String(NUMBER),
  }),
};

let database: TestDatabase;
let pool: pg.Pool;
let hub: TestHub;
let origin = '';
const vendors = createMockVendors();

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

describe.each([maiia, keldoc])('the loop between the hub and $vendor', ({ vendor, seed, account }) => {
  let practice: Practice;
  let control: Control;
  const remote = account('').remoteAgendaId;

  beforeEach(async () => {
    control = controlOf(origin, vendor);
    practice = await createPractice(pool);
    await hub.housekeeping.extendOpenings(practice.organization, practice.agenda);
    await control('POST', 'reset');
    await control('POST', 'seed', seed);
    await linkAgenda(hub, practice, account(origin));
  });

  const standing = async () =>
    ((await control('GET', 'dump')) as unknown as { entries: (Dumped & { by: string })[] }).entries.filter(
      (one) => !one.deleted,
    );
  const edit = (body: object) => control('POST', 'edit', { agendaId: remote, ...body });
  const pull = () => hub.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync: 'delta' });
  const stands = (id: string) => hub.bookings.get({ organizationId: practice.organization, id });
  const book = (start: number): Promise<BookingAnswer> =>
    hub.booking.book({
      organizationId: practice.organization,
      id: newId(),
      agendaId: practice.agenda,
      motifId: practice.motif,
      start,
      patient: PATIENT,
      actor: { kind: 'collaborator', id: practice.collaborator, key: newId() },
      key: null,
      waitMs: 8000,
    });

  it('books there, once, and follows the practitioner', async () => {
    const booked = await book(TEN);
    expect(booked).toMatchObject({ outcome: 'booked', record: { status: 'confirmed', start: TEN } });
    const [entry, ...others] = await standing();
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ start: TEN, by: 'api' });
    const { id } = (booked as Extract<BookingAnswer, { outcome: 'booked' }>).record;
    await edit({ action: 'move', id: entry?.id, start: TEN + HOUR, end: TEN + HOUR + (entry!.end - entry!.start) });
    expect(await pull()).toBe('done');
    expect(await stands(id)).toMatchObject({ start: TEN + HOUR });
    await edit({ action: 'delete', id: entry?.id });
    await pull();
    expect(await stands(id)).toMatchObject({ status: 'cancelled' });
  });

  it('does not book where a patient was quicker online, and says so', async () => {
    await edit({ action: 'create', by: 'patient', entry: { start: TEN, end: TEN + HOUR, title: 'En ligne' } });
    expect((await book(TEN)).outcome).not.toBe('booked');
    expect(await standing()).toMatchObject([{ title: 'En ligne' }]);
  });

  it('leaves one appointment when the answer to its booking is lost', async () => {
    await control('POST', 'faults', {
      faults: [{ kind: 'drop-after-commit', method: 'POST', route: '/appointments', times: 1 }],
    });
    await book(TEN);
    await pull();
    expect(await standing()).toMatchObject([{ start: TEN }]);
  });
});

it('is told of changes at a URL that carries its proof, and by nobody who does not know it', async () => {
  const receiver = await openReceiver();
  const pushed = await openHub({ url: database.appUrl, publicUrl: receiver.url });
  const practice = await createPractice(pool);
  const control = controlOf(origin, 'keldoc');
  await control('POST', 'reset');
  await control('POST', 'seed', keldoc.seed);
  const linkId = await linkAgenda(pushed, practice, keldoc.account(origin));
  const entry = { start: TEN, end: TEN + HOUR, title: 'Privé' };
  await control('POST', 'edit', { action: 'create', agendaId: String(NUMBER), entry });
  const [push] = await receiver.wait(1, 5000);
  const told = { organizationId: practice.organization, linkId, ...push! };
  expect(await pushed.subscriptions.receive(told)).toBe('accepted');
  expect(await pushed.subscriptions.receive({ ...told, query: {} })).toBe('refused');
  expect(await pushed.subscriptions.receive({ ...told, query: { token: 'guessed' } })).toBe('refused');
  await pushed.close();
  await receiver.close();
});
