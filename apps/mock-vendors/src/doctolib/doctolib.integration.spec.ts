import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createMockVendors } from '../server.js';

const MINUTE = 60_000;
const MONDAY_NINE = '2027-06-07T09:00:00.000+02:00';
const AT = Date.parse(MONDAY_NINE);
const SEED = {
  profile: { id: 10, slug: 'cabinet', name: 'Cabinet' },
  clients: [{ id: 'client', secret: 'client-secret' }],
  practices: [{ id: 20, name: 'Cabinet', opening_hours: [{ day: 1, ranges: [['09:00', '10:00']] }] }],
  motives: [
    { id: 30, name: 'Suivi', minutes: 30, gap_days: 6 },
    { id: 31, name: 'Enfant', ages: [{ agendas: ['roux'], operator: 'gt', age: 16 }], closed_to_new: ['roux'] },
    { id: 32, name: 'Scanner', minutes: 30 },
    { id: 33, name: 'Questions', custom_fields: [{ id: 'q', label: 'Pourquoi ?', required: true }] },
  ],
  agendas: [
    { key: 'roux', id: 50, name: 'Dr Roux', practice_id: 20, practitioner_id: 40, motives: [30, 31, 33] },
    {
      key: 'faure',
      id: 51,
      name: 'Dr Faure',
      practice_id: 20,
      practitioner_id: 41,
      motives: [32, 30],
      equipment_agendas_required: true,
    },
    { key: 'salle', id: 52, name: 'Salle', practice_id: 20, practitioner_id: null, motives: [32] },
  ],
};

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: Record<string, never> & { readonly id: number; readonly error?: string };
}

describe('the simulator in the style of Doctolib', () => {
  const app = createMockVendors({ now: () => Date.parse('2027-06-01T00:00:00Z') });
  let token = '';

  const ask = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<Answer> => {
    const answer = await app.inject({
      method,
      url: `/doctolib${path}`,
      headers: { authorization: `Bearer ${token}` },
      ...(body ? { payload: body } : {}),
    });
    const json = String(answer.headers['content-type']).includes('json');
    return { status: answer.statusCode, text: answer.body, body: json ? answer.json() : ({} as never) };
  };
  const partner = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<Answer> =>
    ask(method, `/partner/v1${path}`, body);
  const control = (path: string, body: object = {}): Promise<Answer> => ask('POST', `/__control/${path}`, body);
  const slots = (query: string): Promise<Answer> =>
    ask('GET', `/availabilities.json?visit_motive_ids=30&agenda_ids=50&practice_ids=20&${query}`);
  const hold = (start: number, more: object = {}, motive = 30, agendas = '50'): Promise<Answer> =>
    partner('POST', '/appointments', {
      agenda_ids: agendas,
      practice_ids: [20],
      appointment: { start_date: new Date(start).toISOString(), visit_motive_ids: String(motive), ...more },
    });
  const confirm = (id: number, more: object = {}): Promise<Answer> =>
    partner('PUT', `/appointments/${String(id)}`, { appointment: { title: 'M. Petit' }, ...more });
  const online = (start: number, more: object): Promise<Answer> =>
    control('edit', {
      ...{ action: 'create', agendaId: 'roux', by: 'patient' },
      entry: { start, end: start + 30 * MINUTE, title: 'Patient', ...more },
    });

  beforeAll(async () => {
    await app.ready();
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    await control('reset');
    await control('seed', SEED);
    const answer = await app.inject({
      ...{ method: 'POST', url: '/doctolib/oauth/token' },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'grant_type=client_credentials&client_id=client&client_secret=client-secret',
    });
    expect(answer.json()).toMatchObject({ token_type: 'Bearer', expires_in: 900 });
    token = answer.json<{ access_token: string }>().access_token;
  });

  it('answers windows of fifteen days at most, and says where to go on only where there is nothing', async () => {
    expect(await slots('start_date=2027-06-07&limit=16')).toMatchObject({
      status: 400,
      body: { error: 'limit: must be less than or equal to 15' },
    });
    const { body } = await slots('start_date=2027-06-07&limit=1');
    expect(body).toEqual({
      total: 2,
      availabilities: [{ date: '2027-06-07', slots: [MONDAY_NINE, '2027-06-07T09:30:00.000+02:00'] }],
    });
    expect((await slots('start_date=2027-06-08&limit=2')).body).toEqual({
      total: 0,
      next_slot: '2027-06-14T09:00:00.000+02:00',
      availabilities: [
        { date: '2027-06-08', slots: [] },
        { date: '2027-06-09', slots: [] },
      ],
    });
  });

  it('finds nothing where agendas come in another order, and writes slots in three ways', async () => {
    const scanner = (ids: string): Promise<Answer> =>
      ask('GET', `/availabilities.json?visit_motive_ids=32&agenda_ids=${ids}&start_date=2027-06-07&limit=1`);
    expect((await scanner('52-51')).body).toMatchObject({ total: 0, reason: 'no_availabilities' });
    const steps = [{ agenda_id: 51 }, { agenda_id: 52, practitioner_agenda_id: 51 }];
    expect((await scanner('51-52')).body).toMatchObject({
      availabilities: [{ slots: [{ agenda_id: 51, steps }, {}] }],
    });
    await control('seed', { slots: 'pair' });
    expect((await slots('start_date=2027-06-07&limit=1')).body).toMatchObject({
      availabilities: [{ slots: [[MONDAY_NINE, '2027-06-07T09:30:00.000+02:00'], {}] }],
    });
    expect((await hold(AT, {}, 32, '52-51')).body).toEqual({ error: 'invalid_agenda_order' });
    expect((await hold(AT, {}, 32, '51')).body).toEqual({ error: 'equipment_agenda_required' });
    expect((await hold(AT, {}, 32, '51-52')).body.id).toBeGreaterThan(0);
  });

  it('holds for five minutes, and confirms as often as it is asked', async () => {
    const { body } = await hold(AT);
    expect((await hold(AT + 15 * MINUTE)).body).toEqual({ error: 'slot_unavailable' });
    expect((await ask('GET', '/__control/dump')).body).toMatchObject({ entries: [], holds: [{ id: body.id }] });
    await control('clock', { advanceMs: 5 * MINUTE });
    expect((await confirm(body.id)).status).toBe(404);
    const again = await hold(AT);
    for (let time = 0; time < 2; time += 1)
      expect((await confirm(again.body.id)).body).toEqual({ redirection: expect.stringContaining('/confirmation') });
    expect((await partner('DELETE', `/appointments/${String(again.body.id)}`)).body).toEqual({
      error: 'already_confirmed',
    });
    expect((await partner('GET', `/appointments/${String(again.body.id)}`)).body).toMatchObject({
      ...{ confirmed: true, start_date: MONDAY_NINE, lock_version: 1 },
    });
  });

  it('releases every hold of a caller who searches with destroy_temporary', async () => {
    await hold(AT);
    await slots('start_date=2027-06-07&destroy_temporary=true');
    expect((await ask('GET', '/__control/dump')).body).toMatchObject({ holds: [] });
  });

  it('cancels with a status and a reason, which stay to be read', async () => {
    const { id } = (await hold(AT)).body;
    await confirm(id);
    const deletion = { appointment: { status: 'deleted', deletion_reason: 'cancelled_by_practice' } };
    expect((await partner('PUT', `/appointments/${String(id)}`, { ...deletion, lock_version: 0 })).body).toEqual({
      error: 'stale_object',
    });
    await partner('PUT', `/appointments/${String(id)}`, { ...deletion, lock_version: 1 });
    expect((await partner('GET', '/appointments?agenda_ids=50&start_date=2027-06-07&limit=1')).body).toMatchObject({
      appointments: [{ id, status: 'deleted', deletion_reason: 'cancelled_by_practice' }],
    });
    expect((await confirm(id)).body).toEqual({ error: 'appointment_deleted' });
  });

  it('refuses patients by age, by novelty and by the days between two visits', async () => {
    const child = { motive: 31, patient: 'lea', birthdate: '2020-01-01' };
    expect((await online(AT, { ...child, newPatient: true })).body.error).toMatchObject({
      code: 'new_patients_not_accepted',
    });
    expect((await online(AT, { ...child, birthdate: '2001-01-01' })).body.error).toMatchObject({
      code: 'age_not_accepted',
    });
    expect((await online(AT, child)).status).toBe(200);
    expect((await online(AT, { motive: 30 })).body.error).toMatchObject({ code: 'overlap' });
    expect((await hold(AT + 1440 * MINUTE)).body).toEqual({ error: 'outside_opening_hours' });
    const { id } = (await hold(AT + 30 * MINUTE)).body;
    expect((await confirm(id, { master_patient: { external_id: 'lea' } })).body).toEqual({
      error: 'appointments_too_close',
    });
    expect((await confirm(id, { master_patient: { external_id: 'tom' } })).body.error).toBeUndefined();
  });

  it('asks its questions before it confirms', async () => {
    const { id } = (await hold(AT, {}, 33)).body;
    expect((await partner('GET', `/appointments/${String(id)}/edit.json`)).body).toMatchObject({
      appointment: { custom_fields: [{ id: 'q', required: true }] },
    });
    expect((await confirm(id)).body).toEqual({ error: 'custom_field_required' });
    const answered = { appointment: { title: 'M. Petit', custom_fields_values: { q: 'Une douleur' } } };
    expect((await confirm(id, answered)).body.error).toBeUndefined();
  });

  it('gives agendas other numbers, and says which', async () => {
    await control('rotate-ids');
    const { status, body } = await partner('GET', '/agendas/50');
    expect([status, body.error]).toEqual([410, 'agenda_gone']);
    expect((await partner('GET', `/agendas/${String(body['successor_id'])}`)).body).toMatchObject({ name: 'Dr Roux' });
    await control('remove-agenda', { agendaId: 'roux' });
    expect((await partner('GET', '/agendas/50')).body).toEqual({ error: 'agenda_gone' });
    expect((await partner('GET', '/agendas/99')).status).toBe(404);
  });

  it('throttles, then bans for a quarter of an hour', async () => {
    await control('seed', { quota: 2 });
    const statuses: number[] = [];
    for (let n = 0; n < 10; n += 1) statuses.push((await partner('GET', '/account')).status);
    // The token was the first of two requests.
    expect(statuses).toEqual([200, 429, 429, 429, 429, 429, 429, 403, 403, 403]);
    await control('clock', { advanceMs: 14 * MINUTE });
    expect((await partner('GET', '/account')).text).toContain('Anti dDos');
    await control('clock', { advanceMs: 2 * MINUTE });
    expect((await partner('GET', '/account')).status).toBe(401);
  });

  it('opens an agenda only to whom its practitioner agreed', async () => {
    await control('seed', { clients: [{ id: 'client', secret: 'client-secret', consents: ['faure'] }] });
    expect((await hold(AT)).body).toMatchObject({ error: 'consent_missing' });
    expect((await partner('GET', '/appointments?agenda_ids=50&start_date=2027-06-07')).status).toBe(403);
    await control('seed', { clients: [{ id: 'client', secret: 'client-secret', scopes: ['appointments:read'] }] });
    expect((await hold(AT)).body).toMatchObject({ error: 'insufficient_scope', scope: 'appointments:write' });
  });
});
