import { Access, RIGHTS_BELIEVED_MS, type Applicant } from '#application';
import { ACTIONS } from '#domain';
import { Database, PgAccess } from '#persistence';
import { startPostgres } from '#scripts/postgres.mjs';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { createTestDatabase } from '../support/postgres.js';
import { createPractice, openPool, type Practice } from '../support/practice.js';
import { benchResult, percentile, type BenchResult } from './measure.js';

const FULL = { grants: 10_000, people: 400, agendas: 300, decisions: 20_000 };
const SHORT = { grants: 500, people: 40, agendas: 30, decisions: 500 };

/**
 * How long a decision takes where ten thousand grants are: everything between authentication and handler, for people in
 * random order. `cold`: the first of each person since the last change; `decision`: every other, asked as fast as
 * they are answered; `looking`: where so few ask that each has to look first whether anything has changed.
 */
export async function benchAccess(short: boolean): Promise<BenchResult> {
  const size = short ? SHORT : FULL;
  const server = await startPostgres({ durable: false, settings: { max_connections: 30 } });
  try {
    const { adminUrl, appUrl } = await createTestDatabase(server.url());
    const admin = openPool(adminUrl, 1);
    const database = await Database.open({ url: appUrl, poolSize: 4, applicationName: 'bench' });
    try {
      const practice = await createPractice(admin);
      const people = await seedGrants(admin, practice, size);
      let later = 0;
      const access = new Access(new PgAccess(database), { now: () => Date.now() + later });
      const cold = await measure(access, practice, people);
      const asked = Array.from({ length: size.decisions }, (_, n) => people[(n * 7919) % people.length]!);
      const before = process.cpuUsage();
      const warm = await measure(access, practice, asked);
      const { user, system } = process.cpuUsage(before);
      const seldom: number[] = [];
      for (const one of people) {
        later += 2 * RIGHTS_BELIEVED_MS;
        seldom.push(...(await measure(access, practice, [one])));
      }
      seldom.sort((a, b) => a - b);
      const { rows } = await admin.query<{ server_version: string }>('SHOW server_version');
      const metrics = {
        ...{ grants: size.grants, people: size.people, agendas: size.agendas + 1, decisions: size.decisions },
        ...{
          decision_p50_ms: percentile(warm, 0.5),
          decision_p95_ms: percentile(warm, 0.95),
          decision_p99_ms: percentile(warm, 0.99),
          // Whatever else the machine does.
          decision_cpu_ms: (user + system) / 1000 / size.decisions,
        },
        ...{ looking_p50_ms: percentile(seldom, 0.5), looking_p95_ms: percentile(seldom, 0.95) },
        ...{ cold_p50_ms: percentile(cold, 0.5), cold_p95_ms: percentile(cold, 0.95) },
      };
      return benchResult('access', { postgresql: rows[0]!.server_version }, { metrics, runs: [] });
    } finally {
      await Promise.allSettled([admin.end(), database.close()]);
    }
  } finally {
    await server.stop();
  }
}

/** The times of one decision each, sorted: who may see, what he may see, and whether he may book here. */
async function measure(access: Access, practice: Practice, people: readonly string[]): Promise<number[]> {
  const times: number[] = [];
  for (const id of people) {
    const asker: Applicant = {
      organizationId: practice.organization,
      holder: { kind: 'collaborator', id },
      audience: 'SECRETARIAT',
      channel: 'application',
    };
    const started = performance.now();
    const rights = await access.rights(asker);
    const agenda = rights.agenda(practice.agenda) ?? null;
    rights.decide({ action: 'create', agenda, motifId: practice.motif });
    rights.where('create', practice.motif);
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b);
}

async function seedGrants(admin: pg.Pool, practice: Practice, size: typeof FULL): Promise<string[]> {
  const { organization, agenda } = practice;
  const people = Array.from({ length: size.people }, () => randomUUID());
  const hours = { periods: [{ days: [1, 2, 3, 4, 5], from: '08:00', to: '20:00' }], holidays: 'never' };
  await admin.query(
    `INSERT INTO collaborator (organization_id, id, display_name) SELECT $1, x, 'Inès' FROM unnest($2::uuid[]) x`,
    [organization, people],
  );
  await admin.query(
    `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name) SELECT a.organization_id, gen_random_uuid(), a.practitioner_id, a.location_id, 'Salle ' || n
     FROM agenda a, generate_series(1, $3::int) n WHERE a.organization_id = $1 AND a.id = $2`,
    [organization, agenda, size.agendas],
  );
  await admin.query(
    `WITH numbered AS (SELECT id, (row_number() OVER (ORDER BY id) - 1)::int AS place, count(*) OVER ()::int AS many FROM agenda WHERE organization_id = $1)
     INSERT INTO access_grant (organization_id, id, collaborator_id, actions, agenda_ids, motif_ids, hours, valid_until, state)
     SELECT $1, gen_random_uuid(), ($2::uuid[])[1 + n % $3], $4, ARRAY[(SELECT id FROM numbered WHERE place = (n * 31) % many), (SELECT id FROM numbered WHERE place = (n * 57) % many)],
       CASE WHEN n % 3 = 0 THEN ARRAY[$5::uuid] END, CASE WHEN n % 2 = 0 THEN $6::jsonb END, CASE WHEN n % 5 = 0 THEN now() + interval '1 day' END,
       'active' FROM generate_series(1, $7::int) n`,
    [organization, people, size.people, ACTIONS, practice.motif, JSON.stringify(hours), size.grants],
  );
  return people;
}
