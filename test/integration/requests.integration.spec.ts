import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId, openChoices, type Actor, type BookingAnswer, type RequestKey } from '#application';
import { explainReason } from '#platform';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { controlOf, type Control } from '../contract/simulator-target.js';
import { eventsOf, linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, type Practice } from '../support/practice.js';

const API_KEY = 'requests-libre-key-0123456789';
const HOUR = 3_600_000;
const MINUTE = 60_000;
const PATIENT = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };
/** Ten o'clock UTC in ten days: inside the window that a pull covers. */
const TEN = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 10 * 86_400_000 + 10 * HOUR;

interface Row {
  readonly id: string;
  readonly agendaId: string;
  readonly start: number;
  readonly status: string;
  readonly deleted: boolean;
}

describe('the loop between the hub and an agenda whose vendor accepts or refuses later', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let hub: TestHub;
  let practice: Practice;
  let agenda: string;
  let agendas = 0;
  const vendors = createMockVendors();
  let control: Control;
  let origin = '';

  const rows = async (): Promise<Row[]> =>
    ((await control('GET', 'dump')) as unknown as { entries: Row[] }).entries.filter(
      (row) => row.agendaId === agenda && !row.deleted,
    );
  const answer = async (how: 'accept' | 'decline'): Promise<void> => {
    const asked = (await rows()).find(({ status }) => status === 'CONFIRMATION_NEEDED');
    await control('POST', how, { agendaId: agenda, id: asked!.id });
    await pull();
  };
  const writes = async (): Promise<number> => {
    const { counts } = (await control('GET', 'requests')) as { counts: Record<string, number> };
    return Object.entries(counts)
      .filter(([route]) => route.startsWith('POST'))
      .reduce((sum, [, count]) => sum + count, 0);
  };
  const actor = (): Extract<Actor, { kind: 'collaborator' }> => {
    return { kind: 'collaborator', id: practice.collaborator, key: newId() };
  };
  const book = (start: number, waitMs = 5000, key: RequestKey | null = null): Promise<BookingAnswer> =>
    hub.booking.book({
      ...{ organizationId: practice.organization, id: newId(), agendaId: practice.agenda, motifId: practice.motif },
      ...{ start, patient: PATIENT, actor: actor(), key, waitMs },
    });
  const pull = () => hub.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync: 'delta' });
  const readAll = () =>
    hub.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync: 'full' });
  const stands = async (id: string) => (await hub.bookings.get({ organizationId: practice.organization, id }))!;
  const eventTypes = (subject: string): Promise<string[]> => eventsOf(hub, practice.organization, subject);
  const calls = async (): Promise<string[]> => {
    const text = `SELECT reason FROM callback_task WHERE organization_id = $1 ORDER BY id`;
    const found = await hub.database.withOrganization(practice.organization, (transaction) =>
      transaction.query<{ reason: string }>(text, [practice.organization]),
    );
    return found.map(({ reason }) => reason);
  };
  /** Booked, accepted, confirmed. */
  const confirmed = async () => {
    const { record } = await book(TEN);
    await answer('accept');
    return stands(record!.id);
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
    hub = await openHub({ url: database.appUrl });
    origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
    control = controlOf(origin, 'libre-rdv');
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
    agendas += 1;
    agenda = String(agendas);
    const apiKey = `${API_KEY}-${agenda}`;
    await control('POST', 'seed', { agendas: [{ id: agendas, name: 'Dr Martin', zone: 'Europe/Paris', apiKey }] });
    await linkAgenda(hub, practice, {
      connectorId: 'libre-rdv',
      settings: { baseUrl: `${origin}/libre-rdv/api` },
      secrets: { apiKey },
      remoteAgendaId: agenda,
    });
    await control('DELETE', 'requests');
  });

  it('stays pending, and says why, until the vendor accepts; is asked for once', async () => {
    const began = performance.now();
    const { outcome, status, record } = await book(TEN, 10_000);
    expect([outcome, status, record?.status]).toEqual(['booked', 202, 'pending']);
    expect(performance.now() - began).toBeLessThan(5_000);
    const { id, reason } = await stands(record!.id);
    expect(explainReason(reason!.code).fr).toContain("l'éditeur doit encore accepter");
    for (let time = 0; time < 3; time += 1) expect([await pull(), await readAll()]).toEqual(['done', 'done']);
    expect(await stands(id)).toMatchObject({ status: 'pending', reason: { code: 'AWAITING_ACCEPTANCE' } });
    expect([await rows(), await writes()]).toMatchObject([[{ start: TEN, status: 'CONFIRMATION_NEEDED' }], 1]);
    await answer('accept');
    expect(await stands(id)).toMatchObject({ status: 'confirmed', reason: null, start: TEN });
    expect(await eventTypes(id)).toEqual([
      'appointment-pending by collaborator',
      'appointment-requested by system',
      'appointment-confirmed by system',
    ]);
    expect([await rows(), await writes()]).toMatchObject([[{ start: TEN, status: 'CONFIRMED' }], 1]);
  });

  it('is refused when the vendor refuses; its time is free again, and the patient is called', async () => {
    const { record } = await book(TEN);
    await answer('decline');
    expect(await stands(record!.id)).toMatchObject({ status: 'refused', reason: { code: 'REQUEST_DECLINED' } });
    expect(await calls()).toEqual(['refused']);
    await readAll();
    expect([await rows(), await writes()]).toEqual([[], 1]);
    expect(await eventTypes(record!.id)).not.toContain('appointment-confirmed by system');
    expect(await book(TEN)).toMatchObject({ outcome: 'booked', status: 202 });
  });

  it('is refused when the request vanishes, found by the news or by a whole listing', async () => {
    for (const [start, read] of [
      [TEN, pull],
      [TEN + HOUR, readAll],
    ] as const) {
      const { record } = await book(start);
      const [row] = await rows();
      await control('POST', 'edit', { action: 'delete', agendaId: agenda, id: row!.id });
      if (read === readAll) await control('POST', 'purge');
      await read();
      expect(await stands(record!.id)).toMatchObject({ status: 'refused', reason: { code: 'REQUEST_DECLINED' } });
    }
    expect(await writes()).toBe(2);
  });

  it('is found when the answer to it was lost, whatever became of it meanwhile, and is not asked for again', async () => {
    const lose = () => control('POST', 'faults', { faults: [{ kind: 'drop-after-commit', method: 'POST', times: 1 }] });
    await lose();
    const waiting = await book(TEN, 8000);
    expect(waiting).toMatchObject({
      status: 202,
      record: { status: 'pending', reason: { code: 'AWAITING_ACCEPTANCE' } },
    });
    await lose();
    const declined = await book(TEN + HOUR, 0);
    await pull();
    const asked = (await rows()).find(({ start }) => start === TEN + HOUR);
    await control('POST', 'decline', { agendaId: agenda, id: asked!.id });
    await readAll();
    // What had no answer might still land: the time is kept until it cannot.
    const reason = { code: 'REQUEST_DECLINED' };
    expect(await stands(declined.record!.id)).toMatchObject({ status: 'compensating', reason });
    await hub.database.withOrganization(practice.organization, (transaction) =>
      transaction.query(
        `UPDATE remote_write SET last_sent_at = last_sent_at - interval '1 hour', due_at = now() WHERE state = 'due'`,
      ),
    );
    await pull();
    expect(await stands(declined.record!.id)).toMatchObject({ status: 'refused', reason });
    expect([(await rows()).map(({ start }) => start), await writes()]).toEqual([[TEN], 2]);
  });

  it('tells whoever repeats the request that it is asked for, and later what came of it', async () => {
    const key = { key: newId(), hash: Buffer.alloc(32, 1) };
    expect(await book(TEN, 5000, key)).toMatchObject({ status: 202 });
    expect(await book(TEN, 5000, key)).toMatchObject({ status: 202, record: { status: 'pending' } });
    await answer('accept');
    expect(await book(TEN, 5000, key)).toMatchObject({ status: 201, record: { status: 'confirmed' } });
    expect(await writes()).toBe(1);
  });

  it('is asked for once though each answer takes seconds: a write is given longer than usual', async () => {
    await control('POST', 'faults', { faults: [{ kind: 'latency', ms: 2_600 }] });
    const { status, record } = await book(TEN, 15_000);
    await control('DELETE', 'faults');
    expect([status, record?.reason?.code]).toEqual([202, 'AWAITING_ACCEPTANCE']);
    expect(await writes()).toBe(1);
  });

  it('is taken back when it is cancelled before anybody answered', async () => {
    const { record } = await book(TEN);
    const request = { organizationId: practice.organization, id: record!.id, actor: actor(), waitMs: 5000 };
    const reason = { code: 'CANCELLED', text: 'empêchée' } as const;
    const cancelled = await hub.booking.cancel({ ...request, version: null, reason, key: null });
    expect(cancelled).toMatchObject({ status: 200, record: { status: 'cancelled' } });
    expect([await rows(), await calls()]).toEqual([[], []]);
  });

  it.each(['keep', 'remove'] as const)(
    'is not confirmed because its link ends (%s): a person decides',
    async (remote) => {
      const [kept, given] = [await book(TEN), await book(TEN + HOUR)];
      const [link] = await hub.database.withOrganization(practice.organization, (transaction) =>
        transaction.query<{ id: string }>('SELECT id FROM link WHERE organization_id = $1', [practice.organization]),
      );
      const ref = { organizationId: practice.organization, id: link!.id };
      await hub.lifecycle.disconnect(ref, remote, actor());
      await hub.cleanUp.run(ref.organizationId, ref.id);
      expect(await rows()).toHaveLength(remote === 'keep' ? 2 : 0);
      for (const { record } of [kept, given])
        expect(await stands(record!.id)).toMatchObject({ status: 'conflict', reason: { code: 'CONFLICT' } });
      expect(await book(TEN)).toMatchObject({ outcome: 'refused', problem: 'taken' });
      const query = {
        organizationId: practice.organization,
        agendaIds: [],
        state: 'open',
        after: null,
        limit: 9,
      } as const;
      const asked = await hub.conflicts.list(query);
      expect(asked.map(({ reason }) => reason)).toEqual(['never-answered', 'never-answered']);
      expect([...openChoices(asked[0]!)].sort()).toEqual(['cancel', 'keep-ours']);
      for (const { appointmentId, id, version } of asked) {
        const resolution = { choice: appointmentId === kept.record!.id ? 'keep-ours' : 'cancel' } as const;
        const request = { version, resolution, actor: actor(), waitMs: 1_000 };
        expect(await hub.inbox.resolve({ ...ref, id }, request)).toMatchObject({ outcome: 'resolved' });
      }
      expect([await stands(kept.record!.id), await stands(given.record!.id), await calls()]).toMatchObject([
        ...[{ status: 'confirmed' }, { status: 'cancelled' }, ['cancelled']],
      ]);
    },
  );

  it('gives way to what the practitioner puts there himself', async () => {
    const { record } = await book(TEN);
    const entry = { start: TEN, end: TEN + 30 * MINUTE, title: 'Privé' };
    await control('POST', 'edit', { action: 'create', agendaId: agenda, entry });
    await pull();
    expect(await stands(record!.id)).toMatchObject({ status: 'refused', reason: { code: 'PRACTITIONER_BUSY' } });
    expect([await rows(), await calls()]).toMatchObject([[{ status: 'CONFIRMED' }], ['refused']]);
  });

  it('keeps both places while another time is asked for, and goes back when that is refused', async () => {
    const { id, version } = await confirmed();
    const move = (from: number, to: number) =>
      hub.booking.move({
        ...{ organizationId: practice.organization, id, actor: actor(), waitMs: 5000 },
        ...{ version: from, start: to, motifId: null },
      });
    expect(await move(version, TEN + HOUR)).toMatchObject({
      ...{ status: 202, record: { status: 'pending', reason: { code: 'AWAITING_ACCEPTANCE' }, start: TEN + HOUR } },
    });
    for (const start of [TEN, TEN + HOUR]) expect(await book(start)).toMatchObject({ outcome: 'refused', status: 409 });
    await answer('decline');
    const back = await stands(id);
    expect(back).toMatchObject({ status: 'confirmed', reason: null, start: TEN });
    expect(await calls()).toEqual(['moved']);
    expect(await move(back.version, TEN + 2 * HOUR)).toMatchObject({ status: 202 });
    await answer('accept');
    expect(await stands(id)).toMatchObject({ status: 'confirmed', start: TEN + 2 * HOUR });
    expect((await rows()).map(({ start }) => start)).toEqual([TEN + 2 * HOUR]);
    expect(await book(TEN)).toMatchObject({ status: 202 });
  });

  it('follows the practitioner who answers with another time', async () => {
    const { record } = await book(TEN);
    const [row] = await rows();
    const to = { start: TEN + HOUR, end: TEN + HOUR + 30 * MINUTE };
    await control('POST', 'edit', { action: 'move', agendaId: agenda, id: row!.id, ...to });
    await pull();
    expect(await stands(record!.id)).toMatchObject({ status: 'confirmed', ...to });
    expect(await calls()).toEqual(['moved']);
  });
});
