import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type pg from 'pg';
import { migrateQueue } from '#queue';
import { ApiClient, createApiKey, type Answer } from '../support/api-client.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { at, createPractice, openPool, type Practice } from '../support/practice.js';
import { HubProcesses } from '../support/processes.js';

let database: TestDatabase;
let admin: pg.Pool;
let hub: HubProcesses;
let practice: Practice;
let client: ApiClient;

beforeAll(async () => {
  database = await createTestDatabase();
  await migrateQueue(database.ownerUrl);
  admin = openPool(database.adminUrl);
  practice = await createPractice(admin);
  hub = await HubProcesses.start({ databaseUrl: database.appUrl, apis: 1, workers: 1 });
  client = new ApiClient({
    apiKey: await createApiKey(admin, practice.organization),
    collaborator: practice.collaborator,
  });
}, 180_000);
afterAll(async () => {
  client.close();
  await hub.stop();
  await admin.end();
  await database.drop();
});

const post = (path: string, key: string, body: object): Promise<Answer> =>
  client.ask(hub.apis[0]!.url, { method: 'POST', path, headers: { 'idempotency-key': key }, body });
const place = (time: string) => ({ agenda: practice.agenda, motif: practice.motif, start: at(time) });
const patient = { lastName: 'Durand', firstName: 'Zoé' };
const appointments = async (): Promise<number> =>
  (await admin.query<{ n: number }>('SELECT count(*)::int AS n FROM appointment')).rows[0]!.n;

/** Two requests with a final answer each: a booking, and one that was refused. */
const ASKED = [
  { key: randomUUID(), time: '10:00', status: 201 },
  { key: randomUUID(), time: '10:15', status: 409 },
];
const ask = async (): Promise<Pick<Answer, 'status' | 'body'>[]> => {
  const answers = [];
  for (const { key, time } of ASKED) {
    const { status, body } = await post('/v1/appointments', key, { ...place(time), patient });
    // Names this very request, for whoever looks it up in the log.
    const { requestId: _own, ...said } = body;
    answers.push({ status, body: said });
  }
  return answers;
};

it('scenario 14: the same key gets the same answer after a crash of every process, and after a day', async () => {
  const first = await ask();
  expect(first.map(({ status }) => status)).toEqual(ASKED.map(({ status }) => status));
  expect(await ask()).toEqual(first);

  await Promise.all(hub.all.map((one) => one.kill()));
  await Promise.all(hub.all.map((one) => one.start()));
  expect(await ask()).toEqual(first);

  const hold = await post('/v1/holds', randomUUID(), { ...place('14:00'), seconds: 60 });
  expect(hold.status).toBe(201);
  // A day goes by on the database's clock; a worker does what is due then.
  await admin.query(`UPDATE idempotency SET created_at = created_at - interval '25 hours'`);
  await admin.query(`UPDATE appointment SET hold_until = hold_until - interval '25 hours'`);
  const held = () => admin.query(`SELECT 1 FROM appointment WHERE status = 'held'`);
  for (const end = Date.now() + 20_000; (await held()).rowCount! > 0 && Date.now() < end;) await delay(100);
  expect((await held()).rowCount).toBe(0);
  expect(await ask()).toEqual(first);
  expect(await appointments()).toBe(2);
  const reused = await post('/v1/appointments', ASKED[0]!.key, { ...place('16:00'), patient });
  expect(reused.status).toBe(422);
}, 120_000);
