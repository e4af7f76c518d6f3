import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type AppointmentRecord, newId, type Actor, type BookingAnswer, type SyncStore } from '#application';
import { InHouseHub, ownTime } from '../support/in-house-hub.js';

const HOUR = 3_600_000;
const HALF = HOUR / 2;
const TEN = ownTime(3).start;

describe('a link that ends or begins in the middle of something', () => {
  let at: InHouseHub;
  /** Instead of the next storing of what was read or written there. */
  let beforeApply: (() => Promise<void>) | null = null;
  /** After the end of the next pull was stored. */
  let afterPull: (() => Promise<void>) | null = null;

  const once = async (hook: (() => Promise<void>) | null, forget: () => void): Promise<void> => {
    forget();
    await hook?.();
  };
  const around = (store: SyncStore): SyncStore => {
    const apply: SyncStore['apply'] = async (link, actions, end, lease) => {
      await once(beforeApply, () => (beforeApply = null));
      const applied = await store.apply(link, actions, end, lease);
      if (end !== null) await once(afterPull, () => (afterPull = null));
      return applied;
    };
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'apply') return apply;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };

  beforeAll(async () => {
    at = await InHouseHub.start({ around: { sync: around } });
  });
  afterAll(() => at.stop());
  beforeEach(async () => {
    [beforeApply, afterPull] = [null, null];
    await at.link();
    await at.hub.housekeeping.extendOpenings(at.ids.organizationId, at.practice.agenda);
    await at.sql(`UPDATE agenda SET when_unreachable = 'queue'`);
  });

  const actor = (): Extract<Actor, { kind: 'collaborator' }> => {
    return { kind: 'collaborator', id: at.practice.collaborator, key: newId() };
  };
  const book = (start: number, waitMs = 5_000): Promise<BookingAnswer> =>
    at.hub.booking.book({
      organizationId: at.ids.organizationId,
      id: newId(),
      agendaId: at.practice.agenda,
      motifId: at.practice.motif,
      start,
      patient: { lastName: 'Durand', firstName: 'Zoé' },
      actor: actor(),
      key: null,
      waitMs,
    });
  const stands = async (id: string): Promise<AppointmentRecord> =>
    (await at.hub.bookings.get({ organizationId: at.ids.organizationId, id }))!;
  const ref = () => ({ organizationId: at.ids.organizationId, id: at.linkId });
  const starts = async () => (await at.entries()).map(({ start }) => start).sort();
  const disconnect = async (remote: 'keep' | 'remove') => {
    await at.hub.lifecycle.disconnect(ref(), remote, actor());
    await at.hub.cleanUp.run(at.ids.organizationId, at.linkId);
    return (await at.hub.lifecycle.disconnection(ref()))!;
  };
  /** The same agenda again, without reading it yet. */
  const relink = async (): Promise<void> => {
    const [connection] = await at.hub.connections.list(at.ids.organizationId);
    const id = newId();
    const linked = await at.hub.links.create({
      organizationId: at.ids.organizationId,
      id,
      agendaId: at.practice.agenda,
      connectionId: connection!.id,
      remoteAgendaId: at.remoteAgenda,
      direction: 'two-way',
      disclosure: 'full',
      policy: 'practitioner-wins',
      approved: true,
      actor: actor(),
    });
    expect(linked).toEqual({ outcome: 'linked' });
    at.linkId = id;
  };
  /** Written and answered, but the process ends before it reads back. */
  const writtenOnly = async (): Promise<string> => {
    beforeApply = () => Promise.reject(new Error('the process ends here'));
    await expect(book(TEN)).rejects.toThrow('the process ends here');
    const [row] = await at.sql<{ id: string }>(
      'SELECT a.id FROM appointment a JOIN remote_write w ON w.appointment_id = a.id WHERE w.attempts = 1 AND w.unanswered = 0',
    );
    expect(await stands(row!.id)).toMatchObject({ status: 'pending' });
    expect(await at.sql('SELECT 1 FROM mirror')).toEqual([]);
    expect(await starts()).toEqual([TEN]);
    return row!.id;
  };

  it('what was written and not read back is removed with the rest', async () => {
    const id = await writtenOnly();
    expect(await disconnect('remove')).toMatchObject({ state: 'done', counts: { removed: 1, kept: 0, left: 0 } });
    expect(await starts()).toEqual([]);
    expect(await stands(id)).toMatchObject({ status: 'confirmed' });
  });

  it('what was written and not read back is listed as staying, and found again by the next link', async () => {
    const id = await writtenOnly();
    expect((await disconnect('keep')).staying).toMatchObject([{ appointmentId: id, start: TEN, state: 'kept' }]);
    await relink();
    expect(await at.pull('full')).toBe('done');
    expect(await stands(id)).toMatchObject({ status: 'confirmed', start: TEN });
    expect(await starts()).toEqual([TEN]);
  });

  it('what moves here between the first read and the backfill is moved there too', async () => {
    const { record } = await book(TEN);
    await disconnect('keep');
    await relink();
    afterPull = async () => {
      const { version } = await stands(record!.id);
      const move = { id: record!.id, version, start: TEN + HOUR, motifId: null, actor: actor(), waitMs: 0 };
      const moved = await at.hub.booking.move({ organizationId: at.ids.organizationId, ...move });
      expect(moved).toMatchObject({ outcome: 'booked', status: 200 });
    };
    expect(await at.pull('full')).toBe('done');
    expect(await stands(record!.id)).toMatchObject({ status: 'confirmed', start: TEN + HOUR });
    expect(await starts()).toEqual([TEN + HOUR]);
  });

  it('what the practitioner moves between the first read and the backfill is followed by the next read', async () => {
    const { record } = await book(TEN);
    await disconnect('keep');
    await relink();
    afterPull = async () => {
      const [entry] = await at.entries();
      await at.edit({ action: 'move', id: entry!.id, start: TEN + 2 * HOUR, end: TEN + 2 * HOUR + HALF });
    };
    expect(await at.pull('full')).toBe('done');
    expect(await at.pull()).toBe('done');
    expect(await stands(record!.id)).toMatchObject({ status: 'confirmed', start: TEN + 2 * HOUR });
    expect(await starts()).toEqual([TEN + 2 * HOUR]);
  });

  it('an object that is locked there stays, is told, and keeps none of the others from being removed', async () => {
    const [locked, second, third] = [await book(TEN), await book(TEN + HOUR), await book(TEN + 2 * HOUR)];
    await at.fault({ kind: 'error', status: 403, method: 'DELETE', route: '/entries', times: 1 });
    const left = await disconnect('remove');
    expect(left).toMatchObject({ state: 'done', counts: { removed: 2, left: 1, due: 0 }, lastError: null });
    expect(left.staying).toMatchObject([{ appointmentId: locked.record!.id, start: TEN, state: 'left' }]);
    expect(await starts()).toEqual([TEN]);
    for (const { record } of [locked, second, third])
      expect(await stands(record!.id)).toMatchObject({ status: 'confirmed' });
  });

  it('writes of a link whose credential is dead are not handed out, until it reads again', async () => {
    const due = async () => (await at.hub.due.lanes(500)).some(({ agendaId }) => agendaId === at.practice.agenda);
    await book(TEN, 0);
    expect(await due()).toBe(true);
    const unauthorized = { kind: 'error', status: 401, route: '/agendas/' };
    await at.fault(unauthorized);
    expect(await at.pull()).toBe('unreachable');
    expect(await at.sql('SELECT status FROM link')).toEqual([{ status: 'auth-failed' }]);
    expect(await due()).toBe(false);
    await at.control('DELETE', 'faults');
    await at.control('DELETE', 'requests');
    // Nor does a lane that is woken all the same ask anything.
    expect(
      await at.hub.lanes.run({ organizationId: at.ids.organizationId, agendaId: at.practice.agenda, sync: 'none' }),
    ).toBe('unreachable');
    expect(await at.requests('')).toEqual([]);
    await at.sql(`UPDATE connection SET blocked_until = now() + interval '1 minute'`);
    await at.sql(`UPDATE link SET status = 'active'`);
    expect(await due()).toBe(false);
    await at.sql(`UPDATE connection SET blocked_until = '-infinity'`);
    expect(await due()).toBe(true);
    expect(await at.pull()).toBe('done');
    expect(await starts()).toEqual([TEN]);
    expect(await due()).toBe(false);
  });
});
