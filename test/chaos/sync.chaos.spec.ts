import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { migrateQueue } from '#queue';
import { ApiClient, createApiKey } from '../support/api-client.js';
import type { Interference } from '../support/dav-proxy.js';
import { linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { Ledger } from '../support/ledger.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool } from '../support/practice.js';
import { HubProcesses } from '../support/processes.js';
import type { RadicaleServer } from '../support/radicale.js';
import {
  makeEveryTrouble,
  openCalendar,
  openInHouse,
  startRadicale,
  type RemoteAgenda,
  type RemoteCalendar,
} from '../support/remotes.js';
import { chances } from './chances.js';
import { Diary, keepDoing, practitionerDoes, secretaryDoes, type Place } from './soak.js';

/** A run that counts takes 300; `SOAK_SECONDS` asks for another. */
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 300);
const AGENDAS = 60;
/** Of these, calendars on Radicale; the rest is in the simulator, which pushes. */
const CALENDARS = 15;
const KILL_EVERY_MS = 20_000;
const FAULTS = 0.05;
const PUSHES = 0.2;
const SETTLED_MS = 120_000;

describe(`${AGENDAS} agendas edited on both sides for ${SECONDS} s while everything fails`, () => {
  const random = chances(11_061_789);
  const diary = new Diary();
  const places: Place[] = [];
  let database: TestDatabase;
  let admin: pg.Pool;
  let ledger: Ledger;
  let inProcess: TestHub;
  let hub: HubProcesses;
  let radicale: RadicaleServer;
  const calendars: RemoteCalendar[] = [];

  const open = async (index: number): Promise<RemoteAgenda> => {
    if (index >= CALENDARS) return openInHouse(`agenda-${index}`, hub.vendors!.url);
    const calendar = await openCalendar(radicale);
    calendars.push(calendar);
    return calendar;
  };

  beforeAll(async () => {
    radicale = await startRadicale();
    database = await createTestDatabase();
    await migrateQueue(database.ownerUrl);
    admin = openPool(database.adminUrl);
    ledger = new Ledger(admin);
    hub = await HubProcesses.start({ databaseUrl: database.appUrl, apis: 1, workers: 2, vendors: true });
    inProcess = await openHub({ url: database.appUrl, publicUrl: hub.apis[0]!.url });
    for (let index = 0; index < AGENDAS; index += 1) {
      const desk = await createPractice(admin);
      await inProcess.housekeeping.extendOpenings(desk.organization, desk.agenda);
      const remote = await open(index);
      const linkId = await linkAgenda(inProcess, desk, remote.account);
      const apiKey = await createApiKey(admin, desk.organization);
      places.push({ desk, remote, linkId, client: new ApiClient({ apiKey, collaborator: desk.collaborator }) });
    }
  }, 300_000);

  afterAll(async () => {
    for (const { client, remote } of places) {
      client.close();
      await remote.close();
    }
    await hub.stop();
    await inProcess.close();
    await radicale.stop();
    await admin.end();
    await database.drop();
  });

  const spoil = (): Interference => {
    const dice = random() / FAULTS;
    if (dice < 0.3) return { status: 503 };
    if (dice < 0.6) return 'reset';
    return dice < 1 ? 'drop' : undefined;
  };

  const killAgain = async (endsAt: number): Promise<number> => {
    for (let kills = 0; ; kills += 1) {
      await sleep(KILL_EVERY_MS);
      if (performance.now() > endsAt) return kills;
      const worker = hub.workers[kills % hub.workers.length]!;
      await worker.kill();
      await worker.start();
    }
  };

  /** Reads every agenda completely, once, whatever the workers are doing. */
  const reconcile = async ({ desk }: Place): Promise<void> => {
    for (const until = performance.now() + SETTLED_MS; ;) {
      const ran = await inProcess.lanes
        .run({ organizationId: desk.organization, agendaId: desk.agenda, sync: 'full' })
        .catch(() => 'failed' as const);
      if (ran === 'done') return;
      if (performance.now() > until) throw new Error(`an agenda could not be reconciled: ${ran}`);
      await sleep(100);
    }
  };

  /** Where both sides differ, in words. */
  const differences = async ({ desk, remote }: Place): Promise<string[]> => {
    const rows = (await ledger.rows([desk.agenda])).filter(({ status }) => ['confirmed', 'conflict'].includes(status));
    const foreign = await ledger.foreign(desk.agenda);
    const entries = await remote.entries();
    const line = (id: string | null, start: number, end: number): string =>
      `${id ?? ''} ${new Date(start).toISOString()}/${new Date(end).toISOString()}`;
    const here = [
      ...rows.map(({ id, start, end }) => line(id, start, end)),
      ...foreign.map(({ id, start, end }) => line(id, start, end)),
    ];
    const there = entries.map(({ id, appointmentId, start, end }) => line(appointmentId ?? id, start, end));
    return [
      ...here.filter((one) => !there.includes(one)).map((one) => `only in the hub: ${one}`),
      ...there.filter((one) => !here.includes(one)).map((one) => `only in the practitioner's tool: ${one}`),
      ...there.filter((one, index) => there.indexOf(one) !== index).map((one) => `twice: ${one}`),
    ];
  };

  it(
    'leaves both sides equal after one reconcile: nothing lost, nothing double, no overlap of ours',
    async () => {
      const trouble = await makeEveryTrouble(hub.vendors!.url, { faults: FAULTS, pushes: PUSHES });
      for (const calendar of calendars) calendar.interfere(spoil);
      const endsAt = performance.now() + SECONDS * 1000;
      const doer = { diary, random, apis: hub.apis };
      const work = [
        keepDoing(places, { doers: 4, pauseMs: 120, endsAt, act: (place) => secretaryDoes(place, doer) }, random),
        keepDoing(places, { doers: 3, pauseMs: 150, endsAt, act: (place) => practitionerDoes(place, doer) }, random),
      ];
      const [kills] = await Promise.all([killAgain(endsAt), ...work]);
      const failed = await trouble.count();
      await trouble.end();
      for (const calendar of calendars) calendar.interfere(() => undefined);
      const ended = performance.now();
      while (performance.now() - ended < SETTLED_MS && (await ledger.unsettled()).length > 0) await sleep(250);
      const settledMs = performance.now() - ended;
      for (const place of places) await reconcile(place);
      while (performance.now() - ended < SETTLED_MS && (await ledger.unsettled()).length > 0) await sleep(250);
      process.stdout.write(
        `soak of ${SECONDS} s: ${diary.asked} requests (${diary.confirmed.size} told confirmed, ${diary.refused} refused), ${diary.edits} edits by practitioners, ` +
          `${kills} kills, ${failed} faults in the simulator; settled ${(settledMs / 1000).toFixed(1)} s after the end\n`,
      );
      expect(kills).toBeGreaterThanOrEqual(Math.floor(SECONDS / 30));
      // A busy machine does less in the time; what it did must be right.
      expect(diary.confirmed.size).toBeGreaterThan(SECONDS / 10);
      expect(await ledger.unsettled()).toEqual([]);
      expect((await Promise.all(places.map(differences))).flat()).toEqual([]);
      expect(await ledger.overlaps()).toEqual([]);
      const rows = await ledger.rows(places.map(({ desk }) => desk.agenda));
      const lost = rows.filter(
        ({ id, status }) =>
          diary.confirmed.has(id) &&
          !['confirmed', 'conflict'].includes(status) &&
          !diary.cancelling.has(id) &&
          !diary.removed.has(id),
      );
      expect(lost).toEqual([]);
      const ids = new Set(rows.map(({ id }) => id));
      expect([...diary.confirmed].filter((id) => !ids.has(id))).toEqual([]);
      for (const { desk, remote } of places) {
        const there = new Set((await remote.entries()).map(({ id }) => id));
        expect([...(diary.own.get(desk.agenda) ?? [])].filter((id) => !there.has(id))).toEqual([]);
      }
    },
    (SECONDS + 600) * 1000,
  );
});
