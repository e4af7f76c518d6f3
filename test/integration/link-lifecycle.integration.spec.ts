import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { Backends, newId, type Actor, type BookingAnswer } from '#application';
import { eventsOf, linkAgenda, openHub, type Around, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, overlaps, query, type Practice } from '../support/practice.js';
import { openInHouse, type InHouseAgenda } from '../support/remotes.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const PATIENT = { lastName: 'Durand', firstName: 'Zoé' };
/** Ten o'clock UTC in ten days: inside the window that a pull covers. */
const TEN = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 10 * 86_400_000 + 10 * HOUR;

/** Stands between the hub and its backends: a call may be held until the test lets it go. */
class Gate {
  private opened: () => void = () => undefined;
  private passed: Promise<void> | null = null;
  private reached: () => void = () => undefined;

  /** Holds the next create or cancel. Resolves when one is there. */
  hold(): Promise<void> {
    this.passed = new Promise((resolve) => (this.opened = resolve));
    return new Promise((resolve) => (this.reached = resolve));
  }

  open(): void {
    this.opened();
    this.passed = null;
  }

  async pass(): Promise<void> {
    if (this.passed === null) return;
    this.reached();
    await this.passed;
  }
}

describe('the life of a link', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let hub: TestHub;
  let practice: Practice;
  let remote: InHouseAgenda;
  let linkId: string;
  const gate = new Gate();

  const ref = () => ({ organizationId: practice.organization, id: linkId });
  const actor = (): Extract<Actor, { kind: 'collaborator' }> => ({
    kind: 'collaborator',
    id: practice.collaborator,
    key: newId(),
  });
  const book = (start: number, waitMs = 5_000): Promise<BookingAnswer> =>
    hub.booking.book({
      organizationId: practice.organization,
      id: newId(),
      agendaId: practice.agenda,
      motifId: practice.motif,
      start,
      patient: PATIENT,
      actor: actor(),
      key: null,
      waitMs,
    });
  const booked = async (start: number): Promise<string> => {
    const answer = await book(start);
    if (answer.outcome !== 'booked') throw new Error(JSON.stringify(answer));
    return answer.record.id;
  };
  const pull = (sync: 'delta' | 'full' | 'none' = 'delta') =>
    hub.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync });
  const status = async (id: string) =>
    (await hub.bookings.get({ organizationId: practice.organization, id }))?.status ?? null;
  const health = async () => (await hub.links.health(practice.organization, linkId))!;
  const events = () => eventsOf(hub, practice.organization, linkId);
  const connectionId = async (): Promise<string> => {
    const [row] = await hub.connections.list(practice.organization);
    return row!.id;
  };
  const connectionRef = async () => ({ organizationId: practice.organization, id: await connectionId() });
  const breakCredential = async (): Promise<void> => {
    await remote.control('seed', {
      agendas: [{ id: remote.account.remoteAgendaId, name: 'Dr Martin', zone: 'Europe/Paris', apiKey: 'another-key-0123456789' }],
    });
  };
  const signIn = async (apiKey: string) =>
    hub.lifecycle.replaceSecrets(await connectionRef(), { secrets: { apiKey }, actor: actor() });
  const disconnect = async (choice: 'keep' | 'remove') => {
    await hub.lifecycle.disconnect(ref(), choice, actor());
    await hub.cleanUp.run(practice.organization, linkId);
    return (await hub.lifecycle.disconnection(ref()))!;
  };
  const relink = async (): Promise<string> => {
    const id = newId();
    const made = await hub.links.create({
      organizationId: practice.organization,
      id,
      agendaId: practice.agenda,
      connectionId: await connectionId(),
      remoteAgendaId: remote.account.remoteAgendaId,
      direction: 'two-way',
      disclosure: 'full',
      policy: 'practitioner-wins',
      approved: false,
      actor: actor(),
    });
    if (made.outcome !== 'linked') throw new Error(JSON.stringify(made));
    linkId = id;
    return id;
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
    const around: Around = { backends: (inner) => new GatedBackends(inner, gate) };
    hub = await openHub({ url: database.appUrl, around });
  });
  afterAll(async () => {
    await hub.close();
    await pool.end();
    await database.drop();
  });
  beforeEach(async () => {
    await remote?.close();
    remote = await openInHouse();
    practice = await createPractice(pool);
    await query(
      pool,
      practice,
      `INSERT INTO opening_occurrence SELECT organization_id, id, tstzrange(to_timestamp($1), to_timestamp($2)), agenda_id FROM opening`,
      [TEN / 1000 - 86_400 * 5, TEN / 1000 + 86_400 * 5],
    );
  });
  afterAll(() => remote.close());

  describe('re-authentication', () => {
    beforeEach(async () => {
      linkId = await linkAgenda(hub, practice, remote.account);
    });

    it('complaint 23: new secrets are tried first, keep everything, and the gap and the waiting writes follow at once', async () => {
      await query(pool, practice, `UPDATE agenda SET when_unreachable = 'queue'`);
      const before = await booked(TEN);
      const [link] = await query(pool, practice, 'SELECT cursor FROM link');
      await breakCredential();
      expect(await pull()).toBe('unreachable');
      expect(await health()).toMatchObject({ status: 'auth-failed', light: 'red', advice: { code: 'REAUTHENTICATE' } });
      const waiting = await book(TEN + HOUR, 200);
      expect(waiting).toMatchObject({ outcome: 'booked', record: { status: 'pending' } });
      const his = await remote.create({ start: TEN + 3 * HOUR, end: TEN + 4 * HOUR, title: 'Privé' });
      expect(await signIn('wrong-key-0123456789')).toMatchObject({ outcome: 'failed', failure: { kind: 'auth' } });
      expect(await pull()).toBe('unreachable');
      expect(await signIn('another-key-0123456789')).toMatchObject({ outcome: 'replaced', links: 1 });
      expect((await hub.due.links(10)).map((due) => due.linkId)).toContain(linkId);
      expect(await query(pool, practice, 'SELECT id, cursor FROM link')).toEqual([{ id: linkId, ...link }]);
      expect(await pull()).toBe('done');
      expect(await health()).toMatchObject({ status: 'active', light: 'green', write: { queued: 0 } });
      expect(await Promise.all([before, waiting.outcome === 'booked' ? waiting.record.id : ''].map(status))).toEqual([
        'confirmed',
        'confirmed',
      ]);
      const entries = await remote.entries();
      expect(entries.filter(({ appointmentId }) => appointmentId !== null)).toHaveLength(2);
      expect(entries.some(({ id }) => id === his)).toBe(true);
      expect(await book(TEN + 3 * HOUR)).toMatchObject({ problem: 'taken' });
    });

    it('secrets of another account, which cannot see the linked agenda, are refused', async () => {
      await remote.control('seed', {
        agendas: [{ id: 'agenda-9', name: 'Dr Autre', zone: 'Europe/Paris', apiKey: 'other-account-0123456789' }],
      });
      expect(await signIn('other-account-0123456789')).toEqual({ outcome: 'other-account' });
      expect(await pull()).toBe('done');
    });

    it('complaint 21: with a dead credential a booking is refused, or queued, as the agenda says; other agendas go on', async () => {
      const other = await createPractice(pool);
      await breakCredential();
      await pull();
      expect(await book(TEN, 300)).toMatchObject({ problem: 'agenda-unreachable' });
      await query(pool, practice, `UPDATE agenda SET when_unreachable = 'queue'`);
      expect(await book(TEN, 300)).toMatchObject({ outcome: 'booked', record: { status: 'pending' } });
      await query(
        pool,
        other,
        `INSERT INTO opening_occurrence SELECT organization_id, id, tstzrange(to_timestamp($1), to_timestamp($2)), agenda_id FROM opening`,
        [TEN / 1000 - 86_400, TEN / 1000 + 86_400],
      );
      const here = practice;
      practice = other;
      expect(await book(TEN)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
      practice = here;
    });
  });

  describe('pause and resume', () => {
    beforeEach(async () => {
      linkId = await linkAgenda(hub, practice, remote.account);
    });

    it('nothing is read or written while it is paused; resuming catches up', async () => {
      await hub.lifecycle.pause(ref(), actor());
      const his = { start: TEN, end: TEN + HOUR, title: 'Privé' };
      await remote.create(his);
      expect(await pull()).toBe('unreachable');
      expect(await book(TEN, 300)).toMatchObject({ problem: 'agenda-unreachable' });
      await query(pool, practice, `UPDATE agenda SET when_unreachable = 'queue'`);
      const waiting = await book(TEN + 2 * HOUR, 300);
      expect(waiting).toMatchObject({ outcome: 'booked', record: { status: 'pending' } });
      const lanes = await hub.due.lanes(100);
      expect(lanes.some(({ agendaId }) => agendaId === practice.agenda)).toBe(false);
      expect((await remote.entries()).length).toBe(1);
      expect(await health()).toMatchObject({ paused: true, light: 'orange', advice: { code: 'RESUME' } });
      await hub.lifecycle.resume(ref(), actor());
      expect(await pull()).toBe('done');
      expect(await book(TEN)).toMatchObject({ problem: 'taken' });
      expect((await remote.entries()).length).toBe(2);
      expect(await health()).toMatchObject({ paused: false, light: 'green' });
      expect(await events()).toEqual(
        expect.arrayContaining(['link-paused by collaborator', 'link-resumed by collaborator']),
      );
    });

    it('a job that was under way when it was stopped writes nothing afterwards', async () => {
      await query(pool, practice, `UPDATE agenda SET when_unreachable = 'queue'`);
      await book(TEN, 0);
      // A second attempt looks first: stopped between its look and its write.
      await query(pool, practice, 'UPDATE remote_write SET attempts = 1');
      const arrived = gate.hold();
      const run = pull('none');
      await arrived;
      await hub.lifecycle.pause(ref(), actor());
      gate.open();
      expect(await run).toBe('unreachable');
      expect(await query(pool, practice, 'SELECT status FROM appointment')).toEqual([{ status: 'pending' }]);
      expect(await remote.entries()).toHaveLength(0);
      await hub.lifecycle.resume(ref(), actor());
      expect(await pull()).toBe('done');
      expect(await query(pool, practice, 'SELECT status FROM appointment')).toEqual([{ status: 'confirmed' }]);
      expect(await remote.entries()).toHaveLength(1);
    });
  });

  describe('disconnecting', () => {
    beforeEach(async () => {
      linkId = await linkAgenda(hub, practice, remote.account);
    });

    it('keeps what was written, as was asked; the hub masters the agenda again', async () => {
      const id = await booked(TEN);
      await remote.create({ start: TEN + HOUR, end: TEN + 2 * HOUR, title: 'Privé' });
      await pull();
      const left = await disconnect('keep');
      expect(left).toMatchObject({ state: 'done', counts: { kept: 1, removed: 0, left: 0, due: 0 } });
      expect(left.staying).toMatchObject([{ appointmentId: id, start: TEN, end: TEN + 30 * MINUTE }]);
      expect(await remote.entries()).toHaveLength(2);
      expect(await status(id)).toBe('confirmed');
      expect(await query(pool, practice, 'SELECT master FROM agenda')).toEqual([{ master: 'hub' }]);
      expect(await book(TEN + HOUR)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
      expect(await overlaps(pool, practice)).toBe(0);
      expect(await hub.lifecycle.removeConnection(await connectionRef(), actor())).toBe('removed');
    });

    it('removes what was written, and nothing of his', async () => {
      const ids = [await booked(TEN), await booked(TEN + HOUR)];
      const his = await remote.create({ start: TEN + 2 * HOUR, end: TEN + 3 * HOUR, title: 'Privé' });
      await pull();
      const left = await disconnect('remove');
      expect(left).toMatchObject({ state: 'done', counts: { removed: 2, left: 0 }, staying: [] });
      expect((await remote.entries()).map(({ id }) => id)).toEqual([his]);
      expect(await Promise.all(ids.map(status))).toEqual(['confirmed', 'confirmed']);
      expect(await events()).toContain('link-cleaned by system');
    });

    it('complaint 23: works at once with a dead credential, and lists what stays behind', async () => {
      const id = await booked(TEN);
      await breakCredential();
      await pull();
      const left = await disconnect('remove');
      expect(left).toMatchObject({ state: 'done', counts: { left: 1, removed: 0 }, lastError: { kind: 'auth' } });
      expect(left.staying).toMatchObject([{ appointmentId: id, state: 'left' }]);
      expect(await hub.sync.linkOfAgenda(practice.organization, practice.agenda)).toBeNull();
      expect(await status(id)).toBe('confirmed');
    });

    it('while the backend is down it is over for the hub; what is to be removed follows when it is back', async () => {
      await booked(TEN);
      await remote.control('faults', { faults: [{ kind: 'error', status: 503 }] });
      expect(await disconnect('remove')).toMatchObject({ state: 'removing', counts: { due: 1 } });
      expect(await hub.lifecycle.removeConnection(await connectionRef(), actor())).toBe('busy');
      await expect(relink()).rejects.toThrow();
      await remote.control('faults', null, 'DELETE');
      await hub.cleanUp.run(practice.organization, linkId);
      expect(await hub.lifecycle.disconnection(ref())).toMatchObject({ state: 'done', counts: { removed: 1, due: 0 } });
      expect(await remote.entries()).toEqual([]);
    });

    it('a job that was under way stores nothing and writes nothing afterwards; what it may have written is removed', async () => {
      const arrived = gate.hold();
      const run = book(TEN, 3_000);
      await arrived;
      await hub.lifecycle.disconnect(ref(), 'remove', actor());
      gate.open();
      const answer = await run;
      await hub.lanes.drained();
      const id = answer.outcome === 'booked' ? answer.record.id : '';
      expect(await status(id)).toBe('confirmed');
      expect(await query(pool, practice, 'SELECT 1 FROM mirror')).toEqual([]);
      expect(await query(pool, practice, 'SELECT 1 FROM remote_write')).toEqual([]);
      await query(pool, practice, `UPDATE disconnection_object SET sent_at = sent_at - interval '10 minutes'`);
      await hub.cleanUp.run(practice.organization, linkId);
      expect(await hub.lifecycle.disconnection(ref())).toMatchObject({ state: 'done', counts: { removed: 1 } });
      expect(await remote.entries()).toEqual([]);
    });

    it('a conflict is over when nobody is left to disagree with', async () => {
      const id = await booked(TEN);
      await remote.create({ start: TEN, end: TEN + HOUR, title: 'Privé' });
      await pull();
      expect(await status(id)).toBe('conflict');
      await disconnect('keep');
      expect(await status(id)).toBe('confirmed');
      expect(await overlaps(pool, practice)).toBe(0);
    });
  });

  describe('changing a link', () => {
    beforeEach(async () => {
      linkId = await linkAgenda(hub, practice, remote.account);
    });
    const change = (version: number, wanted: object) =>
      hub.lifecycle.change(ref(), { version, change: wanted, actor: actor() });

    it('another disclosure is brought to what stands there, but for what the practitioner renamed', async () => {
      await booked(TEN);
      await booked(TEN + HOUR);
      const renamed = (await remote.entries()).find(({ start }) => start === TEN + HOUR)!;
      await remote.retitle(renamed.id, 'À rappeler');
      await pull();
      expect(await change(1, { disclosure: 'busy' })).toMatchObject({ outcome: 'changed', link: { version: 2 } });
      expect(await change(1, { disclosure: 'full' })).toMatchObject({ outcome: 'stale' });
      expect(await health()).toMatchObject({ rewriting: true });
      expect(await pull()).toBe('done');
      expect((await remote.entries()).map(({ title }) => title).sort()).toEqual(['Rendez-vous', 'À rappeler']);
      expect(await health()).toMatchObject({ rewriting: false, write: { queued: 0 } });
      expect(await query(pool, practice, 'SELECT DISTINCT status FROM appointment')).toEqual([{ status: 'confirmed' }]);
    });

    it('read-only gives the agenda back to the hub, two-way makes it his again', async () => {
      await change(1, { direction: 'read-only' });
      expect(await query(pool, practice, 'SELECT master FROM agenda')).toEqual([{ master: 'hub' }]);
      const id = await booked(TEN);
      await pull();
      expect(await remote.entries()).toEqual([]);
      await change(2, { direction: 'two-way' });
      await pull();
      expect((await remote.entries()).map(({ appointmentId }) => appointmentId)).toEqual([id]);
      expect(await query(pool, practice, 'SELECT master FROM agenda')).toEqual([{ master: 'remote' }]);
      expect(await status(id)).toBe('confirmed');
    });
  });

  describe('the first synchronisation', () => {
    const plan = () => hub.approval.plan(ref());
    const approve = (version: number) => hub.approval.approve(ref(), { version, actor: actor(), waitMs: 5_000 });

    beforeEach(async () => {
      linkId = await linkAgenda(hub, practice, remote.account, { approved: false, sync: false });
    });

    it('is a dry run: nothing is taken in, nothing written, the agenda stays bookable as it was', async () => {
      await remote.create({ start: TEN, end: TEN + HOUR, title: 'Privé' });
      const ours = await booked(TEN + 3 * HOUR);
      const clash = await booked(TEN + 30 * MINUTE);
      expect(await pull()).toBe('done');
      const made = (await plan())!;
      expect(made.plan.counts).toMatchObject({ create: 1, mirror: 1, conflict: 1, adopt: 0, remove: 0 });
      expect(made.plan.items.map(({ step, appointmentId }) => [step, appointmentId])).toEqual([
        ['mirror', null],
        ['conflict', clash],
        ['create', ours],
      ]);
      expect(JSON.stringify(made)).not.toMatch(/Privé|Durand/);
      expect(await query(pool, practice, 'SELECT 1 FROM mirror')).toEqual([]);
      expect(await query(pool, practice, `SELECT 1 FROM claim WHERE authority = 'remote'`)).toEqual([]);
      expect(await remote.entries()).toHaveLength(1);
      expect(await health()).toMatchObject({ phase: 'planning', light: 'orange', advice: { code: 'APPROVE_PLAN' } });
      expect(await book(TEN - HOUR)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
    });

    it('what is approved is what was seen: anything that changed since makes the plan anew', async () => {
      await pull();
      expect((await plan())!.version).toBe(1);
      await remote.create({ start: TEN, end: TEN + HOUR, title: 'Privé' });
      expect(await approve(1)).toEqual({ outcome: 'stale' });
      expect(await plan()).toMatchObject({ version: 2, plan: { counts: { mirror: 1 } } });
      expect(await approve(1)).toEqual({ outcome: 'stale' });
      expect(await approve(2)).toMatchObject({ outcome: 'approved', link: { phase: 'reading' } });
      expect(await approve(2)).toEqual({ outcome: 'not-planned' });
    });

    it('carries out the plan: his time is taken in, ours is written, and what overlaps is told, not dropped', async () => {
      await remote.create({ start: TEN, end: TEN + HOUR, title: 'Privé' });
      const ours = await booked(TEN + 3 * HOUR);
      const clash = await booked(TEN + 30 * MINUTE);
      await pull();
      await approve(1);
      expect(await health()).toMatchObject({ phase: 'reading', progress: { done: 0, total: 1 } });
      expect(await pull()).toBe('done');
      expect(await health()).toMatchObject({ phase: 'live', progress: null, light: 'green' });
      expect([await status(ours), await status(clash)]).toEqual(['confirmed', 'conflict']);
      expect((await remote.entries()).map(({ appointmentId }) => appointmentId)).toEqual([null, ours]);
      expect(await book(TEN)).toMatchObject({ problem: 'taken' });
      expect(await events()).toEqual(
        expect.arrayContaining(['link-planned by system', 'link-approved by collaborator', 'link-live by system']),
      );
    });

    it('goes on where it was cut off, chunk by chunk, and shows how far it is', async () => {
      const starts = Array.from({ length: 5 }, (_, index) => TEN + index * HOUR);
      for (const start of starts) await booked(start);
      await pull();
      await approve(1);
      await remote.control('faults', { faults: [{ kind: 'error', status: 503, method: 'POST', times: 20 }] });
      await pull();
      expect(await health()).toMatchObject({ phase: 'writing', progress: { total: 5 } });
      expect((await health()).progress!.done).toBeLessThan(5);
      await remote.control('faults', null, 'DELETE');
      await query(pool, practice, `UPDATE connection SET blocked_until = '-infinity', breaker_failures = 0`);
      await query(pool, practice, `UPDATE remote_write SET due_at = now(), last_sent_at = now() - interval '10 minutes'`);
      expect(await pull()).toBe('done');
      expect((await remote.entries()).map(({ start }) => start).sort()).toEqual(starts);
      expect(await health()).toMatchObject({ phase: 'live' });
    });

    it('complaint 13: linked again, what is ours there is adopted, not doubled; what was cancelled meanwhile goes', async () => {
      await pull();
      await approve(1);
      await pull();
      const [kept, moved, cancelled] = [await booked(TEN), await booked(TEN + HOUR), await booked(TEN + 2 * HOUR)];
      await disconnect('keep');
      await hub.booking.cancel({
        organizationId: practice.organization,
        id: cancelled,
        actor: actor(),
        waitMs: 0,
        version: null,
        reason: { code: 'CANCELLED' },
        key: null,
      });
      const entries = await remote.entries();
      const there = entries.find(({ appointmentId }) => appointmentId === moved)!;
      await remote.move(there.id, TEN + 4 * HOUR, TEN + 4 * HOUR + 30 * MINUTE);
      await relink();
      await pull();
      expect((await plan())!.plan.counts).toMatchObject({ adopt: 1, follow: 1, remove: 1, create: 0, mirror: 0 });
      await approve(1);
      expect(await pull()).toBe('done');
      expect((await remote.entries()).map(({ id }) => id).sort()).toEqual(
        entries.filter(({ appointmentId }) => appointmentId !== cancelled).map(({ id }) => id).sort(),
      );
      expect(await hub.bookings.get({ organizationId: practice.organization, id: moved })).toMatchObject({
        start: TEN + 4 * HOUR,
        status: 'confirmed',
      });
      // Adopted is linked: a cancel reaches it there.
      await hub.booking.cancel({
        organizationId: practice.organization,
        id: kept,
        actor: actor(),
        waitMs: 5_000,
        version: null,
        reason: { code: 'CANCELLED' },
        key: null,
      });
      expect((await remote.entries()).map(({ appointmentId }) => appointmentId)).toEqual([moved]);
    });
  });
});

class GatedBackends extends Backends {
  constructor(
    private readonly inner: Backends,
    private readonly gate: Gate,
  ) {
    super();
  }

  async open(organizationId: string, connectionId: string): ReturnType<Backends['open']> {
    const { session, capabilities } = await this.inner.open(organizationId, connectionId);
    const { gate } = this;
    return {
      capabilities,
      session: Object.assign(Object.create(session) as typeof session, {
        find: async (...call: Parameters<typeof session.find>) => {
          await gate.pass();
          return session.find(...call);
        },
        create: async (...call: Parameters<typeof session.create>) => {
          await gate.pass();
          return session.create(...call);
        },
      }),
    };
  }
}
