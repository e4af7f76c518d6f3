import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { at, type Practice } from '../../../test/support/practice.js';
import { TestApi, type Client } from './api.suite.js';
import { Secretary } from './grants.suite.js';

const patient = { lastName: '=Zyxwvutsrq', firstName: 'Camille', birthDate: '1980-05-31' };

let api: TestApi;
let practice: Practice;
let ask: Client;

beforeAll(async () => {
  api = await TestApi.start();
  practice = await api.practice();
  ask = await api.client(practice);
});

afterAll(() => api.stop());

/** Until all that was asked before is in the chain. */
async function chained(): Promise<void> {
  const { audit } = api.parts;
  do await audit.seal(practice.organization, 500);
  while ((await audit.unsealed(practice.organization)).count > 0);
}

async function entries(query = ''): Promise<Record<string, unknown>[]> {
  await chained();
  const answer = await ask('GET', `/v1/audit?limit=200${query}`);
  expect(answer.status).toBe(200);
  return answer.json.items as Record<string, unknown>[];
}

async function book(time: string): Promise<string> {
  const body = { agenda: practice.agenda, motif: practice.motif, start: at(time), patient, acknowledgeDouble: true };
  const answer = await ask('POST', '/v1/appointments', { body, headers: { 'user-agent': 'Mozilla/5.0 (X11)' } });
  expect(answer.status).toBe(201);
  return answer.json.id as string;
}

test('a change is on record with who, from where, and what; a reading of who it is, once a request', async () => {
  const ids = [await book('08:00'), await book('09:00')];
  await ask('GET', `/v1/appointments?limit=2`, { headers: { 'user-agent': 'curl/8', 'x-request-id': 'reading-1' } });
  await ask('GET', `/v1/appointments/${ids[0]!}`, { headers: { 'unisson-collaborator': undefined } });
  await ask('GET', '/v1/agendas');
  const all = await entries();
  const who = { kind: 'collaborator', id: practice.collaborator, key: expect.any(String) };
  expect(all.filter(({ action }) => action === 'appointment-confirmed')).toEqual(
    ids.map((id) =>
      expect.objectContaining({
        ...{ entity: id, agenda: practice.agenda, actor: who, patients: [expect.any(String)] },
        from: { request: expect.any(String), address: expect.stringContaining('127.0.0.1'), agent: 'browser' },
        ...{ behalf: practice.collaborator, grants: [expect.any(String)] },
      }),
    ),
  );
  const [list, one, ...more] = all.filter(({ action }) => action === 'identity-read');
  expect(more).toEqual([]);
  expect(list).toMatchObject({ actor: who, from: { request: 'reading-1', agent: 'command-line' }, objects: ids });
  expect(one).toMatchObject({ actor: { kind: 'application', id: null }, behalf: null, objects: [ids[0]] });
  // One person, one pseudonym.
  expect(new Set(all.flatMap(({ patients }) => patients as string[])).size).toBe(1);
  expect(JSON.stringify(all)).not.toContain('Zyxwvutsrq');
});

test('it says under which grants: of a change, of a reading, of what was used up; and who changed people', async () => {
  const secretary = await Secretary.of(api, practice);
  const sees = await secretary.grant(['see-busy']);
  const once = await secretary.grant(['create'], { quotas: JSON.stringify([{ action: 'create', perDay: 1 }]) });
  const twice = await secretary.grant(['create'], { quotas: JSON.stringify([{ action: 'create', perDay: 1 }]) });
  const knows = await secretary.grant(['see-identity']);
  const ids: string[] = [];
  for (const time of ['13:00', '14:00']) {
    const body = { agenda: practice.agenda, motif: practice.motif, start: at(time), patient, acknowledgeDouble: true };
    const answer = await secretary.ask('POST', '/v1/appointments', { body });
    ids.push(answer.json.id as string);
  }
  expect((await secretary.ask('GET', `/v1/appointments/${ids[0]!}`)).json).toHaveProperty('patient');
  const owner = { collaborator: practice.collaborator, email: 'titulaire@cabinet.example' };
  expect((await ask('PUT', `/v1/agendas/${practice.agenda}/owner`, { body: owner })).status).toBe(200);
  const his = await entries(`&about=${secretary.id}`);
  const grants = (action: string) => his.filter((entry) => entry.action === action).map((entry) => entry.grants);
  expect(grants('appointment-confirmed')).toEqual([[once], [twice]]);
  expect(grants('identity-read')).toEqual([[sees, knows]]);
  expect((await entries(`&about=${twice}`)).map(({ entity }) => entity)).toEqual([ids[1]]);
  const changed = (await entries(`&about=${practice.collaborator}`)).filter(
    ({ action }) => action === 'collaborator-changed',
  );
  expect(changed).toEqual([
    expect.objectContaining({
      ...{ entity: practice.collaborator, actor: expect.objectContaining({ id: practice.collaborator }) },
      ...{ behalf: practice.collaborator, grants: [expect.any(String)] },
      from: expect.objectContaining({ address: expect.stringContaining('127.0.0.1') }),
    }),
  ]);
  await ask('PUT', `/v1/agendas/${practice.agenda}/owner`, { body: { collaborator: null } });
});

test('it is asked by agenda, collaborator, patient and time, page by page', async () => {
  const id = await book('10:00');
  const every = await entries();
  const actions = async (query: string) => (await entries(query)).map(({ action }) => action);
  const about = `&patientOf=${id}`;
  expect(new Set(await actions(about))).toEqual(new Set(['appointment-confirmed', 'identity-read']));
  expect(await actions(`&about=${practice.agenda}`)).toEqual(
    every.flatMap(({ action, agenda }) => (agenda === practice.agenda ? [action] : [])),
  );
  const his = await entries(`&about=${practice.collaborator}`);
  expect(his.every(({ actor, entity }) => [(actor as { id: string }).id, entity].includes(practice.collaborator))).toBe(
    true,
  );
  expect(await actions(`&from=${encodeURIComponent(new Date(Date.now() + 60_000).toISOString())}`)).toEqual([]);
  const first = await ask('GET', '/v1/audit?limit=2');
  const next = await ask('GET', `/v1/audit?limit=2&cursor=${first.json.nextCursor as string}`);
  expect([...first.json.items, ...next.json.items].map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  expect((await ask('GET', `/v1/audit?patientOf=${randomUUID()}`)).status).toBe(404);
  expect((await ask('GET', `/v1/audit?patientOf=${id}&about=${id}`)).status).toBe(400);
  const stranger = await api.client(await api.practice());
  expect((await stranger('GET', `/v1/audit?about=${practice.agenda}`)).json.items).toEqual([]);
  expect((await stranger('GET', `/v1/audit?patientOf=${id}`)).status).toBe(404);
});

test('it is taken along as JSON Lines, or as CSV that no spreadsheet runs; and that is on record', async () => {
  await api.sql(practice, `SELECT append_event('appointment-overbooked', $1, NULL, '{"kind":"system"}', $2)`, [
    practice.agenda,
    { overbooking: '=HYPERLINK("http://example.invalid","x"),\r\n+1' },
  ]);
  const every = await entries();
  const lines = (await ask('GET', '/v1/audit/export')).text.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown).slice(0, every.length)).toEqual(every);
  const csv = await ask('GET', `/v1/audit/export?format=csv&about=${practice.agenda}`);
  expect(csv.headers['content-type']).toContain('text/csv');
  expect(csv.headers['content-disposition']).toBe('attachment; filename="audit.csv"');
  expect(csv.text).toContain(`"'=HYPERLINK(""http://example.invalid"",""x""),\r\n+1"`);
  expect(csv.text).not.toMatch(/,[=+@]/);
  expect((await entries()).filter(({ action }) => action === 'audit-exported')).toEqual([
    expect.objectContaining({ entity: null }),
    expect.objectContaining({ entity: practice.agenda }),
  ]);
});

test('nobody is shown where another’s requests come from, except by the audit log', async () => {
  const id = await book('11:00');
  await ask('POST', `/v1/appointments/${id}/cancel`, { body: { cause: 'patient' } });
  await api.eventsShown(practice);
  const events = await ask('GET', '/v1/events?limit=500');
  expect(events.text).not.toContain('127.0.0.1');
  expect(events.text).not.toContain('"origin"');
});
