import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Practice } from '../../../test/support/practice.js';
import { Simulator, TestApi, type Answer, type Client } from './api.suite.js';

/** A UTC time in twenty days: inside the window that a pull covers. */
const at = (time: string): string =>
  new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 11) + `${time}:00.000Z`;

let api: TestApi;
let simulator: Simulator;
let practice: Practice;
let ask: Client;
let link: string;

beforeAll(async () => {
  api = await TestApi.start({ VENDOR_TIMEOUT_MS: '800' });
  simulator = await Simulator.start();
  practice = await api.practice();
  ask = await api.client(practice);
  await openAllDay(practice.agenda);
  const made = await ask('POST', '/v1/connections', { body: { ...simulator.account, label: 'Cabinet' } });
  const wanted = {
    agenda: practice.agenda,
    connection: made.json.id as string,
    remoteAgenda: Simulator.agendaId,
    approve: true,
  };
  const linked = await ask('POST', '/v1/links', { body: { ...wanted, policy: 'ask' } });
  expect([linked.status, linked.json.policy]).toEqual([201, 'ask']);
  link = linked.json.id as string;
});

afterAll(async () => {
  await api.stop();
  await simulator.stop();
});

const openAllDay = (agenda: string): Promise<unknown> =>
  api.sql(
    practice,
    'INSERT INTO opening_occurrence (organization_id, opening_id, during, agenda_id) SELECT organization_id, id, tstzrange($1, $2), agenda_id FROM opening WHERE agenda_id = $3',
    [at('06:00'), at('20:00'), agenda],
  );
const sync = (): Promise<Answer> => ask('POST', `/v1/links/${link}/sync`, { headers: { prefer: 'wait=5' }, body: {} });
const patient = { lastName: 'Zyxwvutsrq', firstName: 'Anne' };

/** Booked, then shut out by an event of the practitioner's own. */
async function doubleBooked(time: string): Promise<string> {
  const place = { agenda: practice.agenda, motif: practice.motif, start: at(time) };
  const booked = await ask('POST', '/v1/appointments', { body: { ...place, patient } });
  expect(booked.status).toBe(201);
  const start = Date.parse(at(time));
  const entry = { start, end: start + 1_800_000, title: 'Réunion' };
  await simulator.control('edit', { action: 'create', agendaId: Simulator.agendaId, entry });
  expect((await sync()).status).toBe(200);
  return booked.json.id as string;
}

describe('the conflict inbox', () => {
  test('lists what waits, open first, a page at a time, and shows both versions and what each choice would do', async () => {
    const ids = [await doubleBooked('08:00'), await doubleBooked('09:00'), await doubleBooked('10:00')];
    const first = await ask('GET', '/v1/conflicts?limit=2');
    const second = await ask('GET', `/v1/conflicts?limit=2&cursor=${first.json.nextCursor as string}`);
    const items = [...first.json.items, ...second.json.items] as { appointment: string }[];
    expect(items.map(({ appointment }) => appointment).sort()).toEqual([...ids].sort());
    expect([first.json.items.length, second.json.nextCursor]).toEqual([2, null]);
    expect((await ask('GET', `/v1/conflicts?agenda=${randomUUID()}`)).json.items).toEqual([]);
    expect((await ask('GET', '/v1/conflicts?state=resolved')).json.items).toEqual([]);
    const { self } = first.json.items[0].links as { self: string };
    const shown = await ask('GET', self);
    expect(shown.json).toMatchObject({
      reason: 'double-booked',
      messages: { fr: expect.any(String), en: expect.any(String) },
      ours: { by: { kind: 'collaborator', id: practice.collaborator }, at: expect.any(String) },
      theirs: { by: { kind: 'practitioner' }, start: expect.stringMatching(/\+0[12]:00$/) },
      choices: [
        { choice: 'keep-ours', available: true, effect: { fr: expect.stringContaining('surnombre') } },
        { choice: 'keep-theirs', available: true },
        { choice: 'merge', available: false },
        { choice: 'cancel', available: true },
      ],
    });
    expect(shown.text).not.toContain(patient.lastName);
    expect((await ask('GET', self, { headers: { 'if-none-match': shown.headers['etag'] } })).status).toBe(304);
    expect((await ask('GET', `/v1/conflicts/${randomUUID()}`)).status).toBe(404);
  });

  test('decides once, on the version that was read, and only what is possible', async () => {
    const [conflict] = (await ask('GET', '/v1/conflicts?limit=1')).json.items as [
      { version: number; appointment: string; links: { resolve: string } },
    ];
    const { resolve } = conflict.links;
    const decide = (body: object, etag?: string): Promise<Answer> =>
      ask('POST', resolve, { body, headers: { prefer: 'wait=5', 'if-match': etag } });
    const etag = `"${String(conflict.version)}"`;
    expect((await decide({ choice: 'cancel' })).status).toBe(428);
    expect((await decide({ choice: 'cancel' }, '"99"')).status).toBe(412);
    expect((await decide({ choice: 'whatever' }, etag)).status).toBe(400);
    expect((await decide({ choice: 'keep-ours', start: 'theirs' }, etag)).status).toBe(400);
    const impossible = await decide({ choice: 'merge', start: 'theirs' }, etag);
    expect([impossible.status, impossible.json.type]).toEqual([409, expect.stringContaining('choice-impossible')]);
    const decided = await decide({ choice: 'cancel', reason: 'Réunion imprévue' }, etag);
    expect([decided.status, decided.json.appointment.status]).toEqual([200, 'cancelled']);
    expect(decided.json.conflict).toMatchObject({ state: 'resolved', resolution: 'cancel' });
    expect((await decide({ choice: 'cancel' }, decided.headers['etag'])).status).toBe(409);
    const there = (await simulator.entries()).filter(({ title, deleted }) => title !== 'Réunion' && !deleted);
    expect(there).toHaveLength(2);
    const { items } = (await ask('GET', '/v1/conflicts')).json as { items: { state: string }[] };
    expect(items.map(({ state }) => state)).toEqual(['open', 'open', 'resolved']);
  });

  test('complaint 9: the patient to be called back is a task, until somebody says it is done', async () => {
    const open = await ask('GET', `/v1/callback-tasks?state=open&agenda=${practice.agenda}`);
    expect(open.json.items).toMatchObject([{ reason: 'cancelled', state: 'open', doneBy: null }]);
    expect(open.text).not.toContain(patient.lastName);
    const { done } = open.json.items[0].links as { done: string };
    const first = await ask('POST', done);
    expect(first.json).toMatchObject({ state: 'done', doneBy: { id: practice.collaborator } });
    expect((await ask('POST', done)).json.doneAt).toBe(first.json.doneAt);
    expect((await ask('GET', '/v1/callback-tasks?state=open')).json.items).toEqual([]);
    expect((await ask('POST', `/v1/callback-tasks/${randomUUID()}/done`)).status).toBe(404);
  });

  test('reassigning answers with the appointment on the other agenda', async () => {
    const booked = await ask('POST', '/v1/appointments', {
      body: { agenda: practice.agenda, motif: practice.motif, start: at('14:00'), patient },
    });
    const path = `/v1/appointments/${booked.json.id as string}`;
    const headers = { 'if-match': booked.headers['etag'] };
    expect((await ask('PATCH', path, { body: { agenda: randomUUID() }, headers })).status).toBe(404);
    const second = randomUUID();
    await api.sql(
      practice,
      `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name, capacity, master, opened_until)
       SELECT organization_id, $1, practitioner_id, location_id, 'Second', 1, 'hub', opened_until FROM agenda WHERE id = $2`,
      [second, practice.agenda],
    );
    const refused = await ask('PATCH', path, { body: { agenda: second }, headers });
    expect([refused.status, refused.json.code]).toEqual([422, 'MOTIF_NOT_ALLOWED']);
    await api.sql(practice, 'INSERT INTO agenda_motif SELECT organization_id, $1, motif_id FROM agenda_motif', [
      second,
    ]);
    await api.sql(
      practice,
      `INSERT INTO opening (organization_id, id, agenda_id, rrule, starts_local, duration_minutes, time_zone)
       SELECT organization_id, gen_random_uuid(), $1, rrule, starts_local, duration_minutes, time_zone FROM opening WHERE agenda_id = $2`,
      [second, practice.agenda],
    );
    await openAllDay(second);
    const moved = await ask('PATCH', path, { body: { agenda: second }, headers });
    expect(moved.json).toMatchObject({ agenda: second, status: 'confirmed', replaces: booked.json.id });
    const old = await ask('GET', path);
    expect(old.json).toMatchObject({ replacedBy: moved.json.id, patient: { lastName: patient.lastName } });
    expect(['compensating', 'cancelled']).toContain(old.json.status);
  });
});
