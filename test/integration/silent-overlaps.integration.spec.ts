import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId, type BookingAnswer } from '#application';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { controlOf, type Control, type Dumped } from '../contract/simulator-target.js';
import { DavProxy } from '../support/dav-proxy.js';
import { linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, type Practice } from '../support/practice.js';

const HOUR = 3_600_000;
const PATIENT = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };
/** Ten o'clock UTC in ten days: inside the window that a pull covers. */
const TEN = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 10 * 86_400_000 + 10 * HOUR;

describe('the loop between the hub and an agenda that may let overlaps in and refuses no login', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let hub: TestHub;
  let practice: Practice;
  let proxy: DavProxy;
  let control: Control;
  let linkId = '';
  let agenda = 500;
  const vendors = createMockVendors();

  const email = (): string => `pro${String(agenda)}@cabinet.example`;
  const rows = async (): Promise<Dumped[]> =>
    ((await control('GET', 'dump')) as unknown as { entries: Dumped[] }).entries.filter(
      (row) => row.agendaId === String(agenda) && !row.deleted,
    );
  const edit = (body: object) => control('POST', 'edit', { agendaId: String(agenda), ...body });
  const put = (start: number) =>
    edit({ action: 'create', by: 'patient', entry: { start, end: start + HOUR / 2, title: 'Patient en ligne' } });
  const book = (start: number): Promise<BookingAnswer> =>
    hub.booking.book({
      ...{ organizationId: practice.organization, id: newId(), agendaId: practice.agenda, motifId: practice.motif },
      ...{ start, patient: PATIENT, key: null, waitMs: 8000 },
      actor: { kind: 'collaborator', id: practice.collaborator, key: newId() },
    });
  const pull = (sync: 'delta' | 'full' = 'delta') =>
    hub.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync });
  const stands = async (id: string) => (await hub.bookings.get({ organizationId: practice.organization, id }))!;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
    hub = await openHub({ url: database.appUrl });
    const origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
    proxy = await DavProxy.start(origin);
    control = controlOf(origin, 'clic-rdv');
  });
  afterAll(async () => {
    await hub.close();
    await proxy.stop();
    await vendors.close();
    await pool.end();
    await database.drop();
  });
  beforeEach(async () => {
    proxy.interfere = () => undefined;
    practice = await createPractice(pool);
    await hub.housekeeping.extendOpenings(practice.organization, practice.agenda);
    agenda += 1;
    const secrets = { apiKey: `loop-clic-key-${String(agenda)}`, password: 'loop-clic-password' };
    const group = {
      ...{ id: agenda, name: 'Cabinet', apikey: secrets.apiKey, overlaps: 'allow' },
      pro: { email: email(), password: secrets.password },
      interventions: [{ id: 21, name: 'Consultation' }],
      fiches: [{ id: 7, lastname: 'SECRETARIAT' }],
      calendars: [{ id: agenda, name: 'Dr Martin', zone: 'Europe/Paris' }],
    };
    await control('POST', 'seed', { groups: [group] });
    const settings = { groupId: agenda, email: email(), interventionId: 21, ficheId: 7 };
    linkId = await linkAgenda(hub, practice, {
      connectorId: 'clic-rdv',
      settings: { ...settings, baseUrl: `${proxy.url}clic-rdv/api/v1` },
      secrets,
      remoteAgendaId: String(agenda),
    });
  });

  it('confirms what stands there once, and follows the practitioner', async () => {
    const answer = await book(TEN);
    expect(answer).toMatchObject({ outcome: 'booked', status: 201, record: { status: 'confirmed', start: TEN } });
    const [row, ...others] = await rows();
    expect([row?.title, others]).toEqual(['DURAND Zoé – Consultation', []]);
    await pull();
    expect((await stands(answer.record!.id)).version).toBe(answer.record!.version);
    await edit({ action: 'move', id: row!.id, start: TEN + HOUR, end: TEN + HOUR + HOUR / 2 });
    await pull();
    expect(await stands(answer.record!.id)).toMatchObject({ status: 'confirmed', start: TEN + HOUR });
    await edit({ action: 'delete', id: row!.id });
    await pull();
    expect(await stands(answer.record!.id)).toMatchObject({ status: 'cancelled' });
  });

  it('gives way to an online patient who was there before, or slipped in beside it', async () => {
    await put(TEN);
    expect(await book(TEN)).toMatchObject({ outcome: 'refused', status: 409 });
    let armed = true;
    proxy.interfere = ({ method }) => {
      if (method !== 'POST' || !armed) return undefined;
      armed = false;
      void put(TEN + HOUR);
      return { heldUpMs: 200 };
    };
    expect(await book(TEN + HOUR)).toMatchObject({ outcome: 'refused', status: 409 });
    expect((await rows()).map(({ title }) => title)).toEqual(['Patient en ligne', 'Patient en ligne']);
  });

  it('leaves what the practitioner deleted and restored where he wants it, as an event of his own', async () => {
    const { record } = await book(TEN);
    const [row] = await rows();
    await edit({ action: 'delete', id: row!.id });
    await pull();
    await control('POST', 'restore', { agendaId: String(agenda), id: row!.id });
    for (const sync of ['delta', 'full', 'delta'] as const) await pull(sync);
    expect([await stands(record!.id), await rows()]).toMatchObject([{ status: 'cancelled' }, [{ id: row!.id }]]);
    expect(await book(TEN)).toMatchObject({ outcome: 'refused', status: 409 });
  });

  it('is not emptied when the login is forgotten: the link stops, and the appointments stay', async () => {
    const { record } = await book(TEN);
    await control('POST', 'forget-login', { email: email() });
    expect(await pull('full')).toBe('unreachable');
    expect((await hub.sync.link(practice.organization, linkId))?.status).toBe('auth-failed');
    expect([await stands(record!.id), await rows()]).toMatchObject([{ status: 'confirmed' }, [{ start: TEN }]]);
  });
});
