import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { at, type Practice } from '../../../test/support/practice.js';
import { ACTIONS } from '#domain';
import { TestApi, type Answer, type Client } from './api.suite.js';
import { exported, Secretary } from './grants.suite.js';

const patient = { lastName: '=Zyxwvutsrq', firstName: 'Camille', birthDate: '1980-05-31' };

let api: TestApi;
let practice: Practice;
let ask: Client;
let second: Client;

beforeAll(async () => {
  api = await TestApi.start();
  practice = await api.practice();
  ask = await api.client(practice);
  const deputy = await Secretary.of(api, practice);
  await deputy.grant(ACTIONS);
  second = deputy.ask;
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
  const lines = (await exported({ ask, second }, 'audit', {})).text.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown).slice(0, every.length)).toEqual(every);
  const csv = await exported({ ask, second }, 'audit', { format: 'csv', about: practice.agenda });
  expect(csv.headers['content-type']).toContain('text/csv');
  expect(csv.headers['content-disposition']).toBe('attachment; filename="audit.csv"');
  expect(csv.text).toContain(`"'=HYPERLINK(""http://example.invalid"",""x""),\r\n+1"`);
  expect(csv.text).not.toMatch(/,[=+@]/);
  expect((await entries()).filter(({ action }) => action === 'audit-exported')).toEqual([
    expect.objectContaining({ entity: null }),
    expect.objectContaining({ entity: practice.agenda }),
  ]);
});

describe('an export', () => {
  const told = ({ status, json }: Answer): unknown => [
    status,
    String(json.type ?? json.state)
      .split('/')
      .pop(),
  ];
  const tag = (answer: Answer): object => ({ headers: { 'if-match': String(answer.headers['etag']) } });
  const wanted = (by: Client, body: object = {}) => by('POST', '/v1/audit/exports', { body });
  const approve = (by: Client, asked: Answer) =>
    by('POST', `/v1/exports/${asked.json.id as string}/approve`, tag(asked));
  const fetched = (by: Client, asked: Answer) => by('POST', `/v1/audit/exports/${asked.json.id as string}/fetch`);
  const over = (asked: Answer) =>
    api.sql(practice, `UPDATE export_request SET expires_at = clock_timestamp() - interval '1 s' WHERE id = $1`, [
      asked.json.id,
    ]);
  const colleague = async (): Promise<Secretary> => {
    const one = await Secretary.of(api, practice);
    await one.grant(ACTIONS);
    return one;
  };

  test('is asked by one and approved by another, fetched by who asked, three times at most; each step is on record and told', async () => {
    const id = await book('12:00');
    await ask('PUT', `/v1/agendas/${practice.agenda}/owner`, {
      body: { collaborator: practice.collaborator, email: 'martin@example.org' },
    });
    const asked = await wanted(ask, { format: 'csv', patientOf: id });
    expect([asked.status, asked.headers['location']]).toEqual([201, `/v1/exports/${asked.json.id as string}`]);
    expect(asked.json).toMatchObject({ kind: 'audit', state: 'asked', askedBy: practice.collaborator, patientOf: id });
    const rows = await api.sql(practice, 'SELECT to_jsonb(x) FROM export_request x WHERE id = $1', [asked.json.id]);
    expect(JSON.stringify(rows)).not.toMatch(/Zyxwvutsrq|Camille|1980-05/);
    expect(told(await fetched(ask, asked))).toEqual([409, 'export-awaiting-approval']);
    // By whatever key he comes, he is the same person.
    for (const self of [ask, await api.client(practice)])
      expect(told(await approve(self, asked))).toEqual([409, 'second-person-required']);
    const clerk = await Secretary.of(api, practice);
    await clerk.grant(ACTIONS.filter((action) => action !== 'export'));
    expect(told(await approve(clerk.ask, asked))).toEqual([403, 'grant-missing']);
    const approved = await approve(second, asked);
    expect([approved.status, approved.json.state, approved.json.fetchesLeft]).toEqual([200, 'approved', 3]);
    expect(told(await approve(second, asked))).toEqual([409, 'export-ended']);
    expect(told(await fetched(second, asked))).toEqual([403, 'export-not-yours']);
    for (let n = 0; n < 3; n += 1) expect((await fetched(ask, asked)).status).toBe(200);
    expect(told(await fetched(ask, asked))).toEqual([409, 'export-ended']);
    const self = await ask('GET', `/v1/exports/${asked.json.id as string}`);
    expect(self.json).toMatchObject({ state: 'fetched', fetchesLeft: 0 });
    const steps = ['export-asked', 'export-approved', ...Array.from({ length: 3 }, () => 'export-fetched')];
    const about = await entries(`&about=${asked.json.id as string}`);
    expect(about.map(({ action }) => action)).toEqual(steps);
    const notices = await api.sql(practice, 'SELECT change FROM grant_notice WHERE export_id = $1', [asked.json.id]);
    expect(notices.map((notice) => (notice as { change: string }).change).sort()).toEqual([...steps].sort());
  });

  test('is refused with a reason, and expires when nobody approves or fetches it in time', async () => {
    const refused = await wanted(ask);
    const refuse = (by: Client, body: object) =>
      by('POST', `/v1/exports/${refused.json.id as string}/refuse`, { body, ...tag(refused) });
    expect((await refuse(second, {})).status).toBe(400);
    expect(told(await refuse(ask, { reason: 'other' }))).toEqual([409, 'second-person-required']);
    expect((await refuse(second, { reason: 'too-wide' })).json).toMatchObject({ state: 'refused', reason: 'too-wide' });
    expect(told(await fetched(ask, refused))).toEqual([409, 'export-ended']);
    const [late, left] = [await wanted(ask), await wanted(ask)];
    await approve(second, left);
    for (const one of [late, left]) await over(one);
    expect(told(await approve(second, late))).toEqual([409, 'export-ended']);
    expect(told(await fetched(ask, left))).toEqual([409, 'export-ended']);
    await api.parts.exports.expire(practice.organization);
    await api.parts.exports.expire(practice.organization);
    for (const [one, actions] of [
      [refused, ['export-asked', 'export-refused']],
      [late, ['export-asked', 'export-expired']],
      [left, ['export-asked', 'export-approved', 'export-expired']],
    ] as const) {
      const about = await entries(`&about=${one.json.id as string}`);
      expect(about.map(({ action }) => action)).toEqual(actions);
    }
    const list = (await ask('GET', '/v1/exports?limit=200')).json.items as { id: string; state: string }[];
    expect(list.filter(({ id }) => [late.json.id, left.json.id].includes(id)).map(({ state }) => state)).toEqual([
      ...['expired', 'expired'],
    ]);
  });

  test('is decided again when it is fetched: a right that was withdrawn meanwhile counts', async () => {
    const asker = await colleague();
    const asked = await wanted(asker.ask);
    expect((await approve(second, asked)).status).toBe(200);
    await api.sql(
      practice,
      `UPDATE access_grant SET state = 'revoked', revoked_at = now() WHERE collaborator_id = $1`,
      [asker.id],
    );
    api.parts.access.forget(practice.organization);
    const answer = await fetched(asker.ask, asked);
    expect([answer.status, answer.json.code]).toEqual([403, 'GRANT_REVOKED']);
  });

  test('does not exist for another organization', async () => {
    const asked = await wanted(ask);
    const stranger = await api.client(await api.practice());
    const self = `/v1/exports/${asked.json.id as string}`;
    expect((await stranger('GET', self)).status).toBe(404);
    expect((await approve(stranger, asked)).status).toBe(404);
    expect((await fetched(stranger, asked)).status).toBe(404);
    expect((await stranger('GET', '/v1/exports')).json.items).toEqual([]);
    expect((await wanted(stranger, { patientOf: randomUUID() })).status).toBe(404);
  });

  test('stays what was asked for, by whom, and on record: PostgreSQL refuses the rest', async () => {
    const asked = await wanted(ask);
    for (const [change, code] of [
      ['decided_by = asked_by', '23514'],
      [`state = 'approved', decided_by = asked_by, decided_at = now()`, '23514'],
      [`state = 'approved'`, '23514'],
      [`state = 'refused', decided_at = now()`, '23514'],
      ['fetched = 1', '23514'],
      [`wanted = '{}'`, '42501'],
      ['asked_by = gen_random_uuid()', '42501'],
    ] as const) {
      const write = api.sql(practice, `UPDATE export_request SET ${change} WHERE id = $1`, [asked.json.id]);
      await expect(write).rejects.toMatchObject({ code });
    }
    const drop = api.sql(practice, 'DELETE FROM export_request WHERE id = $1', [asked.json.id]);
    await expect(drop).rejects.toMatchObject({ code: '42501' });
  });
});

test('nobody is shown where another’s requests come from, except by the audit log', async () => {
  const id = await book('11:00');
  await ask('POST', `/v1/appointments/${id}/cancel`, { body: { cause: 'patient' } });
  await api.eventsShown(practice);
  const events = await ask('GET', '/v1/events?limit=500');
  expect(events.text).not.toContain('127.0.0.1');
  expect(events.text).not.toContain('"origin"');
});
