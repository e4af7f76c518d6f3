import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, type Actor } from '#application';
import { InHouseHub, ownTime } from '../support/in-house-hub.js';

describe('subscriptions', () => {
  let at: InHouseHub;
  let days = 0;

  beforeAll(async () => {
    at = await InHouseHub.start();
  });
  afterAll(() => at.stop());

  const actor = (): Actor => ({ kind: 'collaborator', id: at.practice.collaborator, key: newId() });
  const renew = () => at.hub.subscriptions.renew(at.ids.organizationId, at.linkId);
  const isDue = async () => (await at.hub.due.subscriptions(500)).some(({ linkId }) => linkId === at.linkId);
  const health = async () => (await at.hub.links.health(at.ids.organizationId, at.linkId))!;
  const silentReads = async () =>
    (await at.sql<{ n: number }>('SELECT silent_reads AS n FROM link WHERE id = $1', [at.linkId]))[0]?.n;
  const isHeard = async () => (await health()).push.silentSince === null;
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    for (const end = performance.now() + 10_000; !(await holds()) && performance.now() < end;) await delay(25);
  };
  const practitionerBooks = () => {
    days += 1;
    return at.edit({ action: 'create', entry: ownTime(days) });
  };
  const readChange = async () => {
    await practitionerBooks();
    await delay(100);
    expect(await at.pull()).toBe('done');
  };

  it('are asked for once the link begins to read, not while its plan waits', async () => {
    await at.link([], { approved: false });
    expect(await at.subscriptions()).toEqual([]);
    expect([await isDue(), await renew()]).toEqual([false, 'not-due']);
    const ref = { organizationId: at.ids.organizationId, id: at.linkId };
    const plan = await at.hub.approval.plan(ref);
    const request = { version: plan!.version, actor: actor(), waitMs: 5_000 };
    expect(await at.hub.approval.approve(ref, request)).toMatchObject({ outcome: 'approved' });
    expect(at.alarm.woken.map(({ job, data }) => ({ job, data }))).toContainEqual({
      job: 'renew-subscription',
      data: at.ids,
    });
    expect(await isDue()).toBe(true);
    expect(await renew()).toBe('renewed');
    expect(await at.subscriptions()).toHaveLength(1);
  });

  describe('that fall silent', () => {
    beforeEach(async () => {
      days = 0;
      await at.link();
      await at.fault({ kind: 'push-lose' });
    });

    it('complaint 24: three reads in a row that find what no push announced make it anew, and health says so', async () => {
      await at.sql(`UPDATE link SET subscribed_at = now() - interval '2 hours' WHERE id = $1`, [at.linkId]);
      const [before] = await at.subscriptions();
      await readChange();
      await at.pull();
      await readChange();
      expect([await silentReads(), await isHeard(), await isDue()]).toEqual([2, true, false]);
      await readChange();
      expect(await health()).toMatchObject({
        light: 'orange',
        read: { light: 'orange' },
        push: { subscribed: true, silentSince: expect.any(Number) },
        advice: { code: 'PUSH_SILENT' },
      });
      expect(await isDue()).toBe(true);
      await readChange();
      expect((await at.events()).filter((type) => type === 'pushes-silent')).toHaveLength(1);

      expect(await renew()).toBe('renewed');
      const made = await at.subscriptions();
      expect([made.length, made[0]?.id === before?.id]).toEqual([1, false]);
      // Nothing has been heard yet; what was lost before it was made anew does not speak against it.
      expect([await silentReads(), await isHeard(), await isDue()]).toEqual([0, false, false]);
      await practitionerBooks();
      await at.pull();
      expect(await silentReads()).toBe(0);

      await at.control('DELETE', 'faults');
      await practitionerBooks();
      await until(isHeard);
      expect(await health()).toMatchObject({ light: 'green', advice: { code: 'NOTHING' } });
      expect(await at.mirrored()).not.toEqual(await at.remote());
      await at.pull();
      expect(await at.mirrored()).toEqual(await at.remote());
    });

    it('are made anew once an hour at most, and the agenda is polled as if nothing was pushed', async () => {
      for (let n = 0; n < 3; n += 1) await readChange();
      expect([await isHeard(), await isDue()]).toEqual([false, false]);
      const [row] = await at.sql<{ wait: number; pushed: boolean }>(
        'SELECT extract(epoch FROM resubscribe_at - clock_timestamp())::float8 AS wait FROM link WHERE id = $1',
        [at.linkId],
      );
      expect(row?.wait).toBeGreaterThan(3_500);
      expect(row?.wait).toBeLessThanOrEqual(3_600);
      expect((await at.hub.sync.link(at.ids.organizationId, at.linkId))?.pace.pushed).toBe(false);
    });

    it('are not taken for silent because of what the hub wrote itself, nor when a push came in between', async () => {
      await at.hub.housekeeping.extendOpenings(at.ids.organizationId, at.practice.agenda);
      for (let n = 1; n <= 4; n += 1) {
        const booked = await at.hub.booking.book({
          organizationId: at.ids.organizationId,
          id: newId(),
          agendaId: at.practice.agenda,
          motifId: at.practice.motif,
          start: ownTime(20 + n).start,
          patient: { lastName: 'Durand', firstName: 'Zoé' },
          actor: { kind: 'collaborator', id: at.practice.collaborator, key: newId() },
          key: null,
          waitMs: 8_000,
        });
        expect(booked.record?.status).toBe('confirmed');
        await at.pull();
      }
      expect(await silentReads()).toBe(0);

      await readChange();
      await readChange();
      expect(await silentReads()).toBe(2);
      await at.control('DELETE', 'faults');
      await practitionerBooks();
      await until(async () => (await silentReads()) === 0);
      await at.pull();
      await at.fault({ kind: 'push-lose' });
      await readChange();
      expect([await silentReads(), await isHeard()]).toEqual([1, true]);
    });

    it('are found by the daily comparison, too', async () => {
      for (let n = 0; n < 3; n += 1) {
        await practitionerBooks();
        await delay(100);
        await at.hub.lanes.run({
          organizationId: at.ids.organizationId,
          agendaId: at.practice.agenda,
          sync: 'reconcile',
        });
      }
      expect(await isHeard()).toBe(false);
    });
  });
});
