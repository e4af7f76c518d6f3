import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId, type Actor, type Backends, type BookingAnswer } from '#application';
import type { Session } from '#connector-sdk';
import { eventsOf, linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, inTenant, openPool, type Practice } from '../support/practice.js';
import type { RadicaleServer } from '../support/radicale.js';
import { openCalendar, startRadicale, type RemoteCalendar, type RemoteEntry } from '../support/remotes.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const HALF = 30 * MINUTE;
const PATIENT = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };
/** Ten o'clock UTC in ten days: inside the window that a pull covers. */
const TEN = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 10 * 86_400_000 + 10 * HOUR;

/** Just before anything is stored there, somebody else does something. */
function slipIn(backends: Backends, before: { act: (() => Promise<unknown>) | null }): Backends {
  return {
    async open(organizationId, connectionId) {
      const { session, capabilities } = await backends.open(organizationId, connectionId);
      const store: Session['store'] = async (request, options) => {
        const { act } = before;
        before.act = null;
        await act?.();
        return session.store!(request, options);
      };
      return { capabilities, session: { ...session, store } };
    },
  };
}

describe('the loop between the hub and a calendar that lets overlaps in', () => {
  const before: { act: (() => Promise<unknown>) | null } = { act: null };
  let radicale: RadicaleServer;
  let database: TestDatabase;
  let pool: pg.Pool;
  let hub: TestHub;
  let practice: Practice;
  let remote: RemoteCalendar;

  const actor = (): Extract<Actor, { kind: 'collaborator' }> => ({
    kind: 'collaborator',
    id: practice.collaborator,
    key: newId(),
  });
  const book = (start: number, waitMs = 8000): Promise<BookingAnswer> => {
    const place = {
      organizationId: practice.organization,
      id: newId(),
      agendaId: practice.agenda,
      motifId: practice.motif,
      start,
    };
    return hub.booking.book({ ...place, patient: PATIENT, actor: actor(), key: null, waitMs });
  };
  const run = (sync: 'none' | 'delta') =>
    hub.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync });
  const stands = async (id: string) => (await hub.bookings.get({ organizationId: practice.organization, id }))!;
  const ours = async (id: string): Promise<RemoteEntry[]> =>
    (await remote.entries()).filter((entry) => entry.appointmentId === id);
  const starts = async (): Promise<number[]> => {
    const query = {
      organizationId: practice.organization,
      agendaIds: [practice.agenda],
      motifId: practice.motif,
      limit: 100,
    };
    const { slots } = (await hub.search.search({ ...query, window: { start: TEN, end: TEN + HOUR } }))!;
    return slots.map(({ start }) => (start - TEN) / MINUTE);
  };
  const eventTypes = (subject: string): Promise<string[]> => eventsOf(hub, practice.organization, subject);

  beforeAll(async () => {
    radicale = await startRadicale();
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
    hub = await openHub({ url: database.appUrl, around: { backends: (backends) => slipIn(backends, before) } });
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
    await linkAgenda(hub, practice, remote.account);
  });
  afterEach(() => remote.close());

  it('says confirmed only once the practitioner’s calendar holds the appointment, and holds it once', async () => {
    const answer = await book(TEN);
    expect(answer).toMatchObject({ outcome: 'booked', status: 201, record: { status: 'confirmed', start: TEN } });
    expect(await remote.entries()).toMatchObject([
      { start: TEN, end: TEN + HALF, title: 'DURAND Zoé – Consultation', appointmentId: answer.record!.id },
    ]);
    expect(await run('delta')).toBe('done');
    expect((await stands(answer.record!.id)).version).toBe(answer.record!.version);
  });

  it('finds out how the calendar behaves between bookings, not while somebody waits for one', async () => {
    const due = async (): Promise<boolean[]> => {
      const text = `SELECT probed_at < now() - interval '30 days' AS due FROM link WHERE agenda_id = $1`;
      const rows = await inTenant(pool, practice.organization, (client) =>
        client.query<{ due: boolean }>(text, [practice.agenda]),
      );
      return rows.rows.map((row) => row.due);
    };
    await inTenant(pool, practice.organization, (client) =>
      client.query(`UPDATE link SET probed_at = '-infinity', as_of = '-infinity' WHERE agenda_id = $1`, [
        practice.agenda,
      ]),
    );
    expect(await book(TEN)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
    expect(await due()).toEqual([true]);
    expect(await run('delta')).toBe('done');
    expect(await due()).toEqual([false]);
  });

  it('follows the practitioner: moved, shortened, retitled, deleted', async () => {
    const { record } = await book(TEN);
    const id = record!.id;
    const [entry] = await ours(id);
    await remote.move(entry!.id, TEN + HOUR, TEN + HOUR + 15 * MINUTE);
    await run('delta');
    expect(await stands(id)).toMatchObject({ status: 'confirmed', start: TEN + HOUR, end: TEN + HOUR + 15 * MINUTE });
    await remote.retitle(entry!.id, 'Zoé, contrôle');
    await run('delta');
    expect(await ours(id)).toMatchObject([{ title: 'Zoé, contrôle' }]);
    await remote.remove(entry!.id);
    await run('delta');
    expect(await stands(id)).toMatchObject({ status: 'cancelled', reason: { code: 'PRACTITIONER_CANCELLED' } });
    expect(await eventTypes(id)).toEqual([
      'appointment-pending by collaborator',
      'appointment-confirmed by system',
      'appointment-moved by practitioner',
      'appointment-retitled by practitioner',
      'appointment-cancelled by practitioner',
    ]);
    expect(await book(TEN + HOUR)).toMatchObject({ outcome: 'booked', status: 201 });
  });

  it('takes the practitioner’s private time out of the search, and gives it back', async () => {
    expect(await starts()).toContain(0);
    const id = await remote.create({ start: TEN, end: TEN + HALF, title: 'Privé' });
    await run('delta');
    expect(await starts()).toEqual([30, 35, 40, 45, 50, 55]);
    await remote.remove(id);
    await run('delta');
    expect(await starts()).toContain(0);
  });

  it('complaint 3: refuses with three free alternatives when the hour was taken in the calendar meanwhile', async () => {
    await remote.create({ start: TEN, end: TEN + HOUR, title: 'Patient en ligne' });
    await ageCopy();
    const answer = await book(TEN);
    expect(answer).toMatchObject({ outcome: 'refused', status: 409, problem: 'taken' });
    const offered = answer.outcome === 'refused' ? answer.alternatives! : [];
    expect(offered.map(({ start }) => start)).toEqual([TEN + HOUR, TEN + HOUR + 5 * MINUTE, TEN + HOUR + 10 * MINUTE]);
    expect(await remote.entries()).toHaveLength(1);
  });

  it('gives way while an appointment is pending, and says why', async () => {
    const pending = await book(TEN, 0);
    expect(pending).toMatchObject({ outcome: 'booked', status: 202, record: { status: 'pending' } });
    const id = pending.record!.id;
    await remote.create({ start: TEN, end: TEN + HOUR, title: 'Patient en ligne' });
    await ageCopy();
    await run('none');
    expect(await stands(id)).toMatchObject({ status: 'refused', reason: { code: 'PRACTITIONER_BUSY' } });
    expect(await remote.entries()).toMatchObject([{ title: 'Patient en ligne' }]);
  });

  it('gives way when he slips in between the look and the write', async () => {
    before.act = () => remote.create({ start: TEN, end: TEN + HOUR, title: 'Patient en ligne' });
    const answer = await book(TEN);
    expect(answer).toMatchObject({ outcome: 'refused', status: 409, problem: 'taken', code: 'PRACTITIONER_BUSY' });
    expect(await remote.entries()).toMatchObject([{ title: 'Patient en ligne' }]);
  });

  it('shows a conflict when both stand, keeps both, and lets it go when he gives way', async () => {
    const { record } = await book(TEN);
    const id = record!.id;
    const his = await remote.create({ start: TEN, end: TEN + HOUR, title: 'Patient en ligne' });
    await run('delta');
    expect(await stands(id)).toMatchObject({ status: 'conflict', reason: { code: 'PRACTITIONER_BUSY' } });
    expect(await remote.entries()).toHaveLength(2);
    expect(await starts()).not.toContain(0);
    await remote.remove(his);
    await run('delta');
    expect(await stands(id)).toMatchObject({ status: 'confirmed', start: TEN });
    expect((await eventTypes(id)).slice(-2)).toEqual([
      'appointment-conflict by practitioner',
      'appointment-conflict-resolved by practitioner',
    ]);
  });

  it('moves and cancels in the calendar before it says so', async () => {
    const booked = await book(TEN);
    const ref = { organizationId: practice.organization, id: booked.record!.id, actor: actor(), waitMs: 8000 };
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
    expect((await remote.entries()).map(({ start }) => start)).toEqual([TEN + 2 * HOUR]);
    const cancelled = await hub.booking.cancel({
      ...ref,
      version: null,
      reason: { code: 'CANCELLED', text: 'empêchée' },
      key: null,
    });
    expect(cancelled).toMatchObject({ outcome: 'booked', status: 200, record: { status: 'cancelled' } });
    expect(await remote.entries()).toEqual([]);
  });

  it('keeps the old place when the new one was taken in the calendar meanwhile', async () => {
    const booked = await book(TEN);
    await remote.create({ start: TEN + 2 * HOUR, end: TEN + 3 * HOUR, title: 'Patient en ligne' });
    await ageCopy();
    const ref = { organizationId: practice.organization, id: booked.record!.id, actor: actor(), waitMs: 8000 };
    const moved = await hub.booking.move({
      ...ref,
      version: booked.record!.version,
      start: TEN + 2 * HOUR,
      motifId: null,
    });
    expect(moved).toMatchObject({ outcome: 'refused', status: 409, problem: 'taken' });
    expect(await stands(ref.id)).toMatchObject({ status: 'confirmed', start: TEN });
    expect((await ours(ref.id)).map(({ start }) => start)).toEqual([TEN]);
  });

  describe('several that are due', () => {
    const HOURS = [0, 1, 2, 3, 4, 5] as const;
    const asked: string[] = [];

    const placeAll = async (): Promise<string[]> => {
      const answers: BookingAnswer[] = [];
      for (const hour of HOURS) answers.push(await book(TEN + hour * HOUR, 0));
      expect(answers.map(({ record }) => record?.status)).toEqual(HOURS.map(() => 'pending'));
      asked.length = 0;
      return answers.map(({ record }) => record!.id);
    };
    const statuses = (ids: readonly string[]): Promise<string[]> =>
      Promise.all(ids.map(async (id) => (await stands(id)).status));

    it('are written one after the other, and read back at once', async () => {
      const ids = await placeAll();
      remote.interfere(({ method }) => void asked.push(method));
      expect(await run('none')).toBe('done');
      expect(await statuses(ids)).toEqual(HOURS.map(() => 'confirmed'));
      expect((await remote.entries()).map(({ start }) => start).sort()).toEqual(HOURS.map((hour) => TEN + hour * HOUR));
      expect(asked.filter((method) => method === 'PUT')).toHaveLength(HOURS.length);
      expect(asked).not.toContain('GET');
      // One before and one after; another for every two seconds that the writes take.
      expect(asked.filter((method) => method === 'REPORT').length).toBeLessThan(HOURS.length);
    });

    it('are judged each by itself: lost, refused, never answered, or in the way of his', async () => {
      const ids = await placeAll();
      const [, lost, refused, mute] = ids;
      let puts = 0;
      remote.interfere(({ method, target }) => {
        asked.push(`${method} ${target}`);
        if (method !== 'PUT') return undefined;
        puts += 1;
        if (target.includes(lost!) && puts <= HOURS.length) return 'lose';
        if (target.includes(refused!)) return { status: 403 };
        return target.includes(mute!) && puts <= HOURS.length ? 'drop' : undefined;
      });
      before.act = () => remote.create({ start: TEN, end: TEN + HALF, title: 'Patient en ligne' });
      expect(await run('none')).toBe('done');
      expect(await stands(lost!)).not.toMatchObject({ status: 'confirmed' });
      await settled(ids);
      expect(await statuses(ids)).toEqual(['refused', 'confirmed', 'refused', 'confirmed', 'confirmed', 'confirmed']);
      const entries = (await remote.entries()).sort((a, b) => a.start - b.start);
      expect(entries.map(({ start, appointmentId }) => [start, appointmentId])).toEqual([
        [TEN, null],
        ...[1, 3, 4, 5].map((n) => [TEN + n * HOUR, ids[n]]),
      ]);
    });

    it('are looked for one by one where the calendar lists them late', async () => {
      const ids = await placeAll();
      remote.interfere(({ method, body }) => {
        asked.push(method);
        const token = /<sync-token>[^<]*<.sync-token>/.exec(body)?.[0];
        if (token === undefined) return undefined;
        return { status: 207, body: `<multistatus xmlns="DAV:">${token}</multistatus>` };
      });
      expect(await run('none')).toBe('done');
      expect(await statuses(ids)).toEqual(HOURS.map(() => 'confirmed'));
      expect(asked.filter((method) => method === 'GET')).toHaveLength(HOURS.length);
      expect(await remote.entries()).toHaveLength(HOURS.length);
    });

    /** As a worker does: what is due again is tried again. */
    async function settled(ids: readonly string[]): Promise<void> {
      for (let tries = 0; tries < 100; tries += 1) {
        const all = await statuses(ids);
        if (all.every((status) => status === 'confirmed' || status === 'refused')) return;
        await sleep(200);
        await run('none');
      }
    }
  });

  /** What was read within the last second counts as just read. */
  function ageCopy(): Promise<unknown> {
    return hub.database.withOrganization(practice.organization, (transaction) =>
      transaction.query(`UPDATE link SET as_of = as_of - interval '2 seconds'`, []),
    );
  }
});
