import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type pg from 'pg';
import { newId } from '#application';
import { Random } from '../simulation/random.js';
import { openHub, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { at, createPractice, openPool } from '../support/practice.js';
import { RandomBookings } from '../support/random-bookings.js';
import { createRandomPractice } from '../support/random-practice.js';

const PRACTICES = 18;
const STEPS = 22;

let database: TestDatabase;
let hub: TestHub;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  hub = await openHub({ url: database.appUrl });
  pool = openPool(database.appUrl, 1);
});

afterAll(async () => {
  await hub.close();
  await pool.end();
  await database.drop();
});

/** The same practices in every run, so that a red one says something of the change; another number tries others. */
const FIRST = 370_243;

test(`a booking succeeds exactly when nothing was said to speak against it (seeds from ${String(FIRST)})`, async () => {
  const faults: string[] = [];
  const told = { booked: 0, refused: 0, slots: 0, codes: new Set<string>() };
  for (let seed = FIRST; seed < FIRST + PRACTICES; seed++) {
    const random = new Random(seed);
    const practice = await createRandomPractice(pool, random, Date.now());
    const bookings = new RandomBookings(hub, practice, random);
    for (let step = 0; step < STEPS; step++) await bookings.step();
    const kind = `${practice.ruled ? 'ruled' : 'plain'} ${practice.timeZone}`;
    faults.push(...bookings.faults.map((fault) => `seed ${String(seed)} (${kind}): ${fault}`));
    told.booked += bookings.told.booked;
    told.refused += bookings.told.refused;
    told.slots += bookings.told.slots;
    for (const code of bookings.told.codes) told.codes.add(code);
  }
  expect(faults).toEqual([]);
  expect(told.booked).toBeGreaterThan(PRACTICES);
  expect(told.refused).toBeGreaterThan(PRACTICES);
  expect(told.slots).toBeGreaterThan(PRACTICES);
  expect(told.codes.size).toBeGreaterThan(8);
}, 120_000);

test('of two seats one held and one booked: the same is said before and after', async () => {
  const {
    organization: organizationId,
    agenda: agendaId,
    motif: motifId,
    collaborator,
  } = await createPractice(pool, {
    capacity: 2,
  });
  const actor = { kind: 'collaborator' as const, id: collaborator, key: newId() };
  const place = { organizationId, agendaId, motifId, start: Date.parse(at('10:00')) };
  const request = { ...place, actor, waitMs: 0, key: null };
  const patient = { lastName: 'Durand', firstName: 'Alba' };
  expect((await hub.booking.book({ ...request, id: newId(), patient })).status).toBe(201);
  expect((await hub.booking.hold({ ...request, id: newId(), holdSeconds: 300 })).status).toBe(201);
  const said = await hub.search.explain({ ...place, asker: { audience: 'SECRETARIAT' } });
  expect(said?.objections).toEqual([{ code: 'HELD', heldBy: 'Claire' }]);
  const toPublic = await hub.search.explain({ ...place, asker: { audience: 'PUBLIC' } });
  expect(toPublic?.objections).toEqual([{ code: 'HELD' }]);
  const refused = await hub.booking.book({ ...request, id: newId(), patient });
  expect(refused).toMatchObject({ status: 409, problem: 'taken', code: 'HELD' });
});
