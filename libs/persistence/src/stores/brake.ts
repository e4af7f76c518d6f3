import { BrakeStore, type Actor, type BrakeRecord, type HeldDeletion } from '#application';
import type { Database } from '../database.js';

interface BrakeRow {
  linkId: string;
  agendaId: string;
  revision: number;
  since: number | null;
  deletions: number | null;
  known: number | null;
  appointments: number;
  released: boolean;
}

const BRAKE = `SELECT l.id AS "linkId", l.agenda_id AS "agendaId", l.brake_revision AS revision, (extract(epoch FROM (l.brake->>'since')::timestamptz) * 1000)::float8 AS since,
  (l.brake->>'deletions')::int AS deletions, (l.brake->>'known')::int AS known, h.appointments, h.released
  FROM link l CROSS JOIN LATERAL (SELECT count(m.appointment_id)::int AS appointments, coalesce(bool_and(h.released_at IS NOT NULL), false) AS released FROM held_deletion h
    LEFT JOIN mirror m ON m.organization_id = h.organization_id AND m.link_id = h.link_id AND m.remote_id = h.remote_id WHERE h.organization_id = l.organization_id AND h.link_id = l.id) h
  WHERE l.organization_id = $1 AND l.id = $2`;

const HELD = `SELECT h.remote_id AS "remoteId", m.appointment_id AS "appointmentId", (extract(epoch FROM lower(m.during)) * 1000)::float8 AS start, (extract(epoch FROM upper(m.during)) * 1000)::float8 AS "end"
  FROM held_deletion h LEFT JOIN mirror m ON m.organization_id = h.organization_id AND m.link_id = h.link_id AND m.remote_id = h.remote_id
  WHERE h.organization_id = $1 AND h.link_id = $2 AND ($3::text IS NULL OR h.remote_id > $3) ORDER BY h.remote_id LIMIT $4`;

/** Held-back deletions in PostgreSQL. */
export class PgBrakeStore extends BrakeStore {
  constructor(private readonly database: Database) {
    super();
  }

  get(organizationId: string, linkId: string): Promise<BrakeRecord | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<BrakeRow & Record<string, unknown>>(BRAKE, [organizationId, linkId]);
      if (row === undefined) return null;
      const { agendaId, revision, since, deletions, known, appointments, released } = row;
      const held =
        deletions === null ? null : { since: since ?? 0, deletions, appointments, known: known ?? 0, released };
      return { linkId, agendaId, revision, held };
    });
  }

  held(query: {
    organizationId: string;
    linkId: string;
    after: string | null;
    limit: number;
  }): Promise<readonly HeldDeletion[]> {
    const { organizationId, linkId, after, limit } = query;
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<HeldDeletion & Record<string, unknown>>(HELD, [organizationId, linkId, after, limit]),
    );
  }

  release(release: { organizationId: string; linkId: string; revision: number; actor: Actor }): Promise<boolean> {
    const { organizationId, linkId, revision, actor } = release;
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [link] = await transaction.query<{ agenda_id: string }>(
        `UPDATE link SET poll_at = clock_timestamp() WHERE organization_id = $1 AND id = $2 AND brake IS NOT NULL AND brake_revision = $3 RETURNING agenda_id`,
        [organizationId, linkId, revision],
      );
      if (link === undefined) return false;
      const released = await transaction.query(
        'UPDATE held_deletion SET released_at = clock_timestamp() WHERE organization_id = $1 AND link_id = $2 AND released_at IS NULL RETURNING remote_id',
        [organizationId, linkId],
      );
      await transaction.query(`SELECT append_event('deletions-released', $1, $2, $3, $4)`, [
        link.agenda_id,
        linkId,
        JSON.stringify(actor),
        JSON.stringify({ deletions: released.length, revision }),
      ]);
      return true;
    });
  }
}
