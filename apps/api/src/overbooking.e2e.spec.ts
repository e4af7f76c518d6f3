import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { SCOPES } from '#platform';
import { at, type Practice } from '../../../test/support/practice.js';
import { Simulator, TestApi, type Answer, type Client } from './api.suite.js';
import { addAgenda, claimsOn, close, eventTypes, linkToSimulator, setRules, soon, sync } from './desk.suite.js';

const patient = { lastName: 'Lefèvre', firstName: 'Anne' };
const overbook = { reason: 'Urgence, vu avec le médecin' };

let api: TestApi;
let practice: Practice;
let ask: Client;

beforeAll(async () => {
  api = await TestApi.start({ VENDOR_TIMEOUT_MS: '800' });
});
afterAll(() => api.stop());

const book = (start: string, more: object = {}, as = ask): Promise<Answer> =>
  as('POST', '/v1/appointments', { body: { agenda: practice.agenda, motif: practice.motif, start, patient, ...more } });
const move = (booked: Answer, body: object, version = 1): Promise<Answer> =>
  ask('PATCH', `/v1/appointments/${booked.json.id as string}`, {
    body,
    headers: { 'if-match': `"${String(version)}"`, prefer: 'wait=5' },
  });
const cancel = (booked: Answer): Promise<Answer> =>
  ask('POST', `/v1/appointments/${booked.json.id as string}/cancel`, {
    body: { reason: 'x' },
    headers: { prefer: 'wait=5' },
  });
const over = { overbooked: true, overbooking: overbook.reason };
const plain = { overbooked: false, overbooking: null };

describe('overbooking on an agenda mastered here', () => {
  beforeEach(async () => {
    practice = await api.practice();
    ask = await api.client(practice);
  });

  test('needs its right: 403, and nothing is booked', async () => {
    const without = await api.client(
      practice,
      SCOPES.filter((scope) => scope !== 'appointment:overbook'),
    );
    const answer = await book(at('09:00'), { overbook }, without);
    expect([answer.status, answer.json.type, answer.json.right]).toEqual([
      403,
      'https://unisson.example/problems/right-missing',
      'appointment:overbook',
    ]);
    const booked = await book(at('09:00'), {}, without);
    const path = `/v1/appointments/${booked.json.id as string}`;
    const moved = await without('PATCH', path, {
      body: { start: at('10:00'), overbook },
      headers: { 'if-match': '"1"' },
    });
    expect([booked.status, moved.status]).toEqual([201, 403]);
    expect(await claimsOn(api, practice, practice.agenda)).toEqual([{ claim: '09:00-09:30' }]);
  });

  test.each([
    ['without rules of its own', {}],
    ['with rules', { noticeMinutes: 5 }],
  ])('beside another, in an agenda %s: shown as such, with its reason and an event', async (_, rules) => {
    await setRules(api, practice, rules);
    const first = await book(at('09:00'));
    expect((await book(at('09:00'))).status).toBe(409);
    const second = await book(at('09:00'), { overbook });
    expect([second.status, second.json]).toEqual([201, expect.objectContaining(over)]);
    expect(first.json).toMatchObject(plain);
    expect((await ask('GET', second.json.links.self as string)).json).toMatchObject(over);
    expect(
      (await ask('GET', '/v1/appointments')).json.items.map((x: { overbooked: boolean }) => x.overbooked),
    ).toContain(true);
    expect(await eventTypes(api, practice, second.json.id as string)).toEqual([
      'appointment-confirmed',
      'appointment-overbooked',
    ]);
    expect(await eventTypes(api, practice, first.json.id as string)).toEqual(['appointment-confirmed']);
  });

  test.each([
    ['without rules of its own', {}],
    ['with rules', { noticeMinutes: 5 }],
  ])('outside the openings, in an agenda %s: it is one though the seat is free', async (_, rules) => {
    await setRules(api, practice, rules);
    await close(api, practice, at('08:00'), at('12:00'));
    expect((await book(at('09:00'))).json.code).toBe('CLOSED');
    const booked = await book(at('09:00'), { overbook });
    expect([booked.status, booked.json]).toEqual([201, expect.objectContaining(over)]);
    // Where nothing speaks against it, nobody is told of an overbooking.
    const free = await book(at('13:00'), { overbook });
    expect([free.status, free.json]).toEqual([201, expect.objectContaining(plain)]);
    expect(await eventTypes(api, practice, free.json.id as string)).toEqual(['appointment-confirmed']);
  });

  test('what it stands in is taken for everybody else, also when the other has gone', async () => {
    const first = await book(at('09:00'));
    const second = await book(at('09:15'), { overbook });
    expect((await cancel(first)).status).toBe(200);
    expect((await book(at('09:00'))).json.code).toBe('BUSY');
    expect((await book(at('09:30'))).json.code).toBe('BUSY');
    const from = encodeURIComponent(at('08:00'));
    const to = encodeURIComponent(at('10:00'));
    const found = await ask(
      'GET',
      `/v1/slots?agenda=${practice.agenda}&motif=${practice.motif}&from=${from}&to=${to}&limit=100`,
    );
    const starts = found.json.items.map(({ start }: { start: string }) => new Date(start).toISOString().slice(11, 16));
    expect(starts.filter((time: string) => time > '08:45' && time < '09:45')).toEqual([]);
    expect(starts).toContain('08:30');
    expect((await cancel(second)).json).toMatchObject({ status: 'cancelled', ...over });
    expect((await book(at('09:15'))).status).toBe(201);
  });

  test.each([
    ['without rules of its own', {}],
    ['with rules', { noticeMinutes: 5 }],
  ])('not into the past, not where the motif is not offered, not into a disabled agenda %s', async (_, rules) => {
    await setRules(api, practice, rules);
    expect((await book('2026-01-05T08:00:00Z', { overbook })).json.code).toBe('NOTICE_TOO_SHORT');
    const room = await addAgenda(api, practice);
    expect((await book(at('09:00'), { agenda: room, overbook })).json.code).toBe('MOTIF_NOT_ALLOWED');
    await api.sql(practice, 'UPDATE agenda SET active = false WHERE id = $1', [practice.agenda]);
    expect((await book(at('09:00'), { overbook })).json.code).toBe('AGENDA_DISABLED');
    expect(await claimsOn(api, practice, practice.agenda)).toEqual([]);
  });

  test('not without the room: 409 RESOURCE', async () => {
    const laser = await addAgenda(api, practice);
    await setRules(api, practice, { equipment: [laser] });
    expect((await book(at('09:00'))).status).toBe(201);
    const second = await book(at('09:00'), { overbook });
    expect([second.status, second.json.code]).toEqual([409, 'RESOURCE']);
  });

  test('moved: beside another only by another decision, and no overbooking any more where it is within the rules', async () => {
    await book(at('09:00'));
    await book(at('10:00'));
    const booked = await book(at('09:00'), { overbook });
    expect((await move(booked, { start: at('10:00') })).status).toBe(409);
    const again = await move(booked, { start: at('10:00'), overbook: { reason: 'Encore' } });
    expect([again.status, again.json]).toEqual([
      200,
      expect.objectContaining({ overbooked: true, overbooking: 'Encore' }),
    ]);
    const free = await move(booked, { start: at('11:00') }, again.json.version as number);
    expect([free.status, free.json]).toEqual([200, expect.objectContaining(plain)]);
    expect((await book(at('11:00'))).status).toBe(409);
    expect(await claimsOn(api, practice, practice.agenda)).toEqual([
      { claim: '09:00-09:30' },
      { claim: '10:00-10:30' },
      { claim: '11:00-11:30' },
    ]);
  });

  test('from a hold, when the rule came after it: said, like any other', async () => {
    await setRules(api, practice, { noticeMinutes: 5 });
    const held = await ask('POST', '/v1/holds', {
      body: { agenda: practice.agenda, motif: practice.motif, start: at('09:00') },
    });
    await close(api, practice, at('08:00'), at('12:00'));
    const hold = { hold: held.json.id as string, patient };
    expect((await ask('POST', '/v1/appointments', { body: hold })).json.code).toBe('CLOSED');
    const booked = await ask('POST', '/v1/appointments', { body: { ...hold, overbook } });
    expect([booked.status, booked.json]).toEqual([201, expect.objectContaining(over)]);
    expect(await eventTypes(api, practice, held.json.id as string)).toContain('appointment-overbooked');
  });

  test('reassigned beside another: an overbooking there', async () => {
    const other = await addAgenda(api, practice, { name: 'Dr Blanc', offers: true });
    await book(at('09:00'), { agenda: other });
    const booked = await book(at('09:00'));
    expect((await move(booked, { agenda: other })).status).toBe(409);
    const there = await move(booked, { agenda: other, overbook });
    expect([there.status, there.json]).toEqual([200, expect.objectContaining({ agenda: other, ...over })]);
    expect(await eventTypes(api, practice, there.json.id as string)).toContain('appointment-overbooked');
  });
});

describe("overbooking on an agenda that is the practitioner's", () => {
  let simulator: Simulator;
  let link: string;

  beforeAll(async () => {
    simulator = await Simulator.start();
    practice = await api.practice();
    ask = await api.client(practice);
    link = await linkToSimulator(api, practice, simulator);
  });
  afterAll(() => simulator.stop());

  const entries = async (): Promise<number[]> =>
    (await simulator.entries())
      .filter(({ deleted }) => deleted !== true)
      .map(({ start }) => start)
      .sort();

  test('outside his openings it is written to him; moved, cancelled, and moved by himself, it stays right', async () => {
    const closed = soon('19:00');
    expect((await book(closed)).json.code).toBe('CLOSED');
    const booked = await book(closed, { overbook });
    expect([booked.status, booked.json]).toEqual([201, expect.objectContaining(over)]);
    expect(await entries()).toEqual([Date.parse(closed)]);
    expect(await eventTypes(api, practice, booked.json.id as string)).toContain('appointment-overbooked');
    const [entry] = await simulator.entries();
    const start = Date.parse(soon('20:00'));
    await simulator.control('edit', {
      action: 'move',
      id: entry?.id,
      agendaId: Simulator.agendaId,
      start,
      end: start + 1_800_000,
    });
    await sync(ask, link);
    const followed = await ask('GET', booked.json.links.self as string);
    expect(followed.json).toMatchObject({ status: 'confirmed', ...plain });
    expect(Date.parse(followed.json.start as string)).toBe(start);
    const moved = await move(booked, { start: soon('09:00') }, followed.json.version as number);
    expect([moved.status, moved.json]).toEqual([200, expect.objectContaining(plain)]);
    expect(await entries()).toEqual([Date.parse(soon('09:00'))]);
    expect((await cancel(booked)).json.status).toBe('cancelled');
    expect(await entries()).toEqual([]);
  });

  test('where his software lets nothing overlap, it says no, and nothing of it remains', async () => {
    const first = await book(soon('10:00'));
    const second = await book(soon('10:00'), { overbook });
    expect([first.status, second.status, second.json.code]).toEqual([201, 409, 'BUSY']);
    expect(await claimsOn(api, practice, practice.agenda)).toEqual([{ claim: '10:00-10:30' }]);
    expect(await entries()).toEqual([Date.parse(soon('10:00'))]);
  });
});
