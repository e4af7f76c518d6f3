import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What every booking asks is asked in fewer steps: the functions that only read become part of the statement that calls
 * them, a new appointment's claim is looked at without locking a row that nobody else can see, and holds are found by
 * their agenda however few rows there were when the statement was planned.
 */
export class FewerStepsInABooking1763770060000 implements MigrationInterface {
  readonly name = 'FewerStepsInABooking1763770060000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(HOLDS);
    await runner.query(READING);
    await runner.query(CHECKING);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}

// With the id, in the order in which expire_holds locks: planned over an empty table, it read every appointment of the organization.
const HOLDS = `
DROP INDEX appointment_agenda_held;
CREATE INDEX appointment_agenda_held ON appointment (organization_id, agenda_id, id) WHERE status = 'held';
`;

const READING = `
-- What an idempotency key stands for; the same as before.
DROP FUNCTION find_key(text, bytea);
CREATE FUNCTION find_key(p_key text, p_hash bytea) RETURNS TABLE (state text, resource uuid, status integer, body jsonb) LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN i.key IS NULL THEN 'new' WHEN i.request_hash <> p_hash THEN 'reused' WHEN i.response_status IS NULL THEN 'running' ELSE 'answered' END,
    i.resource_id, i.response_status, i.response
  FROM (VALUES (1)) AS one LEFT JOIN idempotency i ON i.organization_id = current_organization() AND i.key = p_key
$$;

-- The visit, and what it takes of the agenda with its buffers; the same as before.
DROP FUNCTION visit_from(motif, jsonb, timestamptz);
CREATE FUNCTION visit_from(p_motif motif, p_terms jsonb, p_start timestamptz) RETURNS TABLE (visit tstzrange, occupies tstzrange) LANGUAGE sql STABLE AS $$
  SELECT tstzrange(p_start, v.ends), tstzrange(p_start - coalesce((p_terms->>'bufferBeforeMinutes')::integer, p_motif.buffer_before_minutes) * interval '1 minute',
    v.ends + coalesce((p_terms->>'bufferAfterMinutes')::integer, p_motif.buffer_after_minutes) * interval '1 minute')
  FROM (VALUES (p_start + coalesce((p_terms->>'durationMinutes')::integer, p_motif.duration_minutes) * interval '1 minute')) AS v (ends)
$$;

-- What stands between a booking and the practitioner's own tool; the same as before.
DROP FUNCTION link_obstacle(agenda, boolean);
CREATE FUNCTION link_obstacle(p_agenda agenda, p_accept_stale boolean) RETURNS TABLE (link uuid, obstacle text, retry_after_ms integer) LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_agenda.master = 'remote' THEN l.id END,
    CASE WHEN l.id IS NULL THEN CASE WHEN p_agenda.master = 'remote' THEN 'unlinked' END
      WHEN l.unreachable THEN 'unreachable'
      WHEN NOT p_accept_stale AND l.as_of < clock_timestamp() - p_agenda.stale_after_seconds * interval '1 second' THEN 'stale-copy' END,
    CASE WHEN l.unreachable
      THEN greatest(1000, least(600000, coalesce(extract(epoch FROM nullif(l.blocked_until, '-infinity') - clock_timestamp()) * 1000, 60000)))::integer END
  FROM (VALUES (1)) AS one LEFT JOIN LATERAL (SELECT k.id, k.as_of, c.blocked_until,
      p_agenda.when_unreachable = 'refuse' AND (c.blocked_until > clock_timestamp() OR k.status <> 'active' OR k.paused_at IS NOT NULL) AS unreachable
    FROM link k JOIN connection c ON c.organization_id = k.organization_id AND c.id = k.connection_id
    WHERE k.organization_id = p_agenda.organization_id AND k.agenda_id = p_agenda.id
      AND CASE p_agenda.master WHEN 'remote' THEN k.direction = 'two-way' ELSE k.direction = 'read-only' AND k.phase IN ('writing', 'live') END LIMIT 1) l ON true
$$;

-- Who consults in agendas between two instants.
CREATE FUNCTION consulting(p_organization uuid, p_agendas uuid[], p_from timestamptz, p_to timestamptz)
RETURNS TABLE (agenda_id uuid, display_name text, rpps text, substitutions jsonb) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  RETURN QUERY SELECT a.id, d.display_name, d.rpps,
      coalesce((SELECT jsonb_agg(interval_json(s.during) || jsonb_build_object('displayName', s.display_name, 'rpps', s.rpps)) FROM substitution s
        WHERE s.organization_id = a.organization_id AND s.agenda_id = a.id AND s.during && tstzrange(p_from, p_to, '[]')), '[]')
    FROM agenda a JOIN practitioner d ON d.organization_id = a.organization_id AND d.id = a.practitioner_id
    WHERE a.organization_id = p_organization AND a.id = ANY (p_agendas);
END $$;
`;

const CHECKING = `
-- The same as before, but that the row of a new appointment, which nobody else can see or lock, is not locked to find that
-- all is well. What is seen of another organization than the row's is nothing, and then looked at in full.
CREATE OR REPLACE FUNCTION appointment_claims_agree() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF tg_op = 'INSERT' AND (SELECT bool_or(c.appointment_id IS NOT NULL AND c.agenda_id = a.agenda_id AND is_live(a.status)) FROM appointment a
      JOIN claim c ON c.organization_id = a.organization_id AND c.holder = a.id WHERE a.organization_id = new.organization_id AND a.id = new.id)
    AND NOT EXISTS (SELECT 1 FROM remote_write w WHERE w.organization_id = new.organization_id AND w.appointment_id = new.id AND w.departing IS NOT NULL)
    THEN RETURN NULL; END IF;
  PERFORM check_appointment_claims(new.organization_id, new.id);
  RETURN NULL;
END $$;
`;
