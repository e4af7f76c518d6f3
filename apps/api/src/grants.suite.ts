import { randomUUID } from 'node:crypto';
import type { AccessAction } from '#domain';
import type { Practice } from '../../../test/support/practice.js';
import type { Answer, Client, TestApi } from './api.suite.js';

/** A secretary of a practice who has only the grants that a test gives her. */
export class Secretary {
  private constructor(
    readonly id: string,
    readonly ask: Client,
    private readonly api: TestApi,
    private readonly practice: Practice,
  ) {}

  static async of(api: TestApi, practice: Practice): Promise<Secretary> {
    const id = randomUUID();
    await api.sql(practice, 'INSERT INTO collaborator (organization_id, id, display_name) VALUES ($1, $2, $3)', [
      ...[practice.organization, id, 'Inès'],
    ]);
    const client = await api.client(practice);
    const ask: Client = (method, path, { headers = {}, ...more } = {}) =>
      client(method, path, { ...more, headers: { 'unisson-collaborator': id, ...headers } });
    return new Secretary(id, ask, api, practice);
  }

  /** Issues a grant as the database keeps it, and has the api know of it. */
  async grant(actions: readonly AccessAction[], more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const id = randomUUID();
    const row = {
      organization_id: this.practice.organization,
      id,
      collaborator_id: this.id,
      actions,
      state: 'active',
      ...more,
    };
    const places = Object.keys(row).map((_, index) => `$${String(index + 1)}`);
    const text = `INSERT INTO access_grant (${Object.keys(row).join(', ')}) VALUES (${places.join(', ')})`;
    await this.api.sql(this.practice, text, Object.values(row));
    this.api.parts.access.forget(this.practice.organization);
    return id;
  }
}

/** Asks for an export, has a second person approve it, and fetches it. */
export async function exported(
  { ask, second }: { readonly ask: Client; readonly second: Client },
  kind: 'audit' | 'patients',
  body: object,
): Promise<Answer> {
  const asked = await ask('POST', `/v1/${kind}/exports`, { body });
  if (asked.status !== 201) return asked;
  const id = asked.json.id as string;
  const approved = await second('POST', `/v1/exports/${id}/approve`, {
    headers: { 'if-match': String(asked.headers['etag']) },
  });
  return approved.status === 200 ? ask('POST', `/v1/${kind}/exports/${id}/fetch`) : approved;
}

/** One more agenda of the practice, like its first. */
export async function secondAgenda(api: TestApi, practice: Practice): Promise<string> {
  const id = randomUUID();
  await api.sql(
    practice,
    `WITH a AS (INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name, opened_until)
       SELECT organization_id, $2, practitioner_id, location_id, 'Salle 2', opened_until FROM agenda WHERE organization_id = $1 AND id = $3 RETURNING id)
     SELECT id FROM a`,
    [practice.organization, id, practice.agenda],
  );
  await api.sql(practice, 'INSERT INTO agenda_motif (organization_id, agenda_id, motif_id) VALUES ($1, $2, $3)', [
    ...[practice.organization, id, practice.motif],
  ]);
  const opening = randomUUID();
  await api.sql(
    practice,
    `INSERT INTO opening (organization_id, id, agenda_id, rrule, starts_local, duration_minutes, time_zone)
     SELECT organization_id, $2, $3, rrule, starts_local, duration_minutes, time_zone FROM opening WHERE organization_id = $1 AND agenda_id = $4`,
    [practice.organization, opening, id, practice.agenda],
  );
  await api.sql(
    practice,
    `INSERT INTO opening_occurrence (organization_id, opening_id, agenda_id, during)
     SELECT organization_id, $2, $3, during FROM opening_occurrence WHERE organization_id = $1 AND agenda_id = $4`,
    [practice.organization, opening, id, practice.agenda],
  );
  api.parts.access.forget(practice.organization);
  return id;
}
