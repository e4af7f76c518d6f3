import type { Audience } from '#domain';
import type { PlaceResult } from '#application';
import type { Database, Statement } from '../database.js';

const HOLDER: Statement = {
  name: 'holder',
  text: `SELECT c.display_name AS name, milliseconds(a.hold_until)::float8 AS until, milliseconds(clock_timestamp())::float8 AS now, p.time_zone AS zone
    FROM appointment a JOIN agenda_motif o ON o.organization_id = a.organization_id AND o.agenda_id = a.agenda_id AND o.motif_id = $3
    JOIN motif t ON t.organization_id = o.organization_id AND t.id = o.motif_id CROSS JOIN LATERAL minutes_of(t, o.rules) m
    JOIN agenda g ON g.organization_id = a.organization_id AND g.id = a.agenda_id
    JOIN location p ON p.organization_id = g.organization_id AND p.id = g.location_id
    JOIN collaborator c ON c.organization_id = a.organization_id AND c.id = a.created_by
    WHERE a.organization_id = $1 AND a.agenda_id = $2 AND a.status = 'held' AND a.hold_until > clock_timestamp()
      AND a.occupies && tstzrange(to_timestamp($4::numeric / 1000) - m.before * interval '1 minute',
        to_timestamp($4::numeric / 1000) + (m.duration + m.after) * interval '1 minute')
    ORDER BY a.hold_until DESC LIMIT 1`,
};

interface HolderRow extends Record<string, unknown> {
  readonly name: string;
  readonly until: number;
  readonly now: number;
  readonly zone: string;
}

/** Where a hold alone stands in the way: adds until when and, for colleagues, by whom. */
export async function namingHolder(
  database: Database,
  place: {
    organizationId: string;
    agendaId: string;
    motifId: string;
    start: number;
    terms: { readonly audience: Audience };
  },
  result: PlaceResult,
): Promise<PlaceResult> {
  if (result.outcome !== 'taken' || result.code !== 'HELD' || result.refusals !== undefined) return result;
  const { organizationId, agendaId, motifId, start, terms } = place;
  const values = [organizationId, agendaId, motifId, start];
  const [hold] = await database.one<HolderRow>(organizationId, HOLDER, values);
  if (hold === undefined) return result;
  const { name, until, now, zone } = hold;
  const held = {
    code: 'HELD',
    bookableFrom: until,
    ...(terms.audience === 'SECRETARIAT' && { heldBy: name }),
  } as const;
  return { ...result, refusals: [held], told: { now, timeZone: zone } };
}
