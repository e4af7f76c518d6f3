import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { newId, Patients, summaryDigest, type Actor, type Patient, type SyncStore } from '#application';
import { PgPatients, PgRegisters } from '#persistence';
import { InHouseHub, ownTime } from '../support/in-house-hub.js';
import { testVault } from '../support/test-vault.js';

const zoe: Patient = { lastName: 'Durand', firstName: 'Zoé', birthDate: '1980-05-31', phone: '0612345678' };
const { start } = ownTime(4);
const HALF = 1_800_000;

let at: InHouseHub;
let patients: Patients;
let actor: Extract<Actor, { kind: 'collaborator' }>;

/** True: digests are stored as they were before they were keyed. */
let unkeyed = false;
const formerly = (store: SyncStore): SyncStore => {
  const keyed = store.digested.bind(store);
  store.digested = async (link, changes) => {
    if (!unkeyed) return keyed(link, changes);
    return changes.map((change) => {
      if (change.kind !== 'upsert' || change.object.summary === null) return change;
      return { ...change, object: { ...change.object, summary: summaryDigest(change.object.summary) } };
    });
  };
  return store;
};

beforeAll(async () => {
  at = await InHouseHub.start({ around: { sync: formerly } });
  patients = new Patients(new PgPatients(at.hub.database, testVault(at.hub.database)));
});
afterAll(() => at.stop());
beforeEach(async () => {
  await at.link([], { disclosure: 'full' });
  await at.hub.housekeeping.extendOpenings(at.practice.organization, at.practice.agenda);
  actor = { kind: 'collaborator', id: at.practice.collaborator, key: newId() };
});

async function book(when: number, patient: Patient): Promise<string> {
  const { organization: organizationId, agenda: agendaId, motif: motifId } = at.practice;
  const terms = { audience: 'SECRETARIAT', acknowledged: true } as const;
  const request = {
    organizationId,
    agendaId,
    motifId,
    actor,
    key: null,
    waitMs: 5_000,
    id: newId(),
    start: when,
    patient,
    terms,
  };
  const answer = await at.hub.booking.book(request);
  expect(answer).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
  return request.id;
}

const titles = async (): Promise<string[]> =>
  (await at.entries()).sort((a, b) => a.start - b.start).map(({ title }) => title);
const seed = (id: string) => ({ kind: 'appointment', id }) as const;

it('an erasure reaches what the hub wrote into the practitioner’s agenda, and copies of the database', async () => {
  const [mine, his, renamed] = [
    await book(start, zoe),
    await book(start + HALF, { lastName: 'Petit', firstName: 'Paul' }),
    await book(start + 2 * HALF, { ...zoe, phone: undefined }),
  ];
  const { organization } = at.practice;
  const entry = (await at.entries()).find((one) => one.start === start + 2 * HALF);
  await at.edit({ action: 'retitle', id: entry?.id, title: 'Z. à rappeler' });
  await at.pull();
  const copy = await at.sql<{ sealed: Buffer }>('SELECT sealed FROM patient_identity WHERE appointment_id = $1', [
    mine,
  ]);
  expect(await titles()).toEqual(['DURAND Zoé – Consultation', 'PETIT Paul – Consultation', 'Z. à rappeler']);
  const erased = await patients.erase(organization, seed(mine), { force: true, actor });
  expect(erased).toMatchObject({
    outcome: 'erased',
    record: { appointments: 2, copies: { total: 2, due: 2, left: 0 } },
  });
  expect(await at.pull()).toBe('done');
  // What he wrote himself is his.
  expect(await titles()).toEqual(['Rendez-vous', 'PETIT Paul – Consultation', 'Z. à rappeler']);
  const id = erased.outcome === 'erased' ? erased.record.id : '';
  expect(await patients.erasure(organization, id)).toMatchObject({ copies: { total: 2, due: 0, left: 0 } });
  expect(await at.sql('SELECT rewriting FROM link')).toEqual([{ rewriting: false }]);
  // As a backup without keys would bring it back.
  await at.sql('INSERT INTO patient_identity (organization_id, appointment_id, sealed) VALUES ($1, $2, $3)', [
    organization,
    mine,
    copy[0]?.sealed,
  ]);
  const read = await at.hub.bookings.patients(organization, [mine, his, renamed]);
  expect([...read.keys()]).toEqual([his]);
});

it('what is put right is put right in the practitioner’s agenda', async () => {
  const id = await book(start, zoe);
  const change = { lastName: 'Durant' };
  expect(await patients.rectify(at.practice.organization, seed(id), { change, actor })).toBe(1);
  expect(await at.pull()).toBe('done');
  expect(await titles()).toEqual(['DURANT Zoé – Consultation']);
});

it('what lies unread in quarantine and names the patient goes with him', async () => {
  const id = await book(start, zoe);
  const vault = testVault(at.hub.database);
  for (const [remoteId, raw] of [
    ['a', 'SUMMARY:Durand zoé'],
    ['b', 'TEL:+33 6 12 34 56 78'],
    ['c', 'SUMMARY:Petit'],
  ] as const) {
    const place = { column: 'quarantine.raw_sealed', row: `${at.linkId}|${remoteId}` };
    const sealed = await vault.seal(at.practice.organization, place, Buffer.from(raw));
    await at.sql(
      `INSERT INTO quarantine (organization_id, link_id, remote_id, reason, raw_sealed) VALUES ($1, $2, $3, 'no start', $4)`,
      [at.practice.organization, at.linkId, remoteId, sealed],
    );
  }
  const erased = await patients.erase(at.practice.organization, seed(id), { force: true, actor });
  expect(erased).toMatchObject({ record: { quarantined: 2 } });
  expect(await at.sql('SELECT remote_id AS id FROM quarantine')).toEqual([{ id: 'c' }]);
});

it('the register and the report of a breach name what and how many, and nobody', async () => {
  const { organization, agenda } = at.practice;
  await book(start, zoe);
  await book(start + HALF, zoe);
  await book(start + 2 * HALF, { lastName: 'Petit', firstName: 'Paul' });
  const registers = new PgRegisters(at.hub.database, testVault(at.hub.database));
  const register = await registers.register(organization);
  expect(register).toMatchObject({
    organization: 'Cabinet',
    subjects: { patients: 2, waiting: 0 },
    recipients: [{ connector: 'in-house', agendas: 1, discloses: ['full'] }],
    retention: { identity: '30 jours après le rendez-vous' },
  });
  const period = { from: Date.now() - 3_600_000, to: Date.now() + 3_600_000, agendaId: agenda };
  const report = await registers.breach(organization, period);
  expect(report).toMatchObject({
    agendas: [{ id: agenda, practitioner: 'Dr Martin', appointments: 3 }],
    appointments: 3,
    subjects: { count: 2 },
  });
  expect(new Set(report?.subjects.pseudonyms).size).toBe(2);
  expect(await registers.breach(organization, { ...period, agendaId: newId() })).toMatchObject({ appointments: 0 });
  expect(await registers.breach(newId(), period)).toBeNull();
  for (const name of ['Durand', 'Zoé', 'Petit']) expect(JSON.stringify([register, report])).not.toContain(name);
});

it('one who is booked while his records are put right is put right there too', async () => {
  const first = await book(start, zoe);
  const { organization, agenda } = at.practice;
  const holder = new pg.Client({ connectionString: at.url });
  const waiting = async (sessions: number): Promise<void> => {
    const text = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    while ((await at.sql(text)).length < sessions) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await holder.connect();
  try {
    await holder.query('BEGIN');
    await holder.query(`SELECT set_config('app.organization', $1, true)`, [organization]);
    await holder.query('SELECT 1 FROM agenda WHERE id = $1 FOR UPDATE', [agenda]);
    const booking = book(start + HALF, zoe);
    await waiting(1);
    const change = { lastName: 'Durant', phone: '0687654321' };
    const rectified = patients.rectify(organization, seed(first), { change, actor });
    await waiting(2);
    await holder.query('COMMIT');
    const second = await booking;
    expect(await rectified).toBe(2);
    const read = await at.hub.bookings.patients(organization, [first, second]);
    expect([...read.values()]).toEqual([first, second].map(() => ({ ...zoe, ...change })));
    expect(await patients.find(organization, { phone: change.phone }, 10)).toHaveLength(2);
  } finally {
    await holder.end();
  }
});

it('what mirrors keep of texts and contents can be guessed by nobody, and what was kept otherwise is keyed: no write, no event', async () => {
  unkeyed = true;
  const own = await at.edit({
    action: 'create',
    entry: { start: start + 4 * HALF, end: start + 5 * HALF, title: 'Mme Petit' },
  });
  await at.pull();
  const mine = await book(start, zoe);
  unkeyed = false;
  const kept = (): Promise<{ id: string; content: string; summary: string | null }[]> =>
    at.sql('SELECT remote_id AS id, content_hash AS content, summary_hash AS summary FROM mirror ORDER BY remote_id');
  const state = async (): Promise<unknown> => ({
    there: await at.entries(),
    events: await at.sql('SELECT count(*)::int AS n FROM event'),
    writes: await at.sql('SELECT appointment_id, state, attempts FROM remote_write'),
  });
  const guessed = ['Mme Petit', 'DURAND Zoé – Consultation'].map((text) => summaryDigest(text));
  expect((await kept()).map(({ summary }) => summary).sort()).toEqual(guessed.sort());
  const [plain, before] = [await kept(), await state()];
  expect([await at.pull(), await at.pull('full'), await at.pull('full')]).toEqual(['done', 'done', 'done']);
  expect(await state()).toEqual(before);
  const keyed = await kept();
  const known = new Set([...guessed, ...plain.map(({ content }) => content)]);
  for (const { content, summary } of keyed)
    expect([content, summary].filter((one) => known.has(String(one)))).toEqual([]);
  expect(keyed).toHaveLength(2);
  // Read anew, they are the same; and what he retitles is told as before.
  await at.sql(`UPDATE mirror SET version = NULL`);
  await at.pull('full');
  expect(await kept()).toEqual(keyed);
  const copy = (await at.entries()).find(({ id }) => id !== own.id);
  await at.edit({ action: 'retitle', id: copy?.id, title: 'Z. à rappeler' });
  await at.pull();
  expect(
    await at.sql(`SELECT 1 FROM event WHERE type = 'appointment-retitled' AND subject_id = $1`, [mine]),
  ).toHaveLength(1);
  // What no read comes by is keyed by the daily round.
  await at.sql('UPDATE mirror SET content_hash = $1, summary_hash = $2', [plain[0]?.content, guessed[0]]);
  await patients.retain(at.practice.organization);
  for (const { content } of await kept()) expect(content).toBe(keyed[0]?.content);
});
