import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { newId, Patients, type Actor, type Patient } from '#application';
import { PgPatients, PgRegisters } from '#persistence';
import { InHouseHub, ownTime } from '../support/in-house-hub.js';
import { testVault } from '../support/test-vault.js';

const zoe: Patient = { lastName: 'Durand', firstName: 'Zoé', birthDate: '1980-05-31', phone: '0612345678' };
const { start } = ownTime(4);
const HALF = 1_800_000;

let at: InHouseHub;
let patients: Patients;
let actor: Extract<Actor, { kind: 'collaborator' }>;

beforeAll(async () => {
  at = await InHouseHub.start();
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
