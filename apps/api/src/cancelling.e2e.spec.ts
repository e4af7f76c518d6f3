import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { at, twins, type Practice } from '../../../test/support/practice.js';
import { Simulator, TestApi, faultPaths, type Answer, type Client } from './api.suite.js';
import { addAgenda, claimsOn, close, linkToSimulator, soon } from './desk.suite.js';
import { secondAgenda, Secretary } from './grants.suite.js';

const patient = { lastName: 'Lefèvre', firstName: 'Anne', birthDate: '1980-05-31' };

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
    body: { agenda: practice.agenda, motif: practice.motif, start, patient, acknowledgeDouble: true, ...more },
  });
const self = ({ json }: Answer): string => json.links.self as string;
const cancel = (booked: Answer, body: object = { cause: 'patient' }): Promise<Answer> =>
  ask('POST', `${self(booked)}/cancel`, { body, headers: { prefer: 'wait=5' } });
const undo = (booked: Answer, headers: Record<string, string> = {}): Promise<Answer> =>
  ask('POST', `${self(booked)}/undo`, { headers: { prefer: 'wait=5', ...headers } });

describe('the reason of a cancellation', () => {
  test('is a cause, words, or both; "other" needs words', async () => {
    const booked = await book(at('09:00'));
    expect(faultPaths(await cancel(booked, { cause: 'other' }))).toEqual(['body.reason']);
    expect(faultPaths(await cancel(booked, {}))).toEqual(['body.reason']);
    expect((await cancel(booked, { cause: 'weather' })).status).toBe(400);
    const done = await cancel(booked, { cause: 'no-show', reason: 'Pas venue' });
    expect(done.json.reason).toMatchObject({ code: 'CANCELLED', cause: 'no-show', text: 'Pas venue' });
    const words = await cancel(await book(at('10:00')), { reason: 'Doublon' });
    expect(words.json.reason).toMatchObject({ code: 'CANCELLED', text: 'Doublon' });
  });
});

describe('undoing a cancellation', () => {
  test('books a successor where it stood, for the same patient; once, however many ask', async () => {
    const booked = await book(at('09:00'));
    expect((await undo(booked)).json.type).toBe('https://unisson.example/problems/undo-impossible');
    await cancel(booked);
    const answers = await twins(5, () => undo(booked));
    const made = answers.filter(({ status }) => status === 201);
    expect([made.length, answers.filter(({ status }) => status === 409).length]).toEqual([1, 4]);
    expect(made[0]?.json).toMatchObject({
      status: 'confirmed',
      start: booked.json.start,
      replaces: booked.json.id,
      patient,
    });
    const dead = await ask('GET', self(booked));
    expect(dead.json).toMatchObject({ status: 'cancelled', replacedBy: made[0]?.json.id });
    expect(await claimsOn(api, practice, practice.agenda)).toEqual([{ claim: '09:00-09:30' }]);
    // The successor is an appointment like any other: it can be cancelled and taken back, too.
    await cancel(made[0]!);
    expect((await undo(made[0]!)).status).toBe(201);
  });

  test('the same key: the same answer', async () => {
    const booked = await book(at('09:00'));
    await cancel(booked);
    const headers = { 'idempotency-key': randomUUID() };
    const [first, second] = [await undo(booked, headers), await undo(booked, headers)];
    expect([first.status, second.status, second.text]).toEqual([201, 201, first.text]);
  });

  test("not after five minutes by the database's clock, not when the time or a rule says no, not what he cancelled", async () => {
    const late = await book(at('09:00'));
    await cancel(late);
    await api.sql(practice, `UPDATE appointment SET updated_at = now() - interval '301 seconds' WHERE id = $1`, [
      late.json.id,
    ]);
    expect((await undo(late)).json.type).toContain('undo-impossible');
    const taken = await book(at('10:00'));
    await cancel(taken);
    await book(at('10:00'));
    expect((await undo(taken)).json).toMatchObject({ status: 409, code: 'BUSY' });
    const closed = await book(at('11:00'));
    await cancel(closed);
    await close(api, practice, at('11:00'), at('12:00'));
    expect((await undo(closed)).json).toMatchObject({ status: 422, code: 'CLOSED' });
    const his = await book(at('13:00'));
    await cancel(his);
    await api.sql(practice, `UPDATE appointment SET reason = '{"code":"PRACTITIONER_CANCELLED"}' WHERE id = $1`, [
      his.json.id,
    ]);
    expect((await undo(his)).json.type).toContain('undo-impossible');
    expect((await ask('POST', `/v1/appointments/${randomUUID()}/undo`)).status).toBe(404);
  });

  test("in the practitioner's own agenda it is written anew", async () => {
    const simulator = await Simulator.start();
    try {
      await linkToSimulator(api, practice, simulator);
      const booked = await book(soon('09:00'));
      const standing = async (): Promise<number> =>
        (await simulator.entries()).filter(({ deleted }) => deleted !== true).length;
      expect([(await cancel(booked)).json.status, await standing()]).toEqual(['cancelled', 0]);
      const back = await undo(booked);
      expect([back.status, back.json.status, await standing()]).toEqual([201, 'confirmed', 1]);
    } finally {
      await simulator.stop();
    }
  });
});

describe('a bulk cancellation', () => {
  const bulk = (more: object = {}, headers: Record<string, string> = {}): Promise<Answer> =>
    ask('POST', '/v1/bulk-cancellations', {
      body: { agendas: [practice.agenda], from: at('00:00'), to: at('00:00', 1), cause: 'practitioner', ...more },
      headers: { prefer: 'wait=10', ...headers },
    });
  const listed = ({ json }: Answer): string[] =>
    json.items.map(({ appointment }: { appointment: string }) => appointment);
  const tasks = async (): Promise<string[]> =>
    (await ask('GET', '/v1/callback-tasks?state=open')).json.items
      .map((x: { appointment: string }) => x.appointment)
      .sort();
  const day = async (): Promise<Answer[]> => {
    const booked: Answer[] = [];
    for (const time of ['08:00', '09:00', '10:00', '11:00']) booked.push(await book(at(time)));
    return booked;
  };

  test('first shows whom it concerns, with other times for each, and changes nothing', async () => {
    const booked = await day();
    await book(at('09:00', 1));
    const other = await addAgenda(api, practice, { name: 'Dr Blanc', offers: true });
    await book(at('09:00'), { agenda: other });
    const dry = await bulk();
    expect([dry.status, dry.json.state, dry.json.id]).toEqual([200, 'dry-run', null]);
    expect(listed(dry)).toEqual(booked.map(({ json }) => json.id as string));
    const offers = dry.json.items.map((x: { alternatives: { start: string }[] }) =>
      x.alternatives.map(({ start }) => start),
    );
    for (const starts of offers) {
      expect(starts).toHaveLength(3);
      for (const start of starts) expect(Date.parse(start)).toBeGreaterThanOrEqual(Date.parse(at('00:00', 1)));
    }
    expect(new Set(offers.map(([first]: string[]) => first)).size).toBe(4);
    expect([await tasks(), (await ask('GET', self(booked[0]!))).json.status]).toEqual([[], 'confirmed']);
  });

  test('then cancels those that were shown, one call-back task each; the same key again: the same', async () => {
    const booked = await day();
    const appointments = listed(await bulk());
    const late = await book(at('12:00'));
    const headers = { 'idempotency-key': randomUUID() };
    const done = await bulk({ appointments, reason: 'Dr Martin est malade' }, headers);
    expect([done.status, done.json.state, done.json.progress]).toEqual([
      200,
      'done',
      { total: 4, cancelled: 4, left: 0, due: 0 },
    ]);
    const first = await ask('GET', self(booked[0]!));
    expect(first.json).toMatchObject({
      status: 'cancelled',
      reason: { cause: 'practitioner', text: 'Dr Martin est malade' },
    });
    expect(await tasks()).toEqual([...appointments].sort());
    const again = await bulk({ appointments, reason: 'Dr Martin est malade' }, headers);
    expect([again.status, again.json.id]).toEqual([200, done.json.id]);
    expect((await tasks()).length).toBe(4);
    expect((await bulk({ appointments, reason: 'autre' }, headers)).status).toBe(422);
    // Booked since the list was shown: nobody has looked at it.
    expect((await ask('GET', self(late))).json.status).toBe('confirmed');
    expect((await ask('GET', done.json.links.self as string)).json).toEqual(done.json);
    expect((await ask('GET', `/v1/bulk-cancellations/${randomUUID()}`)).status).toBe(404);
  });

  test('twins with one key are one bulk cancellation', async () => {
    await day();
    const appointments = listed(await bulk());
    const headers = { 'idempotency-key': randomUUID() };
    const answers = await twins(8, () => bulk({ appointments }, headers));
    expect(answers.filter(({ status }) => status !== 200 && status !== 202)).toEqual([]);
    expect(new Set(answers.map(({ json }) => json.id as string)).size).toBe(1);
    expect(await tasks()).toEqual([...appointments].sort());
  });

  test('cut off in the middle it is gone on with, and nobody is cancelled or called back twice', async () => {
    const booked = await day();
    const appointments = listed(await bulk());
    const started = await bulk({ appointments }, { prefer: 'wait=0' });
    expect([started.status, started.json.progress]).toEqual([202, { total: 4, cancelled: 1, left: 0, due: 3 }]);
    // Another crash: the second was cancelled, and nothing noted it.
    await ask('POST', `${self(booked[1]!)}/cancel`, { body: { cause: 'practitioner' } });
    const ref = { organizationId: practice.organization, id: started.json.id as string };
    await api.sql(practice, `UPDATE bulk_cancellation SET due_at = now() - interval '1 second' WHERE id = $1`, [
      ref.id,
    ]);
    const both = await Promise.all([api.parts.desk.bulk.run(ref, 10_000), api.parts.desk.bulk.run(ref, 10_000)]);
    expect(both.map((one) => one?.state)).toContain('done');
    expect((await ask('GET', started.json.links.self as string)).json.progress).toEqual({
      ...{ total: 4, cancelled: 4, left: 0, due: 0 },
    });
    expect(await tasks()).toEqual([...appointments].sort());
    const cancels = await api.sql(practice, `SELECT subject_id FROM event WHERE type = 'appointment-cancelled'`);
    expect(cancels).toHaveLength(4);
  });

  test('what was moved or reassigned before its turn came is left, and nobody is told that it is gone', async () => {
    const booked = await day();
    const other = await addAgenda(api, practice, { name: 'Dr Blanc', offers: true });
    const started = await bulk({ appointments: listed(await bulk()) }, { prefer: 'wait=0' });
    const change = (which: Answer, body: object): Promise<Answer> =>
      ask('PATCH', self(which), { body, headers: { prefer: 'wait=5', 'if-match': which.headers.etag! } });
    const moved = await change(booked[1]!, { start: at('09:00', 1) });
    const reassigned = await change(booked[2]!, { agenda: other });
    expect([moved.status, reassigned.status]).toEqual([200, 200]);
    const ref = { organizationId: practice.organization, id: started.json.id as string };
    const run = await api.parts.desk.bulk.run(ref, 10_000);
    expect(run?.items.map(({ appointmentId, state, problem }) => [appointmentId, state, problem])).toEqual([
      [booked[0]!.json.id, 'cancelled', null],
      [booked[2]!.json.id, 'left', 'appointment-ended'],
      [booked[3]!.json.id, 'cancelled', null],
      [booked[1]!.json.id, 'left', 'version-stale'],
    ]);
    expect((await ask('GET', self(moved))).json.status).toBe('confirmed');
    expect(await tasks()).toEqual([booked[0]!.json.id, booked[3]!.json.id].sort());
  });

  test('charges each of several quotas only the appointments of its own agendas', async () => {
    const other = await secondAgenda(api, practice);
    const secretary = await Secretary.of(api, practice);
    const quota = (perDay: number): string => JSON.stringify([{ action: 'cancel', perDay }]);
    await secretary.grant(['see-busy']);
    await secretary.grant(['cancel'], { agenda_ids: [practice.agenda], quotas: quota(1) });
    await secretary.grant(['cancel'], { agenda_ids: [other], quotas: quota(2) });
    const ids: string[] = [];
    for (const [agenda, time] of [
      [practice.agenda, '08:00'],
      [other, '08:00'],
      [other, '09:00'],
      [other, '10:00'],
    ] as const)
      ids.push((await book(at(time), { agenda })).json.id as string);
    const bulk = async (agendas: readonly string[], appointments: readonly string[]): Promise<unknown> => {
      const body = { from: at('00:00'), to: at('23:00'), reason: 'x', agendas, appointments };
      const { status, json } = await secretary.ask('POST', '/v1/bulk-cancellations', { body });
      return [status, json.code];
    };
    expect(await bulk([practice.agenda, other], ids)).toEqual([403, 'GRANT_QUOTA']);
    expect(await bulk([practice.agenda, other], ids.slice(0, 3))).toEqual([200, undefined]);
    expect(await bulk([other], ids.slice(3))).toEqual([403, 'GRANT_QUOTA']);
  });

  test('only what is in the window and the agendas, however it is named', async () => {
    const [elsewhere, tomorrow] = [
      await addAgenda(api, practice, { name: 'Dr Blanc', offers: true }),
      await book(at('09:00', 1)),
    ];
    const other = await book(at('09:00'), { agenda: elsewhere });
    const done = await bulk({ appointments: [tomorrow.json.id, other.json.id, randomUUID()] });
    expect([done.status, done.json.progress.total]).toEqual([200, 0]);
    expect((await ask('GET', self(other))).json.status).toBe('confirmed');
    expect((await bulk({ cause: undefined })).status).toBe(400);
    expect(faultPaths(await bulk({ to: at('00:00', -1) }))).toEqual(['body.to']);
  });
});
