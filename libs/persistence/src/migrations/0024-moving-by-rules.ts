import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Moving and reassigning under the practitioner's rules; `p_with` as for a booking. */
export class MovingByRules1763770024000 implements MigrationInterface {
  readonly name = 'MovingByRules1763770024000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(MOVING);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}

const MOVING = `
DROP FUNCTION move_appointment(uuid, uuid, integer, timestamptz, uuid, jsonb, boolean);
CREATE FUNCTION move_appointment(p_organization uuid, p_id uuid, p_version integer, p_start timestamptz, p_motif uuid, p_actor jsonb, p_accept_stale boolean, p_with jsonb DEFAULT '{}',
  OUT outcome text, OUT code text, OUT record jsonb, OUT resource uuid, OUT remote boolean, OUT retry_after_ms integer, OUT when_unreachable text) LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v appointment; v_motif motif; v_visit tstzrange; v_occupies tstzrange; v_old_seat integer; v_seat integer; v_from jsonb; v_link record; v_was_over boolean;
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
  SELECT c.seat, c.overbooked INTO v_old_seat, v_was_over FROM claim c WHERE c.organization_id = p_organization AND c.holder = p_id AND c.appointment_id IS NOT NULL AND c.agenda_id = v_agenda.id;
  -- Where it goes is within the rules: it is no overbooking any more, unless the way back leads beside another.
  IF v_overbooking IS NOT NULL OR NOT (remote AND v_was_over) THEN
    UPDATE appointment SET overbooking = v_overbooking WHERE organization_id = p_organization AND id = p_id AND overbooking IS DISTINCT FROM v_overbooking;
  END IF;
  v_from := jsonb_build_object('start', record->'start', 'end', record->'end', 'motifId', v.motif_id);
  IF remote THEN
    -- An appointment from before its agenda was linked has no write yet.
    INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id, departing, departing_visit, departing_motif_id)
      VALUES (p_organization, p_id, v_agenda.id, v_link.link, v.occupies, v.during, v.motif_id)
      ON CONFLICT (organization_id, appointment_id) DO UPDATE SET departing = excluded.departing, departing_visit = excluded.departing_visit,
        departing_motif_id = excluded.departing_motif_id, state = 'due', due_at = now(), asked_at = now(), attempts = 0, failures = 0, last_error = NULL;
    IF v_was_over THEN PERFORM set_config('app.decision', 'overbook', true); END IF;
    INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, departing_id, overbooked)
      VALUES (p_organization, v_agenda.id, v_old_seat, v.occupies, 'hub', p_id, p_id, v_was_over);
    IF v_was_over THEN PERFORM set_config('app.decision', '', true); END IF;
  END IF;
  v := put_appointment(v_agenda, p_id, v_visit, v_occupies, v_motif.id, CASE WHEN remote THEN 'pending' ELSE 'confirmed' END, v_seat);
  outcome := 'placed'; record := appointment_record(v);
  PERFORM append_event(CASE WHEN remote THEN 'appointment-moving' ELSE 'appointment-moved' END, v_agenda.id, p_id, p_actor, record || jsonb_build_object('from', v_from));
  IF v_overbooking IS NOT NULL THEN PERFORM append_event('appointment-overbooked', v_agenda.id, p_id, p_actor, record); END IF;
END $$;

CREATE OR REPLACE FUNCTION retreat_move(p_id uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v appointment; v_new appointment; v_write remote_write; v_seat integer; v_new_seat integer; v_over boolean;
BEGIN
  SELECT g.* INTO v_agenda FROM agenda g JOIN appointment a ON a.organization_id = g.organization_id AND a.agenda_id = g.id
    WHERE a.organization_id = current_organization() AND a.id = p_id FOR UPDATE OF g;
  SELECT * INTO v_new FROM appointment a WHERE a.organization_id = current_organization() AND a.id = p_id FOR UPDATE;
  SELECT * INTO v_write FROM remote_write w WHERE w.organization_id = current_organization() AND w.appointment_id = p_id FOR UPDATE;
  IF v_write.departing IS NULL OR v_new.status NOT IN ('pending', 'unknown') THEN RETURN; END IF;
  SELECT c.seat INTO v_seat FROM claim c WHERE c.organization_id = v_new.organization_id AND c.holder = p_id AND c.departing_id IS NOT NULL;
  SELECT c.seat, c.overbooked INTO v_new_seat, v_over FROM claim c WHERE c.organization_id = v_new.organization_id AND c.holder = p_id AND c.appointment_id IS NOT NULL AND c.agenda_id = v_agenda.id;
  DELETE FROM claim WHERE organization_id = v_new.organization_id AND holder = p_id AND departing_id IS NOT NULL;
  UPDATE remote_write SET departing = v_new.occupies, departing_visit = v_new.during, departing_motif_id = v_new.motif_id, state = 'due', due_at = now(), failures = 0
    WHERE organization_id = v_new.organization_id AND appointment_id = p_id;
  v := put_appointment(v_agenda, p_id, v_write.departing_visit, v_write.departing, coalesce(v_write.departing_motif_id, v_new.motif_id), 'pending', v_seat);
  IF v_over THEN PERFORM set_config('app.decision', 'overbook', true); END IF;
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, departing_id, overbooked)
    VALUES (v.organization_id, v.agenda_id, v_new_seat, v_new.occupies, 'hub', p_id, p_id, v_over);
  IF v_over THEN PERFORM set_config('app.decision', '', true); END IF;
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
  IF NOT claim_equipment(v_new, v_terms->'equipment') THEN RAISE EXCEPTION 'equipment was taken under its lock' USING ERRCODE = '40001'; END IF;
  INSERT INTO patient_identity (organization_id, appointment_id, sealed, fingerprint) SELECT p.organization_id, p_new, p.sealed, p.fingerprint FROM patient_identity p WHERE p.organization_id = p_organization AND p.appointment_id = p_id;
  IF remote THEN INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id) VALUES (p_organization, p_new, p_agenda, v_link.link); END IF;
  outcome := 'placed'; record := appointment_record(v_new); resource := p_new;
  PERFORM append_event('appointment-reassigning', v.agenda_id, p_id, p_actor, appointment_record(v));
  PERFORM append_event('appointment-' || v_new.status, p_agenda, p_new, p_actor, record);
  IF v_overbooking IS NOT NULL THEN PERFORM append_event('appointment-overbooked', p_agenda, p_new, p_actor, record); END IF;
END $$;
`;
