import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, type BookingAnswer } from '#application';
import { addAgenda, moreAgendas } from '../support/agendas.js';
import { linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { InHouseHub } from '../support/in-house-hub.js';
import { HOUR, TEN } from '../support/loop.js';
import { openInHouse, type InHouseAgenda } from '../support/remotes.js';

/** The most that is asked of a backend that is down before it is left in peace. */
const MOST_CALLS = 15;
/** A read whose kept connection turns out closed is asked once more, on a connection of its own: once in each process. */
const ASKED_AGAIN = { reset: 2, hang: 0 };
/** Everything that was promised to be tried settles within this after the backend is back. */
const SETTLED_WITHIN_S = 60;
const STEP_S = 5;
/** Calls that hang at once. */
const HANGING = 24;

let at: InHouseHub;
let agendas: string[] = [];

beforeAll(async () => {
  at = await InHouseHub.start();
});
afterAll(() => at.stop());

const book = (agendaId: string, start: number, waitMs: number): Promise<BookingAnswer> => {
  const { organization: organizationId, motif: motifId, collaborator } = at.practice;
  const place = { organizationId, id: newId(), agendaId, motifId, start };
  const actor = { kind: 'collaborator', id: collaborator, key: newId() } as const;
  const patient = { lastName: 'Durand', firstName: 'Zoé' };
  return at.hub.booking.book({ ...place, patient, actor, key: null, waitMs });
};
const opened = async (n: number, connections: 'one' | 'own'): Promise<void> => {
  await at.link();
  await at.hub.housekeeping.extendOpenings(at.practice.organization, at.practice.agenda);
  agendas = [at.practice.agenda, ...(await moreAgendas(at, n - 1, connections))];
};
/** How often the simulator's faults struck: the calls that reached it while it was down, or that hang there. */
const struck = async (): Promise<number> => {
  const { faults } = await at.control<{ faults: { fired: number }[] }>('GET', 'faults');
  return faults.reduce((sum, { fired }) => sum + fired, 0);
};

describe('scenario 11: the vendor is down, then back', () => {
  beforeEach(() => opened(6, 'one'));
  afterEach(() => at.control('DELETE', 'faults'));

  const isBlocked = async (): Promise<boolean> =>
    (await at.sql('SELECT 1 FROM connection WHERE blocked_until > clock_timestamp()')).length > 0;
  /** Seconds go by on the database's clock, and a worker does what is due then. */
  const goesBy = async (seconds: number): Promise<void> => {
    const earlier = `$1 * interval '1 second'`;
    await at.sql(`UPDATE connection SET blocked_until = blocked_until - ${earlier}`, [seconds]);
    await at.sql(`UPDATE remote_write SET due_at = due_at - ${earlier}, last_sent_at = last_sent_at - ${earlier}`, [
      seconds,
    ]);
    const lanes = await at.hub.due.lanes(500);
    await Promise.all(lanes.map((lane) => at.hub.lanes.run({ ...lane, sync: 'none' })));
  };
  const statuses = async (ids: readonly string[]): Promise<string[]> => {
    const { organization: organizationId } = at.practice;
    return Promise.all(ids.map(async (id) => (await at.hub.bookings.get({ organizationId, id }))!.status));
  };

  it('is left in peace after 15 calls, costs no call then, and all that was accepted settles within 60 s', async () => {
    await at.fault({ kind: 'reset', route: '/agendas/' });
    const accepted: { id: string; agenda: string; start: number }[] = [];
    for (let hour = 0; hour < 4 && !(await isBlocked()); hour += 1) {
      const start = TEN + hour * HOUR;
      const answers = await Promise.all(agendas.map((agenda) => book(agenda, start, 100)));
      for (const [index, { status, record }] of answers.entries())
        if (status === 202) accepted.push({ id: record.id, agenda: agendas[index]!, start });
      await goesBy(STEP_S);
    }
    expect(await isBlocked()).toBe(true);
    expect(accepted.length).toBeGreaterThanOrEqual(agendas.length);
    const calls = await struck();
    expect(calls).toBeLessThanOrEqual(MOST_CALLS);

    const refused = await Promise.all(agendas.map((agenda) => book(agenda, TEN + 6 * HOUR, 5_000)));
    expect(refused.map(({ status }) => status)).toEqual(agendas.map(() => 503));
    for (const one of refused) expect(one).toMatchObject({ problem: 'agenda-unreachable', code: 'AGENDA_UNREACHABLE' });
    await goesBy(0);
    expect(await struck()).toBe(calls);

    await at.control('DELETE', 'faults');
    const ids = accepted.map(({ id }) => id);
    const open = async (): Promise<boolean> => (await statuses(ids)).some((status) => status !== 'confirmed');
    let passed = 0;
    for (; (await open()) && passed < SETTLED_WITHIN_S; passed += STEP_S) await goesBy(STEP_S);
    expect(await statuses(ids)).toEqual(ids.map(() => 'confirmed'));
    const { entries } = await at.control<{ entries: { agendaId: string; start: number; deleted: boolean }[] }>(
      'GET',
      'dump',
    );
    const there = entries.filter(({ agendaId, deleted }) => !deleted && agendas.includes(agendaId.slice(7)));
    const names = (all: { agendaId: string; start: number }[]) =>
      all.map((one) => `${one.agendaId} ${one.start}`).sort();
    expect(names(there)).toEqual(names(accepted.map((one) => ({ ...one, agendaId: `agenda-${one.agenda}` }))));
    expect(await book(agendas[0]!, TEN + 6 * HOUR, 5_000)).toMatchObject({ status: 201 });
  }, 60_000);
});

describe('scenario 11: the vendor is down, and every process meets it at once', () => {
  let worker: TestHub;

  beforeEach(async () => {
    await opened(HANGING, 'one');
    worker = await openHub({ url: at['parts'].database.appUrl });
  });
  afterEach(async () => {
    await at.control('DELETE', 'faults');
    await worker.close();
  });

  const everyLane = (hub: TestHub, sync: 'none' | 'delta') =>
    Promise.all(agendas.map((agendaId) => hub.lanes.run({ organizationId: at.practice.organization, agendaId, sync })));

  it.each(['reset', 'hang'] as const)(
    'bookings through the API and lanes of a worker make 15 calls together, then one after each rest (%s)',
    async (kind) => {
      await at.fault({ kind, route: '/agendas/' });
      const answers = await Promise.all([
        ...agendas.map((agenda) => book(agenda, TEN, 4_000)),
        ...agendas.map((agenda) => book(agenda, TEN + HOUR, 4_000)),
        everyLane(worker, 'delta').then(() => null),
      ]);
      for (const answer of answers) if (answer !== null) expect([202, 503]).toContain(answer.status);
      for (let n = 0; n < 3; n += 1) await Promise.all([everyLane(worker, 'none'), everyLane(at.hub, 'delta')]);
      const calls = await struck();
      expect(calls).toBeGreaterThan(0);
      expect(calls).toBeLessThanOrEqual(MOST_CALLS + ASKED_AGAIN[kind]);
      await at.sql(`UPDATE connection SET blocked_until = now()`);
      await at.sql(`UPDATE remote_write SET due_at = now()`);
      await Promise.all([everyLane(worker, 'none'), everyLane(at.hub, 'delta')]);
      const after = await struck();
      expect(after).toBeGreaterThan(calls);
      expect(after).toBeLessThanOrEqual(calls + 1 + Math.min(1, ASKED_AGAIN[kind]));
    },
    60_000,
  );
});

describe('scenario 12: one vendor hangs', () => {
  let healthy: InHouseAgenda;
  let beside = '';

  beforeEach(async () => {
    await opened(HANGING, 'own');
    healthy = await openInHouse();
    beside = randomUUID();
    await addAgenda(at, beside);
    await linkAgenda(at.hub, { ...at.practice, agenda: beside }, healthy.account);
  });
  afterEach(async () => {
    await at.control('DELETE', 'faults');
    await healthy.close();
  });

  it(`bookings at another are confirmed while ${HANGING} hang, of the same organization, in the same process`, async () => {
    await at.fault({ kind: 'latency', ms: 3_000, method: 'POST', route: '/entries' });
    let answered = 0;
    const slow = agendas.map((agenda) => book(agenda, TEN, 5_000).finally(() => (answered += 1)));
    while ((await struck()) < HANGING) await new Promise((resolve) => setTimeout(resolve, 20));
    for (let hour = 0; hour < 5; hour += 1)
      expect(await book(beside, TEN + hour * HOUR, 5_000)).toMatchObject({ status: 201 });
    expect(answered).toBe(0);
    expect(await healthy.entries()).toHaveLength(5);
    for (const { status } of await Promise.all(slow)) expect([201, 202]).toContain(status);
  }, 60_000);
});
