import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Booking in one round trip. Every function that takes a claim locks the agenda row first (READ COMMITTED), so that
 * writers of one agenda queue instead of deadlocking, and so that event order follows lock order.
 */
export class Booking1763770005000 implements MigrationInterface {
  readonly name = 'Booking1763770005000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
-- What answers and events say of an appointment: never who the patient is. Instants in epoch milliseconds.
CREATE FUNCTION appointment_record(a appointment) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('id', a.id, 'agendaId', a.agenda_id, 'motifId', a.motif_id, 'status', a.status,
    'start', (extract(epoch FROM lower(a.during)) * 1000)::bigint, 'end', (extract(epoch FROM upper(a.during)) * 1000)::bigint,
    'holdUntil', (extract(epoch FROM a.hold_until) * 1000)::bigint, 'version', a.version, 'reason', a.reason, 'createdBy', a.created_by,
    'overbooked', EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = a.organization_id AND c.holder = a.id AND c.appointment_id IS NOT NULL AND c.overbooked))
$$;

-- Frees the holds in a range that the database's clock has ended. No sweeper is needed for safety.
CREATE FUNCTION expire_holds(p_agenda uuid, p_range tstzrange) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE v appointment; n integer := 0;
BEGIN
  FOR v IN SELECT * FROM appointment a WHERE a.organization_id = current_organization() AND a.agenda_id = p_agenda AND a.status = 'held'
      AND a.hold_until <= clock_timestamp() AND a.occupies && p_range ORDER BY a.id FOR UPDATE LOOP
    DELETE FROM claim WHERE organization_id = v.organization_id AND holder = v.id;
    UPDATE appointment SET status = 'expired', hold_until = NULL, version = version + 1, updated_at = now()
      WHERE organization_id = v.organization_id AND id = v.id RETURNING * INTO v;
    PERFORM append_event('appointment-expired', p_agenda, v.id, '{"kind":"system"}', appointment_record(v));
    n := n + 1;
  END LOOP;
  RETURN n;
END $$;

-- Colours the claims around a range anew so that p_holder finds one seat free over all of it; NULL when they do not
-- fit. Greedy by start is optimal for intervals. What one appointment holds twice (its old and its new place) counts
-- once where it overlaps. Claims on every seat (closures, remote busy time) cannot be in the way of one another here:
-- where they are, no seat is free whatever the colours.
CREATE FUNCTION renumber_seats(p_agenda uuid, p_range tstzrange, p_holder uuid, p_capacity integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE v record; v_ends timestamptz[] := array_fill('-infinity'::timestamptz, ARRAY[p_capacity]); v_seat integer; v_new integer;
  v_ids uuid[] := '{}'; v_seats integer[] := '{}';
BEGIN
  FOR v IN WITH RECURSIVE component AS (
      SELECT c.id, c.during, c.holder, c.closure_id IS NULL AND c.mirror_id IS NULL AS single FROM claim c
        WHERE c.organization_id = current_organization() AND c.agenda_id = p_agenda AND c.during && p_range AND NOT c.overbooked AND NOT c.contested
      UNION SELECT c.id, c.during, c.holder, c.closure_id IS NULL AND c.mirror_id IS NULL FROM component k
        JOIN claim c ON c.organization_id = current_organization() AND c.agenda_id = p_agenda AND c.during && k.during AND NOT c.overbooked AND NOT c.contested),
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

-- The lowest free seat over a range, renumbering the others when that makes room; NULL when the agenda is full there.
-- What is contested stands there all the same: nothing else may come on top of it.
CREATE FUNCTION free_seat(p_agenda agenda, p_range tstzrange, p_holder uuid) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE v_seat integer;
BEGIN
  SELECT s.seat INTO v_seat FROM agenda_seat s WHERE s.organization_id = p_agenda.organization_id AND s.agenda_id = p_agenda.id AND s.seat <= p_agenda.capacity
    AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = s.organization_id AND c.agenda_id = s.agenda_id AND c.seat = s.seat AND c.during && p_range
      AND c.holder <> p_holder AND NOT c.overbooked) ORDER BY s.seat LIMIT 1;
  IF v_seat IS NULL AND p_agenda.capacity > 1 AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id
      AND c.during && p_range AND c.holder <> p_holder AND c.contested) THEN v_seat := renumber_seats(p_agenda.id, p_range, p_holder, p_agenda.capacity); END IF;
  RETURN v_seat;
END $$;

-- A smaller capacity: what held every seat gives up the last ones, the others move down where that fits. What remains
-- is refused by the claims' foreign key.
CREATE FUNCTION vacate_seats(p_agenda agenda) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v claim; v_seat integer;
BEGIN
  DELETE FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.seat > p_agenda.capacity
    AND (c.closure_id IS NOT NULL OR c.mirror_id IS NOT NULL) AND EXISTS (SELECT 1 FROM claim k WHERE k.organization_id = c.organization_id
      AND k.agenda_id = c.agenda_id AND k.holder = c.holder AND k.during = c.during AND k.seat <= p_agenda.capacity);
  FOR v IN SELECT * FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.seat > p_agenda.capacity LOOP
    v_seat := free_seat(p_agenda, v.during, v.holder);
    IF v_seat IS NOT NULL THEN
      UPDATE claim SET seat = v_seat WHERE organization_id = v.organization_id AND id = v.id; END IF;
  END LOOP;
END $$;

-- A greater capacity: what held every seat (a closure, remote busy time) holds the new ones too.
CREATE FUNCTION extend_to_new_seats(p_agenda agenda, p_before integer) RETURNS void LANGUAGE sql AS $$
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, closure_id, mirror_id)
    SELECT c.organization_id, c.agenda_id, n, c.during, c.authority, c.holder, c.closure_id, c.mirror_id
    FROM claim c CROSS JOIN generate_series(p_before + 1, p_agenda.capacity) n
    WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND (c.closure_id IS NOT NULL OR c.mirror_id IS NOT NULL)
    GROUP BY c.organization_id, c.agenda_id, n, c.during, c.authority, c.holder, c.closure_id, c.mirror_id HAVING count(DISTINCT c.seat) = p_before
$$;

-- Why a range cannot be had: what stands in it, most telling first.
CREATE FUNCTION blocking_code(p_agenda uuid, p_range tstzrange, p_holder uuid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT CASE WHEN c.closure_id IS NOT NULL THEN 'CLOSED' WHEN a.status = 'held' THEN 'HELD' ELSE 'BUSY' END AS code
    FROM claim c LEFT JOIN appointment a ON a.organization_id = c.organization_id AND a.id = c.appointment_id
    WHERE c.organization_id = current_organization() AND c.agenda_id = p_agenda AND c.during && p_range AND c.holder <> p_holder AND NOT c.overbooked AND NOT c.contested
    ORDER BY c.closure_id IS NULL, a.status IS NOT DISTINCT FROM 'held' LIMIT 1), 'BUSY')
$$;

-- The rule that refuses a visit, or NULL. Checked inside the booking transaction, so that no crafted request passes by.
CREATE FUNCTION refusing_rule(p_agenda agenda, p_motif uuid, p_visit tstzrange) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT p_agenda.active THEN RETURN 'AGENDA_DISABLED'; END IF;
  IF NOT EXISTS (SELECT 1 FROM agenda_motif m WHERE m.organization_id = p_agenda.organization_id AND m.agenda_id = p_agenda.id AND m.motif_id = p_motif) THEN
    RETURN 'MOTIF_NOT_ALLOWED'; END IF;
  IF lower(p_visit) < clock_timestamp() THEN RETURN 'NOTICE_TOO_SHORT'; END IF;
  IF upper(p_visit) > p_agenda.opened_until THEN RETURN 'HORIZON'; END IF;
  -- Inside one opening, as nearly always, or inside several that touch.
  IF NOT EXISTS (SELECT 1 FROM opening_occurrence o WHERE o.organization_id = p_agenda.organization_id AND o.agenda_id = p_agenda.id AND o.during @> p_visit)
    AND NOT coalesce((SELECT range_agg(o.during) @> p_visit FROM opening_occurrence o
      WHERE o.organization_id = p_agenda.organization_id AND o.agenda_id = p_agenda.id AND o.during && p_visit), false) THEN
    RETURN 'CLOSED'; END IF;
  RETURN NULL;
END $$;

-- What an idempotency key stands for. 'new': nothing yet. 'reused': same key, other body. 'answered': with the first
-- answer. 'running': the first request has placed its resource but not answered yet.
CREATE FUNCTION find_key(p_key text, p_hash bytea, OUT state text, OUT resource uuid, OUT status integer, OUT body jsonb) LANGUAGE plpgsql AS $$
DECLARE v idempotency;
BEGIN
  state := 'new';
  IF p_key IS NULL THEN RETURN; END IF;
  SELECT * INTO v FROM idempotency i WHERE i.organization_id = current_organization() AND i.key = p_key;
  IF NOT FOUND THEN RETURN; END IF;
  resource := v.resource_id; status := v.response_status; body := v.response;
  state := CASE WHEN v.request_hash <> p_hash THEN 'reused' WHEN v.response_status IS NULL THEN 'running' ELSE 'answered' END;
END $$;

-- Binds a key to what its request did, in the same transaction. A concurrent request with the same key that got there
-- first makes this one fail whole (SQLSTATE UK001); it is then asked again and finds the key.
CREATE FUNCTION keep_key(p_key text, p_hash bytea, p_resource uuid, p_status integer, p_body jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_key IS NULL THEN RETURN; END IF;
  INSERT INTO idempotency (organization_id, key, request_hash, resource_id, response_status, response)
    VALUES (current_organization(), p_key, p_hash, p_resource, p_status, p_body) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RAISE EXCEPTION 'the idempotency key was taken meanwhile' USING ERRCODE = 'UK001'; END IF;
END $$;

-- What stands between a booking and the practitioner's own tool. obstacle: NULL | 'unlinked' | 'unreachable' | 'stale-copy'
CREATE FUNCTION link_obstacle(p_agenda agenda, p_accept_stale boolean, OUT link uuid, OUT obstacle text, OUT retry_after_ms integer) LANGUAGE plpgsql STABLE AS $$
DECLARE v record;
BEGIN
  IF p_agenda.master = 'hub' THEN RETURN; END IF;
  SELECT l.id, l.as_of, l.status, c.blocked_until INTO v FROM link l JOIN connection c ON c.organization_id = l.organization_id AND c.id = l.connection_id
    WHERE l.organization_id = p_agenda.organization_id AND l.agenda_id = p_agenda.id AND l.direction = 'two-way';
  IF NOT FOUND THEN obstacle := 'unlinked'; RETURN; END IF;
  link := v.id;
  IF p_agenda.when_unreachable = 'refuse' AND (v.blocked_until > clock_timestamp() OR v.status <> 'active') THEN
    obstacle := 'unreachable';
    retry_after_ms := greatest(1000, least(600000, coalesce(extract(epoch FROM nullif(v.blocked_until, '-infinity') - clock_timestamp()) * 1000, 60000)))::integer;
  ELSIF NOT p_accept_stale AND v.as_of < clock_timestamp() - p_agenda.stale_after_seconds * interval '1 second' THEN obstacle := 'stale-copy'; END IF;
END $$;

-- Books or holds. outcome: 'placed' | 'rule' | 'taken' | 'reused' | 'running' | 'answered' | 'agenda-unknown' | 'motif-unknown' | 'unlinked'
-- code: the reason code of 'rule' and 'taken'. record: the appointment, or the first answer's body.
CREATE FUNCTION place_appointment(p_organization uuid, p_id uuid, p_agenda uuid, p_motif uuid, p_start timestamptz, p_hold_seconds integer,
  p_collaborator uuid, p_actor jsonb, p_patient bytea, p_key text, p_hash bytea, p_accept_stale boolean,
  OUT outcome text, OUT code text, OUT record jsonb, OUT resource uuid, OUT status integer, OUT remote boolean, OUT retry_after_ms integer, OUT when_unreachable text) LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v_motif motif; v_visit tstzrange; v_occupies tstzrange; v_seat integer; v_link record; v_key record; v appointment;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  SELECT * INTO v_agenda FROM agenda a WHERE a.organization_id = p_organization AND a.id = p_agenda FOR UPDATE;
  IF NOT FOUND THEN outcome := 'agenda-unknown'; RETURN; END IF;
  SELECT * INTO v_key FROM find_key(p_key, p_hash);
  IF v_key.state <> 'new' THEN outcome := v_key.state; record := v_key.body; resource := v_key.resource; status := v_key.status; RETURN; END IF;
  SELECT * INTO v_motif FROM motif m WHERE m.organization_id = p_organization AND m.id = p_motif AND m.active;
  IF NOT FOUND THEN outcome := 'motif-unknown'; RETURN; END IF;
  v_visit := tstzrange(p_start, p_start + v_motif.duration_minutes * interval '1 minute');
  v_occupies := tstzrange(lower(v_visit) - v_motif.buffer_before_minutes * interval '1 minute', upper(v_visit) + v_motif.buffer_after_minutes * interval '1 minute');
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

-- Turns a hold into an appointment. outcome as above, and 'hold-unknown' | 'hold-ended'.
CREATE FUNCTION confirm_hold(p_organization uuid, p_hold uuid, p_actor jsonb, p_patient bytea, p_key text, p_hash bytea, p_accept_stale boolean,
  OUT outcome text, OUT code text, OUT record jsonb, OUT resource uuid, OUT status integer, OUT remote boolean, OUT retry_after_ms integer, OUT when_unreachable text) LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v_link record; v_key record; v appointment;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  SELECT g.* INTO v_agenda FROM agenda g JOIN appointment a ON a.organization_id = g.organization_id AND a.agenda_id = g.id
    WHERE a.organization_id = p_organization AND a.id = p_hold FOR UPDATE OF g;
  IF NOT FOUND THEN outcome := 'hold-unknown'; RETURN; END IF;
  SELECT * INTO v_key FROM find_key(p_key, p_hash);
  IF v_key.state <> 'new' THEN outcome := v_key.state; record := v_key.body; resource := v_key.resource; status := v_key.status; RETURN; END IF;
  PERFORM expire_holds(v_agenda.id, (SELECT a.occupies FROM appointment a WHERE a.organization_id = p_organization AND a.id = p_hold));
  remote := v_agenda.master = 'remote';
  SELECT * INTO v_link FROM link_obstacle(v_agenda, p_accept_stale);
  IF v_link.obstacle IS NOT NULL THEN
    outcome := v_link.obstacle; retry_after_ms := v_link.retry_after_ms; resource := v_agenda.id; when_unreachable := v_agenda.when_unreachable; RETURN;
  END IF;
  UPDATE appointment SET status = CASE WHEN remote THEN 'pending' ELSE 'confirmed' END, hold_until = NULL, version = version + 1, updated_at = now()
    WHERE organization_id = p_organization AND id = p_hold AND appointment.status = 'held' AND hold_until > clock_timestamp() RETURNING * INTO v;
  IF NOT FOUND THEN outcome := 'hold-ended'; RETURN; END IF;
  IF p_patient IS NOT NULL THEN
    INSERT INTO patient_identity VALUES (p_organization, p_hold, p_patient)
      ON CONFLICT (organization_id, appointment_id) DO UPDATE SET sealed = excluded.sealed;
  END IF;
  IF remote THEN
    INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id) VALUES (p_organization, p_hold, v_agenda.id, v_link.link);
  END IF;
  outcome := 'placed'; record := appointment_record(v); resource := p_hold; status := 201;
  PERFORM append_event('appointment-' || v.status, v_agenda.id, p_hold, p_actor, record);
  PERFORM keep_key(p_key, p_hash, p_hold, CASE WHEN NOT remote THEN 201 END, CASE WHEN NOT remote THEN record END);
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
