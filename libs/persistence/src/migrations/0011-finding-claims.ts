import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Booking and synchronising in time that grows with what they touch, not with what the practice holds: claims are found
 * by their holder or by their end. What gives way, is claimed for a backend or is settled again finds them so, too
 * (0016 to 0018).
 */
export class FindingClaims1763770010500 implements MigrationInterface {
  readonly name = 'FindingClaims1763770010500';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
-- Under row-level security no range operator may reach an index: it is not leakproof, so it is asked last, of every row
-- that the tenant has. Instants may: what ends before a range is left out by an index.
ALTER TABLE claim ADD COLUMN ends_at timestamptz NOT NULL DEFAULT '-infinity';
-- Not an UPDATE: it would see no row, since it names no organization.
ALTER TABLE claim ALTER COLUMN ends_at DROP DEFAULT, ALTER COLUMN ends_at TYPE timestamptz USING upper(during);
ALTER TABLE claim ADD CONSTRAINT claim_ends CHECK (ends_at = upper(during));
CREATE FUNCTION claim_ends_with_its_range() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Endless ranges are refused by claim_range, under that name.
  new.ends_at := coalesce(upper(new.during), 'infinity');
  RETURN new;
END $$;
CREATE TRIGGER claim_ends BEFORE INSERT OR UPDATE OF during ON claim FOR EACH ROW EXECUTE FUNCTION claim_ends_with_its_range();
CREATE INDEX claim_agenda_ends ON claim (organization_id, agenda_id, ends_at);
DROP INDEX opening_occurrence_agenda;
CREATE INDEX opening_occurrence_agenda ON opening_occurrence (organization_id, agenda_id);
CREATE INDEX appointment_agenda_held ON appointment (organization_id, agenda_id) WHERE status = 'held';

CREATE OR REPLACE FUNCTION renumber_seats(p_agenda uuid, p_range tstzrange, p_holder uuid, p_capacity integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE v record; v_ends timestamptz[] := array_fill('-infinity'::timestamptz, ARRAY[p_capacity]); v_seat integer; v_new integer;
  v_ids uuid[] := '{}'; v_seats integer[] := '{}';
BEGIN
  FOR v IN WITH RECURSIVE component AS (
      SELECT c.id, c.during, c.holder, c.closure_id IS NULL AND c.mirror_id IS NULL AS single FROM claim c
        WHERE c.organization_id = current_organization() AND c.agenda_id = p_agenda AND c.ends_at > lower(p_range) AND c.during && p_range AND NOT c.overbooked AND NOT c.contested
      UNION SELECT c.id, c.during, c.holder, c.closure_id IS NULL AND c.mirror_id IS NULL FROM component k
        JOIN claim c ON c.organization_id = current_organization() AND c.agenda_id = p_agenda AND c.ends_at > lower(k.during) AND c.during && k.during AND NOT c.overbooked AND NOT c.contested),
    piece AS (SELECT * FROM component UNION ALL SELECT NULL, p_range, p_holder, true),
    part AS (SELECT holder, unnest(range_agg(during)) AS during FROM piece WHERE single GROUP BY holder)
    SELECT part.during, array_remove(array_agg(piece.id), NULL) AS ids, bool_or(piece.id IS NULL) AS wanted
      FROM part JOIN piece ON piece.holder = part.holder AND piece.during <@ part.during AND piece.single GROUP BY part.during, part.holder
    UNION ALL SELECT during, ARRAY[id], false FROM piece WHERE NOT single
    ORDER BY during LOOP
    v_seat := NULL;
    FOR i IN 1..p_capacity LOOP
      IF v_ends[i] <= lower(v.during) THEN v_seat := i; EXIT; END IF;
    END LOOP;
    IF v_seat IS NULL THEN RETURN NULL; END IF;
    v_ends[v_seat] := upper(v.during);
    IF v.wanted THEN v_new := v_seat; END IF;
    v_ids := v_ids || v.ids; v_seats := v_seats || array_fill(v_seat, ARRAY[cardinality(v.ids)]);
  END LOOP;
  SET CONSTRAINTS claim_hub_overlap, claim_remote_overlap DEFERRED;
  UPDATE claim SET seat = n.seat FROM unnest(v_ids, v_seats) AS n (id, seat)
    WHERE claim.organization_id = current_organization() AND claim.id = n.id AND claim.seat <> n.seat;
  SET CONSTRAINTS claim_hub_overlap, claim_remote_overlap IMMEDIATE;
  RETURN v_new;
END $$;

CREATE OR REPLACE FUNCTION free_seat(p_agenda agenda, p_range tstzrange, p_holder uuid) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE v_seat integer;
BEGIN
  SELECT s.seat INTO v_seat FROM agenda_seat s WHERE s.organization_id = p_agenda.organization_id AND s.agenda_id = p_agenda.id AND s.seat <= p_agenda.capacity
    AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = s.organization_id AND c.agenda_id = s.agenda_id AND c.seat = s.seat AND c.ends_at > lower(p_range) AND c.during && p_range
      AND c.holder <> p_holder AND NOT c.overbooked) ORDER BY s.seat LIMIT 1;
  IF v_seat IS NULL AND p_agenda.capacity > 1 AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id
      AND c.ends_at > lower(p_range) AND c.during && p_range AND c.holder <> p_holder AND c.contested) THEN v_seat := renumber_seats(p_agenda.id, p_range, p_holder, p_agenda.capacity); END IF;
  RETURN v_seat;
END $$;

CREATE OR REPLACE FUNCTION blocking_code(p_agenda uuid, p_range tstzrange, p_holder uuid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT CASE WHEN c.closure_id IS NOT NULL THEN 'CLOSED' WHEN a.status = 'held' THEN 'HELD' ELSE 'BUSY' END AS code
    FROM claim c LEFT JOIN appointment a ON a.organization_id = c.organization_id AND a.id = c.appointment_id
    WHERE c.organization_id = current_organization() AND c.agenda_id = p_agenda AND c.ends_at > lower(p_range) AND c.during && p_range AND c.holder <> p_holder AND NOT c.overbooked AND NOT c.contested
    ORDER BY c.closure_id IS NULL, a.status IS NOT DISTINCT FROM 'held' LIMIT 1), 'BUSY')
$$;

-- True when something stands in a range of an agenda with one seat, and no hold that is over.
CREATE FUNCTION stands_in_the_way(p_organization uuid, p_agenda uuid, p_range tstzrange) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = p_organization AND c.agenda_id = p_agenda AND c.ends_at > lower(p_range) AND c.during && p_range AND NOT c.overbooked
    AND NOT EXISTS (SELECT 1 FROM appointment a WHERE a.organization_id = c.organization_id AND a.id = c.appointment_id AND a.status = 'held' AND a.hold_until <= clock_timestamp()))
$$;

CREATE OR REPLACE FUNCTION place_appointment(p_organization uuid, p_id uuid, p_agenda uuid, p_motif uuid, p_start timestamptz, p_hold_seconds integer,
  p_collaborator uuid, p_actor jsonb, p_patient bytea, p_key text, p_hash bytea, p_accept_stale boolean,
  OUT outcome text, OUT code text, OUT record jsonb, OUT resource uuid, OUT status integer, OUT remote boolean, OUT retry_after_ms integer, OUT when_unreachable text) LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v_motif motif; v_visit tstzrange; v_occupies tstzrange; v_seat integer; v_link record; v_key record; v appointment;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  SELECT * INTO v_agenda FROM agenda a WHERE a.organization_id = p_organization AND a.id = p_agenda;
  IF NOT FOUND THEN outcome := 'agenda-unknown'; RETURN; END IF;
  SELECT * INTO v_motif FROM motif m WHERE m.organization_id = p_organization AND m.id = p_motif AND m.active;
  v_visit := tstzrange(p_start, p_start + v_motif.duration_minutes * interval '1 minute');
  v_occupies := tstzrange(lower(v_visit) - v_motif.buffer_before_minutes * interval '1 minute', upper(v_visit) + v_motif.buffer_after_minutes * interval '1 minute');
  -- Whoever comes too late need not queue behind those who came in time. A twin of a request that was in time is told
  -- its answer by the key. What is known of elsewhere must be fresh to say so.
  IF v_motif.id IS NOT NULL AND v_agenda.master = 'hub' AND v_agenda.capacity = 1 AND stands_in_the_way(p_organization, p_agenda, v_occupies)
    AND (SELECT o.obstacle FROM link_obstacle(v_agenda, p_accept_stale) o) IS NULL THEN
    SELECT * INTO v_key FROM find_key(p_key, p_hash);
    IF v_key.state <> 'new' THEN outcome := v_key.state; record := v_key.body; resource := v_key.resource; status := v_key.status; RETURN; END IF;
    code := refusing_rule(v_agenda, p_motif, v_visit);
    outcome := CASE WHEN code IS NULL THEN 'taken' ELSE 'rule' END;
    code := coalesce(code, blocking_code(p_agenda, v_occupies, p_id));
    RETURN;
  END IF;
  SELECT * INTO v_agenda FROM agenda a WHERE a.organization_id = p_organization AND a.id = p_agenda FOR UPDATE;
  SELECT * INTO v_key FROM find_key(p_key, p_hash);
  IF v_key.state <> 'new' THEN outcome := v_key.state; record := v_key.body; resource := v_key.resource; status := v_key.status; RETURN; END IF;
  IF v_motif.id IS NULL THEN outcome := 'motif-unknown'; RETURN; END IF;
  remote := v_agenda.master = 'remote';
  SELECT * INTO v_link FROM link_obstacle(v_agenda, p_accept_stale);
  IF v_link.obstacle IS NOT NULL THEN
    outcome := v_link.obstacle; retry_after_ms := v_link.retry_after_ms; resource := p_agenda; when_unreachable := v_agenda.when_unreachable; RETURN;
  END IF;
  PERFORM expire_holds(p_agenda, v_occupies);
  code := refusing_rule(v_agenda, p_motif, v_visit);
  IF code IS NOT NULL THEN outcome := 'rule'; RETURN; END IF;
  v_seat := free_seat(v_agenda, v_occupies, p_id);
  IF v_seat IS NULL THEN outcome := 'taken'; code := blocking_code(p_agenda, v_occupies, p_id); RETURN; END IF;
  INSERT INTO appointment (organization_id, id, agenda_id, motif_id, status, during, occupies, hold_until, created_by)
    VALUES (p_organization, p_id, p_agenda, p_motif, CASE WHEN p_hold_seconds IS NOT NULL THEN 'held' WHEN remote THEN 'pending' ELSE 'confirmed' END,
      v_visit, v_occupies, clock_timestamp() + p_hold_seconds * interval '1 second', p_collaborator) RETURNING * INTO v;
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id) VALUES (p_organization, p_agenda, v_seat, v_occupies, 'hub', p_id, p_id);
  IF p_patient IS NOT NULL THEN INSERT INTO patient_identity VALUES (p_organization, p_id, p_patient); END IF;
  IF v.status = 'pending' THEN
    INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id) VALUES (p_organization, p_id, p_agenda, v_link.link);
  END IF;
  outcome := 'placed'; record := appointment_record(v); resource := p_id; status := 201;
  PERFORM append_event('appointment-' || v.status, p_agenda, p_id, p_actor, record);
  PERFORM keep_key(p_key, p_hash, p_id, CASE WHEN v.status <> 'pending' THEN 201 END, CASE WHEN v.status <> 'pending' THEN record END);
END $$;

CREATE OR REPLACE FUNCTION forget_object(p_link link, p_remote_id text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM claim WHERE organization_id = p_link.organization_id AND holder IN (SELECT m.id FROM mirror m
    WHERE m.organization_id = p_link.organization_id AND m.link_id = p_link.id AND m.remote_id = p_remote_id);
  UPDATE mirror SET gone_at = now() WHERE organization_id = p_link.organization_id AND link_id = p_link.id AND remote_id = p_remote_id;
  DELETE FROM quarantine WHERE organization_id = p_link.organization_id AND link_id = p_link.id AND remote_id = p_remote_id;
$$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
