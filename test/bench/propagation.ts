import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { newId } from '#application';
import { migrateQueue } from '#queue';
import { startPostgres } from '#scripts/postgres.mjs';
import { ApiClient, createApiKey } from '../support/api-client.js';
import { linkAgenda, openHub } from '../support/hub.js';
import { createTestDatabase } from '../support/postgres.js';
import { createPractice, openPool, type Practice } from '../support/practice.js';
import { HubProcesses } from '../support/processes.js';
import { openCalendar, openInHouse, startRadicale, type RemoteAgenda } from '../support/remotes.js';
import { benchResult, percentile, round, type BenchResult } from './measure.js';

const DAY = 86_400_000;
const HALF_HOUR = 1_800_000;
const FIRST = Math.ceil(Date.now() / DAY) * DAY + 2 * DAY;
const PATIENT = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };
/** Longer than any poll. */
const NEVER_MS = 120_000;
const LOOK_MS = 5;

interface Place {
  readonly practice: Practice;
  readonly remote: RemoteAgenda;
  readonly client: ApiClient;
  /** Half hours that nobody has used yet. */
  next: number;
}

interface Setting {
  readonly hub: HubProcesses;
  readonly admin: pg.Pool;
  readonly places: readonly Place[];
}

/**
 * How long a change takes to be seen on the other side: a booking through the API in the practitioner's tool, and what he
 * adds there in the hub; at a backend that pushes, and at a CalDAV calendar, which is polled.
 */
export async function benchPropagation(short: boolean): Promise<BenchResult> {
  const changes = short ? 6 : 300;
  const pushing = await withPlaces('in-house', short ? 2 : 10, (setting) => bothWays(setting, changes));
  const polled = await withPlaces('caldav', short ? 2 : 30, (setting) => bothWays(setting, changes));
  const metrics = { ...percentiles('push', pushing), ...percentiles('caldav', polled) };
  return benchResult('propagation', {}, { metrics, runs: [{ changes, pushing, polled }] });
}

interface BothWays {
  readonly out: readonly number[];
  readonly in: readonly number[];
}

function percentiles(prefix: string, times: BothWays): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (const way of ['out', 'in'] as const) {
    const sorted = [...times[way]].sort((a, b) => a - b);
    for (const share of [50, 95, 99])
      metrics[`${prefix}_${way}_p${String(share)}_ms`] = round(percentile(sorted, share / 100));
  }
  return metrics;
}

/** Changes follow one another on each agenda; the agendas go side by side. */
async function bothWays({ hub, admin, places }: Setting, changes: number): Promise<BothWays> {
  const each = Math.ceil(changes / places.length);
  const many = async (measure: (place: Place) => Promise<number>, atOnce: number): Promise<number[]> => {
    const times: number[] = [];
    const left = [...places];
    const worker = async (): Promise<void> => {
      for (let place = left.pop(); place; place = left.pop())
        for (let n = 0; n < each; n += 1) times.push(await measure(place));
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return times.map(round);
  };
  return {
    out: await many((place) => outwards(hub, place), 1),
    in: await many((place) => inwards(admin, place), places.length),
  };
}

/** From the secretary's request to the entry in the practitioner's tool. */
async function outwards(hub: HubProcesses, place: Place): Promise<number> {
  const { practice, remote, client } = place;
  const start = freeStart(place);
  const started = performance.now();
  const answered = client.ask(hub.apis[0]?.url ?? '', {
    method: 'POST',
    path: '/v1/appointments',
    body: { agenda: practice.agenda, motif: practice.motif, start: new Date(start).toISOString(), patient: PATIENT },
    headers: { 'idempotency-key': newId(), prefer: 'wait=5' },
  });
  const ms = await until(started, async () => (await remote.entries()).some((entry) => entry.start === start));
  const { status } = await answered;
  if (status !== 201) throw new Error(`a booking was answered ${String(status)}`);
  return ms;
}

/** From the practitioner's own entry to the hour that the hub no longer gives away. */
async function inwards(admin: pg.Pool, place: Place): Promise<number> {
  const start = freeStart(place);
  await sleep(Math.random() * 500);
  const started = performance.now();
  await place.remote.create({ start, end: start + HALF_HOUR, title: 'Privé' });
  const claimed = `SELECT 1 FROM claim WHERE agenda_id = $1 AND authority = 'remote' AND lower(during) = to_timestamp($2::numeric / 1000)`;
  return until(started, async () => (await admin.query(claimed, [place.practice.agenda, start])).rowCount !== 0);
}

function freeStart(place: Place): number {
  place.next += 1;
  return FIRST + place.next * HALF_HOUR;
}

async function until(started: number, holds: () => Promise<boolean>): Promise<number> {
  while (!(await holds())) {
    if (performance.now() - started > NEVER_MS) throw new Error('a change was never seen on the other side');
    await sleep(LOOK_MS);
  }
  return performance.now() - started;
}

async function withPlaces<T>(
  backend: 'in-house' | 'caldav',
  count: number,
  work: (setting: Setting) => Promise<T>,
): Promise<T> {
  const server = await startPostgres({ settings: { max_connections: 100 } });
  const closing: (() => Promise<unknown>)[] = [() => server.stop()];
  try {
    const database = await createTestDatabase(server.url());
    await migrateQueue(database.ownerUrl);
    const radicale = backend === 'caldav' ? await startRadicale() : null;
    if (radicale) closing.push(() => radicale.stop());
    const hub = await HubProcesses.start({ databaseUrl: database.appUrl, apis: 1, workers: 1, vendors: true });
    closing.push(() => hub.stop());
    const admin = openPool(database.adminUrl, 16);
    closing.push(() => admin.end());
    const inProcess = await openHub({ url: database.appUrl, publicUrl: hub.apis[0]?.url ?? '' });
    closing.push(() => inProcess.close());
    const places: Place[] = [];
    for (let n = 0; n < count; n += 1) {
      const practice = await createPractice(admin);
      await inProcess.housekeeping.extendOpenings(practice.organization, practice.agenda);
      const remote = radicale
        ? await openCalendar(radicale)
        : await openInHouse(`agenda-${String(n)}`, hub.vendors?.url);
      closing.push(() => remote.close());
      await linkAgenda(inProcess, practice, remote.account);
      const apiKey = await createApiKey(admin, practice.organization);
      const client = new ApiClient({ apiKey, collaborator: practice.collaborator });
      closing.push(async () => client.close());
      places.push({ practice, remote, client, next: 0 });
    }
    return await work({ hub, admin, places });
  } finally {
    for (const close of closing.reverse()) await close();
  }
}
