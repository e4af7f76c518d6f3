import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { at, twins, type Practice } from '../../../test/support/practice.js';
import { Simulator, TestApi, faultPaths, type Answer, type Client } from './api.suite.js';
import { addAgenda, claimsOn, linkToSimulator, setRules, soon } from './desk.suite.js';

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
  // Open all day for a year around 6 January 2031, so that both changes of the clocks lie in it.
  await api.sql(practice, 'DELETE FROM opening_occurrence WHERE agenda_id = $1', [practice.agenda]);
  await api.sql(
    practice,
    `INSERT INTO opening_occurrence (organization_id, opening_id, agenda_id, during) SELECT organization_id, id, agenda_id, tstzrange($1, $2) FROM opening WHERE agenda_id = $3`,
    [at('23:00', -366), at('00:00', 300), practice.agenda],
  );
  await api.sql(practice, 'UPDATE agenda SET opened_until = $1 WHERE id = $2', [at('00:00', 300), practice.agenda]);
});

const weekly = { start: '2031-01-06T09:00', rrule: 'FREQ=WEEKLY;COUNT=24' };
const series = (more: object = weekly, headers: Record<string, string> = {}): Promise<Answer> =>
  ask('POST', '/v1/series', {
    body: { agenda: practice.agenda, motif: practice.motif, patient, ...more },
    headers: { prefer: 'wait=10', ...headers },
  });
const book = (start: string): Promise<Answer> =>
  ask('POST', '/v1/appointments', {
    body: { agenda: practice.agenda, motif: practice.motif, start, patient: { lastName: 'Petit', firstName: 'Paul' } },
  });
interface Shown {
  start: string;
  appointment: string;
  status: string;
  code: string | null;
}
const occurrences = ({ json }: Answer): Shown[] => json.occurrences as Shown[];
const live = async (): Promise<number> =>
  (await api.sql(practice, 'SELECT 1 FROM appointment WHERE is_live(status) AND agenda_id = $1', [practice.agenda]))
    .length;
/** Nine o'clock in Paris, `weeks` after 6 January 2031. */
const nine = (weeks: number): string => at(weeks >= 12 ? '07:00' : '08:00', weeks * 7);

describe('a series', () => {
  test('complaint 6: 24 weeks, all or nothing, with a conflict in week 17: none is booked, and week 17 is named', async () => {
    expect((await book(nine(16))).status).toBe(201);
    const answer = await series();
    expect([answer.status, answer.json.type]).toEqual([409, 'https://unisson.example/problems/slot-taken']);
    const told = answer.json.occurrences as { start: string; outcome: string; code: string | null }[];
    expect(told).toHaveLength(24);
    expect(told.filter(({ outcome }) => outcome !== 'free')).toEqual([
      expect.objectContaining({ start: '2031-04-28T09:00:00+02:00', outcome: 'taken', code: 'BUSY' }),
    ]);
    expect(told[16]?.outcome).toBe('taken');
    expect(await live()).toBe(1);
    expect(await api.sql(practice, 'SELECT 1 FROM series')).toEqual([]);
  });

  test('a refusal is the answer to its key for good, though what stood in the way is gone', async () => {
    const booked = await book(nine(1));
    const headers = { 'idempotency-key': randomUUID() };
    const few = { ...weekly, rrule: 'FREQ=WEEKLY;COUNT=3' };
    const first = await series(few, headers);
    expect(first.status).toBe(409);
    await ask('POST', `${booked.json.links.self as string}/cancel`, { body: { reason: 'x' } });
    const again = await series(few, headers);
    expect([again.status, again.json.occurrences, await live()]).toEqual([409, first.json.occurrences, 0]);
    expect((await series(few)).status).toBe(201);
  });

  test('complaint 6: the same with a report: 23 are booked, at nine on the clock before and after it changes', async () => {
    await book(nine(16));
    const answer = await series({ ...weekly, mode: 'report' });
    expect([answer.status, answer.json.state]).toEqual([201, 'done']);
    const booked = occurrences(answer).filter(({ status }) => status === 'confirmed');
    expect(booked).toHaveLength(23);
    expect(occurrences(answer)[16]).toMatchObject({ appointment: null, status: null, code: 'BUSY' });
    expect(new Set(booked.map(({ start }) => start.slice(10)))).toEqual(
      new Set(['T09:00:00+01:00', 'T09:00:00+02:00']),
    );
    const read = await ask('GET', answer.json.links.self as string);
    expect([read.status, read.json]).toEqual([200, answer.json]);
    const one = await ask('GET', `/v1/appointments/${booked[0]!.appointment}`);
    expect([one.json.series, one.json.patient]).toEqual([answer.json.id, patient]);
  });

  test('with all free: all are booked, once for twins of a key, and its visits are no doubles of one another', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const answers = await twins(4, () => series(weekly, headers));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(new Set(answers.map(({ json }) => json.id as string)).size).toBe(1);
    expect(await live()).toBe(24);
    expect((await series({ starts: ['2031-02-01T09:00'] }, headers)).status).toBe(422);
    const double = await series({ starts: ['2031-02-01T09:00', '2031-02-02T09:00'] });
    expect([double.status, double.json.type]).toEqual([409, 'https://unisson.example/problems/patient-double']);
    const meant = await series({ starts: ['2031-02-01T09:00', '2031-02-02T09:00'], acknowledgeDouble: true });
    expect([meant.status, await live()]).toEqual([201, 26]);
  });

  test('twins with one key for two agendas: one is booked, the other is told that the key is used', async () => {
    const other = await addAgenda(api, practice, { name: 'Dr Blanc', offers: true });
    const agendas = [practice.agenda, other];
    for (let n = 0; n < 5; n++) {
      const headers = { 'idempotency-key': randomUUID() };
      const day = { starts: [`2031-01-${String(6 + n).padStart(2, '0')}T09:00`], acknowledgeDouble: true };
      const answers = await Promise.all(agendas.map((agenda) => series({ ...day, agenda }, headers)));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 422]);
    }
  });

  test('under rules: each occurrence is judged with those before it', async () => {
    await setRules(api, practice, { quotas: [{ per: 'week', max: 2 }] });
    const starts = ['2031-01-06T09:00', '2031-01-07T09:00', '2031-01-08T09:00', '2031-01-14T09:00'];
    const answer = await series({ starts });
    expect([answer.status, answer.json.type]).toEqual([422, 'https://unisson.example/problems/rule-refused']);
    expect((answer.json.occurrences as { code: string | null }[]).map(({ code }) => code)).toEqual([
      null,
      null,
      'QUOTA_REACHED',
      null,
    ]);
    expect(await live()).toBe(0);
    expect(occurrences(await series({ starts, mode: 'report' })).map(({ status }) => status)).toEqual([
      'confirmed',
      'confirmed',
      null,
      'confirmed',
    ]);
  });

  test('is moved from one visit on by the clock, right across its change, and one visit alone', async () => {
    const made = await series();
    const path = made.json.links.self as string;
    const from = occurrences(made)[10]!;
    const moved = await ask('POST', `${path}/move`, {
      body: { appointment: from.appointment, following: true, start: '2031-03-18T10:30:00+01:00' },
    });
    expect(moved.json.items).toHaveLength(14);
    expect(new Set(moved.json.items.map(({ status }: { status: number }) => status))).toEqual(new Set([200]));
    const after = occurrences(await ask('GET', path)).map(({ start }) => start);
    expect(after.slice(8, 14)).toEqual([
      '2031-03-03T09:00:00+01:00',
      '2031-03-10T09:00:00+01:00',
      '2031-03-18T10:30:00+01:00',
      '2031-03-25T10:30:00+01:00',
      '2031-04-01T10:30:00+02:00',
      '2031-04-08T10:30:00+02:00',
    ]);
    // A week later each, so that every one goes where the next one stands.
    const later = await ask('POST', `${path}/move`, {
      body: { appointment: from.appointment, following: true, start: '2031-03-25T10:30:00+01:00' },
    });
    expect(new Set(later.json.items.map(({ status }: { status: number }) => status))).toEqual(new Set([200]));
    await book('2031-01-20T09:00:00+01:00').then(({ status }) => expect(status).toBe(409));
    const one = await ask('POST', `${path}/move`, {
      body: { appointment: occurrences(made)[0]!.appointment, start: '2031-01-13T09:00:00+01:00' },
    });
    expect(one.json.items).toEqual([expect.objectContaining({ status: 409, problem: 'slot-taken', code: 'BUSY' })]);
    expect(
      (await ask('POST', `${path}/move`, { body: { appointment: randomUUID(), start: at('09:00') } })).status,
    ).toBe(404);
  });

  test('a move that was cut off goes on where it was, and shifts nothing twice', async () => {
    const made = await series({ ...weekly, rrule: 'FREQ=WEEKLY;COUNT=3' });
    const path = made.json.links.self as string;
    const before = occurrences(made);
    const target = new Date(Date.parse(before[0]!.start) + 90 * 60_000).toISOString();
    const steps = [...before].reverse().map(({ appointment, start }) => {
      return { id: appointment, version: 1, to: Date.parse(start) + 90 * 60_000 };
    });
    const moving = { appointmentId: before[0]!.appointment, following: true, start: Date.parse(target), steps };
    await api.sql(practice, 'UPDATE series SET moving = $1 WHERE id = $2', [JSON.stringify(moving), made.json.id]);
    const last = await ask('PATCH', `/v1/appointments/${steps[0]!.id}`, {
      body: { start: new Date(steps[0]!.to).toISOString() },
      headers: { 'if-match': '"1"' },
    });
    expect(last.status).toBe(200);
    const asked = { appointment: before[0]!.appointment, following: true, start: target };
    const moved = await ask('POST', `${path}/move`, { body: asked });
    expect(moved.json.items.map(({ status }: { status: number }) => status)).toEqual([200, 200, 200]);
    const starts = async (): Promise<number[]> =>
      occurrences(await ask('GET', path)).map(({ start }) => Date.parse(start));
    expect(await starts()).toEqual(before.map(({ start }) => Date.parse(start) + 90 * 60_000));
    // Asked for again when it is through, it is where it was to be.
    await ask('POST', `${path}/move`, { body: asked });
    expect(await starts()).toEqual(before.map(({ start }) => Date.parse(start) + 90 * 60_000));
  });

  test('is cancelled from one visit on, or as a whole, again without harm', async () => {
    const made = await series({ ...weekly, rrule: 'FREQ=WEEKLY;COUNT=6' });
    const path = made.json.links.self as string;
    const fourth = occurrences(made)[3]!.appointment;
    const some = await ask('POST', `${path}/cancel`, { body: { reason: 'x', appointment: fourth, following: true } });
    expect([some.status, some.json.items.length, await live()]).toEqual([200, 3, 3]);
    const rest = await ask('POST', `${path}/cancel`, { body: { reason: 'x' } });
    expect([rest.json.items.length, await live(), (await ask('GET', path)).json.state]).toEqual([3, 0, 'done']);
    expect((await ask('POST', `${path}/cancel`, { body: { reason: 'x' } })).json.items).toEqual([]);
    expect((await ask('POST', `/v1/series/${randomUUID()}/cancel`, { body: { reason: 'x' } })).status).toBe(404);
  });

  test('is asked for with starts, or with a rule that ends', async () => {
    expect((await series({})).status).toBe(400);
    expect(faultPaths(await series({ ...weekly, rrule: 'FREQ=DAILY' }))).toEqual(['body.rrule']);
    expect(faultPaths(await series({ ...weekly, rrule: 'FREQ=HOURLY' }))[0]).toContain('body.rrule');
    expect(faultPaths(await series({ starts: ['2031-02-30T09:00'] }))).toEqual(['body.starts.0']);
    expect(faultPaths(await series({ starts: ['2031-02-03T09:00', '2031-02-03T09:00'] }))).toEqual(['body.starts']);
    expect((await series({ agenda: randomUUID(), starts: ['2031-02-03T09:00'] })).status).toBe(404);
    expect((await series({ motif: randomUUID(), starts: ['2031-02-03T09:00'] })).status).toBe(404);
  });
});

describe("a series in the practitioner's own agenda", () => {
  let simulator: Simulator;
  beforeEach(async () => {
    simulator = await Simulator.start();
    await linkToSimulator(api, practice, simulator);
    await api.sql(practice, 'UPDATE agenda SET stale_after_seconds = 3600 WHERE id = $1', [practice.agenda]);
  });
  afterEach(() => simulator.stop());

  const local = (instant: string): string =>
    new Date(Date.parse(instant)).toLocaleString('sv', { timeZone: 'Europe/Paris' }).slice(0, 16).replace(' ', 'T');
  const starts = (): string[] => ['09:00', '10:00', '11:00', '12:00'].map((time) => local(soon(time)));
  const own = async (time: string): Promise<void> => {
    const start = Date.parse(soon(time));
    const entry = { start, end: start + 1_800_000, title: 'Réunion' };
    await simulator.control('edit', { action: 'create', agendaId: Simulator.agendaId, entry });
  };
  const theirs = async (): Promise<number> =>
    (await simulator.entries()).filter(({ deleted, title }) => deleted !== true && title !== 'Réunion').length;

  test('is written there, visit by visit', async () => {
    const made = await series({ starts: starts() });
    expect([made.status, made.json.state, await theirs()]).toEqual([201, 'done', 4]);
  });

  test('complaint 6: he took one of the hours meanwhile: the others are taken back, here and there', async () => {
    await own('11:00');
    const made = await series({ starts: starts() });
    expect([made.status, made.json.series.state]).toEqual([409, 'undone']);
    expect([await live(), await theirs(), await claimsOn(api, practice, practice.agenda)]).toEqual([
      0,
      0,
      [{ claim: '11:00-11:30' }],
    ]);
    const report = await series({ starts: starts(), mode: 'report' });
    expect(occurrences(report).filter(({ status }) => status === 'confirmed')).toHaveLength(3);
  });

  test('complaint 6: a crash after the first visit was written: whoever comes next takes the series to its end', async () => {
    await own('11:00');
    // The request is cut off before anything of it is certain; one visit gets through by itself.
    const left = await series({ starts: starts() }, { prefer: 'wait=0' });
    expect([left.status, left.json.state]).toEqual([202, 'settling']);
    const first = occurrences(left)[0]!.appointment;
    await api.sql(practice, `UPDATE series SET due_at = now() - interval '1 minute' WHERE id = $1`, [left.json.id]);
    const ref = { organizationId: practice.organization, id: first };
    const placed = await api.parts.bookings.get(ref);
    await api.parts.desk.through.settled(ref, placed!, 5_000);
    const settled = await api.parts.desk.series.settle({ ...ref, id: left.json.id as string }, 15_000);
    expect([settled?.state, await live(), await theirs()]).toEqual(['undone', 0, 0]);
  });

  test('one visit cancelled and one reassigned while it settles: the others stay', async () => {
    const other = await addAgenda(api, practice, { name: 'Dr Blanc', offers: true });
    const left = await series({ starts: starts() }, { prefer: 'wait=0' });
    expect([left.status, left.json.state]).toEqual([202, 'settling']);
    const [first, second] = occurrences(left) as [Shown, Shown];
    const headers = { prefer: 'wait=5' };
    const gone = await ask('POST', `/v1/appointments/${first.appointment}/cancel`, { body: { reason: 'x' }, headers });
    expect([gone.status, gone.json.status]).toEqual([200, 'cancelled']);
    const { headers: seen } = await ask('GET', `/v1/appointments/${second.appointment}`);
    const moved = await ask('PATCH', `/v1/appointments/${second.appointment}`, {
      body: { agenda: other },
      headers: { ...headers, 'if-match': seen.etag },
    });
    expect([moved.status, moved.json.agenda]).toEqual([200, other]);
    const ref = { organizationId: practice.organization, id: left.json.id as string };
    const settled = await api.parts.desk.series.settle(ref, 15_000);
    expect([settled?.state, await live(), await theirs()]).toEqual(['done', 2, 2]);
    expect((await ask('GET', moved.json.links.self as string)).json.status).toBe('confirmed');
  });
});
