import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, type BookingAnswer } from '#application';
import { openHub } from '../support/hub.js';
import { InHouseHub, ownTime } from '../support/in-house-hub.js';

describe('a quiet agenda, whose copy is older than it may be', () => {
  let at: InHouseHub;

  beforeAll(async () => {
    at = await InHouseHub.start();
  });
  afterAll(() => at.stop());
  beforeEach(async () => {
    await at.link();
    await at.hub.housekeeping.extendOpenings(at.ids.organizationId, at.practice.agenda);
    await at.control('DELETE', 'requests');
  });
  afterEach(() => at.control('DELETE', 'faults'));

  /** Nobody asked for it for long, and its last poll was ten minutes ago. */
  const goesQuiet = () =>
    at.sql(
      `UPDATE link SET as_of = now() - interval '10 minutes', wanted_at = '-infinity', poll_at = now() + interval '5 minutes'`,
    );
  const whenUnreachable = (what: 'refuse' | 'queue') => at.sql('UPDATE agenda SET when_unreachable = $1', [what]);
  const book = (waitMs = 5_000): Promise<BookingAnswer> =>
    at.hub.booking.book({
      organizationId: at.ids.organizationId,
      id: newId(),
      agendaId: at.practice.agenda,
      motifId: at.practice.motif,
      start: ownTime(3).start,
      patient: { lastName: 'Durand', firstName: 'Zoé' },
      actor: { kind: 'collaborator', id: at.practice.collaborator, key: newId() },
      key: null,
      waitMs,
    });
  const writes = async () => {
    const { counts } = await at.control<{ counts: Record<string, number> }>('GET', 'requests');
    return Object.keys(counts).filter((route) => /^(POST|PATCH|DELETE) .*\/entries/.test(route));
  };

  it('is found with its real age, and is due at once when it was', async () => {
    const due = async () => (await at.hub.due.links(500)).some(({ linkId }) => linkId === at.linkId);
    const found = async () => {
      const window = { start: ownTime(3).start, end: ownTime(4).start };
      const asked = { agendaIds: [at.practice.agenda], motifId: at.practice.motif, window, limit: 3 };
      return (await at.hub.search.search({ organizationId: at.ids.organizationId, ...asked }))!.agendas[0]!;
    };
    await goesQuiet();
    const stale = await found();
    expect(stale.certainty).toBe('stale');
    expect(Date.now() - stale.asOf!).toBeGreaterThan(9.9 * 60_000);
    expect(await due()).toBe(false);
    await at.hub.interest.wanted(at.ids.organizationId, [at.practice.agenda]);
    expect(await due()).toBe(true);
    await at.pull();
    expect((await found()).certainty).toBe('live');
  });

  it('is read before it is booked on: what the practitioner put there meanwhile is not written over', async () => {
    await goesQuiet();
    await at.edit({ action: 'create', entry: ownTime(3) });
    const answer = await book();
    expect(answer).toMatchObject({ outcome: 'refused', status: 409, code: 'BUSY' });
    expect(answer).toMatchObject({ alternatives: [{}, {}, {}] });
    expect(await writes()).toEqual([]);
  });

  it('is not booked on when it cannot be read', async () => {
    await whenUnreachable('refuse');
    await goesQuiet();
    await at.fault({ kind: 'error', status: 503, method: 'GET' });
    expect(await book()).toMatchObject({ outcome: 'refused', status: 503, code: 'AGENDA_STALE' });
    expect(await at.sql('SELECT 1 FROM appointment')).toEqual([]);
    expect(await writes()).toEqual([]);
  });

  it('is booked on unread where it may be, and nothing is confirmed before it stands there', async () => {
    await whenUnreachable('queue');
    await goesQuiet();
    await at.fault({ kind: 'error', status: 503, route: '/agendas/' });
    const answer = await book(2_000);
    expect(answer).toMatchObject({ outcome: 'booked', status: 202 });
    expect(['pending', 'unknown']).toContain(answer.record!.status);
    expect(await at.entries()).toEqual([]);
  });

  it('is booked on once another process, which reads it already, is done', async () => {
    await whenUnreachable('refuse');
    const worker = await openHub({ url: at['parts'].database.appUrl });
    try {
      await goesQuiet();
      await at.fault({ kind: 'latency', ms: 1_000, method: 'GET', times: 1 });
      const reading = worker.lanes.run({
        organizationId: at.ids.organizationId,
        agendaId: at.practice.agenda,
        sync: 'delta',
      });
      const leased = () => at.sql('SELECT 1 FROM agenda_lane WHERE lease_until > clock_timestamp()');
      while ((await leased()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await book()).toMatchObject({ outcome: 'booked', status: 201 });
      expect(await reading).toBe('done');
    } finally {
      await worker.close();
    }
  });
});
