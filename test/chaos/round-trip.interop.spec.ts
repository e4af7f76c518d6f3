import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId } from '#application';
import { migrateQueue } from '#queue';
import { ApiClient, createApiKey, type Answer, type Question } from '../support/api-client.js';
import { DebianCalendar, type ShownEvent } from '../support/debian-caldav.js';
import { openHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, type Practice } from '../support/practice.js';
import { HubProcesses } from '../support/processes.js';
import type { RadicaleServer } from '../support/radicale.js';
import { openCalendar, startRadicale, type RemoteCalendar } from '../support/remotes.js';
import { HOUR, MINUTE, TEN } from './stage.js';

/** A quiet agenda is read once a minute. */
const POLLED_MS = 75_000;
const PATIENT = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };

describe('a round trip between the API and a calendar on Radicale, seen by an independent application', () => {
  let radicale: RadicaleServer;
  let remote: RemoteCalendar;
  let calendar: DebianCalendar;
  let database: TestDatabase;
  let admin: pg.Pool;
  let hub: HubProcesses;
  let practice: Practice;
  let client: ApiClient;
  let linkId: string;

  const ask = (question: Question): Promise<Answer> => client.ask(hub.apis[0]!.url, question);
  const post = (path: string, body: object): Promise<Answer> =>
    ask({ method: 'POST', path, body, headers: { 'idempotency-key': newId() } });
  const book = (start: number): Promise<Answer> =>
    post('/v1/appointments', {
      agenda: practice.agenda,
      motif: practice.motif,
      start: new Date(start).toISOString(),
      patient: PATIENT,
    });
  const appointment = async (id: string): Promise<Answer['body']> =>
    (await ask({ method: 'GET', path: `/v1/appointments/${id}` })).body;
  /** 202: the worker is reading the agenda at this moment, perhaps since before the change. */
  const sync = async (): Promise<void> => {
    for (;;) {
      const { status } = await post(`/v1/links/${linkId}/sync`, {});
      if (status === 200) return;
      expect(status).toBe(202);
      await sleep(20);
    }
  };
  const startOf = (body: Answer['body']): number => Date.parse(String(body['start']));

  /** Milliseconds until it holds. */
  const until = async (holds: () => Promise<boolean>, mostMs: number): Promise<number> => {
    const started = performance.now();
    while (!(await holds())) {
      if (performance.now() - started > mostMs) throw new Error(`not within ${mostMs / 1000} s`);
      await sleep(20);
    }
    return performance.now() - started;
  };
  const say = (what: string, ms: number): void => {
    process.stdout.write(`${what}: ${ms.toFixed(0)} ms\n`);
  };

  beforeAll(async () => {
    radicale = await startRadicale();
    remote = await openCalendar(radicale);
    calendar = new DebianCalendar(remote.access);
    database = await createTestDatabase();
    await migrateQueue(database.ownerUrl);
    admin = openPool(database.adminUrl);
    practice = await createPractice(admin);
    const inProcess = await openHub({ url: database.appUrl });
    await inProcess.housekeeping.extendOpenings(practice.organization, practice.agenda);
    await inProcess.close();
    client = new ApiClient({
      apiKey: await createApiKey(admin, practice.organization),
      collaborator: practice.collaborator,
    });
    hub = await HubProcesses.start({ databaseUrl: database.appUrl, apis: 1, workers: 1 });
    const { connectorId, settings, secrets, remoteAgendaId } = remote.account;
    const connection = await post('/v1/connections', {
      connector: connectorId,
      label: 'Agenda du cabinet',
      settings,
      secrets,
    });
    expect(connection.status).toBe(201);
    const agendas = await ask({ method: 'GET', path: `/v1/connections/${String(connection.body['id'])}/agendas` });
    expect(agendas.body).toMatchObject({ items: [{ id: remoteAgendaId, writable: true }] });
    const link = await post('/v1/links', {
      agenda: practice.agenda,
      connection: connection.body['id'],
      remoteAgenda: remoteAgendaId,
      disclosure: 'full',
      approve: true,
    });
    expect(link.status).toBe(201);
    linkId = String(link.body['id']);
    await sync();
  }, 120_000);

  afterAll(async () => {
    client.close();
    calendar.close();
    await hub.stop();
    await remote.close();
    await radicale.stop();
    await admin.end();
    await database.drop();
  });

  it('shows a booking to the practitioner once the secretary is told "confirmed"', async () => {
    const answer = await book(TEN);
    expect(answer).toMatchObject({ status: 201, body: { status: 'confirmed' } });
    let seen: ShownEvent[] = [];
    const visible = await until(async () => (seen = await calendar.entries()).length > 0, 1_000);
    expect(seen).toMatchObject([{ start: TEN, end: TEN + 30 * MINUTE, title: 'DURAND Zoé – Consultation' }]);
    say('told "confirmed" after', answer.ms);
    say('… and visible in the calendar', visible);
  });

  it('follows the practitioner who moves, shortens and retitles it, when forced to look', async () => {
    const { body, status } = await book(TEN + 2 * HOUR);
    expect(status).toBe(201);
    const id = String(body['id']);
    const [entry] = (await calendar.entries()).filter(({ start }) => start === TEN + 2 * HOUR);
    await calendar.move(entry!.id, TEN + 4 * HOUR, TEN + 4 * HOUR + 15 * MINUTE);
    const started = performance.now();
    await sync();
    const moved = await appointment(id);
    say('moved by the practitioner, visible in the hub after', performance.now() - started);
    expect(startOf(moved)).toBe(TEN + 4 * HOUR);
    expect(Date.parse(String(moved['end']))).toBe(TEN + 4 * HOUR + 15 * MINUTE);
    expect(moved['status']).toBe('confirmed');
    await calendar.retitle(entry!.id, 'Zoé, contrôle');
    await sync();
    expect(await appointment(id)).toMatchObject({ status: 'confirmed' });
    expect((await calendar.entries()).find((event) => event.id === entry!.id)).toMatchObject({
      title: 'Zoé, contrôle',
    });
  });

  it('follows the practitioner by itself, without being told', async () => {
    const { body } = await book(TEN + 6 * HOUR);
    const id = String(body['id']);
    const [entry] = (await calendar.entries()).filter(({ start }) => start === TEN + 6 * HOUR);
    await calendar.remove(entry!.id);
    const ms = await until(async () => (await appointment(id))['status'] === 'cancelled', POLLED_MS);
    say('deleted by the practitioner, visible in the hub after', ms);
    expect(await appointment(id)).toMatchObject({ reason: { code: 'PRACTITIONER_CANCELLED' } });
  }, 120_000);

  it('does not offer what the practitioner took for himself', async () => {
    const query = new URLSearchParams({
      agenda: practice.agenda,
      motif: practice.motif,
      from: new Date(TEN + 8 * HOUR).toISOString(),
      to: new Date(TEN + 9 * HOUR).toISOString(),
    });
    const offered = async (): Promise<number[]> => {
      const { body } = await ask({ method: 'GET', path: `/v1/slots?${query.toString()}` });
      return (body['items'] as Answer['body'][]).map(startOf);
    };
    expect(await offered()).toContain(TEN + 8 * HOUR);
    await calendar.create({ start: TEN + 8 * HOUR, end: TEN + 9 * HOUR, title: 'Privé' });
    await sync();
    expect(await offered()).toEqual([]);
    const refused = await book(TEN + 8 * HOUR + 10 * MINUTE);
    expect(refused.status).toBe(409);
    expect((refused.body['alternatives'] as unknown[]).length).toBe(3);
  });
});
