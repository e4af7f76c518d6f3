import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { at, twins, type Practice } from '../../../test/support/practice.js';
import { Simulator, TestApi, faultPaths, type Answer, type Client } from './api.suite.js';
import { addAgenda, claimsOn, linkToSimulator, setRules, soon } from './desk.suite.js';

const patient = { lastName: 'Lefèvre', firstName: 'Anne' };

let api: TestApi;
let practice: Practice;
let agendas: string[];
let ask: Client;

beforeAll(async () => {
  api = await TestApi.start({ VENDOR_TIMEOUT_MS: '800' });
});
afterAll(() => api.stop());
beforeEach(async () => {
  practice = await api.practice();
  ask = await api.client(practice);
  const names = ['Dr Blanc', 'Dr Noir'];
  agendas = [practice.agenda];
  for (const name of names) agendas.push(await addAgenda(api, practice, { name, offers: true }));
});

const book = (start: string, more: object = {}, headers: Record<string, string> = {}): Promise<Answer> =>
  ask('POST', '/v1/appointments', { body: { agendas, motif: practice.motif, start, patient, ...more }, headers });
const having = (answers: readonly Answer[], status: number): Answer[] => answers.filter((one) => one.status === status);
const agendaOf = ({ json }: Answer): string => json.agenda as string;

describe('any one of several practitioners', () => {
  test('complaint 4: 8 at once for any of 3 where 2 are free: 2 booked with different practitioners, 6 told what else is free', async () => {
    const [busy, ...free] = agendas as [string, string, string];
    expect((await book(at('09:00'), { agendas: undefined, agenda: busy })).status).toBe(201);
    const answers = await twins(8, () => book(at('09:00')));
    const booked = having(answers, 201);
    const refused = having(answers, 409);
    expect([booked.length, refused.length]).toEqual([2, 6]);
    expect(booked.map(agendaOf).sort()).toEqual([...free].sort());
    for (const { json } of refused) {
      expect(json).toMatchObject({ type: 'https://unisson.example/problems/slot-taken', code: 'BUSY' });
      expect(new Set(json.alternatives.map((slot: { agenda: string }) => slot.agenda))).toEqual(new Set(agendas));
    }
    for (const agenda of agendas) expect(await claimsOn(api, practice, agenda)).toEqual([{ claim: '09:00-09:30' }]);
  });

  test('is fair: whoever has the fewest that day comes first', async () => {
    const answers: Answer[] = [];
    for (let n = 0; n < 9; n++) answers.push(await book(at(`${String(8 + n).padStart(2, '0')}:00`)));
    const counts = agendas.map((agenda) => answers.filter((one) => agendaOf(one) === agenda).length);
    expect(counts).toEqual([3, 3, 3]);
  });

  test('20 twins with one key: one appointment, one answer', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const answers = await twins(20, () => book(at('09:00'), {}, headers));
    expect(new Set(answers.map(({ status, text }) => `${String(status)} ${text}`)).size).toBe(1);
    const claims = await Promise.all(agendas.map((agenda) => claimsOn(api, practice, agenda)));
    expect([answers[0]?.status, claims.flat()]).toEqual([201, [{ claim: '09:00-09:30' }]]);
    await book(at('09:00'));
    await book(at('09:00'));
    const late = { 'idempotency-key': randomUUID() };
    const [none, again] = [await book(at('09:00'), {}, late), await book(at('09:00'), {}, late)];
    expect([none.status, again.status, again.json.alternatives]).toEqual([409, 409, none.json.alternatives]);
  });

  test('a rule that only some of them have leads to the others', async () => {
    const [first, second, third] = agendas as [string, string, string];
    await setRules(api, practice, { newPatients: 'refused' }, first);
    await setRules(api, practice, { newPatients: 'refused' }, second);
    const newcomer = { patient: { ...patient, newPatient: true } };
    expect(agendaOf(await book(at('09:00'), newcomer))).toBe(third);
    const none = await book(at('10:00'), { ...newcomer, agendas: [first, second] });
    expect([none.status, none.json.code]).toEqual([422, 'NEW_PATIENT']);
  });

  test('is asked for with 2 to 20 agendas, instead of one', async () => {
    expect((await book(at('09:00'), { agendas: [practice.agenda] })).status).toBe(400);
    expect(faultPaths(await book(at('09:00'), { agenda: practice.agenda }))).toEqual(['body.agendas']);
    expect((await book(at('09:00'), { agendas: [randomUUID(), randomUUID()] })).status).toBe(404);
    expect((await book(at('09:00'), { agendas: [randomUUID(), practice.agenda] })).status).toBe(201);
  });

  describe('one of them with an agenda of his own', () => {
    let simulator: Simulator;
    let other: string;
    beforeEach(async () => {
      simulator = await Simulator.start();
      await linkToSimulator(api, practice, simulator);
      await api.sql(practice, 'UPDATE agenda SET stale_after_seconds = 3600 WHERE id = $1', [practice.agenda]);
      other = agendas[1]!;
      await api.sql(
        practice,
        'INSERT INTO opening_occurrence (organization_id, opening_id, during, agenda_id) SELECT organization_id, id, tstzrange($1, $2), agenda_id FROM opening WHERE agenda_id = $3',
        [soon('06:00'), soon('18:00'), other],
      );
      // The other one has a visit already: the linked one comes first.
      await book(soon('15:00'), { agendas: undefined, agenda: other });
    });
    afterEach(() => simulator.stop());

    const both = (headers: Record<string, string>): Promise<Answer> =>
      book(soon('09:00'), { agendas: [practice.agenda, other] }, headers);
    /** He took the hour in his own tool, and the hub has not read it yet. */
    const taken = async (): Promise<void> => {
      const start = Date.parse(soon('09:00'));
      const entry = { start, end: start + 1_800_000, title: 'Réunion' };
      await simulator.control('edit', { action: 'create', agendaId: Simulator.agendaId, entry });
    };
    const follow = async (placed: Answer): Promise<string | undefined> => {
      const ref = { organizationId: practice.organization, id: placed.json.id as string };
      const record = await api.parts.bookings.get(ref);
      return record === null ? undefined : (await api.parts.desk.through.settled(ref, record, 5_000)).status;
    };

    test('refuses: leads to the next, and the key with it', async () => {
      await taken();
      const headers = { 'idempotency-key': randomUUID(), prefer: 'wait=5' };
      const booked = await both(headers);
      expect([booked.status, agendaOf(booked)]).toEqual([201, other]);
      expect((await both(headers)).json.id).toBe(booked.json.id);
    });

    test('refuses after the answer: whoever asks again is booked with the next, once', async () => {
      await taken();
      const key = randomUUID();
      const left = await both({ 'idempotency-key': key, prefer: 'wait=0' });
      expect([left.status, agendaOf(left), await follow(left)]).toEqual([202, practice.agenda, 'refused']);
      const answers = await twins(6, () => both({ 'idempotency-key': key, prefer: 'wait=5' }));
      expect(answers.map((one) => [one.status, one.json.agenda])).toEqual(answers.map(() => [201, other]));
      expect(new Set(answers.map(({ json }) => json.id as string)).size).toBe(1);
      expect(await claimsOn(api, practice, other)).toEqual([{ claim: '09:00-09:30' }, { claim: '15:00-15:30' }]);
    });

    test('was cancelled after the answer: the others are not tried, and the answer stays', async () => {
      const headers = { 'idempotency-key': randomUUID(), prefer: 'wait=0' };
      const left = await both(headers);
      expect(left.status).toBe(202);
      await ask('POST', `${left.json.links.self as string}/cancel`, {
        ...{ body: { reason: 'x' }, headers: { prefer: 'wait=5' } },
      });
      const [first, second] = [await both(headers), await both(headers)];
      expect([first.status, first.json.type]).toEqual([409, 'https://unisson.example/problems/slot-taken']);
      expect([second.status, second.json.alternatives]).toEqual([409, first.json.alternatives]);
      expect(await claimsOn(api, practice, other)).toEqual([{ claim: '15:00-15:30' }]);
    });
  });
});
