import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { connectors } from '#connectors';
import { migrateQueue } from '#queue';
import { ApiClient, createApiKey } from '../support/api-client.js';
import { linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { Ledger } from '../support/ledger.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool } from '../support/practice.js';
import { HubProcesses } from '../support/processes.js';
import { VendorAgenda } from '../support/vendor-agenda.js';
import { accountOf, VENDOR_ROWS } from '../support/vendor-rows.js';
import { chances } from './chances.js';
import { addAgenda, mixedFaults, patientActs, practitionerActs, releasesDeletions } from './mixed-practice.js';
import { wrongAt, type VendorPlace } from './mixed-practice.js';
import { Diary, keepDoing, secretaryDoes } from './soak.js';

/** A run that counts takes 600; `VENDORS_SECONDS` asks for another. */
const SECONDS = Number(process.env['VENDORS_SECONDS'] ?? 60);
const FAULTS = 0.05;
const SETTLED_MS = 180_000;
/** Longer than anything that was sent takes to land: simulators answer at once, and no fault here holds a request up. */
const IN_FLIGHT_MS = 6_000;
/** Reasons for which a promised appointment may be gone: the practitioner's own hand. */
const HIS_HAND: ReadonlySet<string> = new Set(['PRACTITIONER_CANCELLED']);

describe(`one practice, ${String(VENDOR_ROWS.length)} agendas at as many vendors, ${String(SECONDS)} s while 5 % fails`, () => {
  const random = chances(20_270_401);
  const diary = new Diary();
  const places: VendorPlace[] = [];
  let database: TestDatabase;
  let admin: pg.Pool;
  let ledger: Ledger;
  let inProcess: TestHub;
  let hub: HubProcesses;

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrateQueue(database.ownerUrl);
    admin = openPool(database.adminUrl);
    ledger = new Ledger(admin);
    hub = await HubProcesses.start({ databaseUrl: database.appUrl, apis: 1, workers: 2, vendors: true });
    inProcess = await openHub({ url: database.appUrl, publicUrl: hub.apis[0]!.url });
    const practice = await createPractice(admin);
    const apiKey = await createApiKey(admin, practice.organization);
    for (const [index, row] of VENDOR_ROWS.entries()) {
      const desk = index === 0 ? practice : await addAgenda(admin, practice);
      await inProcess.housekeeping.extendOpenings(desk.organization, desk.agenda);
      const agenda = new VendorAgenda(row, hub.vendors!.url);
      await agenda.begin();
      const account = accountOf(row, hub.vendors!.url);
      const linkId = await linkAgenda(inProcess, { ...practice, agenda: desk.agenda }, account);
      places.push({ desk, agenda, linkId, client: new ApiClient({ apiKey, collaborator: desk.collaborator }) });
    }
  }, 300_000);

  afterAll(async () => {
    for (const { client } of places) client.close();
    await hub.stop();
    await inProcess.close();
    await admin.end();
    await database.drop();
  });

  const readAll = async ({ desk, agenda }: VendorPlace): Promise<void> => {
    const agendaOf = { organizationId: desk.organization, agendaId: desk.agenda };
    for (const until = performance.now() + SETTLED_MS; ; await sleep(200)) {
      const ran = await inProcess.lanes.run({ ...agendaOf, sync: 'full' }).catch((error: unknown) => String(error));
      if (ran === 'done') return;
      if (performance.now() > until) throw new Error(`${agenda.row.id} could not be read: ${ran}`);
    }
  };

  /** People answer what waits for them, nothing sent earlier can land any more, and the hub carries on until all is certain. */
  const settle = async (): Promise<void> => {
    await sleep(IN_FLIGHT_MS);
    for (const until = performance.now() + SETTLED_MS; performance.now() < until; await sleep(250)) {
      const answered = await Promise.all(places.map(({ agenda }) => agenda.answer()));
      const { rowCount } = await admin.query(
        `UPDATE remote_write SET last_sent_at = last_sent_at - interval '1 hour', due_at = now() WHERE state = 'due'`,
      );
      const released: boolean[] = [];
      for (const place of places) {
        await readAll(place);
        released.push(await releasesDeletions(inProcess, place));
      }
      if (![...answered, ...released].includes(true) && rowCount === 0 && (await ledger.unsettled()).length === 0)
        return;
    }
  };

  it(
    'ends with nothing double, nothing missing, and no overlap where the vendor refuses them',
    async () => {
      for (const { agenda } of places) await agenda.arm(mixedFaults(FAULTS));
      const endsAt = performance.now() + SECONDS * 1000;
      const doer = { diary, random, apis: hub.apis };
      await Promise.all([
        keepDoing(places, { doers: 4, pauseMs: 150, endsAt, act: (place) => secretaryDoes(place, doer) }, random),
        keepDoing(places, { doers: 2, pauseMs: 200, endsAt, act: (place) => practitionerActs(place, random) }, random),
        keepDoing(places, { doers: 2, pauseMs: 250, endsAt, act: (place) => patientActs(place, random) }, random),
      ]);
      const failed: number[] = [];
      for (const { agenda } of places) failed.push(await agenda.disarm());
      const ended = performance.now();
      await settle();
      const wrong = (await Promise.all(places.map((place) => wrongAt(place, ledger)))).flat();
      process.stdout.write(
        `mixed practice, ${String(SECONDS)} s: ${String(diary.asked)} requests (${String(diary.confirmed.size)} told confirmed, ${String(diary.refused)} refused), ` +
          `faults ${failed.join(', ')}; settled ${((performance.now() - ended) / 1000).toFixed(1)} s after the end\n`,
      );
      expect(wrong).toEqual([]);
      expect(await ledger.unsettled()).toEqual([]);
      expect(failed.filter((count) => count === 0)).toEqual([]);
      expect(diary.confirmed.size).toBeGreaterThan(SECONDS / 4);
      const authoritative = places.filter(({ agenda }) => connectors.get(agenda.row.id)!.capabilities.refusesOverlap);
      const rows = await ledger.rows(authoritative.map(({ desk }) => desk.agenda));
      const gone = rows.filter(
        ({ id, status }) => diary.confirmed.has(id) && !['confirmed', 'conflict'].includes(status),
      );
      const lost = gone.filter(({ id, reason }) => !diary.cancelling.has(id) && !HIS_HAND.has(reason?.code ?? ''));
      expect(lost).toEqual([]);
    },
    (SECONDS + 600) * 1000,
  );

  it('would have seen what is missing, double or overlapping', async () => {
    let seen = 0;
    for (const place of places) {
      const { agenda } = place;
      const ours = (await agenda.standing()).find(({ title }) => title !== 'Privé' && title !== 'En ligne');
      // In a short run not every vendor has one of ours at its end.
      if (ours === undefined) continue;
      seen += 1;
      const { start, end, title } = ours;
      await agenda.put('practitioner', { start, end, title }, true);
      const double = await wrongAt(place, ledger);
      const { refusesOverlap } = connectors.get(agenda.row.id)!.capabilities;
      expect(double.map((what) => what.replace(/^.*?: /, '').slice(0, 7))).toEqual(
        refusesOverlap ? ['1 in th', 'overlap'] : ['1 in th'],
      );
      for (const one of await agenda.standing()) if (one.start === start) await agenda.remove(one.id);
      expect((await wrongAt(place, ledger)).join()).toContain('1 in the hub, 0 there');
    }
    expect(seen).toBeGreaterThan(places.length / 2);
  });
});
