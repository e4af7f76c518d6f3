import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { at, type Practice } from '../../../test/support/practice.js';
import { TestApi, type Client } from './api.suite.js';

const patient = {
  lastName: 'Lefèvre',
  firstName: 'Anne',
  phone: '+33 6 12 34 56 78',
  newPatient: true,
};

let api: TestApi;
let practice: Practice;
let ask: Client;

beforeAll(async () => {
  api = await TestApi.start();
  practice = await api.practice();
  ask = await api.client(practice);
});

afterAll(() => api.stop());

const place = (time: string, days = 0): { agenda: string; motif: string; start: string } => ({
  agenda: practice.agenda,
  motif: practice.motif,
  start: at(time, days),
});

const book = (time: string, days = 0, headers: Record<string, string> = {}) =>
  ask('POST', '/v1/appointments', { body: { ...place(time, days), patient }, headers });

describe('booking on an agenda mastered here', () => {
  test('201: confirmed, with its zone, version and links', async () => {
    const answer = await book('08:00');
    expect(answer.status).toBe(201);
    expect(answer.json).toMatchObject({
      status: 'confirmed',
      start: '2031-01-06T09:00:00+01:00',
      end: '2031-01-06T09:30:00+01:00',
      timeZone: 'Europe/Paris',
      version: 1,
      holdUntil: null,
      patient,
    });
    expect(answer.headers).toMatchObject({ etag: '"1"', location: `/v1/appointments/${answer.json.id as string}` });
    const read = await ask('GET', `/v1/appointments/${answer.json.id as string}`);
    expect([read.status, read.json]).toEqual([200, answer.json]);
    const again = await ask('GET', `/v1/appointments/${answer.json.id as string}`, {
      headers: { 'if-none-match': '"1"' },
    });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  test('409: taken, with three alternatives', async () => {
    await book('09:00');
    const answer = await book('09:15');
    expect(answer.json).toMatchObject({
      status: 409,
      type: 'https://unisson.example/problems/slot-taken',
      code: 'BUSY',
      messages: { fr: expect.stringContaining('plus libre') },
    });
    expect(answer.json.alternatives).toHaveLength(3);
    expect(answer.json.alternatives[0]).toMatchObject({ start: '2031-01-06T10:30:00+01:00', timeZone: 'Europe/Paris' });
  });

  test('422: a rule says no', async () => {
    const past = await ask('POST', '/v1/appointments', {
      body: { ...place('08:00'), start: '2026-01-05T08:00:00Z', patient },
    });
    expect([past.status, past.json.code]).toEqual([422, 'NOTICE_TOO_SHORT']);
    expect((await book('08:00', 60)).json.code).toBe('HORIZON');
  });

  test('404: agenda or motif are not known, or of another organization', async () => {
    const other = await api.practice();
    const foreign = await ask('POST', '/v1/appointments', {
      body: { ...place('08:00'), agenda: other.agenda, patient },
    });
    const unknown = await ask('POST', '/v1/appointments', {
      body: { ...place('08:00'), agenda: randomUUID(), patient },
    });
    expect([foreign.status, unknown.status]).toEqual([404, 404]);
    expect(foreign.json.errors).toEqual(unknown.json.errors);
    expect(
      (await ask('POST', '/v1/appointments', { body: { ...place('08:00'), motif: other.motif, patient } })).json
        .errors[0].path,
    ).toBe('body.motif');
  });

  test('the same key: the same answer; another body: 422', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const twins = await Promise.all(Array.from({ length: 20 }, () => book('10:00', 1, headers)));
    expect(new Set(twins.map(({ status, text }) => `${String(status)} ${text}`)).size).toBe(1);
    expect(twins[0]?.status).toBe(201);
    expect((await book('10:30', 1, headers)).json.type).toContain('idempotency-key-reused');
    const refused = { 'idempotency-key': randomUUID() };
    const [first, second] = [await book('10:00', 1, refused), await book('10:00', 1, refused)];
    expect([first.status, second.status, second.json.alternatives]).toEqual([409, 409, first.json.alternatives]);
  });

  test('without Idempotency-Key nothing is booked', async () => {
    const answer = await ask('POST', '/v1/appointments', {
      body: { ...place('11:00'), patient },
      headers: { 'idempotency-key': undefined },
    });
    expect([answer.status, answer.json.errors]).toEqual([
      400,
      [{ path: 'header.idempotency-key', message: 'is required' }],
    ]);
  });
});

describe('a hold', () => {
  test('keeps the slot, and becomes the appointment', async () => {
    const held = await ask('POST', '/v1/holds', { body: { ...place('13:00'), seconds: 60 } });
    expect([held.status, held.json.status, held.json.patient]).toEqual([201, 'held', null]);
    expect(held.json.holdUntil).toMatch(/\+0[12]:00$/);
    expect((await book('13:00')).json.code).toBe('HELD');
    const booked = await ask('POST', '/v1/appointments', { body: { hold: held.json.id, patient } });
    expect([booked.status, booked.json.id, booked.json.status, booked.json.holdUntil]).toEqual([
      201,
      held.json.id,
      'confirmed',
      null,
    ]);
    const release = await ask('DELETE', `/v1/holds/${held.json.id as string}`);
    expect([release.status, release.json.code]).toEqual([409, 'HOLD_ENDED']);
  });

  test('is given back once, and again without harm', async () => {
    const held = await ask('POST', '/v1/holds', { body: place('14:00') });
    const path = `/v1/holds/${held.json.id as string}`;
    expect((await ask('DELETE', path)).status).toBe(204);
    expect((await ask('DELETE', path)).status).toBe(204);
    expect((await ask('DELETE', `/v1/holds/${randomUUID()}`)).status).toBe(404);
    expect((await book('14:00')).status).toBe(201);
    const late = await ask('POST', '/v1/appointments', { body: { hold: held.json.id, patient } });
    expect([late.status, late.json.type]).toEqual([409, 'https://unisson.example/problems/hold-ended']);
    expect((await ask('POST', '/v1/appointments', { body: { hold: randomUUID(), patient } })).json.errors[0].path).toBe(
      'body.hold',
    );
  });
});

describe('moving and cancelling', () => {
  test('a move needs the version it is based on', async () => {
    const { json } = await book('08:00', 2);
    const path = `/v1/appointments/${json.id as string}`;
    const body = { start: at('09:00', 2) };
    expect((await ask('PATCH', path, { body })).status).toBe(428);
    expect((await ask('PATCH', path, { body, headers: { 'if-match': 'W/"1"' } })).status).toBe(400);
    const stale = await ask('PATCH', path, { body, headers: { 'if-match': '"7"' } });
    expect([stale.status, stale.json.appointment]).toEqual([412, { id: json.id, status: 'confirmed', version: 1 }]);
    const moved = await ask('PATCH', path, { body, headers: { 'if-match': '"1"', prefer: 'wait=2' } });
    expect([moved.status, moved.json.start, moved.headers['etag'], moved.headers['preference-applied']]).toEqual([
      200,
      '2031-01-08T10:00:00+01:00',
      '"2"',
      'wait=2',
    ]);
    expect(moved.json.patient).toEqual(patient);
    await book('11:00', 2);
    expect((await ask('PATCH', path, { body: { start: at('11:15', 2) }, headers: { 'if-match': '"2"' } })).status).toBe(
      409,
    );
    expect(
      (await ask('PATCH', `/v1/appointments/${randomUUID()}`, { body, headers: { 'if-match': '"1"' } })).status,
    ).toBe(404);
    expect((await ask('PATCH', path, { body: {}, headers: { 'if-match': '"2"' } })).status).toBe(400);
  });

  test('a cancel frees the slot, and again without harm', async () => {
    const { json } = await book('08:00', 3);
    const path = `/v1/appointments/${json.id as string}/cancel`;
    const cancelled = await ask('POST', path, { body: { reason: 'Le patient a rappelé' } });
    expect(cancelled.json).toMatchObject({
      status: 'cancelled',
      reason: { code: 'CANCELLED', text: 'Le patient a rappelé', messages: { en: 'The appointment was cancelled.' } },
    });
    expect((await ask('POST', path, { body: { reason: 'encore' } })).status).toBe(200);
    expect((await ask('POST', path, { body: {} })).status).toBe(400);
    expect((await ask('POST', `/v1/appointments/${randomUUID()}/cancel`, { body: { reason: 'x' } })).status).toBe(404);
    expect((await book('08:00', 3)).status).toBe(201);
    expect(
      (
        await ask('PATCH', `/v1/appointments/${json.id as string}`, {
          body: { start: at('10:00', 3) },
          headers: { 'if-match': '"2"' },
        })
      ).json.type,
    ).toContain('appointment-ended');
    const { json: another } = await book('12:00', 3);
    expect(
      (
        await ask('POST', `/v1/appointments/${another.id as string}/cancel`, {
          body: { reason: 'x' },
          headers: { 'if-match': '"9"' },
        })
      ).status,
    ).toBe(412);
  });
});
