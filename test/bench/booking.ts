import { createHash, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import type pg from 'pg';
import { migrateQueue } from '#queue';
import { startPostgres } from '#scripts/postgres.mjs';
import { createTestDatabase } from '../support/postgres.js';
import { openPool } from '../support/practice.js';
import { HubProcesses } from '../support/processes.js';
import { seedAgendas, starts, type BenchAgenda } from './booking-practice.js';
import { benchResult, load, median, type BenchResult, type Load } from './measure.js';

const AGENDAS = 200;
const CLIENTS = [1, 8, 32] as const;
const ROUNDS = 3;

interface Round {
  readonly bare: Load;
  readonly transaction: Load;
  readonly http: Readonly<Record<number, Load>>;
}

/** One-row inserts under the exclusion constraints of `claim`, and nothing else. */
const BARE = `CREATE TABLE bench_claim (agenda_id uuid NOT NULL, seat integer NOT NULL, during tstzrange NOT NULL, authority text NOT NULL, holder uuid NOT NULL,
  overbooked boolean NOT NULL DEFAULT false, contested boolean NOT NULL DEFAULT false,
  EXCLUDE USING gist (agenda_id WITH =, seat WITH =, during WITH &&, holder WITH <>) WHERE (authority = 'hub' AND NOT overbooked AND NOT contested) DEFERRABLE INITIALLY IMMEDIATE,
  EXCLUDE USING gist (agenda_id WITH =, seat WITH =, during WITH &&, authority WITH <>) WHERE (NOT overbooked AND NOT contested) DEFERRABLE INITIALLY IMMEDIATE)`;

/**
 * Bookings per second through HTTP with every convention on, beside the same transaction called through `pg`, beside
 * bare inserts under the same constraints: three rounds, the ceilings measured next to what they are compared with.
 */
export async function benchBooking(short: boolean): Promise<BenchResult> {
  const server = await startPostgres({ settings: { max_connections: 200 } });
  let hub: HubProcesses | undefined;
  try {
    const { adminUrl, appUrl, ownerUrl } = await createTestDatabase(server.url());
    await migrateQueue(ownerUrl);
    // Three connections for each of two processors; each plans its statements for itself.
    hub = await HubProcesses.start({ databaseUrl: appUrl, apis: 1, workers: 1, env: { POOL_SIZE: '6' } });
    const admin = openPool(adminUrl, 32);
    const pool = openPool(appUrl, 32);
    try {
      const { rows } = await admin.query<{ server_version: string }>('SHOW server_version');
      const rounds = await measure(
        { hub, admin, pool },
        short ? { rounds: 1, seconds: 1 } : { rounds: ROUNDS, seconds: 5 },
      );
      return benchResult(
        'booking',
        { postgresql: rows[0]?.server_version ?? '' },
        { metrics: metricsOf(rounds, hub), runs: rounds },
      );
    } finally {
      await pool.end();
      await admin.end();
    }
  } finally {
    await hub?.stop();
    await server.stop();
  }
}

async function measure(
  on: { hub: HubProcesses; admin: pg.Pool; pool: pg.Pool },
  shape: { rounds: number; seconds: number },
): Promise<Round[]> {
  const { hub, admin, pool } = on;
  const { seconds } = shape;
  const url = hub.apis[0]?.url ?? '';
  await admin.query(BARE);
  const agendas = await seedAgendas(pool, AGENDAS);
  const next = starts(AGENDAS);
  await loadHttp(url, agendas, next, { clients: 8, seconds: 1 });
  // As autovacuum does within a minute: plans made for empty tables are made anew.
  await admin.query('ANALYZE');
  const rounds: Round[] = [];
  for (let n = 0; n < shape.rounds; n += 1) {
    const http: Record<number, Load> = {};
    for (const clients of CLIENTS) http[clients] = await loadHttp(url, agendas, next, { clients, seconds });
    const transaction = await loadTransaction(pool, agendas, next, seconds);
    const bare = await loadBare(admin, agendas, starts(AGENDAS), seconds);
    await admin.query('TRUNCATE bench_claim');
    rounds.push({ bare, transaction, http });
  }
  return rounds;
}

function metricsOf(rounds: readonly Round[], hub: HubProcesses): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (const clients of CLIENTS) {
    const of = (field: keyof Load): number => median(rounds.map(({ http }) => http[clients]?.[field] ?? Number.NaN));
    metrics[`bookings_per_s_${String(clients)}`] = of('perSecond');
    metrics[`p50_ms_${String(clients)}`] = of('p50');
    metrics[`p95_ms_${String(clients)}`] = of('p95');
    metrics[`p99_ms_${String(clients)}`] = of('p99');
  }
  const ratio = (to: 'bare' | 'transaction'): number =>
    median(rounds.map((round) => (round.http[32]?.perSecond ?? 0) / round[to].perSecond));
  return {
    ...metrics,
    bare_per_s_32: median(rounds.map(({ bare }) => bare.perSecond)),
    transaction_per_s_32: median(rounds.map(({ transaction }) => transaction.perSecond)),
    ratio_to_bare_32: ratio('bare'),
    ratio_to_transaction_32: ratio('transaction'),
    rss_api_mb: hub.apis[0]?.rssMb() ?? Number.NaN,
    rss_worker_mb: hub.workers[0]?.rssMb() ?? Number.NaN,
  };
}

async function loadHttp(
  url: string,
  agendas: readonly BenchAgenda[],
  next: ReturnType<typeof starts>,
  shape: { clients: number; seconds: number },
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: shape.clients });
  try {
    return await load(shape.clients, shape.seconds, async () => {
      const { agenda, start } = next();
      await post(`${url}/v1/appointments`, agent, agendas[agenda]!, start);
    });
  } finally {
    agent.destroy();
  }
}

function post(url: string, agent: Agent, of: BenchAgenda, start: number): Promise<void> {
  const body = JSON.stringify({
    agenda: of.agenda,
    motif: of.motif,
    start: new Date(start).toISOString(),
    patient: { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' },
  });
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: 'POST',
        agent,
        headers: {
          authorization: `Bearer ${of.key}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'idempotency-key': randomUUID(),
          'unisson-collaborator': of.collaborator,
        },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => {
          if (answer.statusCode === 201) resolve();
          else reject(new Error(`a booking was answered ${String(answer.statusCode)}: ${text.slice(0, 300)}`));
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

function loadTransaction(
  pool: pg.Pool,
  agendas: readonly BenchAgenda[],
  next: ReturnType<typeof starts>,
  seconds: number,
): Promise<Load> {
  const patient = Buffer.alloc(120, 1);
  const place = {
    name: 'place',
    text: 'SELECT * FROM place_appointment($1, $2, $3, $4, to_timestamp($5::numeric / 1000), $6, $7, $8, $9, $10, $11, $12)',
  };
  return load(32, seconds, async () => {
    const { agenda, start } = next();
    const of = agendas[agenda]!;
    const key = randomUUID();
    const hash = createHash('sha256').update(key).digest();
    const actor = { kind: 'collaborator', id: of.collaborator };
    const values = [
      of.organization,
      randomUUID(),
      of.agenda,
      of.motif,
      start,
      null,
      of.collaborator,
      actor,
      patient,
      key,
      hash,
      false,
    ];
    const { rows } = await pool.query<{ outcome: string }>({ ...place, values });
    if (rows[0]?.outcome !== 'placed') throw new Error(`the transaction answered ${String(rows[0]?.outcome)}`);
  });
}

function loadBare(
  pool: pg.Pool,
  agendas: readonly BenchAgenda[],
  next: ReturnType<typeof starts>,
  seconds: number,
): Promise<Load> {
  const insert = {
    name: 'bare',
    text: `INSERT INTO bench_claim (agenda_id, seat, during, authority, holder) VALUES ($1, 1, tstzrange($2, $3), 'hub', $4)`,
  };
  return load(32, seconds, async () => {
    const { agenda, start } = next();
    await pool.query({
      ...insert,
      values: [agendas[agenda]!.agenda, new Date(start), new Date(start + 15 * 60_000), randomUUID()],
    });
  });
}
