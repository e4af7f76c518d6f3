import { beforeEach, describe, expect, it } from '@jest/globals';
import { linkAgenda } from '../support/hub.js';
import { query } from '../support/practice.js';
import { HOUR, LinkLife, MINUTE, TEN } from './link-life.suite.js';

describe('the first synchronisation', () => {
  const life = new LinkLife();
  const plan = () => life.hub.approval.plan(life.ref());
  const approve = (version: number) =>
    life.hub.approval.approve(life.ref(), { version, actor: life.actor(), waitMs: 5_000 });

  beforeEach(async () => {
    life.linkId = await linkAgenda(life.hub, life.practice, life.remote.account, { approved: false, sync: false });
  });

  it('is a dry run: nothing is taken in, nothing written, the agenda stays bookable as it was', async () => {
    await life.remote.create({ start: TEN, end: TEN + HOUR, title: 'Privé' });
    const ours = await life.booked(TEN + 3 * HOUR);
    const clash = await life.booked(TEN + 30 * MINUTE);
    expect(await life.pull()).toBe('done');
    const made = (await plan())!;
    expect(made.plan.counts).toMatchObject({ create: 1, mirror: 1, conflict: 1, adopt: 0, remove: 0 });
    expect(made.plan.items.map(({ step, appointmentId }) => [step, appointmentId])).toEqual([
      ['mirror', null],
      ['conflict', clash],
      ['create', ours],
    ]);
    expect(JSON.stringify(made)).not.toMatch(/Privé|Durand/);
    expect(await query(life.pool, life.practice, 'SELECT 1 FROM mirror')).toEqual([]);
    expect(await query(life.pool, life.practice, `SELECT 1 FROM claim WHERE authority = 'remote'`)).toEqual([]);
    expect(await life.remote.entries()).toHaveLength(1);
    expect(await life.health()).toMatchObject({ phase: 'planning', light: 'orange', advice: { code: 'APPROVE_PLAN' } });
    expect(await life.book(TEN - HOUR)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
  });

  it('what is approved is what was seen: anything that changed since makes the plan anew', async () => {
    await life.pull();
    expect((await plan())!.version).toBe(1);
    await life.remote.create({ start: TEN, end: TEN + HOUR, title: 'Privé' });
    expect(await approve(1)).toEqual({ outcome: 'stale' });
    expect(await plan()).toMatchObject({ version: 2, plan: { counts: { mirror: 1 } } });
    expect(await approve(1)).toEqual({ outcome: 'stale' });
    expect(await approve(2)).toMatchObject({ outcome: 'approved', link: { phase: 'reading' } });
    expect(await approve(2)).toEqual({ outcome: 'not-planned' });
  });

  it('carries out the plan: his time is taken in, ours is written, and what overlaps is told, not dropped', async () => {
    await life.remote.create({ start: TEN, end: TEN + HOUR, title: 'Privé' });
    const ours = await life.booked(TEN + 3 * HOUR);
    const clash = await life.booked(TEN + 30 * MINUTE);
    await life.pull();
    await approve(1);
    expect(await life.health()).toMatchObject({ phase: 'reading', progress: { done: 0, total: 1 } });
    expect(await life.pull()).toBe('done');
    expect(await life.health()).toMatchObject({ phase: 'live', progress: null, light: 'green' });
    expect([await life.status(ours), await life.status(clash)]).toEqual(['confirmed', 'conflict']);
    expect((await life.remote.entries()).map(({ appointmentId }) => appointmentId)).toEqual([null, ours]);
    expect(await life.book(TEN)).toMatchObject({ problem: 'taken' });
    expect(await life.events()).toEqual(
      expect.arrayContaining(['link-planned by system', 'link-approved by collaborator', 'link-live by system']),
    );
  });

  it('goes on where it was cut off, chunk by chunk, and shows how far it is', async () => {
    const starts = Array.from({ length: 5 }, (_, index) => TEN + index * HOUR);
    for (const start of starts) await life.booked(start);
    await life.pull();
    await approve(1);
    await life.remote.control('faults', { faults: [{ kind: 'error', status: 503, method: 'POST', times: 20 }] });
    await life.pull();
    expect(await life.health()).toMatchObject({ phase: 'writing', progress: { total: 5 } });
    expect((await life.health()).progress!.done).toBeLessThan(5);
    await life.remote.control('faults', null, 'DELETE');
    await query(life.pool, life.practice, `UPDATE connection SET blocked_until = '-infinity', breaker_failures = 0`);
    await query(
      life.pool,
      life.practice,
      `UPDATE remote_write SET due_at = now(), last_sent_at = now() - interval '10 minutes'`,
    );
    expect(await life.pull()).toBe('done');
    expect((await life.remote.entries()).map(({ start }) => start).sort()).toEqual(starts);
    expect(await life.health()).toMatchObject({ phase: 'live' });
  });

  it('takes in what it reads as it comes, and what was cut off is read again whole: with what went meanwhile', async () => {
    const his = await life.remote.create({ start: TEN, end: TEN + HOUR, title: 'Privé' });
    await life.pull();
    await approve(1);
    const taken = () =>
      query<{ remote_id: string }>(life.pool, life.practice, 'SELECT remote_id FROM mirror WHERE gone_at IS NULL');
    await life.remote.control('faults', { faults: [{ kind: 'error', status: 503, route: '/changes' }] });
    expect(await life.pull()).toBe('unreachable');
    expect(await taken()).toEqual([{ remote_id: his }]);
    expect(await life.health()).toMatchObject({ phase: 'reading' });
    expect(await life.book(TEN)).toMatchObject({ problem: 'taken' });
    await life.remote.control('faults', null, 'DELETE');
    await query(life.pool, life.practice, `UPDATE connection SET blocked_until = '-infinity', breaker_failures = 0`);
    await life.remote.remove(his);
    const other = await life.remote.create({ start: TEN + HOUR, end: TEN + 2 * HOUR, title: 'Privé' });
    expect(await life.pull()).toBe('done');
    expect(await taken()).toEqual([{ remote_id: other }]);
    expect(await life.book(TEN)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
  });

  it('what was promised before is not given up to what the practitioner wrote meanwhile: a person decides', async () => {
    const id = await life.booked(TEN);
    await life.pull();
    await approve(1);
    await life.remote.control('faults', { faults: [{ kind: 'error', status: 503, method: 'POST', times: 1 }] });
    await life.pull();
    expect(await life.status(id)).toMatch(/pending|unknown/);
    const his = await life.remote.create({ start: TEN, end: TEN + HOUR, title: 'Privé' });
    await query(life.pool, life.practice, 'UPDATE remote_write SET due_at = now()');
    await life.pull();
    expect(await life.status(id)).toBe('conflict');
    await life.remote.remove(his);
    await query(life.pool, life.practice, `UPDATE remote_write SET last_sent_at = now() - interval '10 minutes'`);
    await life.pull();
    await life.pull();
    expect(await life.status(id)).toBe('confirmed');
    expect(await life.remote.entries()).toMatchObject([{ appointmentId: id, start: TEN }]);
  });

  it('an overlap found at the first look is settled by itself when the practitioner gives way', async () => {
    const id = await life.booked(TEN);
    const his = await life.remote.create({ start: TEN, end: TEN + HOUR, title: 'Privé' });
    await life.pull();
    await approve(1);
    await life.pull();
    expect(await life.status(id)).toBe('conflict');
    await life.remote.remove(his);
    await life.pull();
    expect(await life.status(id)).toBe('confirmed');
    expect(await life.remote.entries()).toMatchObject([{ appointmentId: id, start: TEN }]);
  });

  it('complaint 13: linked again, what is ours there is adopted, not doubled; what was cancelled meanwhile goes', async () => {
    await life.pull();
    await approve(1);
    await life.pull();
    const [kept, moved, cancelled] = [
      await life.booked(TEN),
      await life.booked(TEN + HOUR),
      await life.booked(TEN + 2 * HOUR),
    ];
    await life.disconnect('keep');
    await life.hub.booking.cancel({
      organizationId: life.practice.organization,
      id: cancelled,
      actor: life.actor(),
      waitMs: 0,
      version: null,
      reason: { code: 'CANCELLED' },
      key: null,
    });
    const entries = await life.remote.entries();
    const there = entries.find(({ appointmentId }) => appointmentId === moved)!;
    await life.remote.move(there.id, TEN + 4 * HOUR, TEN + 4 * HOUR + 30 * MINUTE);
    await life.relink();
    await life.pull();
    expect((await plan())!.plan.counts).toMatchObject({ adopt: 1, follow: 1, remove: 1, create: 0, mirror: 0 });
    await approve(1);
    expect(await life.pull()).toBe('done');
    expect((await life.remote.entries()).map(({ id }) => id).sort()).toEqual(
      entries
        .filter(({ appointmentId }) => appointmentId !== cancelled)
        .map(({ id }) => id)
        .sort(),
    );
    expect(await life.hub.bookings.get({ organizationId: life.practice.organization, id: moved })).toMatchObject({
      start: TEN + 4 * HOUR,
      status: 'confirmed',
    });
    // Adopted is linked: a cancel reaches it there.
    await life.hub.booking.cancel({
      organizationId: life.practice.organization,
      id: kept,
      actor: life.actor(),
      waitMs: 5_000,
      version: null,
      reason: { code: 'CANCELLED' },
      key: null,
    });
    expect((await life.remote.entries()).map(({ appointmentId }) => appointmentId)).toEqual([moved]);
  });
});
