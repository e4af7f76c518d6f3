import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Booking under the practitioner's rules. `p_with`: what a booking brings along, all optional: `fingerprint` (hex),
 * `acknowledged` (a double appointment of the patient is meant), `terms` (what the rules allow: minutes, equipment, and whether it is `outside` them;
 * without them a ruled agenda answers `ruled`), `overbooking` (why nothing but the agenda's reachability counts), `series`,
 * `replaces` (a cancelled appointment whose cancellation is taken back).
 */
export class BookingByRules1763770023000 implements MigrationInterface {
  readonly name = 'BookingByRules1763770023000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SUPPORT);
    await runner.query(PLACING);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}

const SUPPORT = `
-- Everything the rules need to judge one start, read at one instant; with p_lock nothing of it changes before the end of
-- the transaction. Null when the agenda or the motif is unknown. An agenda is locked before its equipment, equipment by id.
CREATE FUNCTION booking_facts(p_organization uuid, p_agenda uuid, p_motif uuid, p_start timestamptz, p_collaborator uuid, p_fingerprint bytea, p_self uuid, p_lock boolean) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v_motif motif; v_offer agenda_motif; v_visit record; v_zone text; v_seen text := coalesce(current_setting('app.agendas', true), '');
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  -- Whoever goes from one agenda to another locks both in the order in which everybody does, before any equipment.
  IF p_lock AND p_self IS NOT NULL THEN
    PERFORM 1 FROM agenda g WHERE g.organization_id = p_organization
      AND g.id IN (p_agenda, (SELECT a.agenda_id FROM appointment a WHERE a.organization_id = p_organization AND a.id = p_self)) ORDER BY g.id FOR UPDATE;
  END IF;
  IF p_lock THEN SELECT * INTO v_agenda FROM agenda a WHERE a.organization_id = p_organization AND a.id = p_agenda FOR UPDATE;
  ELSE SELECT * INTO v_agenda FROM agenda a WHERE a.organization_id = p_organization AND a.id = p_agenda; END IF;
  IF NOT FOUND THEN RETURN NULL; END IF;
  SELECT * INTO v_motif FROM motif m WHERE m.organization_id = p_organization AND m.id = p_motif;
  IF NOT FOUND THEN RETURN NULL; END IF;
  SELECT p.time_zone INTO v_zone FROM location p WHERE p.organization_id = p_organization AND p.id = v_agenda.location_id;
  SELECT * INTO v_offer FROM agenda_motif m WHERE m.organization_id = p_organization AND m.agenda_id = p_agenda AND m.motif_id = p_motif;
  IF p_lock AND v_offer.rules ? 'equipment' THEN
    PERFORM set_config('app.agendas', '', true);
    PERFORM 1 FROM agenda e WHERE e.organization_id = p_organization AND e.id IN (SELECT x::uuid FROM jsonb_array_elements_text(v_offer.rules->'equipment') x) ORDER BY e.id FOR UPDATE;
    PERFORM set_config('app.agendas', v_seen, true);
  END IF;
  v_visit := visit_minutes(v_motif, coalesce(v_offer.rules, '{}'));
  RETURN jsonb_build_object('now', milliseconds(clock_timestamp()), 'minutes', to_jsonb(v_visit), 'rules', coalesce(v_offer.rules, '{}') || CASE WHEN v_agenda.backend_rules IS NULL THEN '{}' ELSE jsonb_build_object('backend', v_agenda.backend_rules) END,
    'secretariat', (SELECT c.secretariat FROM collaborator c WHERE c.organization_id = p_organization AND c.id = p_collaborator),
    'patientVisits', coalesce((SELECT jsonb_agg(milliseconds(lower(a.during))) FROM patient_identity i JOIN appointment a ON a.organization_id = i.organization_id AND a.id = i.appointment_id
      WHERE i.organization_id = p_organization AND i.fingerprint = p_fingerprint AND a.agenda_id = p_agenda AND a.motif_id = p_motif AND is_live(a.status) AND a.id IS DISTINCT FROM p_self), '[]'),
    'facts', agenda_facts(v_agenda, v_zone, v_motif, coalesce(v_offer.rules, '{}'), p_start, p_start, p_self) || jsonb_build_object('offered', v_offer.motif_id IS NOT NULL AND v_motif.active));
END $$;

-- Which rule refuses, where the domain's functions have not judged already. Overbooking goes around rules about time, but not into the past.
CREATE FUNCTION ruled_out(p_agenda agenda, p_motif uuid, p_visit tstzrange, p_with jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE v_code text;
BEGIN
  IF p_with ? 'terms' THEN RETURN NULL; END IF;
  v_code := refusing_rule(p_agenda, p_motif, p_visit);
  RETURN CASE WHEN NOT p_with ? 'overbooking' OR v_code IN ('AGENDA_DISABLED', 'MOTIF_NOT_ALLOWED', 'NOTICE_TOO_SHORT') THEN v_code END;
END $$;

-- Why it is overbooked, if it is: nobody is told of an overbooking where a seat is free and no rule speaks against it.
CREATE FUNCTION overbooking_meant(p_agenda agenda, p_motif uuid, p_visit tstzrange, p_with jsonb, p_seat integer) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT p_with ? 'overbooking' OR p_seat IS NULL THEN RETURN p_with->>'overbooking'; END IF;
  RETURN CASE WHEN p_with ? 'terms' THEN CASE WHEN (p_with->'terms'->>'outside')::boolean THEN p_with->>'overbooking' END
    WHEN refusing_rule(p_agenda, p_motif, p_visit) IS NOT NULL THEN p_with->>'overbooking' END;
END $$;

CREATE FUNCTION visit_from(p_motif motif, p_terms jsonb, p_start timestamptz, OUT visit tstzrange, OUT occupies tstzrange) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  visit := tstzrange(p_start, p_start + coalesce((p_terms->>'durationMinutes')::integer, p_motif.duration_minutes) * interval '1 minute');
  occupies := tstzrange(lower(visit) - coalesce((p_terms->>'bufferBeforeMinutes')::integer, p_motif.buffer_before_minutes) * interval '1 minute',
    upper(visit) + coalesce((p_terms->>'bufferAfterMinutes')::integer, p_motif.buffer_after_minutes) * interval '1 minute');
END $$;

-- A free seat of every equipment for the range, claimed; false (and nothing claimed that was not) when one has none. Like
-- equipment_of it goes by what is, not by what whoever books may see.
CREATE FUNCTION claim_equipment(p_appointment appointment, p_equipment jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v agenda; v_seat integer; v_found integer := 0; v_seen text := coalesce(current_setting('app.agendas', true), '');
BEGIN
  IF p_equipment IS NULL OR p_equipment = '[]' THEN RETURN true; END IF;
  PERFORM set_config('app.agendas', '', true);
  FOR v IN SELECT * FROM agenda e WHERE e.organization_id = p_appointment.organization_id AND e.active
      AND e.id IN (SELECT x::uuid FROM jsonb_array_elements_text(p_equipment) x) ORDER BY e.id FOR UPDATE LOOP
    -- A hold that has ended may be another agenda's.
    PERFORM expire_holds(x.agenda_id, x.occupies) FROM (SELECT DISTINCT a.agenda_id, a.occupies FROM claim c
      JOIN appointment a ON a.organization_id = c.organization_id AND a.id = c.holder AND a.status = 'held' AND a.hold_until <= clock_timestamp()
      WHERE c.organization_id = v.organization_id AND c.agenda_id = v.id AND c.ends_at > lower(p_appointment.occupies) AND c.during && p_appointment.occupies) x;
    v_seat := free_seat(v, p_appointment.occupies, p_appointment.id);
    EXIT WHEN v_seat IS NULL;
    INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id)
      VALUES (p_appointment.organization_id, v.id, v_seat, p_appointment.occupies, 'hub', p_appointment.id, p_appointment.id);
    v_found := v_found + 1;
  END LOOP;
  PERFORM set_config('app.agendas', v_seen, true);
  RETURN v_found = jsonb_array_length(p_equipment);
END $$;

-- The equipment of an appointment where it stands now; where the practitioner himself moved it and it is not free, an event says so.
CREATE FUNCTION take_equipment(p_agenda agenda, p_appointment appointment) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_agenda.ruled AND NOT claim_equipment(p_appointment, (SELECT m.rules->'equipment' FROM agenda_motif m
      WHERE m.organization_id = p_agenda.organization_id AND m.agenda_id = p_agenda.id AND m.motif_id = p_appointment.motif_id)) THEN
    PERFORM append_event('appointment-equipment-missing', p_agenda.id, p_appointment.id, '{"kind":"system"}', appointment_record(p_appointment));
  END IF;
END $$;

-- Whoever was allowed a place with equipment gets all of it or nothing. It was looked at under the same locks.
CREATE FUNCTION insist_on_equipment(p_appointment appointment, p_equipment jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_equipment IS NULL OR p_equipment = '[]' THEN RETURN; END IF;
  DELETE FROM claim WHERE organization_id = p_appointment.organization_id AND holder = p_appointment.id AND appointment_id IS NOT NULL AND agenda_id <> p_appointment.agenda_id;
  IF NOT claim_equipment(p_appointment, p_equipment) THEN RAISE EXCEPTION 'equipment was taken under its lock' USING ERRCODE = '40001'; END IF;
END $$;

-- Puts an appointment at another range, with its claims. The caller holds the agenda's lock. What was overbooked, or stood
-- beside others before (p_was_over), takes a free seat where there is one.
DROP FUNCTION put_appointment(agenda, uuid, tstzrange, tstzrange, uuid, text, integer);
CREATE FUNCTION put_appointment(p_agenda agenda, p_id uuid, p_visit tstzrange, p_occupies tstzrange, p_motif uuid, p_status text, p_seat integer, p_was_over boolean DEFAULT false) RETURNS appointment LANGUAGE plpgsql AS $$
DECLARE v appointment; v_seat integer := p_seat; v_over boolean := false;
BEGIN
  DELETE FROM claim WHERE organization_id = p_agenda.organization_id AND holder = p_id AND appointment_id IS NOT NULL;
  UPDATE appointment SET during = p_visit, occupies = p_occupies, motif_id = p_motif, status = p_status, version = version + 1, reason = NULL, updated_at = now()
    WHERE organization_id = p_agenda.organization_id AND id = p_id RETURNING * INTO v;
  IF v.overbooking IS NOT NULL OR p_was_over THEN v_seat := free_seat(p_agenda, p_occupies, p_id); v_over := v_seat IS NULL; END IF;
  IF v_over THEN PERFORM set_config('app.decision', 'overbook', true); END IF;
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id, overbooked)
    VALUES (p_agenda.organization_id, p_agenda.id, coalesce(v_seat, p_seat), p_occupies, 'hub', p_id, p_id, v_over);
  IF v_over THEN PERFORM set_config('app.decision', '', true); END IF;
  PERFORM take_equipment(p_agenda, v);
  RETURN v;
END $$;

-- What of the same patient stands already on the local day, or for the same motif from now on: at most three. Visits of one series are no doubles of one another.
CREATE FUNCTION patient_doubles(p_organization uuid, p_fingerprint bytea, p_motif uuid, p_start timestamptz, p_zone text, p_self uuid, p_series uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_agg(appointment_record(x)) FROM (SELECT a.* FROM patient_identity i JOIN appointment a ON a.organization_id = i.organization_id AND a.id = i.appointment_id
    WHERE i.organization_id = p_organization AND i.fingerprint = p_fingerprint AND is_live(a.status) AND a.status <> 'held' AND a.id IS DISTINCT FROM p_self AND (p_series IS NULL OR a.series_id IS DISTINCT FROM p_series)
      AND ((a.motif_id = p_motif AND upper(a.during) > clock_timestamp()) OR (lower(a.during) AT TIME ZONE p_zone)::date = (p_start AT TIME ZONE p_zone)::date)
    ORDER BY lower(a.during), a.id LIMIT 3) x
$$;
`;

const PLACING = `
DROP FUNCTION stands_in_the_way(uuid, uuid, tstzrange);
DROP FUNCTION place_appointment(uuid, uuid, uuid, uuid, timestamptz, integer, uuid, jsonb, bytea, text, bytea, boolean);
-- outcome: 'placed' | 'rule' | 'taken' | 'ruled' | 'double' | 'agenda-unknown' | 'motif-unknown' | a state of the key | an obstacle of the link
CREATE FUNCTION place_appointment(p_organization uuid, p_id uuid, p_agenda uuid, p_motif uuid, p_start timestamptz, p_hold_seconds integer,
  p_collaborator uuid, p_actor jsonb, p_patient bytea, p_key text, p_hash bytea, p_accept_stale boolean, p_with jsonb DEFAULT '{}',
  OUT outcome text, OUT code text, OUT record jsonb, OUT resource uuid, OUT status integer, OUT remote boolean, OUT retry_after_ms integer, OUT when_unreachable text) LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v_motif motif; v_visit tstzrange; v_occupies tstzrange; v_seat integer; v_link record; v_key record; v appointment;
  v_terms CONSTANT jsonb := p_with->'terms'; v_overbooking text := p_with->>'overbooking'; v_fingerprint bytea;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  SELECT * INTO v_agenda FROM agenda a WHERE a.organization_id = p_organization AND a.id = p_agenda;
  IF NOT FOUND THEN outcome := 'agenda-unknown'; RETURN; END IF;
  SELECT * INTO v_motif FROM motif m WHERE m.organization_id = p_organization AND m.id = p_motif AND m.active;
  IF v_agenda.ruled AND v_terms IS NULL AND v_motif.id IS NOT NULL THEN outcome := 'ruled'; RETURN; END IF;
  SELECT f.visit, f.occupies INTO v_visit, v_occupies FROM visit_from(v_motif, v_terms, p_start) f;
  -- Whoever comes too late need not queue behind those who came in time. A twin of a request that was in time is told
  -- its answer by the key. What is known of elsewhere must be fresh to say so.
  IF v_motif.id IS NOT NULL AND v_overbooking IS NULL AND v_agenda.master = 'hub' AND v_agenda.capacity = 1
    AND EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = p_organization AND c.agenda_id = p_agenda AND c.ends_at > lower(v_occupies) AND c.during && v_occupies AND (NOT c.overbooked OR c.authority = 'hub')
      AND NOT EXISTS (SELECT 1 FROM appointment a WHERE a.organization_id = c.organization_id AND a.id = c.appointment_id AND a.status = 'held' AND a.hold_until <= clock_timestamp()))
    AND (SELECT o.obstacle FROM link_obstacle(v_agenda, p_accept_stale) o) IS NULL THEN
    SELECT * INTO v_key FROM find_key(p_key, p_hash);
    IF v_key.state <> 'new' THEN outcome := v_key.state; record := v_key.body; resource := v_key.resource; status := v_key.status; RETURN; END IF;
    code := ruled_out(v_agenda, p_motif, v_visit, p_with);
    outcome := CASE WHEN code IS NULL THEN 'taken' ELSE 'rule' END;
    code := coalesce(code, blocking_code(p_agenda, v_occupies, p_id));
    RETURN;
  END IF;
  SELECT * INTO v_agenda FROM agenda a WHERE a.organization_id = p_organization AND a.id = p_agenda FOR UPDATE;
  SELECT * INTO v_key FROM find_key(p_key, p_hash);
  IF v_key.state <> 'new' THEN outcome := v_key.state; record := v_key.body; resource := v_key.resource; status := v_key.status; RETURN; END IF;
  IF v_motif.id IS NULL THEN outcome := 'motif-unknown'; RETURN; END IF;
  IF p_with ? 'replaces' THEN
    -- A cancellation is taken back within five minutes, once, and never one that the practitioner made.
    SELECT * INTO v FROM appointment a WHERE a.organization_id = p_organization AND a.id = (p_with->>'replaces')::uuid FOR UPDATE;
    record := appointment_record(v);
    IF v.status = 'compensating' THEN outcome := 'busy'; RETURN; END IF;
    IF v.status IS DISTINCT FROM 'cancelled' OR v.reason->>'code' IS DISTINCT FROM 'CANCELLED' OR v.updated_at < clock_timestamp() - interval '5 minutes' OR record ? 'replacedBy' THEN
      outcome := 'ended'; RETURN; END IF;
    record := NULL;
  END IF;
  -- The first rule of an agenda may have come between the two looks at it.
  IF v_agenda.ruled AND v_terms IS NULL THEN outcome := 'ruled'; RETURN; END IF;
  remote := v_agenda.master = 'remote';
  SELECT * INTO v_link FROM link_obstacle(v_agenda, p_accept_stale);
  IF v_link.obstacle IS NOT NULL THEN
    outcome := v_link.obstacle; retry_after_ms := v_link.retry_after_ms; resource := p_agenda; when_unreachable := v_agenda.when_unreachable; RETURN;
  END IF;
  PERFORM expire_holds(p_agenda, v_occupies);
  code := ruled_out(v_agenda, p_motif, v_visit, p_with);
  IF code IS NOT NULL THEN outcome := 'rule'; RETURN; END IF;
  v_seat := free_seat(v_agenda, v_occupies, p_id);
  IF v_seat IS NULL AND v_overbooking IS NULL THEN outcome := 'taken'; code := blocking_code(p_agenda, v_occupies, p_id); RETURN; END IF;
  v_overbooking := overbooking_meant(v_agenda, p_motif, v_visit, p_with, v_seat);
  IF p_with ? 'fingerprint' THEN
    v_fingerprint := decode(p_with->>'fingerprint', 'hex');
    IF p_hold_seconds IS NULL AND NOT coalesce((p_with->>'acknowledged')::boolean, false) THEN
      record := patient_doubles(p_organization, v_fingerprint, p_motif, p_start, (SELECT p.time_zone FROM location p WHERE p.organization_id = p_organization AND p.id = v_agenda.location_id), p_id, (p_with->>'series')::uuid);
      IF record IS NOT NULL THEN outcome := 'double'; RETURN; END IF;
    END IF;
  END IF;
  INSERT INTO appointment (organization_id, id, agenda_id, motif_id, status, during, occupies, hold_until, created_by, overbooking, series_id, replaces)
    VALUES (p_organization, p_id, p_agenda, p_motif, CASE WHEN p_hold_seconds IS NOT NULL THEN 'held' WHEN remote THEN 'pending' ELSE 'confirmed' END,
      v_visit, v_occupies, clock_timestamp() + p_hold_seconds * interval '1 second', p_collaborator, v_overbooking, (p_with->>'series')::uuid, (p_with->>'replaces')::uuid) RETURNING * INTO v;
  IF v_overbooking IS NOT NULL THEN PERFORM set_config('app.decision', 'overbook', true); END IF;
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id, overbooked)
    VALUES (p_organization, p_agenda, coalesce(v_seat, 1), v_occupies, 'hub', p_id, p_id, v_seat IS NULL);
  IF v_overbooking IS NOT NULL THEN PERFORM set_config('app.decision', '', true); END IF;
  PERFORM insist_on_equipment(v, v_terms->'equipment');
  IF p_patient IS NOT NULL THEN INSERT INTO patient_identity (organization_id, appointment_id, sealed, fingerprint) VALUES (p_organization, p_id, p_patient, v_fingerprint); END IF;
  IF v.status = 'pending' THEN
    INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id) VALUES (p_organization, p_id, p_agenda, v_link.link);
  END IF;
  outcome := 'placed'; record := appointment_record(v); resource := p_id; status := 201;
  PERFORM append_event('appointment-' || v.status, p_agenda, p_id, p_actor, record);
  IF v_overbooking IS NOT NULL THEN PERFORM append_event('appointment-overbooked', p_agenda, p_id, p_actor, record); END IF;
  -- What the practitioner's own tool has still to say has no answer yet.
  IF remote THEN PERFORM keep_key(p_key, p_hash, p_id, NULL, NULL); ELSE PERFORM keep_key(p_key, p_hash, p_id, 201, record); END IF;
END $$;

DROP FUNCTION confirm_hold(uuid, uuid, jsonb, bytea, text, bytea, boolean);
CREATE FUNCTION confirm_hold(p_organization uuid, p_hold uuid, p_actor jsonb, p_patient bytea, p_key text, p_hash bytea, p_accept_stale boolean, p_with jsonb DEFAULT '{}',
  OUT outcome text, OUT code text, OUT record jsonb, OUT resource uuid, OUT status integer, OUT remote boolean, OUT retry_after_ms integer, OUT when_unreachable text) LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v_motif motif; v_link record; v_key record; v appointment; v_visit tstzrange; v_occupies tstzrange; v_seat integer;
  v_terms CONSTANT jsonb := p_with->'terms'; v_fingerprint CONSTANT bytea := decode(p_with->>'fingerprint', 'hex'); v_overbooking text;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  SELECT g.* INTO v_agenda FROM agenda g JOIN appointment a ON a.organization_id = g.organization_id AND a.agenda_id = g.id
    WHERE a.organization_id = p_organization AND a.id = p_hold FOR UPDATE OF g;
  IF NOT FOUND THEN outcome := 'hold-unknown'; RETURN; END IF;
  SELECT * INTO v_key FROM find_key(p_key, p_hash);
  IF v_key.state <> 'new' THEN outcome := v_key.state; record := v_key.body; resource := v_key.resource; status := v_key.status; RETURN; END IF;
  IF v_agenda.ruled AND v_terms IS NULL THEN outcome := 'ruled'; RETURN; END IF;
  PERFORM expire_holds(v_agenda.id, (SELECT a.occupies FROM appointment a WHERE a.organization_id = p_organization AND a.id = p_hold));
  remote := v_agenda.master = 'remote';
  SELECT * INTO v_link FROM link_obstacle(v_agenda, p_accept_stale);
  IF v_link.obstacle IS NOT NULL THEN
    outcome := v_link.obstacle; retry_after_ms := v_link.retry_after_ms; resource := v_agenda.id; when_unreachable := v_agenda.when_unreachable; RETURN;
  END IF;
  SELECT * INTO v FROM appointment a WHERE a.organization_id = p_organization AND a.id = p_hold AND a.status = 'held' AND a.hold_until > clock_timestamp() FOR UPDATE;
  IF NOT FOUND THEN outcome := 'hold-ended'; RETURN; END IF;
  IF v_fingerprint IS NOT NULL AND NOT coalesce((p_with->>'acknowledged')::boolean, false) THEN
    record := patient_doubles(p_organization, v_fingerprint, v.motif_id, lower(v.during), (SELECT p.time_zone FROM location p WHERE p.organization_id = p_organization AND p.id = v_agenda.location_id), p_hold, v.series_id);
    IF record IS NOT NULL THEN outcome := 'double'; RETURN; END IF;
  END IF;
  IF v_terms IS NOT NULL THEN
    -- The patient is known now; his visit may be of another length than what was held.
    SELECT * INTO v_motif FROM motif m WHERE m.organization_id = p_organization AND m.id = v.motif_id;
    SELECT f.visit, f.occupies INTO v_visit, v_occupies FROM visit_from(v_motif, v_terms, lower(v.during)) f;
    IF (v_visit, v_occupies) IS DISTINCT FROM (v.during, v.occupies) THEN
      v_seat := free_seat(v_agenda, v_occupies, p_hold);
      IF v_seat IS NULL THEN v_overbooking := p_with->>'overbooking'; v_seat := CASE WHEN v_overbooking IS NOT NULL THEN 1 END; END IF;
      IF v_seat IS NULL THEN outcome := 'taken'; code := blocking_code(v_agenda.id, v_occupies, p_hold); RETURN; END IF;
    END IF;
  END IF;
  v_overbooking := coalesce(v_overbooking, overbooking_meant(v_agenda, v.motif_id, coalesce(v_visit, v.during), p_with, 1));
  UPDATE appointment SET status = CASE WHEN remote THEN 'pending' ELSE 'confirmed' END, hold_until = NULL, version = version + 1, overbooking = coalesce(v_overbooking, overbooking), updated_at = now()
    WHERE organization_id = p_organization AND id = p_hold RETURNING * INTO v;
  IF v_seat IS NOT NULL THEN v := put_appointment(v_agenda, p_hold, v_visit, v_occupies, v.motif_id, v.status, v_seat); END IF;
  PERFORM insist_on_equipment(v, v_terms->'equipment');
  IF p_patient IS NOT NULL THEN
    INSERT INTO patient_identity (organization_id, appointment_id, sealed, fingerprint) VALUES (p_organization, p_hold, p_patient, v_fingerprint)
      ON CONFLICT (organization_id, appointment_id) DO UPDATE SET sealed = excluded.sealed, fingerprint = excluded.fingerprint;
  END IF;
  IF remote THEN
    INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id) VALUES (p_organization, p_hold, v_agenda.id, v_link.link);
  END IF;
  outcome := 'placed'; record := appointment_record(v); resource := p_hold; status := 201;
  PERFORM append_event('appointment-' || v.status, v_agenda.id, p_hold, p_actor, record);
  IF v_overbooking IS NOT NULL THEN PERFORM append_event('appointment-overbooked', v_agenda.id, p_hold, p_actor, record); END IF;
  PERFORM keep_key(p_key, p_hash, p_hold, CASE WHEN NOT remote THEN 201 END, CASE WHEN NOT remote THEN record END);
END $$;
`;
