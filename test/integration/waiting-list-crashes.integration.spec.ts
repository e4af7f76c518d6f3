import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { PgBookings } from '#persistence';
import type { PlaceCommand, PlaceResult } from '#application';
import { InHouseHub } from '../support/in-house-hub.js';
import { testVault } from '../support/test-vault.js';
import { ANNE, MINUTE, NINE, PAUL, Waiting } from '../support/waiting.js';

const HALF = 30 * MINUTE;

let remote: InHouseHub;
let waiting: Waiting;

beforeAll(async () => {
  remote = await InHouseHub.start();
});

afterAll(() => remote.stop());

/** One slot; the practitioner's own tool has something in it. */
beforeEach(async () => {
  await remote.link([{ start: NINE, end: NINE + HALF, title: 'Réunion' }]);
  waiting = new Waiting(remote.hub, remote.pool, remote.practice);
  await waiting.openAt([NINE, NINE + HALF]);
});

/** The practitioner removes it in his own tool, and the hub reads his agenda. */
async function freed(): Promise<void> {
  const [entry] = await remote.entries();
  await remote.edit({ action: 'delete', id: entry?.id });
  await remote.pull();
}

describe('a slot that frees in the practitioner’s own tool', () => {
  test('is offered, and once accepted stands there', async () => {
    const entry = await waiting.enter(ANNE);
    await waiting.work();
    expect(await waiting.shown()).toEqual([]);
    await freed();
    await waiting.work();
    const [offer] = await waiting.shown();
    expect(offer).toMatchObject({ start: NINE, entryId: entry });
    expect(await waiting.accept(offer!.id)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
    expect(await remote.entries()).toMatchObject([{ start: NINE, end: NINE + HALF }]);
    expect(await waiting.entry(entry)).toMatchObject({ state: 'booked' });
  });

  test('and is taken there again before it is accepted: the patient waits on', async () => {
    const entry = await waiting.enter(ANNE);
    await freed();
    await waiting.work();
    const [offer] = await waiting.shown();
    await remote.edit({ action: 'create', entry: { start: NINE, end: NINE + HALF, title: 'Urgence' }, force: true });
    expect(await waiting.accept(offer!.id)).toMatchObject({ outcome: 'refused', problem: 'taken' });
    expect(await waiting.entry(entry)).toMatchObject({ state: 'waiting', appointmentId: null });
  });
});

/** A process that dies when it places a hold: before the database has it, or after. */
class Dying extends PgBookings {
  constructor(private readonly point: 'before' | 'after') {
    super(remote.hub.database, testVault(remote.hub.database));
  }

  override async place(command: PlaceCommand): Promise<PlaceResult> {
    if (this.point === 'after') await super.place(command);
    throw new Error('the process died');
  }
}

const minutesLater = async (): Promise<void> => {
  await waiting.sql(`UPDATE waiting_offer SET made_at = made_at - interval '2 minutes' WHERE state = 'preparing'`);
};

describe('a process that dies', () => {
  test('before it wakes anybody leaves the vacancy in the database, found by the next tick', async () => {
    await waiting.enter(ANNE);
    await waiting.work();
    const due = async (): Promise<boolean> =>
      (await remote.hub.due.vacancies(500)).some(({ agendaId }) => agendaId === waiting.practice.agenda);
    expect(await due()).toBe(false);
    await freed();
    expect(await due()).toBe(true);
    await waiting.work();
    expect(await waiting.shown()).toHaveLength(1);
  });

  test.each(['before', 'after'] as const)('%s the hold is placed: the next look makes the one offer', async (point) => {
    const entry = await waiting.enter(ANNE, { priority: 'urgent' });
    await waiting.enter(PAUL);
    await freed();
    await expect(waiting.worker(new Dying(point)).look(waiting.agenda)).rejects.toThrow('died');
    expect(await waiting.shown()).toEqual([]);
    await minutesLater();
    await waiting.work();
    const offers = await waiting.shown();
    expect(offers).toMatchObject([{ start: NINE, entryId: entry }]);
    const held = await waiting.sql<{ id: string }>(`SELECT id FROM appointment WHERE status = 'held'`);
    expect(held).toEqual([{ id: offers[0]?.id }]);
  });

  test('after the offer is shown: the next look makes no second one', async () => {
    await waiting.enter(ANNE);
    await waiting.enter(PAUL);
    await freed();
    const vacancies = await waiting.sql('SELECT * FROM vacancy');
    await waiting.work();
    // What the dead process had not yet removed.
    for (const row of vacancies)
      await waiting.sql('INSERT INTO vacancy SELECT * FROM jsonb_populate_record(NULL::vacancy, $1)', [row]);
    await waiting.work();
    expect(await waiting.shown()).toHaveLength(1);
  });

  test('between the booking and its answer: the entry is closed with the booking', async () => {
    const entry = await waiting.enter(ANNE);
    await freed();
    await waiting.work();
    const [offer] = await waiting.shown();
    // What accept() asks of the database, and nothing after it.
    const { organization: organizationId } = waiting.practice;
    await waiting.offers.deciding({ organizationId, id: offer!.id }, waiting.actor);
    const terms = { audience: 'SECRETARIAT' } as const;
    const who = { collaboratorId: waiting.actor.id, actor: waiting.actor, patient: ANNE, key: null, terms };
    await remote.hub.bookings.confirmHold({ organizationId, holdId: offer!.id, acceptStale: true, ...who });
    expect(await waiting.entry(entry)).toMatchObject({ state: 'booked', appointmentId: offer!.id });
    expect(await waiting.shown('accepted')).toMatchObject([{ decidedBy: { kind: 'collaborator' } }]);
  });
});
