/** Equipment ($3) as it is, and whether the agenda ($2) is some of another's. */
export const NAMED = `coalesce((SELECT jsonb_agg(jsonb_build_object('id', e.id, 'active', e.active, 'capacity', e.capacity,
    'linked', EXISTS (SELECT 1 FROM link l WHERE l.organization_id = e.organization_id AND l.agenda_id = e.id),
    'needsSome', EXISTS (SELECT 1 FROM agenda_motif m WHERE m.organization_id = e.organization_id AND m.agenda_id = e.id AND m.rules ? 'equipment' AND m.rules->'equipment' <> '[]')))
  FROM agenda e WHERE e.organization_id = $1 AND e.id = ANY ($3::uuid[])), '[]')`;
export const SERVES_OTHERS = `EXISTS (SELECT 1 FROM agenda_motif m WHERE m.organization_id = $1 AND m.rules->'equipment' @> to_jsonb($2::uuid))`;

/** What stands in an agenda over a range: visits of its own, and whatever takes seats there or of its equipment. */
export const STANDING = {
  name: 'rules-standing',
  text: `SELECT jsonb_build_object(
    'taken', coalesce((SELECT jsonb_agg(interval_json(t.during) || jsonb_build_object('agendaId', t.agenda_id, 'seat', t.seat, 'holder', t.holder, 'kind', t.kind)) FROM (
      SELECT DISTINCT k.agenda_id, k.during, CASE WHEN k.appointment_id IS NULL AND k.departing_id IS NULL THEN NULL ELSE k.seat END AS seat, k.holder,
        CASE WHEN h.id IS NULL THEN 'busy' ELSE 'held' END AS kind
      FROM claim k LEFT JOIN appointment h ON h.organization_id = k.organization_id AND h.id = k.appointment_id AND h.status = 'held'
      WHERE k.organization_id = $1 AND k.agenda_id = ANY ($3::uuid[] || $2::uuid) AND k.ends_at > to_timestamp($4::numeric / 1000)
        AND k.during && tstzrange(to_timestamp($4::numeric / 1000), to_timestamp($5::numeric / 1000))
        AND (NOT k.overbooked OR k.authority = 'hub') AND (h.id IS NULL OR h.hold_until > clock_timestamp())) t), '[]'),
    'visits', coalesce((SELECT jsonb_agg(interval_json(v.during) || jsonb_build_object('id', v.id, 'motifId', v.motif_id, 'status', v.status,
        'live', is_live(v.status) AND (v.status <> 'held' OR v.hold_until > clock_timestamp()), 'overbooked', v.overbooking IS NOT NULL,
        'occupies', interval_json(v.occupies), 'secretariat', c.secretariat, 'changedAt', milliseconds(v.updated_at)) ORDER BY lower(v.during), v.id)
      FROM appointment v JOIN collaborator c ON c.organization_id = v.organization_id AND c.id = v.created_by
      WHERE v.organization_id = $1 AND v.agenda_id = $2 AND v.starts_at >= to_timestamp($4::numeric / 1000) - interval '1 day'
        AND v.starts_at < to_timestamp($5::numeric / 1000) AND v.status NOT IN ('refused', 'expired')), '[]'),
    'equipment', ${NAMED}, 'servesOthers', ${SERVES_OTHERS}) AS standing`,
};

export const CONSULTING = {
  name: 'rules-consulting',
  text: `SELECT agenda_id AS "agendaId", display_name AS "displayName", rpps, substitutions
    FROM consulting($1, $2, to_timestamp($3::numeric / 1000), to_timestamp($4::numeric / 1000))`,
};
