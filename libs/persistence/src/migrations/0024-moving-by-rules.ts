import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Moving and reassigning under the practitioner's rules; `p_with` as for a booking. */
export class MovingByRules1763770024000 implements MigrationInterface {
  readonly name = 'MovingByRules1763770024000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(MOVING);
    await runner.query(FOLLOWING);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}

const MOVING = `
-- What an appointment was overbooked for at the place that it is leaving, and may come back to.
ALTER TABLE remote_write ADD COLUMN departing_overbooking text;
-- Keeps the claims of a place that an appointment may come back to: its agenda's and its equipment's (p_claims, as they stood).
CREATE FUNCTION keep_departing(p_id uuid, p_occupies tstzrange, p_claims jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('app.decision', 'overbook', true);
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, departing_id, overbooked)
    SELECT current_organization(), (x->>'agenda_id')::uuid, (x->>'seat')::integer, p_occupies, 'hub', p_id, p_id, (x->>'overbooked')::boolean FROM jsonb_array_elements(p_claims) x;
  PERFORM set_config('app.decision', '', true);
END $$;

DROP FUNCTION move_appointment(uuid, uuid, integer, timestamptz, uuid, jsonb, boolean);
CREATE FUNCTION move_appointment(p_organization uuid, p_id uuid, p_version integer, p_start timestamptz, p_motif uuid, p_actor jsonb, p_accept_stale boolean, p_with jsonb DEFAULT '{}',
  OUT outcome text, OUT code text, OUT record jsonb, OUT resource uuid, OUT remote boolean, OUT retry_after_ms integer, OUT when_unreachable text) LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v appointment; v_motif motif; v_visit tstzrange; v_occupies tstzrange; v_seat integer; v_from jsonb; v_link record;
  v_terms CONSTANT jsonb := p_with->'terms'; v_overbooking text := p_with->>'overbooking';
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  SELECT g.* INTO v_agenda FROM agenda g JOIN appointment a ON a.organization_id = g.organization_id AND a.agenda_id = g.id
    WHERE a.organization_id = p_organization AND a.id = p_id FOR UPDATE OF g;
  IF NOT FOUND THEN outcome := 'unknown'; RETURN; END IF;
  SELECT * INTO v FROM appointment a WHERE a.organization_id = p_organization AND a.id = p_id FOR UPDATE;
  record := appointment_record(v); remote := v_agenda.master = 'remote';
  IF v.version <> p_version THEN outcome := 'stale'; RETURN; END IF;
  IF NOT is_live(v.status) OR v.status = 'compensating' THEN outcome := 'ended'; RETURN; END IF;
  IF v.status <> 'confirmed' THEN outcome := 'busy'; RETURN; END IF;
  SELECT * INTO v_link FROM link_obstacle(v_agenda, p_accept_stale);
  IF v_link.obstacle IS NOT NULL THEN
    outcome := v_link.obstacle; retry_after_ms := v_link.retry_after_ms; resource := v_agenda.id; when_unreachable := v_agenda.when_unreachable; RETURN;
  END IF;
  SELECT * INTO v_motif FROM motif m WHERE m.organization_id = p_organization AND m.id = coalesce(p_motif, v.motif_id) AND (m.active OR m.id = v.motif_id);
  IF NOT FOUND THEN outcome := 'motif-unknown'; RETURN; END IF;
  IF v_agenda.ruled AND v_terms IS NULL THEN outcome := 'ruled'; RETURN; END IF;
  SELECT f.visit, f.occupies INTO v_visit, v_occupies FROM visit_from(v_motif, v_terms, coalesce(p_start, lower(v.during))) f;
  PERFORM expire_holds(v_agenda.id, v_occupies);
  code := ruled_out(v_agenda, v_motif.id, v_visit, p_with);
  IF code IS NOT NULL THEN outcome := 'rule'; RETURN; END IF;
  v_seat := free_seat(v_agenda, v_occupies, p_id);
  v_overbooking := overbooking_meant(v_agenda, v_motif.id, v_visit, p_with, v_seat);
  IF v_seat IS NULL AND v_overbooking IS NOT NULL THEN v_seat := 1; END IF;
  IF v_seat IS NULL THEN outcome := 'taken'; code := blocking_code(v_agenda.id, v_occupies, p_id); RETURN; END IF;
  v_from := jsonb_build_object('start', record->'start', 'end', record->'end', 'motifId', v.motif_id);
  IF remote THEN
    -- An appointment from before its agenda was linked has no write yet.
    INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id, departing, departing_visit, departing_motif_id, departing_overbooking)
      VALUES (p_organization, p_id, v_agenda.id, v_link.link, v.occupies, v.during, v.motif_id, v.overbooking)
      ON CONFLICT (organization_id, appointment_id) DO UPDATE SET departing = excluded.departing, departing_visit = excluded.departing_visit,
        departing_motif_id = excluded.departing_motif_id, departing_overbooking = excluded.departing_overbooking, state = 'due', due_at = now(), asked_at = now(), attempts = 0, failures = 0, last_error = NULL;
    PERFORM keep_departing(p_id, v.occupies, (SELECT jsonb_agg(to_jsonb(c)) FROM claim c WHERE c.organization_id = p_organization AND c.holder = p_id AND c.appointment_id IS NOT NULL));
  END IF;
  -- Where it goes within the rules it is no overbooking any more; what was decided for the old place comes back with it.
  IF v.overbooking IS DISTINCT FROM v_overbooking THEN
    UPDATE appointment SET overbooking = v_overbooking, status = CASE WHEN remote THEN 'pending' ELSE status END WHERE organization_id = p_organization AND id = p_id;
  END IF;
  v := put_appointment(v_agenda, p_id, v_visit, v_occupies, v_motif.id, CASE WHEN remote THEN 'pending' ELSE 'confirmed' END, v_seat);
  PERFORM insist_on_equipment(v, v_terms->'equipment');
  PERFORM recheck_contests(v_agenda);
  outcome := 'placed'; record := appointment_record(v);
  PERFORM append_event(CASE WHEN remote THEN 'appointment-moving' ELSE 'appointment-moved' END, v_agenda.id, p_id, p_actor, record || jsonb_build_object('from', v_from));
  IF v_overbooking IS NOT NULL THEN PERFORM append_event('appointment-overbooked', v_agenda.id, p_id, p_actor, record); END IF;
END $$;

-- A move that the backend refused: back to the old place, which was kept, with its equipment.
CREATE OR REPLACE FUNCTION revert_move(p_id uuid, p_reason jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v appointment; v_write remote_write; v_seat integer; v_over boolean;
BEGIN
  SELECT g.* INTO v_agenda FROM agenda g JOIN appointment a ON a.organization_id = g.organization_id AND a.agenda_id = g.id
    WHERE a.organization_id = current_organization() AND a.id = p_id FOR UPDATE OF g;
  SELECT * INTO v FROM appointment a WHERE a.organization_id = current_organization() AND a.id = p_id FOR UPDATE;
  SELECT * INTO v_write FROM remote_write w WHERE w.organization_id = current_organization() AND w.appointment_id = p_id FOR UPDATE;
  IF v_write.departing IS NULL OR v.status NOT IN ('pending', 'unknown') THEN RETURN NULL; END IF;
  SELECT c.seat, c.overbooked INTO v_seat, v_over FROM claim c WHERE c.organization_id = v.organization_id AND c.holder = p_id AND c.departing_id IS NOT NULL AND c.agenda_id = v_agenda.id;
  DELETE FROM claim WHERE organization_id = v.organization_id AND holder = p_id AND departing_id IS NOT NULL;
  UPDATE remote_write SET departing = NULL, departing_visit = NULL, departing_motif_id = NULL, state = 'settled' WHERE organization_id = v.organization_id AND appointment_id = p_id;
  UPDATE appointment SET overbooking = v_write.departing_overbooking WHERE organization_id = v.organization_id AND id = p_id AND overbooking IS DISTINCT FROM v_write.departing_overbooking;
  v := put_appointment(v_agenda, p_id, v_write.departing_visit, v_write.departing, coalesce(v_write.departing_motif_id, v.motif_id), 'confirmed', v_seat, v_over);
  PERFORM append_event('appointment-move-refused', v_agenda.id, p_id, '{"kind":"system"}', appointment_record(v) || jsonb_build_object('reason', p_reason));
  RETURN appointment_record(v);
END $$;

-- A move that may have reached the backend, onto an event of the practitioner's: the way back is a move like any other.
-- Both places are kept, with their equipment, until it was read where the appointment stands.
CREATE OR REPLACE FUNCTION retreat_move(p_id uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v appointment; v_new appointment; v_write remote_write; v_seat integer; v_over boolean; v_claims jsonb;
BEGIN
  SELECT g.* INTO v_agenda FROM agenda g JOIN appointment a ON a.organization_id = g.organization_id AND a.agenda_id = g.id
    WHERE a.organization_id = current_organization() AND a.id = p_id FOR UPDATE OF g;
  SELECT * INTO v_new FROM appointment a WHERE a.organization_id = current_organization() AND a.id = p_id FOR UPDATE;
  SELECT * INTO v_write FROM remote_write w WHERE w.organization_id = current_organization() AND w.appointment_id = p_id FOR UPDATE;
  IF v_write.departing IS NULL OR v_new.status NOT IN ('pending', 'unknown') THEN RETURN; END IF;
  SELECT c.seat, c.overbooked INTO v_seat, v_over FROM claim c WHERE c.organization_id = v_new.organization_id AND c.holder = p_id AND c.departing_id IS NOT NULL AND c.agenda_id = v_agenda.id;
  SELECT jsonb_agg(to_jsonb(c)) INTO v_claims FROM claim c WHERE c.organization_id = v_new.organization_id AND c.holder = p_id AND c.appointment_id IS NOT NULL;
  DELETE FROM claim WHERE organization_id = v_new.organization_id AND holder = p_id AND departing_id IS NOT NULL;
  UPDATE remote_write SET departing = v_new.occupies, departing_visit = v_new.during, departing_motif_id = v_new.motif_id, departing_overbooking = v_new.overbooking, state = 'due', due_at = now(), failures = 0
    WHERE organization_id = v_new.organization_id AND appointment_id = p_id;
  UPDATE appointment SET overbooking = v_write.departing_overbooking WHERE organization_id = v_new.organization_id AND id = p_id AND overbooking IS DISTINCT FROM v_write.departing_overbooking;
  v := put_appointment(v_agenda, p_id, v_write.departing_visit, v_write.departing, coalesce(v_write.departing_motif_id, v_new.motif_id), 'pending', v_seat, v_over);
  PERFORM keep_departing(p_id, v_new.occupies, v_claims);
  PERFORM append_event('appointment-moving', v.agenda_id, p_id, '{"kind":"practitioner"}', appointment_record(v) || jsonb_build_object('from',
    jsonb_build_object('start', appointment_record(v_new)->'start', 'end', appointment_record(v_new)->'end', 'motifId', v_new.motif_id)));
END $$;

DROP FUNCTION reassign_appointment(uuid, uuid, integer, uuid, uuid, timestamptz, uuid, jsonb, boolean);
CREATE FUNCTION reassign_appointment(p_organization uuid, p_id uuid, p_version integer, p_new uuid, p_agenda uuid, p_start timestamptz, p_motif uuid, p_actor jsonb, p_accept_stale boolean, p_with jsonb DEFAULT '{}',
  OUT outcome text, OUT code text, OUT record jsonb, OUT resource uuid, OUT remote boolean, OUT retry_after_ms integer, OUT when_unreachable text) LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v appointment; v_new appointment; v_motif motif; v_visit tstzrange; v_occupies tstzrange; v_seat integer; v_link record;
  v_terms CONSTANT jsonb := p_with->'terms'; v_overbooking text := p_with->>'overbooking';
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  SELECT * INTO v FROM appointment a WHERE a.organization_id = p_organization AND a.id = p_id;
  IF NOT FOUND THEN outcome := 'unknown'; RETURN; END IF;
  PERFORM 1 FROM agenda g WHERE g.organization_id = p_organization AND g.id IN (v.agenda_id, p_agenda) ORDER BY g.id FOR UPDATE;
  SELECT * INTO v FROM appointment a WHERE a.organization_id = p_organization AND a.id = p_id FOR UPDATE;
  SELECT * INTO v_agenda FROM agenda g WHERE g.organization_id = p_organization AND g.id = p_agenda;
  IF NOT FOUND THEN outcome := 'agenda-unknown'; RETURN; END IF;
  record := appointment_record(v); remote := v_agenda.master = 'remote';
  IF v.version <> p_version THEN outcome := 'stale'; RETURN; END IF;
  IF NOT is_live(v.status) OR v.status = 'compensating' THEN outcome := 'ended'; RETURN; END IF;
  -- While a move is under way there are two old places; a hold and a conflict are decided first.
  IF v.status IN ('held', 'conflict') OR record ? 'replacedBy' OR EXISTS (SELECT 1 FROM remote_write w
      WHERE w.organization_id = p_organization AND w.appointment_id = p_id AND w.departing IS NOT NULL) THEN outcome := 'busy'; RETURN; END IF;
  SELECT * INTO v_link FROM link_obstacle(v_agenda, p_accept_stale);
  IF v_link.obstacle IS NOT NULL THEN
    outcome := v_link.obstacle; retry_after_ms := v_link.retry_after_ms; resource := v_agenda.id; when_unreachable := v_agenda.when_unreachable; RETURN;
  END IF;
  SELECT * INTO v_motif FROM motif m WHERE m.organization_id = p_organization AND m.id = coalesce(p_motif, v.motif_id) AND m.active;
  IF NOT FOUND THEN outcome := 'motif-unknown'; RETURN; END IF;
  IF v_agenda.ruled AND v_terms IS NULL THEN outcome := 'ruled'; RETURN; END IF;
  SELECT f.visit, f.occupies INTO v_visit, v_occupies FROM visit_from(v_motif, v_terms, coalesce(p_start, lower(v.during))) f;
  PERFORM expire_holds(v_agenda.id, v_occupies);
  code := ruled_out(v_agenda, v_motif.id, v_visit, p_with);
  IF code IS NOT NULL THEN outcome := 'rule'; RETURN; END IF;
  v_seat := free_seat(v_agenda, v_occupies, p_new);
  IF v_seat IS NULL AND v_overbooking IS NULL THEN outcome := 'taken'; code := blocking_code(p_agenda, v_occupies, p_new); RETURN; END IF;
  v_overbooking := overbooking_meant(v_agenda, v_motif.id, v_visit, p_with, v_seat);
  -- Both need the same room: it goes over where the old appointment ends with this transaction, and cannot be in two places until then.
  IF v_terms ? 'equipment' AND remote AND EXISTS (SELECT 1 FROM agenda e JOIN claim c ON c.organization_id = e.organization_id AND c.agenda_id = e.id AND c.holder = p_id
      WHERE e.organization_id = p_organization AND e.id IN (SELECT x::uuid FROM jsonb_array_elements_text(v_terms->'equipment') x) AND free_seat(e, v_occupies, p_new) IS NULL) THEN
    outcome := 'taken'; code := 'RESOURCE'; RETURN; END IF;
  INSERT INTO appointment (organization_id, id, agenda_id, motif_id, status, during, occupies, created_by, replaces, overbooking, series_id)
    VALUES (p_organization, p_new, p_agenda, v_motif.id, CASE WHEN remote THEN 'pending' ELSE 'confirmed' END, v_visit, v_occupies, v.created_by, p_id, v_overbooking, v.series_id) RETURNING * INTO v_new;
  IF v_overbooking IS NOT NULL THEN PERFORM set_config('app.decision', 'overbook', true); END IF;
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id, overbooked) VALUES (p_organization, p_agenda, coalesce(v_seat, 1), v_occupies, 'hub', p_new, p_new, v_seat IS NULL);
  IF v_overbooking IS NOT NULL THEN PERFORM set_config('app.decision', '', true); END IF;
  IF NOT remote THEN DELETE FROM claim WHERE organization_id = p_organization AND holder = p_id AND agenda_id <> v.agenda_id; END IF;
  PERFORM insist_on_equipment(v_new, v_terms->'equipment');
  INSERT INTO patient_identity (organization_id, appointment_id, sealed, fingerprint) SELECT p.organization_id, p_new, p.sealed, p.fingerprint FROM patient_identity p WHERE p.organization_id = p_organization AND p.appointment_id = p_id;
  IF remote THEN INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id) VALUES (p_organization, p_new, p_agenda, v_link.link); END IF;
  outcome := 'placed'; record := appointment_record(v_new); resource := p_new;
  PERFORM append_event('appointment-reassigning', v.agenda_id, p_id, p_actor, appointment_record(v));
  PERFORM append_event('appointment-' || v_new.status, p_agenda, p_new, p_actor, record);
  IF v_overbooking IS NOT NULL THEN PERFORM append_event('appointment-overbooked', p_agenda, p_new, p_actor, record); END IF;
END $$;
`;

const FOLLOWING = `
-- The same as before, and: with the buffers and the equipment that the agenda's rules give it.
CREATE OR REPLACE FUNCTION follow_move(p_agenda agenda, p_id uuid, p_visit tstzrange) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v appointment; v_motif motif; v_minutes record; v_occupies tstzrange; v_seat integer; v_from jsonb;
BEGIN
  SELECT * INTO v FROM appointment a WHERE a.organization_id = p_agenda.organization_id AND a.id = p_id AND a.status IN ('pending', 'unknown', 'confirmed', 'conflict');
  IF NOT FOUND THEN RETURN; END IF;
  IF upper(p_visit) - lower(p_visit) > interval '24 hours' THEN
    PERFORM contest_appointment(p_id, '{"code":"REMOTE_REFUSED"}', '{"kind":"practitioner"}'); RETURN;
  END IF;
  v_from := jsonb_build_object('start', appointment_record(v)->'start', 'end', appointment_record(v)->'end');
  SELECT * INTO v_motif FROM motif m WHERE m.organization_id = p_agenda.organization_id AND m.id = v.motif_id;
  v_minutes := visit_minutes(v_motif, coalesce((SELECT m.rules FROM agenda_motif m WHERE m.organization_id = p_agenda.organization_id AND m.agenda_id = p_agenda.id AND m.motif_id = v.motif_id), '{}'));
  v_occupies := tstzrange(lower(p_visit) - v_minutes.before * interval '1 minute', upper(p_visit) + v_minutes.after * interval '1 minute');
  DELETE FROM claim WHERE organization_id = p_agenda.organization_id AND holder = p_id AND departing_id IS NOT NULL;
  UPDATE remote_write SET state = 'settled', departing = NULL, departing_visit = NULL, departing_motif_id = NULL, last_error = NULL WHERE organization_id = p_agenda.organization_id AND appointment_id = p_id;
  PERFORM expire_holds(p_agenda.id, v_occupies);
  v_seat := free_seat(p_agenda, v_occupies, p_id);
  IF v_seat IS NULL THEN
    -- His visit itself may fit where only the buffers do not: his tool wins over a buffer.
    v_occupies := p_visit; v_seat := free_seat(p_agenda, v_occupies, p_id);
  END IF;
  IF v_seat IS NOT NULL THEN
    -- Where he put it, nobody overbooked it.
    IF v.overbooking IS NOT NULL THEN UPDATE appointment SET overbooking = NULL, status = 'pending' WHERE organization_id = p_agenda.organization_id AND id = p_id; END IF;
    v := put_appointment(p_agenda, p_id, p_visit, v_occupies, v.motif_id, 'confirmed', v_seat);
    PERFORM append_event('appointment-moved', p_agenda.id, p_id, '{"kind":"practitioner"}', appointment_record(v) || jsonb_build_object('from', v_from));
  ELSE
    DELETE FROM claim WHERE organization_id = p_agenda.organization_id AND holder = p_id AND appointment_id IS NOT NULL;
    UPDATE appointment SET during = p_visit, occupies = v_occupies, status = 'conflict', version = version + 1, reason = '{"code":"PRACTITIONER_BUSY"}', updated_at = now()
      WHERE organization_id = p_agenda.organization_id AND id = p_id RETURNING * INTO v;
    PERFORM set_config('app.decision', 'contest', true);
    INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id, contested)
      VALUES (p_agenda.organization_id, p_agenda.id, 1, v_occupies, 'hub', p_id, p_id, true);
    PERFORM take_equipment(p_agenda, v);
    PERFORM append_event('appointment-conflict', p_agenda.id, p_id, '{"kind":"practitioner"}', appointment_record(v) || jsonb_build_object('from', v_from));
  END IF;
END $$;

-- The same as before, and: what was overbooked comes back under the constraints once it stands alone.
CREATE OR REPLACE FUNCTION recheck_contests(p_agenda agenda) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v record; v_seat integer; v_appointment appointment;
BEGIN
  -- The last contested claim may just have gone: what was in conflict because of it is still to be settled.
  IF NOT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND (c.contested OR c.overbooked))
    AND NOT EXISTS (SELECT 1 FROM appointment a WHERE a.organization_id = p_agenda.organization_id AND a.agenda_id = p_agenda.id AND a.status = 'conflict') THEN RETURN; END IF;
  FOR v IN SELECT c.id, c.during FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.contested AND c.appointment_id IS NOT NULL LOOP
    v_seat := free_seat(p_agenda, v.during, (SELECT holder FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.id = v.id));
    IF v_seat IS NOT NULL THEN UPDATE claim SET contested = false, seat = v_seat WHERE organization_id = p_agenda.organization_id AND id = v.id; END IF;
  END LOOP;
  -- An overbooked one that stands beside no other any more is a visit like any other, and nothing may be put beside it unseen.
  FOR v IN SELECT c.id, c.during, c.holder FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.overbooked AND c.appointment_id IS NOT NULL ORDER BY c.id LOOP
    SELECT s.seat INTO v_seat FROM agenda_seat s WHERE s.organization_id = p_agenda.organization_id AND s.agenda_id = p_agenda.id
      AND NOT EXISTS (SELECT 1 FROM claim o WHERE o.organization_id = s.organization_id AND o.agenda_id = s.agenda_id AND o.seat = s.seat AND o.ends_at > lower(v.during) AND o.during && v.during
        AND o.holder <> v.holder AND NOT o.overbooked) ORDER BY s.seat LIMIT 1;
    IF FOUND THEN UPDATE claim SET overbooked = false, seat = v_seat WHERE organization_id = p_agenda.organization_id AND id = v.id; END IF;
  END LOOP;
  UPDATE claim r SET contested = false WHERE r.organization_id = p_agenda.organization_id AND r.agenda_id = p_agenda.id AND r.contested AND r.authority = 'remote'
    AND NOT EXISTS (SELECT 1 FROM claim h WHERE h.organization_id = r.organization_id AND h.agenda_id = r.agenda_id AND h.seat = r.seat AND h.ends_at > lower(r.during) AND h.during && r.during AND h.authority = 'hub' AND NOT h.overbooked AND NOT h.contested);
  -- Promised before the link was there, and not there yet: it is written now.
  FOR v_appointment IN UPDATE appointment a SET status = 'pending', version = version + 1, reason = NULL, updated_at = now()
    WHERE a.organization_id = p_agenda.organization_id AND a.agenda_id = p_agenda.id AND a.status = 'conflict' AND a.reason->>'code' = 'PRACTITIONER_BUSY'
      AND EXISTS (SELECT 1 FROM remote_write w WHERE w.organization_id = a.organization_id AND w.appointment_id = a.id AND w.promised AND w.departing IS NULL)
      AND NOT EXISTS (SELECT 1 FROM mirror m WHERE m.organization_id = a.organization_id AND m.appointment_id = a.id AND m.gone_at IS NULL)
      AND NOT EXISTS (SELECT 1 FROM claim o WHERE o.organization_id = a.organization_id AND o.holder = a.id AND o.contested)
      AND NOT EXISTS (SELECT 1 FROM claim r WHERE r.organization_id = a.organization_id AND r.agenda_id = a.agenda_id AND r.contested AND r.authority = 'remote' AND r.during && a.occupies) RETURNING * LOOP
    UPDATE remote_write SET state = 'due', due_at = now(), asked_at = now(), failures = 0 WHERE organization_id = p_agenda.organization_id AND appointment_id = v_appointment.id;
    PERFORM append_event('appointment-pending', p_agenda.id, v_appointment.id, '{"kind":"system"}', appointment_record(v_appointment));
  END LOOP;
  FOR v_appointment IN UPDATE appointment a SET status = 'confirmed', version = version + 1, reason = NULL, updated_at = now()
    WHERE a.organization_id = p_agenda.organization_id AND a.agenda_id = p_agenda.id AND a.status = 'conflict'
      AND NOT EXISTS (SELECT 1 FROM claim o WHERE o.organization_id = a.organization_id AND o.holder = a.id AND o.contested)
      AND NOT EXISTS (SELECT 1 FROM claim r WHERE r.organization_id = a.organization_id AND r.agenda_id = a.agenda_id AND r.contested AND r.authority = 'remote' AND r.during && a.occupies)
      AND a.reason->>'code' = 'PRACTITIONER_BUSY'
      AND (EXISTS (SELECT 1 FROM mirror m WHERE m.organization_id = a.organization_id AND m.appointment_id = a.id AND m.gone_at IS NULL AND m.during = a.during)
        OR NOT EXISTS (SELECT 1 FROM remote_write w WHERE w.organization_id = a.organization_id AND w.appointment_id = a.id)) RETURNING * LOOP
    DELETE FROM claim WHERE organization_id = p_agenda.organization_id AND holder = v_appointment.id AND departing_id IS NOT NULL;
    UPDATE remote_write SET state = 'settled', departing = NULL, departing_visit = NULL, departing_motif_id = NULL
      WHERE organization_id = p_agenda.organization_id AND appointment_id = v_appointment.id;
    PERFORM append_event('appointment-conflict-resolved', p_agenda.id, v_appointment.id, '{"kind":"practitioner"}', appointment_record(v_appointment));
  END LOOP;
  FOR v_appointment IN SELECT a.* FROM appointment a WHERE a.organization_id = p_agenda.organization_id AND a.agenda_id = p_agenda.id AND a.status = 'confirmed'
      AND EXISTS (SELECT 1 FROM claim h JOIN claim r ON r.organization_id = h.organization_id AND r.agenda_id = h.agenda_id AND r.contested AND r.during && h.during
        WHERE h.organization_id = a.organization_id AND h.appointment_id = a.id AND NOT h.overbooked AND r.authority = 'remote') LOOP
    PERFORM contest_appointment(v_appointment.id, '{"code":"PRACTITIONER_BUSY"}', '{"kind":"practitioner"}');
  END LOOP;
END $$;
`;
