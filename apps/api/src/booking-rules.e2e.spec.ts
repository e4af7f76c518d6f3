import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { at, twins, type Practice } from '../../../test/support/practice.js';
import { Simulator, TestApi, faultPaths, type Answer, type Client } from './api.suite.js';
import { addAgenda, claimsOn, eventTypes, linkToSimulator, setRules, soon, sync } from './desk.suite.js';

const anne = { lastName: 'Lefèvre', firstName: 'Anne', birthDate: '1980-05-31' };
const paul = { lastName: 'Petit', firstName: 'Paul', birthDate: '1975-01-02' };

let api: TestApi;
let practice: Practice;
let ask: Client;

beforeAll(async () => {
  api = await TestApi.start({ VENDOR_TIMEOUT_MS: '800' });
});
afterAll(() => api.stop());
beforeEach(async () => {
  practice = await api.practice();
  ask = await api.client(practice);
});

const book = (start: string, more: object = {}): Promise<Answer> =>
  ask('POST', '/v1/appointments', {
    body: { agenda: practice.agenda, motif: practice.motif, start, patient: anne, acknowledgeDouble: true, ...more },
  });
const hold = (start: string, more: object = {}): Promise<Answer> =>
  ask('POST', '/v1/holds', { body: { agenda: practice.agenda, motif: practice.motif, start, ...more } });
const change = (booked: Answer, body: object, version = 1): Promise<Answer> =>
  ask('PATCH', booked.json.links.self as string, {
    body,
    headers: { 'if-match': `"${String(version)}"`, prefer: 'wait=5' },
  });
const cancel = (booked: Answer): Promise<Answer> =>
  ask('POST', `${booked.json.links.self as string}/cancel`, { body: { reason: 'x' }, headers: { prefer: 'wait=5' } });
const statuses = (answers: readonly Answer[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

describe('equipment', () => {
  test('is claimed with the visit and its buffers, moves along, and is freed with it', async () => {
    const laser = await addAgenda(api, practice);
    await setRules(api, practice, { equipment: [laser], bufferAfterMinutes: 15 });
    const booked = await book(at('09:00'));
    expect(booked.status).toBe(201);
    expect(await claimsOn(api, practice, laser)).toEqual([{ claim: '09:00-09:45' }]);
    expect((await change(booked, { start: at('11:00') })).status).toBe(200);
    expect(await claimsOn(api, practice, laser)).toEqual([{ claim: '11:00-11:45' }]);
    expect((await cancel(booked)).status).toBe(200);
    expect(await claimsOn(api, practice, laser)).toEqual([]);
    const held = await hold(at('09:00'));
    expect(await claimsOn(api, practice, laser)).toEqual([{ claim: '09:00-09:45' }]);
    expect((await ask('DELETE', `/v1/holds/${held.json.id as string}`)).status).toBe(204);
    expect(await claimsOn(api, practice, laser)).toEqual([]);
  });

  test('of several practitioners: bookings of the last laser at once give one 201, the others 409 RESOURCE', async () => {
    const laser = await addAgenda(api, practice);
    const other = await addAgenda(api, practice, { name: 'Dr Blanc', offers: true });
    await setRules(api, practice, { equipment: [laser] });
    await setRules(api, practice, { equipment: [laser] }, other);
    for (const hour of ['09:00', '10:00', '11:00']) {
      const answers = await twins(6, (n) => book(at(hour), { agenda: n % 2 === 0 ? practice.agenda : other }));
      expect(statuses(answers)).toEqual({ 201: 1, 409: 5 });
    }
    expect(await claimsOn(api, practice, laser)).toHaveLength(3);
    expect((await book(at('09:00'), { agenda: other })).json).toMatchObject({
      status: 409,
      reasons: expect.arrayContaining([expect.objectContaining({ code: 'RESOURCE' })]),
    });
  });

  test('goes over when the visit is reassigned to a colleague who uses the same', async () => {
    const laser = await addAgenda(api, practice);
    const other = await addAgenda(api, practice, { name: 'Dr Blanc', offers: true });
    await setRules(api, practice, { equipment: [laser] });
    await setRules(api, practice, { equipment: [laser] }, other);
    const booked = await book(at('09:00'));
    const there = await change(booked, { agenda: other });
    expect([there.status, there.json.agenda]).toEqual([200, other]);
    expect(await claimsOn(api, practice, laser)).toEqual([{ claim: '09:00-09:30' }]);
    expect((await ask('GET', booked.json.links.self as string)).json.status).toBe('cancelled');
  });

  test("follows the practitioner's own move; where it is not free there, an event says so", async () => {
    const simulator = await Simulator.start();
    try {
      const link = await linkToSimulator(api, practice, simulator);
      const laser = await addAgenda(api, practice);
      await setRules(api, practice, { equipment: [laser] });
      const booked = await book(soon('09:00'));
      expect([booked.status, await claimsOn(api, practice, laser)]).toEqual([201, [{ claim: '09:00-09:30' }]]);
      const [entry] = await simulator.entries();
      const moveTo = async (time: string): Promise<void> => {
        const start = Date.parse(soon(time));
        const target = { id: entry?.id, agendaId: Simulator.agendaId };
        await simulator.control('edit', { action: 'move', ...target, start, end: start + 1_800_000 });
        await sync(ask, link);
      };
      await moveTo('10:00');
      expect(await claimsOn(api, practice, laser)).toEqual([{ claim: '10:00-10:30' }]);
      await api.sql(practice, 'UPDATE agenda SET active = false WHERE id = $1', [laser]);
      await moveTo('11:00');
      expect(await claimsOn(api, practice, laser)).toEqual([]);
      expect(await eventTypes(api, practice, booked.json.id as string)).toContain('appointment-equipment-missing');
    } finally {
      await simulator.stop();
    }
  });
});

describe('the patient', () => {
  test('a new one has a longer visit: at the hold, and at the booking of a hold that did not know it', async () => {
    await setRules(api, practice, { newPatientDurationMinutes: 60 });
    const known = await hold(at('09:00'));
    const unknown = await hold(at('11:00'), { newPatient: true });
    const ends = (answer: Answer): string => new Date(answer.json.end as string).toISOString().slice(11, 16);
    expect([ends(known), ends(unknown)]).toEqual(['09:30', '12:00']);
    const patient = { ...anne, newPatient: true };
    const longer = await ask('POST', '/v1/appointments', { body: { hold: known.json.id, patient } });
    expect([longer.status, ends(longer)]).toEqual([201, '10:00']);
    const kept = { hold: unknown.json.id, patient: { ...paul, newPatient: false } };
    const shorter = await ask('POST', '/v1/appointments', { body: kept });
    expect([shorter.status, ends(shorter)]).toEqual([201, '11:30']);
    const tight = await hold(at('10:30'));
    const refused = await ask('POST', '/v1/appointments', {
      body: { hold: tight.json.id, patient, acknowledgeDouble: true },
    });
    expect([refused.status, refused.json.code]).toEqual([409, 'BUSY']);
    expect((await ask('GET', tight.json.links.self as string)).json.status).toBe('held');
  });

  test('required questions are answered first: 422 with their paths', async () => {
    const questions = [
      { id: 'referral', required: true, fr: 'Adressé par ?', en: 'Referred by?' },
      { id: 'side', required: false, fr: 'Quel côté ?', en: 'Which side?' },
      { id: 'vitale', required: true, fr: 'Carte Vitale ?', en: 'Health card?' },
    ];
    await setRules(api, practice, { questions });
    const none = await book(at('09:00'));
    expect([none.status, none.json.type, faultPaths(none)]).toEqual([
      422,
      'https://unisson.example/problems/answers-required',
      ['body.answers.referral', 'body.answers.vitale'],
    ]);
    const held = await hold(at('09:00'));
    expect(held.status).toBe(201);
    const answers = { referral: 'Dr Roux', vitale: 'oui' };
    const some = { hold: held.json.id, patient: anne, answers: { referral: 'Dr Roux' } };
    expect(faultPaths(await ask('POST', '/v1/appointments', { body: some }))).toEqual(['body.answers.vitale']);
    const booked = await ask('POST', '/v1/appointments', { body: { ...some, answers } });
    expect([booked.status, booked.json.patient.answers]).toEqual([201, answers]);
    expect(await change(booked, { start: at('10:00') }, booked.json.version as number)).toMatchObject({ status: 200 });
  });

  test.each([
    ['the same motif, another day', at('09:00', 3)],
    ['the same day', at('15:00')],
  ])('has such an appointment already (%s): 409 with it, and 201 when that is meant', async (_, start) => {
    const first = await book(at('09:00'));
    const given = { acknowledgeDouble: false, patient: { ...anne, firstName: 'ANNE', lastName: 'Lefevre' } };
    const warned = await book(start, given);
    expect([warned.status, warned.json.type]).toEqual([409, 'https://unisson.example/problems/patient-double']);
    expect(warned.json.doubles).toEqual([expect.objectContaining({ id: first.json.id, agenda: practice.agenda })]);
    expect(warned.text).not.toMatch(/Lef/);
    expect((await book(at('10:00'), { acknowledgeDouble: false, patient: paul })).status).toBe(201);
    const held = await hold(start);
    const fromHold = { hold: held.json.id, ...given };
    expect((await ask('POST', '/v1/appointments', { body: fromHold })).status).toBe(409);
    const meant = await ask('POST', '/v1/appointments', { body: { ...fromHold, acknowledgeDouble: true } });
    expect(meant.status).toBe(201);
    expect((await cancel(first)).status).toBe(200);
  });

  test('another day, another motif: no warning', async () => {
    await book(at('09:00'));
    const [motif] = (await api.sql(
      practice,
      `INSERT INTO motif (organization_id, id, label_fr, label_en, duration_minutes) VALUES ($1, gen_random_uuid(), 'Vaccin', 'Vaccine', 15) RETURNING id`,
      [practice.organization],
    )) as { id: string }[];
    await api.sql(practice, 'INSERT INTO agenda_motif (organization_id, agenda_id, motif_id) VALUES ($1, $2, $3)', [
      practice.organization,
      practice.agenda,
      motif!.id,
    ]);
    const other = { motif: motif!.id, acknowledgeDouble: false };
    expect((await book(at('15:00', 1), other)).status).toBe(201);
    expect((await book(at('15:00'), other)).status).toBe(409);
  });
});

describe('quotas', () => {
  test('20 requests at once, 3 a day: exactly 3', async () => {
    await setRules(api, practice, { quotas: [{ per: 'day', max: 3 }] });
    const time = (n: number): string =>
      `${String(7 + Math.floor(n / 2)).padStart(2, '0')}:${n % 2 === 0 ? '00' : '30'}`;
    const answers = await twins(20, (n) => (n % 3 === 0 ? hold(at(time(n))) : book(at(time(n)))));
    expect(statuses(answers)).toEqual({ 201: 3, 422: 17 });
    for (const { json, status } of answers) if (status === 422) expect(json.code).toBe('QUOTA_REACHED');
    expect(await claimsOn(api, practice, practice.agenda)).toHaveLength(3);
    expect((await book(at('09:00', 1))).status).toBe(201);
  });
});
