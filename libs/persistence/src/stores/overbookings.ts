import { OverbookingStore, type OverbookingNotice } from '#application';
import type { Database } from '../database.js';

const CLAIM = `UPDATE overbooking_notice n SET due_at = now() + $2 * interval '1 millisecond'
  FROM (SELECT d.appointment_id FROM overbooking_notice d WHERE d.organization_id = $1 AND d.told_at IS NULL AND d.due_at <= clock_timestamp() LIMIT 100 FOR UPDATE SKIP LOCKED) due,
    appointment a JOIN agenda g ON g.organization_id = a.organization_id AND g.id = a.agenda_id
    JOIN location p ON p.organization_id = g.organization_id AND p.id = g.location_id
    LEFT JOIN link l ON l.organization_id = g.organization_id AND l.agenda_id = g.id
    LEFT JOIN connection c ON c.organization_id = l.organization_id AND c.id = l.connection_id
  WHERE n.organization_id = $1 AND n.appointment_id = due.appointment_id AND a.organization_id = $1 AND a.id = n.appointment_id
  RETURNING n.appointment_id AS "appointmentId", g.name AS "agendaName", c.responsible_email AS email,
    to_char(lower(n.during) AT TIME ZONE p.time_zone, 'YYYY-MM-DD HH24:MI') AS local`;

/** Overbookings to be told, in PostgreSQL. */
export class PgOverbookingStore extends OverbookingStore {
  constructor(private readonly database: Database) {
    super();
  }

  claim(organizationId: string, leaseMs: number): Promise<readonly OverbookingNotice[]> {
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<OverbookingNotice & Record<string, unknown>>(CLAIM, [organizationId, leaseMs]),
    );
  }

  told(organizationId: string, appointmentId: string, error: string | null): Promise<void> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        'UPDATE overbooking_notice SET error = $3, told_at = CASE WHEN $3::text IS NULL THEN now() END WHERE organization_id = $1 AND appointment_id = $2',
        [organizationId, appointmentId, error],
      );
    });
  }
}
