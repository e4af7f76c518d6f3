import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { at, type Practice } from '../../../test/support/practice.js';
import { faultPaths, TestApi, type Client } from './api.suite.js';
import { secondAgenda, Secretary } from './grants.suite.js';

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

test('the list goes on from page to page, in order, without doubles', async () => {
  const own = await api.practice();
  const asOwn = await api.client(own);
  for (const time of ['08:00', '09:00', '10:00', '11:00', '12:00']) {
    await asOwn('POST', '/v1/appointments', {
      body: { agenda: own.agenda, motif: own.motif, start: at(time), patient },
    });
  }
  const starts: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = await asOwn(
      'GET',
      `/v1/appointments?limit=2&agenda=${own.agenda}${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    starts.push(...(page.json.items as { start: string }[]).map(({ start }) => start.slice(11, 16)));
    cursor = page.json.nextCursor as string | null;
  }
  expect(starts).toEqual(['09:00', '10:00', '11:00', '12:00', '13:00']);
  const part = await asOwn(
    'GET',
    `/v1/appointments?from=${encodeURIComponent(at('09:00'))}&to=${encodeURIComponent(at('11:00'))}&status=confirmed&status=held`,
  );
  expect(part.json.items).toHaveLength(2);
  expect(part.json.items[0].patient).toEqual(patient);
  expect((await asOwn('GET', '/v1/appointments?cursor=abc')).json.errors[0].path).toBe('query.cursor');
  expect((await asOwn('GET', '/v1/appointments?status=lost')).status).toBe(400);
});

test('nothing is shown that a grant for another audience reaches, in lists, searches and events', async () => {
  const own = await api.practice();
  const other = await secondAgenda(api, own);
  const asOwn = await api.client(own);
  const book = async (agenda: string): Promise<string> => {
    const body = { agenda, motif: own.motif, start: at('08:00'), patient, acknowledgeDouble: true };
    return (await asOwn('POST', '/v1/appointments', { body })).json.id as string;
  };
  const [here, there] = [await book(own.agenda), await book(other)];
  const secretary = await Secretary.of(api, own);
  await secretary.grant(['see-busy', 'create'], { agenda_ids: [own.agenda], audiences: ['SECRETARIAT'] });
  await secretary.grant(['see-busy', 'create'], { agenda_ids: [other], audiences: ['SNP'] });
  await api.eventsShown(own);
  for (const path of [
    ...['/v1/agendas', '/v1/appointments', '/v1/events'],
    `/v1/slots?motif=${own.motif}&from=${at('09:00')}&to=${at('11:00')}`,
  ]) {
    const { status, text } = await secretary.ask('GET', path);
    expect([path, status, text.includes(own.agenda), text.includes(other)]).toEqual([path, 200, true, false]);
    expect(text).not.toContain(there);
  }
  const unseen = await secretary.ask('GET', `/v1/appointments/${there}`);
  expect([unseen.status, unseen.json.code]).toEqual([403, 'GRANT_AUDIENCE']);
  expect((await secretary.ask('GET', `/v1/appointments/${here}`)).status).toBe(200);
  const permissions = (await secretary.ask('GET', '/v1/me/permissions')).json;
  expect((permissions.agendas as { agenda: string }[]).map(({ agenda }) => agenda)).toEqual([own.agenda]);
});

test('agendas, motifs and slots say what can be booked, and how fresh that is', async () => {
  const agendas = await ask('GET', '/v1/agendas');
  expect(agendas.json.items).toEqual([
    expect.objectContaining({
      id: practice.agenda,
      certainty: 'live',
      location: expect.objectContaining({ timeZone: 'Europe/Paris' }),
    }),
  ]);
  const motifs = await ask('GET', `/v1/motifs?agenda=${practice.agenda}`);
  expect(motifs.json.items).toEqual([
    expect.objectContaining({ id: practice.motif, durationMinutes: 30, agendas: [practice.agenda] }),
  ]);
  const window = `from=${encodeURIComponent(at('06:00', 5))}&to=${encodeURIComponent(at('07:00', 5))}`;
  const nowhere = randomUUID();
  const slots = await ask(
    'GET',
    `/v1/slots?motif=${practice.motif}&agenda=${practice.agenda}&agenda=${nowhere}&${window}&limit=3`,
  );
  expect(slots.json.items).toHaveLength(3);
  expect(slots.json.items[0]).toMatchObject({ start: '2031-01-11T07:00:00+01:00', certainty: 'live', asOf: null });
  expect(slots.json.notOffered).toEqual([nowhere]);
  const next = await ask(
    'GET',
    `/v1/slots/next?motif=${practice.motif}&from=${encodeURIComponent(at('06:00', 5))}&limit=1`,
  );
  expect(next.json.items).toHaveLength(1);
  expect((await ask('GET', `/v1/slots?motif=${randomUUID()}&agenda=${practice.agenda}&${window}`)).status).toBe(404);
  const bad = await ask(
    'GET',
    `/v1/slots?motif=x&from=${encodeURIComponent('2031-01-06 08:00')}&to=2031-01-06T08:00:00`,
  );
  expect(faultPaths(bad)).toEqual(['query.from', 'query.motif', 'query.to']);
  const reversed = await ask(
    'GET',
    `/v1/slots?motif=${practice.motif}&from=${encodeURIComponent(at('09:00'))}&to=${encodeURIComponent(at('08:00'))}`,
  );
  expect(reversed.json.errors).toEqual([{ path: 'query.to', message: 'must be after from' }]);
});

describe('bad input changes nothing', () => {
  const wrong: [string, (good: Record<string, unknown>) => unknown, string[]][] = [
    [
      'unknown fields',
      (good) => ({ ...good, status: 'confirmed', organizationId: randomUUID() }),
      ['body.organizationId', 'body.status'],
    ],
    [
      'a patient with medical words',
      (good) => ({ ...good, patient: { ...patient, diagnosis: 'x' } }),
      ['body.patient.diagnosis'],
    ],
    ['no patient', ({ agenda, motif, start }) => ({ agenda, motif, start }), ['body.patient']],
    ['half a place', ({ agenda }) => ({ agenda, patient }), ['body.motif', 'body.start']],
    ['hold and place', (good) => ({ ...good, hold: randomUUID() }), ['body.agenda', 'body.motif', 'body.start']],
    ['a local time', (good) => ({ ...good, start: '2031-01-06T09:00:00' }), ['body.start']],
    ['a year that cannot be', (good) => ({ ...good, start: '0031-01-06T09:00:00Z' }), ['body.start']],
    ['NUL in a name', (good) => ({ ...good, patient: { ...patient, lastName: 'a\u0000' } }), ['body.patient.lastName']],
    [
      'a lone surrogate',
      (good) => ({ ...good, patient: { ...patient, firstName: '\ud83d' } }),
      ['body.patient.firstName'],
    ],
    [
      'a phone of SQL',
      (good) => ({ ...good, patient: { ...patient, phone: "'; DROP TABLE claim --" } }),
      ['body.patient.phone'],
    ],
    [
      'types',
      () => ({ agenda: 1, motif: [], start: {}, patient: 'x' }),
      ['body.agenda', 'body.motif', 'body.patient', 'body.start'],
    ],
  ];
  test.each(wrong)('%s', async (_, spoil, paths) => {
    const before = await api.sql(practice, 'SELECT count(*) FROM appointment');
    const answer = await ask('POST', '/v1/appointments', { body: spoil({ ...place('15:00'), patient }) });
    expect(answer.status).toBe(400);
    expect(faultPaths(answer)).toEqual(paths);
    expect(await api.sql(practice, 'SELECT count(*) FROM appointment')).toEqual(before);
  });

  test('what looks like an attack in a name is stored as text', async () => {
    const lastName = "=cmd|' /C calc'!A0\"; DROP TABLE claim; -- <script>";
    const answer = await ask('POST', '/v1/appointments', {
      body: { ...place('16:00'), patient: { lastName, firstName: '{{7*7}}' } },
    });
    expect([answer.status, answer.json.patient]).toEqual([201, { lastName, firstName: '{{7*7}}' }]);
  });

  test('a body over 64 KiB is 413', async () => {
    const answer = await ask('POST', '/v1/appointments', {
      body: { ...place('15:00'), patient: { ...patient, lastName: 'x'.repeat(70_000) } },
    });
    expect(answer.status).toBe(413);
  });
});
