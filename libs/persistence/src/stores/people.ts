import {
  People,
  type Actor,
  type CollaboratorRecord,
  type MandateRecord,
  type NewMandate,
  type TeamRecord,
} from '#application';
import type { Database, Transaction } from '../database.js';

const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;
const COLLABORATOR = `c.id, c.display_name AS "displayName", c.active, c.kind, c.mandate_id AS "mandateId"`;
const TEAM = `t.id, t.name, t.version, (SELECT m.id FROM mandate m WHERE m.organization_id = t.organization_id AND m.team_id = t.id) AS "mandateId",
  ARRAY(SELECT x.collaborator_id FROM team_member x WHERE x.organization_id = t.organization_id AND x.team_id = t.id ORDER BY 1) AS "memberIds"`;
const MANDATE = `m.id, m.secretariat_id AS "secretariatId", m.label, m.staffing, m.team_id AS "teamId", ${ms('m.starts_at')} AS "startsAt",
  ${ms('m.ends_at')} AS "endsAt", ${ms('m.revoked_at')} AS "revokedAt", m.version`;
const IN_FORCE = `m.revoked_at IS NULL AND m.starts_at <= clock_timestamp() AND (m.ends_at IS NULL OR clock_timestamp() < m.ends_at)`;

/** Teams and mandates in PostgreSQL. What a secretariat says of its people is read in its own tenant. */
export class PgPeople extends People {
  constructor(private readonly database: Database) {
    super();
  }

  collaborators(organizationId: string): Promise<readonly CollaboratorRecord[]> {
    const text = `SELECT ${COLLABORATOR} FROM collaborator c WHERE c.organization_id = $1 ORDER BY c.id`;
    return this.database.one<Row<CollaboratorRecord>>(organizationId, { name: 'list-collaborators', text }, [
      organizationId,
    ]);
  }

  teams(organizationId: string): Promise<readonly TeamRecord[]> {
    const text = `SELECT ${TEAM} FROM team t WHERE t.organization_id = $1 ORDER BY t.id`;
    return this.database.one<Row<TeamRecord>>(organizationId, { name: 'list-teams', text }, [organizationId]);
  }

  putTeam(
    organizationId: string,
    { id, name, memberIds }: Pick<TeamRecord, 'id' | 'name' | 'memberIds'>,
    { version, actor }: { readonly version: number | null; readonly actor: Actor },
  ): Promise<TeamRecord | 'stale' | 'unknown' | 'foreign'> {
    return this.database
      .withOrganization(organizationId, async (transaction) => {
        if (version === null) {
          await transaction.query('INSERT INTO team (organization_id, id, name) VALUES ($1, $2, $3)', [
            organizationId,
            id,
            name,
          ]);
        } else {
          const [before] = await transaction.query<Row<TeamRecord>>(
            `SELECT ${TEAM} FROM team t WHERE t.organization_id = $1 AND t.id = $2 FOR UPDATE OF t`,
            [organizationId, id],
          );
          if (before === undefined) return 'unknown';
          if (before.version !== version) return 'stale';
        }
        const [fit] = await transaction.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM collaborator c WHERE c.organization_id = $1 AND c.id = ANY ($3::uuid[]) AND c.active AND c.mandate_id IS NOT DISTINCT FROM
           (SELECT m.id FROM mandate m WHERE m.organization_id = $1 AND m.team_id = $2)`,
          [organizationId, id, memberIds],
        );
        if (fit?.n !== new Set(memberIds).size) throw new ForeignMember();
        return this.members(transaction, organizationId, { id, name, memberIds, actor, again: version !== null });
      })
      .catch((error: unknown) => {
        if (error instanceof ForeignMember) return 'foreign' as const;
        throw error;
      });
  }

  private async members(
    transaction: Transaction,
    organizationId: string,
    team: { id: string; name: string; memberIds: readonly string[]; actor: Actor; again: boolean },
  ): Promise<TeamRecord> {
    const { id, name, memberIds, actor, again } = team;
    await transaction.query('DELETE FROM team_member WHERE organization_id = $1 AND team_id = $2', [
      organizationId,
      id,
    ]);
    await transaction.query(
      'INSERT INTO team_member (organization_id, team_id, collaborator_id) SELECT $1, $2, unnest($3::uuid[])',
      [organizationId, id, [...new Set(memberIds)]],
    );
    if (again)
      await transaction.query(
        'UPDATE team SET name = $3, version = version + 1 WHERE organization_id = $1 AND id = $2',
        [...[organizationId, id, name]],
      );
    await tell(transaction, { type: again ? 'team-changed' : 'team-made', subject: id, actor });
    const [row] = await transaction.query<Row<TeamRecord>>(
      `SELECT ${TEAM} FROM team t WHERE t.organization_id = $1 AND t.id = $2`,
      [organizationId, id],
    );
    if (row === undefined) throw new Error('a team that was just written is gone');
    return row;
  }

  mandates(organizationId: string): Promise<readonly MandateRecord[]> {
    const text = `SELECT ${MANDATE} FROM mandate m WHERE m.organization_id = $1 ORDER BY m.id`;
    return this.database.one<Row<MandateRecord>>(organizationId, { name: 'list-mandates', text }, [organizationId]);
  }

  async makeMandate(organizationId: string, mandate: NewMandate, actor: Actor): Promise<MandateRecord | 'unknown'> {
    const { id, secretariatId, label, staffing, startsAt, endsAt, teamId } = mandate;
    const text = `SELECT 1 FROM organization WHERE organization_id = $1 AND kind = 'secretariat'`;
    const found = await this.database.one(secretariatId, { name: 'is-secretariat', text }, [secretariatId]);
    if (found.length === 0) return 'unknown';
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query('INSERT INTO team (organization_id, id, name) VALUES ($1, $2, $3)', [
        organizationId,
        teamId,
        label,
      ]);
      const [row] = await transaction.query<Row<MandateRecord>>(
        `INSERT INTO mandate AS m (organization_id, id, secretariat_id, label, staffing, team_id, starts_at, ends_at)
         VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000), to_timestamp($8::float8 / 1000)) RETURNING ${MANDATE}`,
        [organizationId, id, secretariatId, label, staffing, teamId, startsAt, endsAt],
      );
      await tell(transaction, { type: 'mandate-made', subject: id, actor });
      return row ?? 'unknown';
    });
  }

  endMandate(
    organizationId: string,
    id: string,
    { endsAt, version, actor }: { readonly endsAt: number | 'now'; readonly version: number; readonly actor: Actor },
  ): Promise<MandateRecord | 'stale' | 'unknown'> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const known = await transaction.query<{ version: number }>(
        'SELECT version FROM mandate WHERE organization_id = $1 AND id = $2 FOR UPDATE',
        [organizationId, id],
      );
      if (known[0] === undefined) return 'unknown';
      if (known[0].version !== version) return 'stale';
      const set =
        endsAt === 'now'
          ? 'revoked_at = coalesce(revoked_at, clock_timestamp())'
          : 'ends_at = to_timestamp($3::float8 / 1000)';
      const [row] = await transaction.query<Row<MandateRecord>>(
        `UPDATE mandate m SET ${set}, version = version + 1 WHERE m.organization_id = $1 AND m.id = $2 RETURNING ${MANDATE}`,
        endsAt === 'now' ? [organizationId, id] : [organizationId, id, endsAt],
      );
      await tell(transaction, { type: endsAt === 'now' ? 'mandate-revoked' : 'mandate-changed', subject: id, actor });
      return row ?? 'unknown';
    });
  }

  name(
    organizationId: string,
    mandateId: string,
    { id, displayName, actor }: { readonly id: string; readonly displayName: string; readonly actor: Actor },
  ): Promise<CollaboratorRecord | 'unknown'> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(`SELECT set_config('app.actor', $1, true)`, [JSON.stringify(actor)]);
      const [row] = await transaction.query<Row<CollaboratorRecord>>(
        `INSERT INTO collaborator AS c (organization_id, id, display_name, kind, mandate_id) SELECT m.organization_id, $3, $4, 'mandated', m.id FROM mandate m
           WHERE m.organization_id = $1 AND m.id = $2
         ON CONFLICT (organization_id, id) DO UPDATE SET display_name = excluded.display_name, active = true, mandate_id = excluded.mandate_id WHERE c.kind = 'mandated' RETURNING ${COLLABORATOR}`,
        [organizationId, mandateId, id, displayName],
      );
      if (row === undefined) return 'unknown';
      await transaction.query(
        `INSERT INTO team_member (organization_id, team_id, collaborator_id) SELECT m.organization_id, m.team_id, $3 FROM mandate m
           WHERE m.organization_id = $1 AND m.id = $2 ON CONFLICT DO NOTHING`,
        [organizationId, mandateId, id],
      );
      await tell(transaction, { type: 'mandate-staffed', subject: mandateId, actor });
      return row;
    });
  }

  setOwner(
    organizationId: string,
    agendaId: string,
    {
      collaboratorId,
      email,
      actor,
    }: { readonly collaboratorId: string | null; readonly email: string | null; readonly actor: Actor },
  ): Promise<'set' | 'unknown' | 'foreign'> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      if (collaboratorId !== null) {
        const found = await transaction.query(
          `UPDATE collaborator SET email = coalesce($3, email) WHERE organization_id = $1 AND id = $2 AND active AND kind = 'member' RETURNING id`,
          [organizationId, collaboratorId, email],
        );
        if (found.length === 0) return 'foreign';
      }
      const set = await transaction.query(
        'UPDATE agenda SET owner_id = $3 WHERE organization_id = $1 AND id = $2 RETURNING id',
        [...[organizationId, agendaId, collaboratorId]],
      );
      if (set.length === 0) return 'unknown';
      const data = JSON.stringify({ owner: collaboratorId });
      await transaction.query(`SELECT append_event('agenda-owner-changed', $1, $1, $2::jsonb, $3::jsonb)`, [
        ...[agendaId, JSON.stringify(actor), data],
      ]);
      return 'set';
    });
  }

  async mandated(
    organizationId: string,
    { secretariatId, collaboratorId }: { readonly secretariatId: string; readonly collaboratorId: string },
  ): Promise<boolean> {
    const there = `SELECT display_name FROM collaborator WHERE organization_id = $1 AND id = $2 AND active AND kind = 'member'`;
    const [person] = await this.database.one<{ display_name: string }>(
      secretariatId,
      { name: 'secretariat-sends', text: there },
      [secretariatId, collaboratorId],
    );
    if (person === undefined) return false;
    // Whom the practice has shut out stays out, whatever the secretariat says.
    const here = `SELECT m.id, m.staffing, EXISTS (SELECT 1 FROM collaborator c WHERE c.organization_id = $1 AND c.id = $3 AND c.mandate_id = m.id) AS entered
      FROM mandate m WHERE m.organization_id = $1 AND m.secretariat_id = $2 AND ${IN_FORCE}
        AND NOT EXISTS (SELECT 1 FROM collaborator c WHERE c.organization_id = $1 AND c.id = $3 AND NOT c.active) ORDER BY 3 DESC, m.starts_at, m.id`;
    type Mandate = { id: string; staffing: string; entered: boolean };
    const mandates = await this.database.one<Mandate>(organizationId, { name: 'mandates-of', text: here }, [
      ...[organizationId, secretariatId, collaboratorId],
    ]);
    if (mandates[0]?.entered === true) return true;
    const shared = mandates.find(({ staffing }) => staffing === 'shared');
    if (shared === undefined) return false;
    const who = { id: collaboratorId, displayName: person.display_name, actor: { kind: 'system' } as const };
    return (await this.name(organizationId, shared.id, who)) !== 'unknown';
  }
}

type Row<T> = T & Record<string, unknown>;

/** Rolls the transaction back. */
class ForeignMember extends Error {}

async function tell(
  transaction: Transaction,
  { type, subject, actor }: { type: string; subject: string; actor: Actor },
): Promise<void> {
  await transaction.query(`SELECT append_event($1, NULL, $2, $3::jsonb, '{}')`, [type, subject, JSON.stringify(actor)]);
}
