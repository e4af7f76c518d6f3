import { randomUUID } from 'node:crypto';
import { grantEverything } from '../support/grants.js';
import type pg from 'pg';
import { issueApiKey } from '#platform';

/** Ten organizations share the agendas of the bench, as the practices of one hub would. */
const ORGANIZATIONS = 10;
const DAY = 86_400_000;
const VISIT_MINUTES = 15;
/** Bookable days per agenda. */
const DAYS = 180;

export interface BenchAgenda {
  readonly organization: string;
  readonly collaborator: string;
  readonly key: string;
  readonly agenda: string;
  readonly motif: string;
}

/** Agendas mastered by the hub, open day and night for half a year from tomorrow. */
export async function seedAgendas(pool: pg.Pool, count: number): Promise<BenchAgenda[]> {
  const agendas: BenchAgenda[] = [];
  for (let n = 0; n < ORGANIZATIONS; n += 1) agendas.push(...(await seedOrganization(pool, count / ORGANIZATIONS)));
  return agendas;
}

async function seedOrganization(pool: pg.Pool, count: number): Promise<BenchAgenda[]> {
  const client = await pool.connect();
  const [organization, collaborator, practitioner, location, motif, keyId] = Array.from({ length: 6 }, () =>
    randomUUID(),
  ) as [string, string, string, string, string, string];
  const key = issueApiKey(organization, keyId);
  const shared = { organization, collaborator, key: key.text, motif };
  const agendas: BenchAgenda[] = [];
  try {
    await client.query('BEGIN');
    await client.query(`SELECT set_config('app.organization', $1, true)`, [organization]);
    await client.query(`INSERT INTO organization (organization_id, name) VALUES ($1, 'Bench')`, [organization]);
    await client.query(`INSERT INTO collaborator (organization_id, id, display_name) VALUES ($1, $2, 'Claire')`, [
      organization,
      collaborator,
    ]);
    await client.query(
      `INSERT INTO api_key (organization_id, id, label, secret_hash, scopes) VALUES ($1, $2, 'bench', $3, '{agenda:read,appointment:write}')`,
      [organization, keyId, key.secretHash],
    );
    await grantEverything(client, organization, { collaborator });
    await grantEverything(client, organization, { application: keyId });
    await client.query(
      `INSERT INTO location (organization_id, id, name, time_zone) VALUES ($1, $2, 'Lyon', 'Europe/Paris')`,
      [organization, location],
    );
    await client.query(
      `INSERT INTO practitioner (organization_id, id, display_name, speciality) VALUES ($1, $2, 'Dr Bench', 'Médecine générale')`,
      [organization, practitioner],
    );
    await client.query(
      `INSERT INTO motif (organization_id, id, label_fr, label_en, duration_minutes) VALUES ($1, $2, 'Consultation', 'Visit', $3)`,
      [organization, motif, VISIT_MINUTES],
    );
    for (let n = 0; n < count; n += 1)
      agendas.push({ ...shared, agenda: await seedAgenda(client, { organization, practitioner, location, motif }) });
    await client.query('COMMIT');
  } finally {
    client.release();
  }
  return agendas;
}

async function seedAgenda(
  client: pg.PoolClient,
  of: { organization: string; practitioner: string; location: string; motif: string },
): Promise<string> {
  const agenda = randomUUID();
  const opening = randomUUID();
  await client.query(
    `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name, opened_until) VALUES ($1, $2, $3, $4, 'Cabinet', now() + interval '190 days')`,
    [of.organization, agenda, of.practitioner, of.location],
  );
  await client.query('INSERT INTO agenda_motif (organization_id, agenda_id, motif_id) VALUES ($1, $2, $3)', [
    of.organization,
    agenda,
    of.motif,
  ]);
  await client.query(
    `INSERT INTO opening (organization_id, id, agenda_id, rrule, starts_local, duration_minutes, time_zone) VALUES ($1, $2, $3, 'FREQ=DAILY', '2025-01-01T00:00', 1440, 'Europe/Paris')`,
    [of.organization, opening, agenda],
  );
  await client.query(
    `INSERT INTO opening_occurrence (organization_id, opening_id, during, agenda_id)
     SELECT $1, $2, tstzrange(d, d + interval '1 day'), $3 FROM generate_series(date_trunc('day', now()), now() + interval '189 days', interval '1 day') d`,
    [of.organization, opening, agenda],
  );
  return agenda;
}

/** A start that no other call of this sequence gets: slots of an agenda in order, agendas in turn. */
export function starts(agendas: number): () => { agenda: number; start: number } {
  const first = Math.ceil(Date.now() / DAY) * DAY + DAY;
  let n = 0;
  return () => {
    const agenda = n % agendas;
    const slot = Math.floor(n / agendas);
    n += 1;
    if (slot >= (DAYS - 5) * 24 * (60 / VISIT_MINUTES)) throw new Error('the bench ran out of free slots');
    return { agenda, start: first + slot * VISIT_MINUTES * 60_000 };
  };
}
