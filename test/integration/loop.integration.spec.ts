import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId, type Actor, type BookingAnswer, type RequestKey } from '#application';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { eventsOf, linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, type Practice } from '../support/practice.js';

const API_KEY = 'loop-in-house-key-0123456789';
const HOUR = 3_600_000;
const MINUTE = 60_000;
const PATIENT = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };

interface Entry {
  id: string;
  start: number;
  end: number;
  title: string;
}

/** Ten o'clock UTC in ten days: inside the window that a pull covers. */
const TEN = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 10 * 86_400_000 + 10 * HOUR;

describe('the loop between the hub and an agenda that pushes and refuses overlaps', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let hub: TestHub;
  let practice: Practice;
  let linkId: string;
  let agenda: string;
  const vendors = createMockVendors();
  let origin = '';

  const control = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const answer = await fetch(`${origin}/in-house/__control/${path}`, {
      method,
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
    if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const entries = async (): Promise<Entry[]> =>
    (await control<{ entries: (Entry & { agendaId: string; deleted: boolean })[] }>('GET', 'dump')).entries.filter(
      (entry) => entry.agendaId === agenda && !entry.deleted,
    );
  const edit = async (body: object): Promise<Entry> =>
    (await control<{ entry: Entry }>('POST', 'edit', { agendaId: agenda, ...body })).entry;
  const actor = (): Extract<Actor, { kind: 'collaborator' }> => ({
    kind: 'collaborator',
    id: practice.collaborator,
    key: newId(),
  });
  const book = (start: number, waitMs = 5000, key: RequestKey | null = null): Promise<BookingAnswer> =>
    hub.booking.book({
      organizationId: practice.organization,
      id: newId(),
      agendaId: practice.agenda,
      motifId: practice.motif,
      start,
      patient: PATIENT,
      actor: actor(),
      key,
      waitMs,
    });
  const pull = () => hub.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync: 'delta' });
  const stands = async (id: string) => (await hub.bookings.get({ organizationId: practice.organization, id }))!;
  const eventTypes = (subject: string): Promise<string[]> => eventsOf(hub, practice.organization, subject);

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
    agenda = `agenda-${practice.agenda}`;
    await control('POST', 'seed', {
      agendas: [{ id: agenda, name: 'Dr Martin', zone: 'Europe/Paris', apiKey: API_KEY }],
    });
    linkId = await linkAgenda(hub, practice, {
      connectorId: 'in-house',
      settings: { baseUrl: `${origin}/in-house/api` },
      secrets: { apiKey: API_KEY },
      remoteAgendaId: agenda,
    });
  });

  it('says confirmed only once the practitioner’s agenda holds the appointment, and holds it once', async () => {
    const answer = await book(TEN);
    expect(answer).toMatchObject({ outcome: 'booked', status: 201, record: { status: 'confirmed', start: TEN } });
    const [entry, ...others] = await entries();
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ start: TEN, end: TEN + 30 * MINUTE, title: 'DURAND Zoé – Consultation' });
    expect(await pull()).toBe('done');
    expect((await stands(answer.record!.id)).version).toBe(answer.record!.version);
  });

  it('tells whoever repeats a request that was under way what has become of it, and then always the same', async () => {
    const key = { key: newId(), hash: Buffer.alloc(32, 1) };
    expect(await book(TEN, 0, key)).toMatchObject({ outcome: 'booked', status: 202 });
    expect(await pull()).toBe('done');
    const told = await book(TEN, 0, key);
    expect(told).toMatchObject({ outcome: 'booked', status: 201, record: { status: 'confirmed', start: TEN } });
    const [entry] = await entries();
    await edit({ action: 'delete', id: entry!.id });
    await pull();
    expect(await book(TEN, 0, key)).toEqual(told);
    expect(await entries()).toEqual([]);
  });

  it('follows the practitioner: moved, shortened, retitled, deleted', async () => {
    const { record } = await book(TEN);
    const [entry] = await entries();
    await edit({ action: 'move', id: entry!.id, start: TEN + HOUR, end: TEN + HOUR + 15 * MINUTE });
    await pull();
    expect(await stands(record!.id)).toMatchObject({
      status: 'confirmed',
      start: TEN + HOUR,
      end: TEN + HOUR + 15 * MINUTE,
    });
    await edit({ action: 'retitle', id: entry!.id, title: 'Zoé, contrôle' });
    await pull();
    await edit({ action: 'delete', id: entry!.id });
    await pull();
    expect(await stands(record!.id)).toMatchObject({ status: 'cancelled', reason: { code: 'PRACTITIONER_CANCELLED' } });
    expect(await eventTypes(record!.id)).toEqual([
      'appointment-pending by collaborator',
      'appointment-confirmed by system',
      'appointment-moved by practitioner',
      'appointment-retitled by practitioner',
      'appointment-cancelled by practitioner',
    ]);
    expect(await book(TEN + HOUR)).toMatchObject({ outcome: 'booked', status: 201 });
  });

  it('takes the practitioner’s private time out of the search, and gives it back', async () => {
    const query = {
      organizationId: practice.organization,
      agendaIds: [practice.agenda],
      motifId: practice.motif,
      window: { start: TEN, end: TEN + HOUR },
      limit: 100,
    };
    const starts = async () => (await hub.search.search(query))!.slots.map(({ start }) => (start - TEN) / MINUTE);
    expect(await starts()).toContain(0);
    const { id } = await edit({ action: 'create', entry: { start: TEN, end: TEN + 30 * MINUTE, title: 'Privé' } });
    await pull();
    expect(await starts()).toEqual([30, 35, 40, 45, 50, 55]);
    await edit({ action: 'delete', id });
    await pull();
    expect(await starts()).toContain(0);
  });

  it('complaint 3: refuses with alternatives when the hour was taken in the practitioner’s tool meanwhile', async () => {
    await edit({ action: 'create', entry: { start: TEN, end: TEN + 30 * MINUTE, title: 'Patient en ligne' } });
    const answer = await book(TEN);
    expect(answer).toMatchObject({ outcome: 'refused', status: 409, problem: 'taken' });
    expect(answer.outcome === 'refused' && answer.alternatives!.length).toBe(3);
    expect(await entries()).toHaveLength(1);
  });

  it('moves and cancels at the backend before it says so', async () => {
    const booked = await book(TEN);
    const ref = { organizationId: practice.organization, id: booked.record!.id, actor: actor(), waitMs: 5000 };
    const moved = await hub.booking.move({
      ...ref,
      version: booked.record!.version,
      start: TEN + 2 * HOUR,
      motifId: null,
    });
    expect(moved).toMatchObject({
      outcome: 'booked',
      status: 200,
      record: { status: 'confirmed', start: TEN + 2 * HOUR },
    });
    expect((await entries()).map(({ start }) => start)).toEqual([TEN + 2 * HOUR]);
    const cancelled = await hub.booking.cancel({
      ...ref,
      version: null,
      reason: { code: 'CANCELLED', text: 'empêchée' },
      key: null,
    });
    expect(cancelled).toMatchObject({ outcome: 'booked', status: 200, record: { status: 'cancelled' } });
    expect(await entries()).toEqual([]);
  });

  it('keeps the old place when the backend refuses a move', async () => {
    const booked = await book(TEN);
    await edit({ action: 'create', entry: { start: TEN + 2 * HOUR, end: TEN + 3 * HOUR, title: 'Patient en ligne' } });
    const ref = { organizationId: practice.organization, id: booked.record!.id, actor: actor(), waitMs: 5000 };
    const moved = await hub.booking.move({
      ...ref,
      version: booked.record!.version,
      start: TEN + 2 * HOUR,
      motifId: null,
    });
    expect(moved).toMatchObject({ outcome: 'refused', status: 409, problem: 'taken' });
    expect(await stands(ref.id)).toMatchObject({ status: 'confirmed', start: TEN });
  });

  it('complaint 7: finds its own row when the answer to a create was lost', async () => {
    await control('POST', 'faults', { faults: [{ kind: 'drop-after-commit', method: 'POST', times: 1 }] });
    const answer = await book(TEN, 8000);
    expect(answer).toMatchObject({ outcome: 'booked', status: 201, record: { status: 'confirmed' } });
    expect(await entries()).toHaveLength(1);
  });

  it('reads a stale agenda before it books on it, and says so when it cannot', async () => {
    const age = (seconds: number) =>
      pool
        .query(`SELECT set_config('app.organization', $1, false)`, [practice.organization])
        .then(() =>
          hub.database.withOrganization(practice.organization, (transaction) =>
            transaction.query(`UPDATE link SET as_of = now() - $2 * interval '1 second' WHERE id = $1`, [
              linkId,
              seconds,
            ]),
          ),
        );
    await age(3600);
    await edit({ action: 'create', entry: { start: TEN, end: TEN + 30 * MINUTE, title: 'Patient en ligne' } });
    expect(await book(TEN)).toMatchObject({ outcome: 'refused', status: 409, code: 'BUSY' });
    await age(3600);
    await control('POST', 'faults', { faults: [{ kind: 'error', status: 503 }] });
    expect(await book(TEN + HOUR)).toMatchObject({ outcome: 'refused', status: 503, problem: 'agenda-unreachable' });
    await control('POST', 'faults', { faults: [] });
  });
});
