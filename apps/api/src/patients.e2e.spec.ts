import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { at, type Practice } from '../../../test/support/practice.js';
import { everythingStored, markersIn, serverLog } from '../../../test/support/stored.js';
import { ACTIONS } from '#domain';
import { faultPaths, Simulator, TestApi, type Answer, type Client } from './api.suite.js';
import { exported, Secretary } from './grants.suite.js';

const patient = {
  lastName: 'Lefèvre-Zibeline',
  firstName: 'Anne',
  birthDate: '1980-05-31',
  phone: '06 98 76 54 32',
  email: 'zibeline@exemple.fr',
};
/** What must be found nowhere but in answers. */
const MARKERS = ['Zibeline', 'zibeline', '698765432', '98 76 54 32', '1980-05-31', 'Rectifiée'];

/** Of an account at a practitioner's backend. */
const SECRET = 'Zibeline-compte-secret';

let api: TestApi;
let practice: Practice;
let ask: Client;

beforeAll(async () => {
  api = await TestApi.start();
});
afterAll(() => api.stop());
beforeEach(async () => {
  practice = await api.practice();
  ask = await api.client(practice);
});

const book = async (start: string, who: object = patient): Promise<string> => {
  const body = { agenda: practice.agenda, motif: practice.motif, start, patient: who, acknowledgeDouble: true };
  const answer = await ask('POST', '/v1/appointments', { body });
  expect(answer.status).toBe(201);
  return String(answer.json.id);
};
const colleague = async (more: object = {}): Promise<Client> => {
  const one = await Secretary.of(api, practice);
  await one.grant(ACTIONS, { ...more });
  return one.ask;
};
const post = (path: string, body: object, client = ask): Promise<Answer> => client('POST', `/v1/${path}`, { body });
const search = async (body: object): Promise<string[]> => {
  const { status, json } = await post('patients/search', body);
  expect(status).toBe(200);
  return (json.items as { id: string }[]).map(({ id }) => id);
};

/** An account that is connected, then tried and renewed with what its backend refuses; the refusals. */
async function connectWithSecret(): Promise<Answer[]> {
  const simulator = await Simulator.start();
  try {
    const agendas = [{ id: Simulator.agendaId, name: 'Dr Martin', zone: 'Europe/Paris', apiKey: SECRET }];
    await simulator.control('seed', { agendas });
    const account = { ...simulator.account, secrets: { apiKey: SECRET } };
    const made = await post('connections', { ...account, label: 'Cabinet' });
    expect(made.status).toBe(201);
    const wrong = { secrets: { apiKey: `${SECRET}-faux` } };
    const refused = [
      await post('connections', { ...account, ...wrong, label: 'Cabinet' }),
      await post('connections/dry-run', { ...account, ...wrong }),
      await ask('PUT', `/v1/connections/${String(made.json.id)}/secrets`, { body: wrong }),
    ];
    await simulator.control('faults', { faults: [{ kind: 'error', status: 503 }] });
    refused.push(await post(`connections/${String(made.json.id)}/verify`, {}));
    refused.push(await ask('GET', `/v1/connections/${String(made.json.id)}/agendas`));
    return refused;
  } finally {
    await simulator.stop();
  }
}

describe('patients', () => {
  test('are found by telephone however it is written, and by name and birth date without accents', async () => {
    const [first, second] = [await book(at('10:00')), await book(at('11:00'), { ...patient, phone: '+33698765432' })];
    await book(at('12:00'), { ...patient, firstName: 'Paul', phone: '06 11 11 11 11' });
    expect(await search({ phone: '+33 (0)6.98.76.54.32' })).toEqual([second, first]);
    const person = { lastName: 'LEFEVRE ZIBELINE', firstName: 'anne', birthDate: '1980-05-31' };
    expect(await search(person)).toEqual([second, first]);
    expect(await search({ phone: '0698765433' })).toEqual([]);
    const { json } = await post('patients/search', person);
    expect(json.items[0].patient).toEqual({ ...patient, phone: '+33698765432' });
    const elsewhere = await api.client(await api.practice());
    expect((await post('patients/search', { phone: patient.phone }, elsewhere)).json.items).toEqual([]);
  });

  test('are not searched by less, nor more often than a person can', async () => {
    for (const body of [
      {},
      { lastName: 'A', firstName: 'B' },
      { phone: '15' },
      { phone: '3624' },
      { phone: '0612345678', lastName: 'A' },
    ])
      expect((await post('patients/search', body)).status).toBe(400);
    expect(faultPaths(await post('appointments', { ...{ patient: { ...patient, email: 'no' } } }))).toContain(
      'body.patient.email',
    );
    let refused: Answer | undefined;
    for (let n = 0; n < 200 && refused === undefined; n += 1) {
      const answer = await post('patients/search', { phone: '0612345678' });
      if (answer.status === 429) refused = answer;
    }
    expect(refused?.json.type).toContain('rate-limited');
  });

  test('take away what is held about them, and have it put right everywhere', async () => {
    const [first, second] = [await book(at('10:00')), await book(at('11:00'))];
    const wish = { patient, motifs: [practice.motif], agendas: [practice.agenda] };
    const entry = String((await post('waiting-list', wish)).json.id);
    const told = await exported({ ask, second: await colleague() }, 'patients', { appointment: first });
    expect(told.status).toBe(200);
    expect(told.json.patients).toEqual([patient]);
    expect(told.json.appointments.map(({ id }: { id: string }) => id)).toEqual([first, second]);
    expect(told.json.waiting.map(({ id }: { id: string }) => id)).toEqual([entry]);
    expect(told.json.events.map(({ type }: { type: string }) => type)).toContain('appointment-confirmed');
    const change = { waitingEntry: entry, patient: { lastName: 'Rectifiée', phone: '0612345678' } };
    expect((await post('patients/rectification', change)).json).toEqual({ records: 3 });
    expect((await ask('GET', `/v1/appointments/${second}`)).json.patient).toEqual({ ...patient, ...change.patient });
    expect(await search({ phone: patient.phone })).toEqual([]);
    expect((await search({ phone: '0612345678' })).sort()).toEqual([first, second].sort());
    expect((await ask('GET', `/v1/waiting-list/${entry}`)).json).toMatchObject({
      state: 'waiting',
      patient: change.patient,
    });
  });

  test('are given out by those alone who see all of them, and not once they are erased', async () => {
    const id = await book(at('10:00'));
    const [second, blind] = [await colleague(), await colleague({ identity: ['name'] })];
    const asked = await post('patients/exports', { appointment: id });
    expect(asked.json).toMatchObject({ kind: 'patient', state: 'asked', appointment: id, about: null });
    const tag = { headers: { 'if-match': String(asked.headers['etag']) } };
    const self = `/v1/exports/${String(asked.json.id)}`;
    expect((await post('patients/exports', { appointment: id }, blind)).json).toMatchObject({ right: 'see-identity' });
    expect((await blind('POST', `${self}/approve`, tag)).json).toMatchObject({ status: 403, right: 'see-identity' });
    expect((await second('POST', `${self}/approve`, tag)).status).toBe(200);
    expect((await post(`audit/exports/${String(asked.json.id)}/fetch`, {})).status).toBe(404);
    await post('erasures', { appointment: id, force: true });
    const gone = await ask('POST', `/v1/patients/exports/${String(asked.json.id)}/fetch`);
    expect([gone.status, gone.json.type]).toEqual([404, expect.stringContaining('not-found')]);
  });

  test('are erased: not while they are expected, unless that is meant; the times stay, nothing says whose', async () => {
    const [ahead, other] = [
      await book(at('10:00')),
      await book(at('11:00'), { ...patient, firstName: 'Paul', phone: undefined }),
    ];
    await post('waiting-list', { patient, motifs: [practice.motif], agendas: [practice.agenda] });
    const refused = await post('erasures', { appointment: ahead });
    expect(refused).toMatchObject({ status: 409 });
    expect(refused.json.type).toContain('patient-expected');
    const erased = await post('erasures', { appointment: ahead, force: true });
    expect(erased).toMatchObject({
      status: 200,
      json: { state: 'done', appointments: 1, waitingEntries: 1, copies: { total: 0 } },
    });
    expect((await post('erasures', { appointment: ahead })).json).toEqual(erased.json);
    expect((await ask('GET', `/v1/erasures/${String(erased.json.id)}`)).json).toEqual(erased.json);
    expect((await ask('GET', `/v1/appointments/${ahead}`)).json).toMatchObject({ status: 'confirmed', patient: null });
    expect((await ask('GET', `/v1/appointments/${other}`)).json.patient).toMatchObject({ firstName: 'Paul' });
    expect((await post('patients/exports', { appointment: ahead })).status).toBe(404);
    expect(await api.sql(practice, 'SELECT 1 FROM patient_key')).toHaveLength(1);
    expect(await api.sql(practice, 'SELECT 1 FROM waiting_entry WHERE sealed IS NOT NULL')).toHaveLength(0);
    const [id] = [await book(at('14:00'))];
    expect((await ask('POST', `/v1/appointments/${id}/cancel`, { body: { cause: 'patient' } })).status).toBe(200);
    expect((await post('erasures', { appointment: id })).status).toBe(200);
  });

  test('are forgotten some time after their visit; unreadable objects keep no content longer than a week', async () => {
    const [past, ahead] = [await book(at('10:00')), await book(at('11:00'))];
    await api.sql(practice, `UPDATE organization SET identity_days = 10`);
    await api.sql(
      practice,
      `UPDATE appointment SET during = tstzrange(now() - interval '11 days', now() - interval '263 hours'), occupies = tstzrange(now() - interval '11 days', now() - interval '263 hours') WHERE id = $1`,
      [past],
    );
    expect(await api.parts.patients.retain(practice.organization)).toBe(1);
    expect((await ask('GET', `/v1/appointments/${past}`)).json).toMatchObject({ status: 'confirmed', patient: null });
    expect((await ask('GET', `/v1/appointments/${ahead}`)).json.patient).toEqual(patient);
  });

  test('need a right of their own to be managed', async () => {
    const clerk = await api.client(practice, ['agenda:read', 'appointment:write', 'connection:manage']);
    const id = await book(at('10:00'));
    for (const path of ['patients/exports', 'erasures'])
      expect((await post(path, { appointment: id }, clerk)).status).toBe(403);
  });

  test('and secrets are in no log line, table, metric or refusal, nor in what PostgreSQL logs', async () => {
    const id = await book(at('15:00'));
    await post('patients/search', { phone: patient.phone });
    const refusals: Answer[] = await connectWithSecret();
    for (const [path, operations] of Object.entries(api.document.paths))
      for (const method of Object.keys(operations).filter((name) => ['post', 'put', 'patch'].includes(name))) {
        const real = path.replace(/^\//, '/').replace(/\{\w+\}/g, id);
        const verb = method.toUpperCase() as 'POST' | 'PUT' | 'PATCH';
        const body = { ...patient, patient: { ...patient, note: 'Zibeline' }, reason: 7, label: 'Zibeline'.repeat(99) };
        const answer = await ask(verb, real, { body, headers: { 'if-match': '"1"' } });
        if (answer.status >= 400) refusals.push(answer);
      }
    expect(refusals.length).toBeGreaterThan(20);
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    const traces = {
      log: api.logged(),
      refusals: refusals.map(({ json }) => JSON.stringify(json)).join('\n'),
      metrics,
      stored: await everythingStored(api.adminUrl),
    };
    expect(markersIn(traces, [...MARKERS, SECRET])).toEqual([]);
    expect(markersIn({ statements: serverLog() }, ['Zibeline', 'zibeline', SECRET])).toEqual([]);
  });
});
