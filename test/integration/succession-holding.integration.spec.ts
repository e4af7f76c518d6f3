import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId, type Actor, type BookingAnswer, type Patient, type RelinkOutcome } from '#application';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { controlOf, type Control, type Dumped } from '../contract/simulator-target.js';
import { linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, overlaps, query, type Practice } from '../support/practice.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const TEN = Math.floor(Date.now() / DAY) * DAY + 10 * DAY + 10 * HOUR;
const FORMER = { login: 'hub', password: 'mot-de-passe-de-test' };
const LATER = { clientId: 'hub-client', clientSecret: 'hub-client-secret' };
const THERE = 'practice-20/practitioner-40';
const patient = (lastName: string): Patient => ({ lastName, firstName: 'Zoé', phone: '+33600000001' });

let database: TestDatabase;
let pool: pg.Pool;
let hub: TestHub;
let practice: Practice;
let legacy: Control;
let successor: Control;
let origin: string;
const vendors = createMockVendors();

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool(database.appUrl);
  hub = await openHub({ url: database.appUrl });
  origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
  [legacy, successor] = [controlOf(origin, 'mon-docteur'), controlOf(origin, 'doctolib')];
  practice = await createPractice(pool);
  await hub.housekeeping.extendOpenings(practice.organization, practice.agenda);
  await legacy('POST', 'seed', { accounts: [FORMER], agendas: [{ id: 71, name: 'Dr Martin', zone: 'UTC' }] });
  await successor('POST', 'seed', {
    profile: { id: 10, slug: 'cabinet', name: 'Cabinet' },
    clients: [{ id: LATER.clientId, secret: LATER.clientSecret }],
    practices: [
      {
        ...{ id: 20, name: 'Cabinet', zone: 'UTC' },
        opening_hours: [0, 1, 2, 3, 4, 5, 6].map((day) => ({ day, ranges: [['06:00', '20:00']] })),
      },
    ],
    motives: [{ id: 30, name: 'Suivi', minutes: 30 }],
    agendas: [{ key: 'dr-martin', id: 51, name: 'Dr Martin', practice_id: 20, practitioner_id: 40, motives: [30] }],
  });
});

afterAll(async () => {
  await hub.close();
  await vendors.close();
  await pool.end();
  await database.drop();
});

const actor = (): Extract<Actor, { kind: 'collaborator' }> => ({
  kind: 'collaborator',
  id: practice.collaborator,
  key: newId(),
});

async function book(start: number, lastName: string): Promise<BookingAnswer> {
  const { organization: organizationId, agenda: agendaId, motif: motifId } = practice;
  const request = { organizationId, id: newId(), agendaId, motifId, start, patient: patient(lastName) };
  return hub.booking.book({ ...request, actor: actor(), key: null, waitMs: 8_000 });
}

async function booked(start: number, lastName: string): Promise<string> {
  const answer = await book(start, lastName);
  if (answer.outcome !== 'booked' || answer.record.status !== 'confirmed') throw new Error(JSON.stringify(answer));
  return answer.record.id;
}

const run = (): ReturnType<TestHub['lanes']['run']> =>
  hub.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync: 'full' });
const status = async (id: string): Promise<string | undefined> =>
  (await hub.bookings.get({ organizationId: practice.organization, id }))?.status;

async function there(): Promise<number[]> {
  const { entries } = (await successor('GET', 'dump')) as { entries: Dumped[] };
  const living = entries.filter(({ deleted }) => !deleted);
  return living.map(({ start }) => (start - TEN) / HOUR).sort((a, b) => a - b);
}

it('an agenda that went to a vendor who holds before he confirms is taken up again, booked and cancelled there', async () => {
  const settings = { baseUrl: `${origin}/mon-docteur/ws`, timeZone: 'UTC' };
  const account = { connectorId: 'mon-docteur', settings, secrets: FORMER, remoteAgendaId: '71' };
  const id = await linkAgenda(hub, practice, account);
  const organizationId = practice.organization;
  const [first, second, third] = [
    await booked(TEN, 'Premier'),
    await booked(TEN + HOUR, 'Deuxième'),
    await booked(TEN + 2 * HOUR, 'Troisième'),
  ];
  const his = { start: TEN + 4 * HOUR, end: TEN + 5 * HOUR, title: 'Privé' };
  await legacy('POST', 'edit', { action: 'create', agendaId: '71', entry: his });
  const where = { agendaId: 71, successor: { system: 'Doctolib', agenda: THERE } };
  const { entries } = (await legacy('POST', 'migrate', where)) as { entries: Dumped[] };
  // As one vendor carries agendas to another: times and titles, and nothing of what partners noted.
  for (const { start, end, title } of entries)
    await successor('POST', 'edit', { action: 'create', agendaId: 'dr-martin', entry: { start, end, title } });
  expect(await run()).toBe('unreachable');
  expect(await hub.links.health(organizationId, id)).toMatchObject({
    ...{ status: 'moved', light: 'red' },
    successor: { connectorId: 'doctolib', agendaId: THERE },
  });

  const made = await hub.connections.create({
    ...{ organizationId, id: newId(), actor: actor(), connectorId: 'doctolib', label: 'Nouvel éditeur' },
    settings: { baseUrl: `${origin}/doctolib`, profile: 'cabinet', motif: '30' },
    secrets: LATER,
  });
  if (made.outcome !== 'created') throw new Error(JSON.stringify(made));
  const relink = (approved: number | null): Promise<RelinkOutcome> =>
    hub.succession.relink({ organizationId, id }, { connectionId: made.connection.id, approved, actor: actor() });
  const seen = await relink(null);
  if (seen.outcome !== 'rehearsed') throw new Error(JSON.stringify(seen));
  const takenUp = { adopted: 3, byTime: 3, movedThere: 0, toWrite: 0, foreign: 1 };
  expect(await relink(seen.version)).toMatchObject({ outcome: 'relinked', takenUp });

  expect(await run()).toBe('done');
  expect(await run()).toBe('done');
  expect(await hub.links.health(organizationId, id)).toMatchObject({
    status: 'active',
    phase: 'live',
    successor: null,
  });
  expect(await Promise.all([first, second, third].map(status))).toEqual(['confirmed', 'confirmed', 'confirmed']);
  expect(await there()).toEqual([0, 1, 2, 4]);
  expect(await book(TEN + 4 * HOUR, 'Quatrième')).toMatchObject({ outcome: 'refused' });
  await booked(TEN + 6 * HOUR, 'Cinquième');

  const { version } = (await hub.bookings.get({ organizationId, id: second }))!;
  const moving = { organizationId, id: second, start: TEN + 3 * HOUR, motifId: null, version, key: null };
  await hub.booking.move({ ...moving, actor: actor(), waitMs: 8_000 });
  const reason = { code: 'CANCELLED', cause: 'patient' } as const;
  const cancelling = { organizationId, id: third, version: null, reason, key: null };
  await hub.booking.cancel({ ...cancelling, actor: actor(), waitMs: 8_000 });
  expect(await Promise.all([first, second, third].map(status))).toEqual(['confirmed', 'confirmed', 'cancelled']);
  expect(await there()).toEqual([0, 3, 4, 6]);
  expect(await overlaps(pool, practice)).toBe(0);
  const told = await query(pool, practice, `SELECT type FROM event WHERE subject_id = $1 ORDER BY id`, [id]);
  const types = told.map(({ type }) => type as string);
  expect(types).toEqual(expect.arrayContaining(['link-created', 'link-moved', 'link-relinked', 'link-live']));
  expect(types.indexOf('link-created')).toBeLessThan(types.indexOf('link-relinked'));
});
