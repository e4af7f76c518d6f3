import { randomUUID } from 'node:crypto';
import type { Practice } from '../../../test/support/practice.js';
import { Simulator, type Answer, type Client, type TestApi } from './api.suite.js';

/** Another agenda of the practice, of the same hours; it offers the practice's motif unless it is a room or a device. */
export async function addAgenda(
  api: TestApi,
  practice: Practice,
  { name = 'Laser', offers = false }: { name?: string; offers?: boolean } = {},
): Promise<string> {
  const id = randomUUID();
  const opening = randomUUID();
  await api.sql(
    practice,
    `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name, capacity, master, opened_until)
     SELECT organization_id, $1, practitioner_id, location_id, $2, 1, 'hub', opened_until FROM agenda WHERE id = $3`,
    [id, name, practice.agenda],
  );
  await api.sql(
    practice,
    `INSERT INTO opening (organization_id, id, agenda_id, rrule, starts_local, duration_minutes, time_zone)
     SELECT organization_id, $1, $2, rrule, starts_local, duration_minutes, time_zone FROM opening WHERE agenda_id = $3 LIMIT 1`,
    [opening, id, practice.agenda],
  );
  await api.sql(
    practice,
    `INSERT INTO opening_occurrence (organization_id, opening_id, agenda_id, during)
     SELECT organization_id, $1, $2, during FROM opening_occurrence WHERE agenda_id = $3`,
    [opening, id, practice.agenda],
  );
  if (offers)
    await api.sql(practice, 'INSERT INTO agenda_motif (organization_id, agenda_id, motif_id) VALUES ($1, $2, $3)', [
      practice.organization,
      id,
      practice.motif,
    ]);
  return id;
}

/** What the practitioner says of the practice's motif in an agenda. */
export async function setRules(
  api: TestApi,
  practice: Practice,
  rules: object,
  agenda = practice.agenda,
): Promise<void> {
  await api.sql(practice, 'UPDATE agenda_motif SET rules = $1 WHERE agenda_id = $2', [JSON.stringify(rules), agenda]);
}

/** Closed from one instant to another. */
export async function close(api: TestApi, practice: Practice, from: string, to: string): Promise<void> {
  await api.sql(
    practice,
    'INSERT INTO closure (organization_id, id, agenda_id, during, label) VALUES ($1, $2, $3, tstzrange($4, $5), $6)',
    [practice.organization, randomUUID(), practice.agenda, from, to, 'Congés'],
  );
}

/** Links the practice's agenda to the simulator's, and opens it around a day in twenty days, where a pull looks. */
export async function linkToSimulator(api: TestApi, practice: Practice, simulator: Simulator): Promise<string> {
  const ask = await api.client(practice);
  await api.sql(
    practice,
    'INSERT INTO opening_occurrence (organization_id, opening_id, during, agenda_id) SELECT organization_id, id, tstzrange($1, $2), agenda_id FROM opening WHERE agenda_id = $3',
    [soon('06:00'), soon('18:00'), practice.agenda],
  );
  const made = await ask('POST', '/v1/connections', { body: { ...simulator.account, label: 'Cabinet' } });
  const wanted = { agenda: practice.agenda, connection: made.json.id as string, remoteAgenda: Simulator.agendaId };
  const linked = await ask('POST', '/v1/links', { body: { ...wanted, approve: true } });
  if (linked.status !== 201) throw new Error(linked.text);
  const link = linked.json.id as string;
  await sync(ask, link);
  return link;
}

/** Reads the practitioner's agenda now. */
export const sync = (ask: Client, link: string): Promise<Answer> =>
  ask('POST', `/v1/links/${link}/sync`, { headers: { prefer: 'wait=5' }, body: {} });

/** The instant of a UTC time in twenty days. */
export const soon = (time: string): string =>
  new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 11) + `${time}:00.000Z`;

/** Types of what the log says of a subject, oldest first. */
export async function eventTypes(api: TestApi, practice: Practice, subject: string): Promise<string[]> {
  const rows = (await api.sql(practice, 'SELECT type FROM event WHERE subject_id = $1 ORDER BY transaction_id, id', [
    subject,
  ])) as { type: string }[];
  return rows.map(({ type }) => type);
}

/** Live claims on an agenda: where, and whether beside another. */
export const claimsOn = (api: TestApi, practice: Practice, agenda: string): Promise<unknown[]> =>
  api.sql(
    practice,
    `SELECT to_char(lower(during) AT TIME ZONE 'UTC', 'HH24:MI') || '-' || to_char(upper(during) AT TIME ZONE 'UTC', 'HH24:MI') || CASE WHEN overbooked THEN ' over' ELSE '' END AS claim
     FROM claim WHERE agenda_id = $1 ORDER BY during, overbooked`,
    [agenda],
  );
