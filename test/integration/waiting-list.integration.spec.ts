import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { newId, type WaitingOffer } from '#application';
import { openHub, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool } from '../support/practice.js';
import { ANNE, MINUTE, NINE, PAUL, Waiting } from '../support/waiting.js';

const HALF = 30 * MINUTE;

let database: TestDatabase;
let pool: pg.Pool;
let hub: TestHub;
let waiting: Waiting;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool(database.appUrl);
  hub = await openHub({ url: database.appUrl });
});

afterAll(async () => {
  await hub.close();
  await pool.end();
  await database.drop();
});

/** One slot, taken. */
let taken: string;
beforeEach(async () => {
  waiting = new Waiting(hub, pool, await createPractice(pool));
  await waiting.openAt([NINE, NINE + HALF]);
  taken = await waiting.book(NINE, { lastName: 'Petit', firstName: 'Luc' });
});

const names = async (...states: readonly WaitingOffer['state'][]): Promise<(string | undefined)[]> =>
  (await waiting.shown(...states)).map(({ patient }) => patient?.firstName);

describe('a slot that is cancelled', () => {
  test('is offered with a hold to the most urgent, who then has the appointment and waits no longer', async () => {
    await waiting.enter(PAUL);
    const entry = await waiting.enter(ANNE, { priority: 'urgent' });
    await waiting.work();
    expect(await waiting.shown()).toEqual([]);
    await waiting.cancel(taken);
    await waiting.work();
    const [offer] = await waiting.shown();
    expect(offer).toMatchObject({ entryId: entry, start: NINE, end: NINE + HALF, state: 'open', patient: ANNE });
    const hold = await hub.bookings.get({ organizationId: waiting.practice.organization, id: offer!.id });
    expect(hold).toMatchObject({ status: 'held', holdUntil: offer!.holdUntil });
    await expect(waiting.book(NINE, PAUL)).rejects.toThrow('taken');
    expect(await waiting.accept(offer!.id)).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
    expect(await waiting.entry(entry)).toMatchObject({ state: 'booked', appointmentId: offer!.id });
    expect(await waiting.shown('accepted')).toMatchObject([{ id: offer!.id, decidedBy: { kind: 'collaborator' } }]);
    await waiting.work();
    expect(await waiting.shown()).toEqual([]);
  });

  test('once refused goes to the next, and never to the same again', async () => {
    await waiting.enter(ANNE, { priority: 'urgent' });
    await waiting.cancel(taken);
    await waiting.work();
    const [first] = await waiting.shown();
    expect(await waiting.refuse(first!.id)).toMatchObject({ state: 'refused' });
    expect(await waiting.refuse(first!.id)).toMatchObject({ state: 'refused' });
    expect(await waiting.accept(first!.id)).toBe('ended');
    await waiting.work();
    expect(await waiting.shown()).toEqual([]);
    await waiting.enter(PAUL);
    await waiting.work();
    expect(await names()).toEqual(['Paul']);
    const [second] = await waiting.shown();
    await waiting.refuse(second!.id);
    await waiting.work();
    expect([await names(), await names('refused')]).toEqual([[], ['Anne', 'Paul']]);
  });

  test('once lapsed goes to the next', async () => {
    await waiting.enter(ANNE, { priority: 'soon' });
    await waiting.enter(PAUL);
    await waiting.cancel(taken);
    await waiting.work();
    const [first] = await waiting.shown();
    await waiting.lapse(first!.id);
    expect(await waiting.shown()).toEqual([]);
    await waiting.work();
    expect([await names(), await names('lapsed')]).toEqual([['Paul'], ['Anne']]);
    expect(await waiting.accept(first!.id)).toBe('ended');
  });

  test('is offered to nobody who cannot come then', async () => {
    const day = { weekdays: [], parts: ['afternoon'], from: null, to: null } as const;
    await waiting.enter(ANNE, { availability: day, priority: 'urgent' });
    await waiting.enter(PAUL, { deadline: NINE });
    await waiting.cancel(taken);
    await waiting.work();
    expect(await waiting.shown()).toEqual([]);
  });

  test('by eight workers at once is offered once, and each who waits has one offer', async () => {
    await waiting.openAt([NINE, NINE + HALF], [NINE + 2 * HALF, NINE + 3 * HALF]);
    for (const patient of [ANNE, PAUL, { lastName: 'Roux', firstName: 'Zoé' }]) await waiting.enter(patient);
    await waiting.cancel(taken);
    await Promise.all(Array.from({ length: 8 }, () => waiting.worker().look(waiting.agenda)));
    await waiting.work();
    const offers = await waiting.shown();
    expect(offers.map(({ start }) => start).sort()).toEqual([NINE, NINE + 2 * HALF]);
    expect(new Set(offers.map(({ entryId }) => entryId)).size).toBe(2);
    const held = await waiting.sql(`SELECT id FROM appointment WHERE status = 'held'`);
    expect(held).toHaveLength(2);
  });

  test('in two agendas at once is offered in one of them to who waits for both', async () => {
    const { organization: organizationId, agenda } = waiting.practice;
    const [second] = await waiting.sql<{ id: string }>(
      `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name, capacity, master, opened_until)
       SELECT organization_id, gen_random_uuid(), practitioner_id, location_id, 'Second', 1, 'hub', opened_until FROM agenda RETURNING id`,
    );
    const copies = [
      'INSERT INTO agenda_motif (organization_id, agenda_id, motif_id) SELECT organization_id, $1, motif_id FROM agenda_motif',
      `INSERT INTO opening (organization_id, id, agenda_id, rrule, starts_local, duration_minutes, time_zone)
       SELECT organization_id, $1, $1, rrule, starts_local, duration_minutes, time_zone FROM opening`,
      'INSERT INTO opening_occurrence (organization_id, opening_id, agenda_id, during) SELECT organization_id, $1, $1, during FROM opening_occurrence',
    ];
    for (const copy of copies) await waiting.sql(copy, [second!.id]);
    await waiting.cancel(taken);
    for (let round = 0; round < 5; round += 1) {
      const entry = await waiting.enter(ANNE, { agendaIds: [agenda, second!.id] });
      await Promise.all([agenda, second!.id].map((agendaId) => waiting.worker().look({ organizationId, agendaId })));
      const offers = await waiting.shown();
      expect(offers.map(({ entryId }) => entryId)).toEqual([entry]);
      expect(await waiting.sql(`SELECT id FROM appointment WHERE status = 'held'`)).toEqual([{ id: offers[0]!.id }]);
      const { version } = await waiting.entry(entry);
      await waiting.entries.withdraw({ organizationId, id: entry, version, actor: waiting.actor });
      for (const agendaId of [agenda, second!.id]) await waiting.worker().look({ organizationId, agendaId });
    }
  });

  test('with two seats is offered to one at a time', async () => {
    await waiting.sql('UPDATE agenda SET capacity = 2');
    await waiting.enter(ANNE);
    await waiting.enter(PAUL);
    await waiting.cancel(taken);
    await waiting.work();
    await waiting.sql('UPDATE vacancy SET due_at = now()');
    await waiting.work();
    expect(await names()).toEqual(['Anne']);
    await waiting.accept((await waiting.shown())[0]!.id);
    await waiting.work();
    expect(await names()).toEqual(['Paul']);
  });

  test('is not prepared for a second one while somebody decides', async () => {
    const entries = [await waiting.enter(ANNE), await waiting.enter(PAUL)];
    const slot = { motifId: waiting.practice.motif, start: NINE, end: NINE + HALF };
    const prepared = await Promise.all(
      entries.map((entryId) => waiting.offers.prepare(waiting.agenda, { ...slot, entryId, id: newId() })),
    );
    expect(prepared.sort()).toEqual([false, true]);
  });

  test('with the practitioner’s whole day: only a few are kept at once', async () => {
    await waiting.openAt([NINE, NINE + 20 * HALF]);
    for (let n = 0; n < 8; n += 1) await waiting.enter({ lastName: 'Roux', firstName: `Zoé ${String(n)}` });
    await waiting.work();
    const kept = await waiting.shown();
    expect(kept).toHaveLength(5);
    await waiting.accept(kept[0]!.id);
    await waiting.work();
    expect(await waiting.shown()).toHaveLength(5);
  });
});

describe('what frees time besides', () => {
  const occurrence = `INSERT INTO opening_occurrence (organization_id, opening_id, agenda_id, during) SELECT organization_id, id, agenda_id, tstzrange(now(), now() + interval '1 hour') FROM opening`;
  test.each([
    ['an opening that is expanded', occurrence],
    ['an opening that serves more', 'UPDATE opening SET capacity = NULL'],
    ['a reserve that is removed', 'DELETE FROM reserve'],
    ['a reserve that changes', 'UPDATE reserve SET version = version + 1'],
    ['a reserve that does not recur', 'DELETE FROM reserve_occurrence'],
    ['a rule that changes', `UPDATE agenda_motif SET rules = '{"noticeMinutes":5}'`],
    ['an agenda with more seats', 'UPDATE agenda SET capacity = 2'],
    ['an agenda that works again', 'UPDATE agenda SET active = true'],
    ['a claim that goes', 'DELETE FROM appointment'],
  ])('%s: is told in the same transaction, if anybody waits', async (_, change) => {
    await waiting.sql(
      `INSERT INTO reserve (organization_id, id, agenda_id, label, rrule, starts_local, duration_minutes, time_zone, kept_for, release)
       SELECT organization_id, gen_random_uuid(), id, '', 'FREQ=DAILY', '2026-01-05T11:00', 60, 'Europe/Paris', '{}', '[]' FROM agenda`,
    );
    await waiting.sql(
      `INSERT INTO reserve_occurrence (organization_id, reserve_id, during, agenda_id) SELECT organization_id, id, tstzrange(now(), now() + interval '1 hour'), agenda_id FROM reserve`,
    );
    const told = (): Promise<unknown[]> => waiting.sql('SELECT DISTINCT agenda_id FROM vacancy WHERE due_at <= now()');
    await waiting.sql('INSERT INTO waiting_wish SELECT organization_id, $1, id FROM agenda', [
      await waiting.enter(ANNE, { agendaIds: [] }),
    ]);
    expect(await told()).toEqual([]);
    await waiting.sql(change);
    expect(await told()).toEqual([{ agenda_id: waiting.practice.agenda }]);
  });

  test.each([
    ['a closure that is removed', 'DELETE FROM closure'],
    [
      'a closure that ends earlier',
      `UPDATE closure SET during = tstzrange(lower(during), lower(during) + interval '1 minute')`,
    ],
  ])('%s', async (_, change) => {
    await waiting.openAt([NINE + 4 * HALF, NINE + 5 * HALF]);
    await waiting.sql(
      `INSERT INTO closure (organization_id, id, agenda_id, during, label) SELECT organization_id, gen_random_uuid(), id, tstzrange(to_timestamp($1::numeric / 1000), to_timestamp($2::numeric / 1000)), '' FROM agenda`,
      [NINE, NINE + 6 * HALF],
    );
    await waiting.enter(ANNE);
    await waiting.work();
    expect(await waiting.shown()).toEqual([]);
    await waiting.sql(change);
    await waiting.work();
    expect(await waiting.shown()).toMatchObject([{ start: NINE + 4 * HALF }]);
  });

  test('a reserve that time releases: found by a look that nothing announced', async () => {
    await waiting.openAt([NINE, NINE + HALF], [NINE + 4 * HALF, NINE + 5 * HALF]);
    const kept = await waiting.sql<{ id: string }>(
      `INSERT INTO reserve (organization_id, id, agenda_id, label, rrule, starts_local, duration_minutes, time_zone, kept_for, release)
       SELECT organization_id, gen_random_uuid(), id, '', 'FREQ=DAILY', '2026-01-05T11:00', 60, 'Europe/Paris', '{"priorities":["urgent"],"audiences":[],"motifIds":[]}', '[{"kind":"before","minutes":60}]' FROM agenda RETURNING id`,
    );
    await waiting.sql(
      `INSERT INTO reserve_occurrence (organization_id, reserve_id, during, agenda_id) SELECT organization_id, id, tstzrange(to_timestamp($1::numeric / 1000), to_timestamp($2::numeric / 1000)), agenda_id FROM reserve`,
      [NINE + 4 * HALF, NINE + 5 * HALF],
    );
    await waiting.enter(ANNE);
    await waiting.work();
    expect(await waiting.shown()).toEqual([]);
    const [later] = await waiting.sql<{ soon: boolean }>(
      `SELECT due_at > now() AND due_at < now() + interval '15 minutes' AS soon FROM vacancy`,
    );
    expect(later).toEqual({ soon: true });
    // As though time went on: released, without a word of it.
    await waiting.sql(`UPDATE reserve SET release = '[{"kind":"before","minutes":100000}]' WHERE id = $1`, [
      kept[0]?.id,
    ]);
    await waiting.sql(`DELETE FROM vacancy WHERE due_at <= now()`);
    await waiting.sql(`UPDATE vacancy SET due_at = now()`);
    await waiting.work();
    expect(await waiting.shown()).toMatchObject([{ start: NINE + 4 * HALF }]);
  });

  test('a hold that somebody gives back, and an appointment that moves away', async () => {
    await waiting.openAt([NINE, NINE + HALF], [NINE + 4 * HALF, NINE + 5 * HALF]);
    const { organization: organizationId } = waiting.practice;
    await waiting.enter(ANNE, { deadline: NINE + HALF });
    await waiting.work();
    const request = { organizationId, id: taken, actor: waiting.actor, waitMs: 1_000, version: 1, motifId: null };
    const moved = await hub.booking.move({ ...request, start: NINE + 4 * HALF });
    expect(moved).toMatchObject({ outcome: 'booked' });
    await waiting.work();
    const [offer] = await waiting.shown();
    expect(offer).toMatchObject({ start: NINE });
    // The hold given back by hand is no refusal: it may be offered again.
    await hub.booking.release({ organizationId, id: offer!.id }, waiting.actor);
    await waiting.work();
    expect(await waiting.shown('withdrawn')).toMatchObject([{ id: offer!.id }]);
    expect(await waiting.shown()).toMatchObject([{ start: NINE, entryId: offer!.entryId }]);
  });
});

describe('the patient who is booked otherwise', () => {
  test('waits no longer, and what was offered to him goes to the next', async () => {
    await waiting.openAt([NINE, NINE + HALF], [NINE + 4 * HALF, NINE + 5 * HALF]);
    const entry = await waiting.enter(ANNE, { priority: 'urgent', deadline: NINE + HALF });
    await waiting.enter(PAUL, { deadline: NINE + HALF });
    await waiting.cancel(taken);
    await waiting.work();
    expect(await names()).toEqual(['Anne']);
    const booked = await waiting.book(NINE + 4 * HALF, { ...ANNE, lastName: 'LEFEVRE', phone: '+33612345678' });
    expect(await waiting.entry(entry)).toMatchObject({ state: 'booked', appointmentId: booked });
    await waiting.work();
    expect([await names(), await names('withdrawn')]).toEqual([['Paul'], ['Anne']]);
  });

  test('is not taken for another without a date of birth', async () => {
    await waiting.openAt([NINE, NINE + HALF], [NINE + 4 * HALF, NINE + 5 * HALF]);
    const nameless = { lastName: 'Lefèvre', firstName: 'Anne' };
    const entry = await waiting.enter(nameless, { deadline: NINE + HALF });
    await waiting.book(NINE + 4 * HALF, nameless);
    expect(await waiting.entry(entry)).toMatchObject({ state: 'waiting' });
  });

  test.each([
    ['', ANNE],
    [', also without a date of birth', { lastName: 'Lefèvre', firstName: 'Anne' }],
  ])('a hold that was offered and booked for somebody else leaves its entry waiting%s', async (_, patient) => {
    const entry = await waiting.enter(patient);
    await waiting.cancel(taken);
    await waiting.work();
    const [offer] = await waiting.shown();
    const { organization: organizationId } = waiting.practice;
    const request = { organizationId, actor: waiting.actor, waitMs: 1_000, key: null, holdId: offer!.id };
    const other = { lastName: 'Durand', firstName: 'Paul', ...(patient.birthDate && { birthDate: PAUL.birthDate }) };
    expect(await hub.booking.bookHold({ ...request, patient: other })).toMatchObject({ outcome: 'booked' });
    expect(await waiting.entry(entry)).toMatchObject({ state: 'waiting' });
    expect(await names('withdrawn')).toEqual(['Anne']);
  });
});

describe('an entry', () => {
  test('without a date of birth is booked by its offer', async () => {
    const entry = await waiting.enter({ lastName: 'Lefèvre', firstName: 'Anne' });
    await waiting.cancel(taken);
    await waiting.work();
    const [offer] = await waiting.shown();
    expect(await waiting.accept(offer!.id)).toMatchObject({ outcome: 'booked' });
    expect(await waiting.entry(entry)).toMatchObject({ state: 'booked', appointmentId: offer!.id });
  });

  test('lapses after its last day', async () => {
    const yesterday = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
    const entry = await waiting.enter(ANNE, { availability: { weekdays: [], parts: [], from: null, to: yesterday } });
    await waiting.work();
    expect(await waiting.entry(entry)).toMatchObject({ state: 'lapsed', patient: ANNE });
  });

  test('lapses at its deadline, and is forgotten with its patient when it is withdrawn', async () => {
    const { organization: organizationId } = waiting.practice;
    const late = await waiting.enter(ANNE, { deadline: Date.now() - MINUTE });
    const gone = await waiting.enter(PAUL, { deadline: NINE + HALF });
    await waiting.cancel(taken);
    await waiting.work();
    expect(await waiting.entry(late)).toMatchObject({ state: 'lapsed' });
    expect(await names()).toEqual(['Paul']);
    const { version } = await waiting.entry(gone);
    const withdrawal = { organizationId, id: gone, version, actor: waiting.actor };
    expect(await waiting.entries.withdraw({ ...withdrawal, version: version + 1 })).toBe('stale');
    expect(await waiting.entries.withdraw(withdrawal)).toBe('withdrawn');
    expect(await waiting.entries.withdraw(withdrawal)).toBe('withdrawn');
    expect(await waiting.entry(gone)).toMatchObject({ state: 'withdrawn', patient: null });
    await waiting.work();
    expect(await waiting.sql(`SELECT 1 FROM appointment WHERE status = 'held'`)).toEqual([]);
    expect(await waiting.sql('SELECT 1 FROM vacancy')).toEqual([]);
  });

  test('leaves nothing of its patient in events, and nothing readable in rows', async () => {
    await waiting.enter(ANNE);
    await waiting.cancel(taken);
    await waiting.work();
    const tables = ['event', 'waiting_entry', 'waiting_offer', 'vacancy'];
    const rows = await Promise.all(tables.map((table) => waiting.sql(`SELECT to_jsonb(t) AS row FROM ${table} t`)));
    const text = JSON.stringify(rows);
    expect(text).toContain('"waiting-offer"');
    for (const word of ['Lefèvre', 'LEFEVRE', 'Anne', '1980-05-31']) expect(text).not.toContain(word);
  });
});
