import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { at, type Practice } from '../../../test/support/practice.js';
import { createMockVendors } from '../../mock-vendors/src/server.js';
import { faultPaths, TestApi, type Answer, type Client } from './api.suite.js';

const FEED = 'garde';
const HALF_HOUR = 1_800_000;

let api: TestApi;
let vendors: FastifyInstance;
let origin: string;
let practice: Practice;
let ask: Client;
let connection: string;

beforeAll(async () => {
  api = await TestApi.start({ VENDOR_TIMEOUT_MS: '2000' });
  vendors = createMockVendors();
  origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
  practice = await api.practice();
  ask = await api.client(practice);
  await control('seed', { feeds: [{ id: FEED, name: 'Garde' }] });
  const made = await ask('POST', '/v1/connections', {
    body: { connector: 'ics', label: 'Garde', settings: {}, secrets: { url: `${origin}/ics-feed/feeds/${FEED}.ics` } },
  });
  connection = made.json.id as string;
});

afterAll(async () => {
  await api.stop();
  await vendors.close();
});

async function control(action: string, body: object): Promise<unknown> {
  const answer = await fetch(`${origin}/ics-feed/__control/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`control ${action} answered ${String(answer.status)}`);
  return answer.json();
}

/** Soon enough to lie in the window that links are read for. */
const SOON = Math.ceil(Date.now() / 86_400_000) * 86_400_000 + 10 * 86_400_000;

const publish = (start: number): Promise<unknown> =>
  control('edit', {
    action: 'create',
    agendaId: FEED,
    entry: { start, end: start + HALF_HOUR, title: 'Zyxwvutsrq' },
  });

const link = (more: object): Promise<Answer> =>
  ask('POST', '/v1/links', {
    body: { agenda: practice.agenda, connection, remoteAgenda: 'feed', approve: true, ...more },
  });

async function busy(): Promise<string[]> {
  const rows = (await api.sql(
    practice,
    `SELECT lower(during) AS start FROM claim WHERE authority = 'remote' AND agenda_id = $1 ORDER BY 1`,
    [practice.agenda],
  )) as { start: Date }[];
  return rows.map(({ start }) => start.toISOString());
}

test('a published calendar is linked read-only, and never otherwise', async () => {
  const verified = await ask('POST', `/v1/connections/${connection}/verify`);
  expect([verified.status, verified.json.account]).toEqual([200, '127.0.0.1']);
  expect((await ask('GET', `/v1/connections/${connection}/agendas`)).json.items).toEqual([
    { id: 'feed', name: 'Garde', writable: false, timeZone: null, advice: null },
  ]);
  for (const more of [{}, { direction: 'two-way' }]) {
    const refused = await link(more);
    expect([refused.status, faultPaths(refused)]).toEqual([400, ['body.direction']]);
    expect(refused.json.errors[0].message).toContain('read-only');
  }
  expect((await link({ direction: 'read-only' })).status).toBe(201);
});

test('its busy time is taken, its silence frees nothing, and the hub goes on booking by itself', async () => {
  const linked = (await api.sql(practice, 'SELECT id FROM link WHERE agenda_id = $1', [practice.agenda])) as {
    id: string;
  }[];
  const sync = (): Promise<Answer> =>
    ask('POST', `/v1/links/${linked[0]?.id ?? ''}/sync`, { headers: { prefer: 'wait=5' }, body: {} });
  await publish(SOON);
  expect((await sync()).json).toMatchObject({ read: { light: 'green', failures: 0 }, quarantined: 0 });
  expect(await busy()).toEqual([new Date(SOON).toISOString()]);

  await control('file', { agendaId: FEED, text: 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\n' });
  expect((await sync()).json).toMatchObject({ read: { failures: 1 }, lastError: { kind: 'unavailable' } });
  expect(await busy()).toEqual([new Date(SOON).toISOString()]);

  for (const n of [1, 2, 3]) await publish(SOON + n * 2 * HALF_HOUR);
  await sync();
  const whole = await busy();
  await control('file', { agendaId: FEED, text: 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n' });
  for (const _ of [1, 2]) expect((await sync()).json).toMatchObject({ brake: { deletions: 4 }, lastError: null });
  expect([whole.length, await busy()]).toEqual([4, whole]);

  const booked = await ask('POST', '/v1/appointments', {
    body: {
      agenda: practice.agenda,
      motif: practice.motif,
      start: at('09:00'),
      patient: { lastName: 'Lefèvre', firstName: 'Anne' },
    },
  });
  expect([booked.status, booked.json.status]).toEqual([201, 'confirmed']);
  expect(await api.sql(practice, 'SELECT 1 FROM remote_write')).toEqual([]);
  expect(api.logged()).not.toContain('Zyxwvutsrq');
  expect(api.logged()).not.toContain(`${FEED}.ics`);
});
