import type { Holder, PlaceResult } from '#application';
import type { Database, Statement } from '../database.js';

const HOLDER: Statement = {
  name: 'holder',
  text: `SELECT c.display_name AS name, milliseconds(a.hold_until)::float8 AS until FROM appointment a
    JOIN motif m ON m.organization_id = a.organization_id AND m.id = $3
    JOIN collaborator c ON c.organization_id = a.organization_id AND c.id = a.created_by
    WHERE a.organization_id = $1 AND a.agenda_id = $2 AND a.status = 'held' AND a.hold_until > clock_timestamp()
      AND a.occupies && tstzrange(to_timestamp($4::numeric / 1000) - m.buffer_before_minutes * interval '1 minute',
        to_timestamp($4::numeric / 1000) + (m.duration_minutes + m.buffer_after_minutes) * interval '1 minute')
    ORDER BY a.hold_until DESC LIMIT 1`,
};

/** Adds to a refusal who holds the slot, where a hold is the reason. */
export async function namingHolder(
  database: Database,
  place: { organizationId: string; agendaId: string; motifId: string; start: number },
  result: PlaceResult,
): Promise<PlaceResult> {
  if (result.outcome !== 'taken' && result.outcome !== 'rule') return result;
  const held = result.code === 'HELD' || (result.refusals ?? []).some(({ code }) => code === 'HELD');
  if (!held) return result;
  const { organizationId, agendaId, motifId, start } = place;
  const values = [organizationId, agendaId, motifId, start];
  const [heldBy] = await database.one<Holder & Record<string, unknown>>(organizationId, HOLDER, values);
  return heldBy === undefined ? result : { ...result, heldBy };
}
