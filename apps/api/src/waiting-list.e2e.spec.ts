import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { RuntimeEffects, WaitingLooks, WriteThrough } from '#application';
import { at, type Practice } from '../../../test/support/practice.js';
import { faultPaths, TestApi, type Answer, type Client } from './api.suite.js';

const DAY = 86_400_000;
/** Tomorrow at 09:00 UTC. */
const NINE = Math.floor(Date.now() / DAY) * DAY + DAY + 9 * 3_600_000;
const HALF = 1_800_000;
const patient = { lastName: 'Lefèvre', firstName: 'Anne', birthDate: '1980-05-31', phone: '+33 6 12 34 56 78' };

let api: TestApi;
let practice: Practice;
let ask: Client;

beforeAll(async () => {
  api = await TestApi.start();
});

afterAll(() => api.stop());

/** One free slot. */
beforeEach(async () => {
  practice = await api.practice();
  ask = await api.client(practice);
  await api.sql(practice, 'DELETE FROM opening_occurrence');
  await api.sql(
    practice,
    `INSERT INTO opening_occurrence (organization_id, opening_id, agenda_id, during) SELECT organization_id, id, agenda_id, tstzrange(to_timestamp($1::numeric / 1000), to_timestamp($2::numeric / 1000)) FROM opening`,
    [NINE, NINE + HALF],
  );
});

const wish = (rest: object = {}): object => ({
  patient,
  motifs: [practice.motif],
  agendas: [practice.agenda],
  ...rest,
});

const enter = (rest: object = {}, headers: Record<string, string | undefined> = {}): Promise<Answer> =>
  ask('POST', '/v1/waiting-list', { body: wish(rest), headers });

async function look(): Promise<void> {
  const { bookings, calendar, lanes, alarm, waitingOffers: offers } = api.parts;
  const effects = new RuntimeEffects();
  const through = new WriteThrough({ bookings, lanes, alarm, effects });
  const looks = new WaitingLooks({ offers, bookings, calendar, through, effects });
  await looks.look({ organizationId: practice.organization, agendaId: practice.agenda });
}

const offers = async (query = ''): Promise<Answer['json']> =>
  (await ask('GET', `/v1/waiting-list/offers${query}`)).json.items;

describe('an entry', () => {
  test('is made, read, changed and withdrawn', async () => {
    const made = await enter({ availability: { weekdays: [1, 4], parts: ['morning'] }, deadline: at('12:00') });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      patient,
      motifs: [practice.motif],
      agendas: [practice.agenda],
      availability: { weekdays: [1, 4], parts: ['morning'], from: null, to: null },
      priority: 'routine',
      deadline: '2031-01-06T13:00:00+01:00',
      state: 'waiting',
      appointment: null,
      createdBy: practice.collaborator,
    });
    const path = made.json.links.self as string;
    expect(made.headers).toMatchObject({ location: path, etag: '"1"' });
    expect((await ask('GET', path, { headers: { 'if-none-match': '"1"' } })).status).toBe(304);
    const change = (headers: Record<string, string>, body: object): Promise<Answer> =>
      ask('PATCH', path, { headers, body });
    expect((await change({}, { priority: 'urgent' })).status).toBe(428);
    expect((await change({ 'if-match': '"7"' }, { priority: 'urgent' })).status).toBe(412);
    const changed = await change({ 'if-match': '"1"' }, { priority: 'urgent', deadline: null });
    expect(changed.json).toMatchObject({ patient, priority: 'urgent', deadline: null, version: 2 });
    expect(changed.json.availability).toEqual(made.json.availability);
    expect((await change({ 'if-match': '"2"' }, { motifs: [randomUUID()] })).status).toBe(422);
    expect((await change({ 'if-match': '"2"' }, {})).status).toBe(400);
    expect((await ask('DELETE', path, { headers: { 'if-match': '"1"' } })).status).toBe(412);
    expect((await ask('DELETE', path, { headers: { 'if-match': '"2"' } })).status).toBe(204);
    expect((await ask('DELETE', path, { headers: { 'if-match': '"2"' } })).status).toBe(204);
    expect((await ask('GET', path)).json).toMatchObject({ state: 'withdrawn', patient: null });
    expect((await change({ 'if-match': '"3"' }, { priority: 'soon' })).json.type).toContain('waiting-ended');
  });

  test('is made once under one key', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const twins = await Promise.all([enter({}, headers), enter({}, headers), enter({}, headers)]);
    expect(new Set(twins.map(({ json }) => json.id as string)).size).toBe(1);
    expect(twins.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect((await enter({ priority: 'soon' }, headers)).json.type).toContain('idempotency-key-reused');
    expect((await enter({}, { 'idempotency-key': undefined })).status).toBe(400);
    const [kept] = await api.sql(practice, 'SELECT response FROM idempotency WHERE key = $1', [
      headers['idempotency-key'],
    ]);
    expect(kept).toEqual({ response: {} });
  });

  test('says what it cannot take', async () => {
    const wrong = await enter({
      motifs: [],
      agendas: ['x'],
      availability: { weekdays: [8], parts: ['night'], from: 'x' },
      priority: 'high',
    });
    expect(faultPaths(wrong)).toEqual([
      'body.agendas.0',
      'body.availability.from',
      'body.availability.parts.0',
      'body.availability.weekdays.0',
      'body.motifs',
      'body.priority',
    ]);
    expect(faultPaths(await enter({ availability: { from: '2027-02-02', to: '2027-02-01' } }))).toEqual([
      'body.availability.to',
    ]);
    const foreign = await api.practice();
    expect(faultPaths(await enter({ agendas: [foreign.agenda] }))).toEqual(['body.agendas']);
    expect(faultPaths(await enter({ motifs: [foreign.motif] }))).toEqual(['body.motifs']);
  });

  test('is listed a page at a time, by agenda and state, in its own organization', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.push((await enter()).json.id as string);
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = (await ask('GET', `/v1/waiting-list?limit=2&state=waiting&agenda=${practice.agenda}${cursor}`)).json;
      seen.push(...(page.items as { id: string }[]).map(({ id }) => id));
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor as string}`;
    } while (cursor !== '');
    expect(seen).toEqual(ids);
    expect((await ask('GET', '/v1/waiting-list?state=booked')).json.items).toEqual([]);
    const other = await api.client(await api.practice());
    expect((await other('GET', '/v1/waiting-list')).json.items).toEqual([]);
    expect((await other('GET', `/v1/waiting-list/${ids[0]!}`)).status).toBe(404);
  });
});

describe('an offer', () => {
  test('is shown, announced without the patient, and accepted', async () => {
    const entry = (await enter()).json.id as string;
    await look();
    const [offer] = await offers();
    expect(offer).toMatchObject({
      entry,
      agenda: practice.agenda,
      motif: practice.motif,
      state: 'open',
      patient,
      decidedBy: null,
    });
    expect(Date.parse(offer.start)).toBe(NINE);
    expect(Date.parse(offer.holdUntil)).toBeGreaterThan(Date.now());
    const accept = offer.links.accept as string;
    const headers = { 'idempotency-key': randomUUID() };
    const booked = await ask('POST', accept, { body: {}, headers });
    expect([booked.status, booked.json.status, booked.json.id]).toEqual([201, 'confirmed', offer.id]);
    expect(booked.json.patient).toEqual(patient);
    expect((await ask('POST', accept, { body: {}, headers })).json).toEqual(booked.json);
    expect((await ask('POST', accept, { body: {} })).json.type).toContain('hold-ended');
    expect((await ask('POST', `/v1/waiting-list/offers/${offer.id as string}/refuse`)).json.type).toContain(
      'waiting-ended',
    );
    expect((await ask('GET', `/v1/waiting-list/${entry}`)).json).toMatchObject({
      state: 'booked',
      appointment: offer.id,
    });
    expect(await offers()).toEqual([]);
    expect(await offers('?state=accepted')).toMatchObject([{ id: offer.id, decidedBy: { kind: 'collaborator' } }]);
    const events = await api.sql(
      practice,
      `SELECT type, subject_id, data FROM event WHERE type LIKE 'waiting-%' ORDER BY id`,
    );
    expect(events).toMatchObject([
      { type: 'waiting-entry-created', subject_id: entry },
      { type: 'waiting-offer', subject_id: offer.id },
      { type: 'waiting-entry-booked', subject_id: entry },
      { type: 'waiting-offer-accepted', subject_id: offer.id },
    ]);
    expect(JSON.stringify(events) + api.logged()).not.toMatch(/Lef|Anne|1980-05-31|12 34 56/);
  });

  test('is refused, and not made again; a secretary without the right decides nothing', async () => {
    await enter();
    await look();
    const [offer] = await offers();
    const path = `/v1/waiting-list/offers/${offer.id as string}`;
    const reader = await api.client(practice, ['agenda:read']);
    expect((await reader('POST', `${path}/refuse`)).status).toBe(403);
    const refused = await ask('POST', `${path}/refuse`);
    expect([refused.status, refused.json.state]).toEqual([200, 'refused']);
    expect((await ask('POST', `${path}/refuse`)).status).toBe(200);
    expect((await ask('POST', `${path}/accept`, { body: {} })).json.type).toContain('waiting-ended');
    await look();
    expect(await offers()).toEqual([]);
    expect((await ask('POST', `/v1/waiting-list/offers/${randomUUID()}/refuse`)).status).toBe(404);
    expect((await ask('POST', `/v1/waiting-list/offers/${randomUUID()}/accept`, { body: {} })).status).toBe(404);
  });

  test('to a patient who has such an appointment already is accepted knowingly, and with answers to what is asked', async () => {
    await api.sql(practice, 'UPDATE agenda_motif SET rules = $1', [
      { questions: [{ id: 'referral', fr: 'Adressé par ?', en: 'Referred by?', required: true }] },
    ]);
    await api.sql(
      practice,
      `INSERT INTO opening_occurrence (organization_id, opening_id, agenda_id, during) SELECT organization_id, id, agenda_id, tstzrange(to_timestamp($1::numeric / 1000), to_timestamp($2::numeric / 1000)) FROM opening`,
      [NINE + DAY, NINE + DAY + HALF],
    );
    const place = { agenda: practice.agenda, motif: practice.motif, start: new Date(NINE + DAY).toISOString() };
    const answers = { referral: 'Dr Roux' };
    expect((await ask('POST', '/v1/appointments', { body: { ...place, patient, answers } })).status).toBe(201);
    await enter();
    await look();
    const [offer] = await offers();
    const accept = (body: object): Promise<Answer> => ask('POST', offer.links.accept as string, { body });
    expect((await accept({})).json.type).toContain('answers-required');
    expect((await accept({ answers })).json.type).toContain('patient-double');
    expect((await offers()).length).toBe(1);
    const booked = await accept({ answers, acknowledgeDouble: true });
    expect([booked.status, booked.json.patient.answers]).toEqual([201, answers]);
  });
});
