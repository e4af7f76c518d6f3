import { beforeEach, describe, expect, it } from '@jest/globals';
import { linkAgenda } from '../support/hub.js';
import { createPractice, overlaps, query } from '../support/practice.js';
import { HOUR, LinkLife, MINUTE, TEN } from './link-life.suite.js';

describe('the life of a link', () => {
  const life = new LinkLife();

  describe('re-authentication', () => {
    beforeEach(async () => {
      life.linkId = await linkAgenda(life.hub, life.practice, life.remote.account);
    });

    it('complaint 23: new secrets are tried first, keep everything, and the gap and the waiting writes follow at once', async () => {
      await query(life.pool, life.practice, `UPDATE agenda SET when_unreachable = 'queue'`);
      const before = await life.booked(TEN);
      const [link] = await query(life.pool, life.practice, 'SELECT cursor FROM link');
      await life.breakCredential();
      expect(await life.pull()).toBe('unreachable');
      expect(await life.health()).toMatchObject({
        status: 'auth-failed',
        light: 'red',
        advice: { code: 'REAUTHENTICATE' },
      });
      const waiting = await life.book(TEN + HOUR, 200);
      expect(waiting).toMatchObject({ outcome: 'booked', record: { status: 'pending' } });
      const his = await life.remote.create({ start: TEN + 3 * HOUR, end: TEN + 4 * HOUR, title: 'Privé' });
      expect(await life.signIn('wrong-key-0123456789')).toMatchObject({ outcome: 'failed', failure: { kind: 'auth' } });
      expect(await life.pull()).toBe('unreachable');
      expect(await life.signIn('another-key-0123456789')).toMatchObject({ outcome: 'replaced', links: 1 });
      expect((await life.hub.due.links(10)).map((due) => due.linkId)).toContain(life.linkId);
      expect(await query(life.pool, life.practice, 'SELECT id, cursor FROM link')).toEqual([
        { id: life.linkId, ...link },
      ]);
      expect(await life.pull()).toBe('done');
      expect(await life.health()).toMatchObject({ status: 'active', light: 'green', write: { queued: 0 } });
      expect(
        await Promise.all([before, waiting.outcome === 'booked' ? waiting.record.id : ''].map(life.status)),
      ).toEqual(['confirmed', 'confirmed']);
      const entries = await life.remote.entries();
      expect(entries.filter(({ appointmentId }) => appointmentId !== null)).toHaveLength(2);
      expect(entries.some(({ id }) => id === his)).toBe(true);
      expect(await life.book(TEN + 3 * HOUR)).toMatchObject({ problem: 'taken' });
    });

    it('secrets of another account, which cannot see the linked agenda, are refused', async () => {
      await life.remote.control('seed', {
        agendas: [{ id: 'agenda-9', name: 'Dr Autre', zone: 'Europe/Paris', apiKey: 'other-account-0123456789' }],
      });
      expect(await life.signIn('other-account-0123456789')).toEqual({ outcome: 'other-account' });
      expect(await life.pull()).toBe('done');
    });

    it('complaint 21: with a dead credential a booking is refused, or queued, as the agenda says; other agendas go on', async () => {
      const other = await createPractice(life.pool);
      const found = async () =>
        (await life.hub.search.search({
          organizationId: life.practice.organization,
          agendaIds: [life.practice.agenda],
          motifId: life.practice.motif,
          window: { start: TEN, end: TEN + HOUR },
          limit: 10,
        }))!;
      await query(life.pool, life.practice, `UPDATE link SET as_of = now() - interval '1 hour'`);
      expect((await found()).agendas).toMatchObject([{ certainty: 'stale' }]);
      await life.breakCredential();
      await life.pull();
      expect(await found()).toMatchObject({ slots: [], agendas: [{ certainty: 'unreachable' }] });
      expect(await life.book(TEN, 300)).toMatchObject({ problem: 'agenda-unreachable', code: 'AGENDA_UNREACHABLE' });
      await query(life.pool, life.practice, `UPDATE agenda SET when_unreachable = 'queue'`);
      expect(await life.book(TEN, 300)).toMatchObject({ outcome: 'booked', record: { status: 'pending' } });
      await life.open(other);
      const here = life.practice;
      life.practice = other;
      expect(await life.book(TEN)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
      life.practice = here;
    });
  });

  describe('pause and resume', () => {
    beforeEach(async () => {
      life.linkId = await linkAgenda(life.hub, life.practice, life.remote.account);
    });

    it('nothing is read or written while it is paused; resuming catches up', async () => {
      await life.hub.lifecycle.pause(life.ref(), life.actor());
      const his = { start: TEN, end: TEN + HOUR, title: 'Privé' };
      await life.remote.create(his);
      expect(await life.pull()).toBe('unreachable');
      expect(await life.book(TEN, 300)).toMatchObject({ problem: 'agenda-unreachable' });
      await query(life.pool, life.practice, `UPDATE agenda SET when_unreachable = 'queue'`);
      const waiting = await life.book(TEN + 2 * HOUR, 300);
      expect(waiting).toMatchObject({ outcome: 'booked', record: { status: 'pending' } });
      const lanes = await life.hub.due.lanes(100);
      expect(lanes.some(({ agendaId }) => agendaId === life.practice.agenda)).toBe(false);
      expect((await life.remote.entries()).length).toBe(1);
      expect(await life.health()).toMatchObject({ paused: true, light: 'orange', advice: { code: 'RESUME' } });
      await life.hub.lifecycle.resume(life.ref(), life.actor());
      expect(await life.pull()).toBe('done');
      expect(await life.book(TEN)).toMatchObject({ problem: 'taken' });
      expect((await life.remote.entries()).length).toBe(2);
      expect(await life.health()).toMatchObject({ paused: false, light: 'green' });
      expect(await life.events()).toEqual(
        expect.arrayContaining(['link-paused by collaborator', 'link-resumed by collaborator']),
      );
    });

    it('a job that was under way when it was stopped writes nothing afterwards', async () => {
      await query(life.pool, life.practice, `UPDATE agenda SET when_unreachable = 'queue'`);
      await life.book(TEN, 0);
      // A second attempt looks first: stopped between its look and its write.
      await query(life.pool, life.practice, 'UPDATE remote_write SET attempts = 1');
      const arrived = life.gate.hold();
      const run = life.pull('none');
      await arrived;
      await life.hub.lifecycle.pause(life.ref(), life.actor());
      life.gate.open();
      expect(await run).toBe('unreachable');
      expect(await query(life.pool, life.practice, 'SELECT status FROM appointment')).toEqual([{ status: 'pending' }]);
      expect(await life.remote.entries()).toHaveLength(0);
      await life.hub.lifecycle.resume(life.ref(), life.actor());
      expect(await life.pull()).toBe('done');
      expect(await query(life.pool, life.practice, 'SELECT status FROM appointment')).toEqual([
        { status: 'confirmed' },
      ]);
      expect(await life.remote.entries()).toHaveLength(1);
    });
  });

  describe('disconnecting', () => {
    beforeEach(async () => {
      life.linkId = await linkAgenda(life.hub, life.practice, life.remote.account);
    });

    it('keeps what was written, as was asked; the life.hub masters the agenda again', async () => {
      const id = await life.booked(TEN);
      await life.remote.create({ start: TEN + HOUR, end: TEN + 2 * HOUR, title: 'Privé' });
      await life.pull();
      const left = await life.disconnect('keep');
      expect(left).toMatchObject({ state: 'done', counts: { kept: 1, removed: 0, left: 0, due: 0 } });
      expect(left.staying).toMatchObject([{ appointmentId: id, start: TEN, end: TEN + 30 * MINUTE }]);
      expect(await life.remote.entries()).toHaveLength(2);
      expect(await life.status(id)).toBe('confirmed');
      expect(await query(life.pool, life.practice, 'SELECT master FROM agenda')).toEqual([{ master: 'hub' }]);
      expect(await life.book(TEN + HOUR)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
      expect(await overlaps(life.pool, life.practice)).toBe(0);
      expect(await life.hub.lifecycle.removeConnection(await life.connectionRef(), life.actor())).toBe('removed');
    });

    it('removes what was written, and nothing of his', async () => {
      const ids = [await life.booked(TEN), await life.booked(TEN + HOUR)];
      const his = await life.remote.create({ start: TEN + 2 * HOUR, end: TEN + 3 * HOUR, title: 'Privé' });
      await life.pull();
      const left = await life.disconnect('remove');
      expect(left).toMatchObject({ state: 'done', counts: { removed: 2, left: 0 }, staying: [] });
      expect((await life.remote.entries()).map(({ id }) => id)).toEqual([his]);
      expect(await Promise.all(ids.map(life.status))).toEqual(['confirmed', 'confirmed']);
      expect(await life.events()).toContain('link-cleaned by system');
    });

    it('complaint 23: works at once with a dead credential, and lists what stays behind', async () => {
      const id = await life.booked(TEN);
      await life.breakCredential();
      await life.pull();
      const left = await life.disconnect('remove');
      expect(left).toMatchObject({ state: 'done', counts: { left: 1, removed: 0 }, lastError: { kind: 'auth' } });
      expect(left.staying).toMatchObject([{ appointmentId: id, state: 'left' }]);
      expect(await life.hub.sync.linkOfAgenda(life.practice.organization, life.practice.agenda)).toBeNull();
      expect(await life.status(id)).toBe('confirmed');
    });

    it('while the backend is down it is over for the life.hub; what is to be removed follows when it is back', async () => {
      await life.booked(TEN);
      await life.remote.control('faults', { faults: [{ kind: 'error', status: 503 }] });
      expect(await life.disconnect('remove')).toMatchObject({ state: 'removing', counts: { due: 1 } });
      expect(await life.hub.lifecycle.removeConnection(await life.connectionRef(), life.actor())).toBe('busy');
      await expect(life.relink()).rejects.toThrow();
      await life.remote.control('faults', null, 'DELETE');
      await life.hub.cleanUp.run(life.practice.organization, life.linkId);
      expect(await life.hub.lifecycle.disconnection(life.ref())).toMatchObject({
        state: 'done',
        counts: { removed: 1, due: 0 },
      });
      expect(await life.remote.entries()).toEqual([]);
    });

    it('a job that was under way stores nothing and writes nothing afterwards; what it may have written is removed', async () => {
      const arrived = life.gate.hold();
      const run = life.book(TEN, 3_000);
      await arrived;
      await life.hub.lifecycle.disconnect(life.ref(), 'remove', life.actor());
      life.gate.open();
      const answer = await run;
      await life.hub.lanes.drained();
      const id = answer.outcome === 'booked' ? answer.record.id : '';
      expect(await life.status(id)).toBe('confirmed');
      expect(await query(life.pool, life.practice, 'SELECT 1 FROM mirror')).toEqual([]);
      expect(await query(life.pool, life.practice, 'SELECT 1 FROM remote_write')).toEqual([]);
      await query(
        life.pool,
        life.practice,
        `UPDATE disconnection_object SET sent_at = sent_at - interval '10 minutes'`,
      );
      await life.hub.cleanUp.run(life.practice.organization, life.linkId);
      expect(await life.hub.lifecycle.disconnection(life.ref())).toMatchObject({
        state: 'done',
        counts: { removed: 1 },
      });
      expect(await life.remote.entries()).toEqual([]);
    });

    it('a conflict is over when nobody is left to disagree with', async () => {
      const id = await life.booked(TEN);
      await life.remote.create({ start: TEN, end: TEN + HOUR, title: 'Privé' });
      await life.pull();
      expect(await life.status(id)).toBe('conflict');
      await life.disconnect('keep');
      expect(await life.status(id)).toBe('confirmed');
      expect(await overlaps(life.pool, life.practice)).toBe(0);
    });
  });

  describe('changing a link', () => {
    beforeEach(async () => {
      life.linkId = await linkAgenda(life.hub, life.practice, life.remote.account);
    });
    const change = (version: number, wanted: object) =>
      life.hub.lifecycle.change(life.ref(), { version, change: wanted, actor: life.actor() });

    it('another disclosure is brought to what stands there, but for what the practitioner renamed', async () => {
      await life.booked(TEN);
      await life.booked(TEN + HOUR);
      const renamed = (await life.remote.entries()).find(({ start }) => start === TEN + HOUR)!;
      await life.remote.retitle(renamed.id, 'À rappeler');
      await life.pull();
      expect(await change(1, { disclosure: 'busy' })).toMatchObject({ outcome: 'changed', link: { version: 2 } });
      expect(await change(1, { disclosure: 'full' })).toMatchObject({ outcome: 'stale' });
      expect(await life.health()).toMatchObject({ rewriting: true });
      expect(await life.pull()).toBe('done');
      expect((await life.remote.entries()).map(({ title }) => title).sort()).toEqual(['Rendez-vous', 'À rappeler']);
      expect(await life.health()).toMatchObject({ rewriting: false, write: { queued: 0 } });
      expect(await query(life.pool, life.practice, 'SELECT DISTINCT status FROM appointment')).toEqual([
        { status: 'confirmed' },
      ]);
    });

    it('read-only gives the agenda back to the life.hub, two-way makes it his again', async () => {
      await change(1, { direction: 'read-only' });
      expect(await query(life.pool, life.practice, 'SELECT master FROM agenda')).toEqual([{ master: 'hub' }]);
      const id = await life.booked(TEN);
      await life.pull();
      expect(await life.remote.entries()).toEqual([]);
      await change(2, { direction: 'two-way' });
      await life.pull();
      expect((await life.remote.entries()).map(({ appointmentId }) => appointmentId)).toEqual([id]);
      expect(await query(life.pool, life.practice, 'SELECT master FROM agenda')).toEqual([{ master: 'remote' }]);
      expect(await life.status(id)).toBe('confirmed');
    });

    it('an agenda that is only read is booked on a fresh copy, or not at all', async () => {
      await change(1, { direction: 'read-only' });
      await life.pull();
      await life.breakCredential();
      await query(life.pool, life.practice, `UPDATE link SET as_of = now() - interval '3 days'`);
      expect(await life.book(TEN, 300)).toMatchObject({ problem: 'agenda-unreachable' });
      await query(life.pool, life.practice, `UPDATE agenda SET when_unreachable = 'queue'`);
      expect(await life.book(TEN, 300)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
    });

    it('an agenda that is only read is not called taken on an old copy: it is read first', async () => {
      const his = await life.remote.create({ start: TEN, end: TEN + HOUR, title: 'Privé' });
      await change(1, { direction: 'read-only' });
      await life.pull();
      expect(await life.book(TEN)).toMatchObject({ problem: 'taken' });
      await life.remote.remove(his);
      await query(life.pool, life.practice, `UPDATE link SET as_of = now() - interval '3 days'`);
      expect(await life.book(TEN)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
    });

    it('does not become read-only while a cancelled visit still stands there', async () => {
      const id = await life.booked(TEN);
      await life.hub.lifecycle.pause(life.ref(), life.actor());
      const cancel = { version: null, reason: { code: 'CANCELLED' as const }, key: null, waitMs: 0 };
      await life.hub.booking.cancel({
        organizationId: life.practice.organization,
        id,
        actor: life.actor(),
        ...cancel,
      });
      expect(await life.status(id)).toBe('compensating');
      expect(await change(2, { direction: 'read-only' })).toMatchObject({ outcome: 'busy' });
      await life.hub.lifecycle.resume(life.ref(), life.actor());
      expect(await life.pull()).toBe('done');
      expect(await life.remote.entries()).toEqual([]);
      expect(await change(3, { direction: 'read-only' })).toMatchObject({ outcome: 'changed' });
    });

    it('a paused agenda offers nothing that could not be booked', async () => {
      const search = async () =>
        (await life.hub.search.search({
          organizationId: life.practice.organization,
          agendaIds: [life.practice.agenda],
          motifId: life.practice.motif,
          window: { start: TEN, end: TEN + HOUR },
          limit: 10,
        }))!.slots;
      expect(await search()).not.toEqual([]);
      await life.hub.lifecycle.pause(life.ref(), life.actor());
      expect(await search()).toEqual([]);
    });
  });
});
