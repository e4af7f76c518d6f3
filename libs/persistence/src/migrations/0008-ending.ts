import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How appointments end, are confirmed, give way, and follow the practitioner. Each takes the agenda's lock first. */
export class Ending1763770008000 implements MigrationInterface {
  readonly name = 'Ending1763770008000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
-- What stands outside the overlap constraints stands outside their indexes too.
CREATE INDEX claim_exempt ON claim (organization_id, agenda_id) WHERE overbooked OR contested;
CREATE INDEX appointment_conflict ON appointment (organization_id, agenda_id) WHERE status = 'conflict';

CREATE FUNCTION lock_agenda_of(p_id uuid) RETURNS agenda LANGUAGE sql AS $$
  SELECT g.* FROM agenda g JOIN appointment a ON a.organization_id = g.organization_id AND a.agenda_id = g.id
    WHERE a.organization_id = current_organization() AND a.id = p_id FOR UPDATE OF g
$$;

-- Settles what a contest was about once one side is gone: remote claims re-enter the constraints, appointments in
-- conflict are confirmed again, where the practitioner's tool was last seen to hold them. And none stays confirmed where
-- an event of his stands.
CREATE FUNCTION recheck_contests(p_agenda agenda) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v record; v_seat integer; v_appointment appointment;
BEGIN
  -- The last contested claim may just have gone: what was in conflict because of it is still to be settled.
  IF NOT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.contested)
    AND NOT EXISTS (SELECT 1 FROM appointment a WHERE a.organization_id = p_agenda.organization_id AND a.agenda_id = p_agenda.id AND a.status = 'conflict') THEN RETURN; END IF;
  FOR v IN SELECT c.id, c.during FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.contested AND c.appointment_id IS NOT NULL LOOP
    v_seat := free_seat(p_agenda, v.during, (SELECT holder FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.id = v.id));
    IF v_seat IS NOT NULL THEN UPDATE claim SET contested = false, seat = v_seat WHERE organization_id = p_agenda.organization_id AND id = v.id; END IF;
  END LOOP;
  UPDATE claim r SET contested = false WHERE r.organization_id = p_agenda.organization_id AND r.agenda_id = p_agenda.id AND r.contested AND r.authority = 'remote'
    AND NOT EXISTS (SELECT 1 FROM claim h WHERE h.agenda_id = r.agenda_id AND h.seat = r.seat AND h.during && r.during AND h.authority = 'hub' AND NOT h.overbooked AND NOT h.contested);
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
      AND EXISTS (SELECT 1 FROM claim h JOIN claim r ON r.organization_id = h.organization_id AND r.agenda_id = h.agenda_id AND r.during && h.during
        WHERE h.organization_id = a.organization_id AND h.appointment_id = a.id AND NOT h.overbooked AND r.contested AND r.authority = 'remote') LOOP
    PERFORM contest_appointment(v_appointment.id, '{"code":"PRACTITIONER_BUSY"}', '{"kind":"practitioner"}');
  END LOOP;
END $$;

-- To a dead state, from one of the given ones; NULL when it was in none of them. Frees every claim.
CREATE FUNCTION end_appointment(p_id uuid, p_from text[], p_to text, p_reason jsonb, p_actor jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v appointment;
BEGIN
  v_agenda := lock_agenda_of(p_id);
  UPDATE appointment SET status = p_to, ending = NULL, hold_until = NULL, version = version + 1, reason = coalesce(p_reason, reason), updated_at = now()
    WHERE organization_id = current_organization() AND id = p_id AND status = ANY (p_from) RETURNING * INTO v;
  IF NOT FOUND THEN RETURN NULL; END IF;
  DELETE FROM claim WHERE organization_id = v.organization_id AND holder = p_id;
  UPDATE remote_write SET state = 'settled', departing = NULL, departing_visit = NULL, departing_motif_id = NULL WHERE organization_id = v.organization_id AND appointment_id = p_id;
  UPDATE mirror SET gone_at = now() WHERE organization_id = v.organization_id AND appointment_id = p_id AND gone_at IS NULL;
  PERFORM recheck_contests(v_agenda);
  PERFORM append_event('appointment-' || p_to, v.agenda_id, p_id, p_actor, appointment_record(v));
  RETURN appointment_record(v);
END $$;

-- Starts the removal at the backend; the claims stay until it is certainly gone there.
CREATE FUNCTION compensate_appointment(p_id uuid, p_from text[], p_ending text, p_reason jsonb, p_actor jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v appointment;
BEGIN
  PERFORM lock_agenda_of(p_id);
  UPDATE appointment SET status = 'compensating', ending = p_ending, version = version + 1, reason = p_reason, updated_at = now()
    WHERE organization_id = current_organization() AND id = p_id AND status = ANY (p_from) RETURNING * INTO v;
  IF NOT FOUND THEN RETURN NULL; END IF;
  UPDATE remote_write SET state = 'due', due_at = now(), asked_at = now(), failures = 0, last_error = NULL WHERE organization_id = v.organization_id AND appointment_id = p_id;
  PERFORM append_event('appointment-compensating', v.agenda_id, p_id, p_actor, appointment_record(v));
  RETURN appointment_record(v);
END $$;

-- Cancels: at once where nothing was written to a backend, else by way of 'compensating'.
-- outcome: 'placed' | 'unknown' | 'stale' | 'ended' | 'reused' | 'running' | 'answered'
CREATE FUNCTION cancel_appointment(p_organization uuid, p_id uuid, p_version integer, p_reason jsonb, p_actor jsonb, p_key text, p_hash bytea,
  OUT outcome text, OUT record jsonb, OUT resource uuid, OUT status integer, OUT remote boolean) LANGUAGE plpgsql AS $$
DECLARE v appointment; v_key record;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  PERFORM lock_agenda_of(p_id);
  SELECT * INTO v FROM appointment a WHERE a.organization_id = p_organization AND a.id = p_id;
  IF NOT FOUND THEN outcome := 'unknown'; RETURN; END IF;
  SELECT * INTO v_key FROM find_key(p_key, p_hash);
  IF v_key.state <> 'new' THEN outcome := v_key.state; record := v_key.body; resource := v_key.resource; status := v_key.status; RETURN; END IF;
  record := appointment_record(v); resource := p_id; outcome := 'placed';
  remote := EXISTS (SELECT 1 FROM remote_write w WHERE w.organization_id = p_organization AND w.appointment_id = p_id);
  IF v.status IN ('cancelled', 'compensating') THEN NULL;
  ELSIF NOT is_live(v.status) THEN outcome := 'ended'; RETURN;
  ELSIF p_version IS NOT NULL AND v.version <> p_version THEN outcome := 'stale'; RETURN;
  ELSIF remote THEN record := compensate_appointment(p_id, ARRAY[v.status], 'cancelled', p_reason, p_actor);
  ELSE record := end_appointment(p_id, ARRAY[v.status], 'cancelled', p_reason, p_actor); END IF;
  PERFORM keep_key(p_key, p_hash, p_id, CASE WHEN record->>'status' = 'cancelled' THEN 200 END, CASE WHEN record->>'status' = 'cancelled' THEN record END);
END $$;

-- The backend was read and holds the appointment where the hub wants it.
CREATE FUNCTION confirm_appointment(p_id uuid, p_visit tstzrange) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v appointment; v_moved boolean;
BEGIN
  UPDATE appointment SET status = 'confirmed', version = version + 1, reason = NULL, updated_at = now()
    WHERE organization_id = current_organization() AND id = p_id AND status IN ('pending', 'unknown') AND during = p_visit RETURNING * INTO v;
  IF NOT FOUND THEN RETURN NULL; END IF;
  SELECT w.departing IS NOT NULL INTO v_moved FROM remote_write w WHERE w.organization_id = v.organization_id AND w.appointment_id = p_id;
  DELETE FROM claim WHERE organization_id = v.organization_id AND holder = p_id AND departing_id IS NOT NULL;
  UPDATE remote_write SET state = 'settled', departing = NULL, departing_visit = NULL, departing_motif_id = NULL, last_error = NULL WHERE organization_id = v.organization_id AND appointment_id = p_id;
  PERFORM append_event(CASE WHEN v_moved THEN 'appointment-moved' ELSE 'appointment-confirmed' END, v.agenda_id, p_id, '{"kind":"system"}', appointment_record(v));
  RETURN appointment_record(v);
END $$;

-- A person must look. The claims stay.
CREATE FUNCTION contest_appointment(p_id uuid, p_reason jsonb, p_actor jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v appointment;
BEGIN
  UPDATE appointment SET status = 'conflict', version = version + 1, reason = p_reason, updated_at = now()
    WHERE organization_id = current_organization() AND id = p_id AND status IN ('pending', 'unknown', 'confirmed') RETURNING * INTO v;
  IF NOT FOUND THEN RETURN NULL; END IF;
  UPDATE remote_write SET state = 'settled' WHERE organization_id = v.organization_id AND appointment_id = p_id AND departing IS NULL;
  PERFORM append_event('appointment-conflict', v.agenda_id, p_id, p_actor, appointment_record(v));
  RETURN appointment_record(v);
END $$;

-- The practitioner moved or resized ours in his own tool: the appointment follows. Where it lands on another booking,
-- both stand, contested, and a person decides.
CREATE FUNCTION follow_move(p_agenda agenda, p_id uuid, p_visit tstzrange) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v appointment; v_motif motif; v_occupies tstzrange; v_seat integer; v_from jsonb;
BEGIN
  SELECT * INTO v FROM appointment a WHERE a.organization_id = p_agenda.organization_id AND a.id = p_id AND a.status IN ('pending', 'unknown', 'confirmed', 'conflict');
  IF NOT FOUND THEN RETURN; END IF;
  IF upper(p_visit) - lower(p_visit) > interval '24 hours' THEN
    PERFORM contest_appointment(p_id, '{"code":"REMOTE_REFUSED"}', '{"kind":"practitioner"}'); RETURN;
  END IF;
  v_from := jsonb_build_object('start', appointment_record(v)->'start', 'end', appointment_record(v)->'end');
  SELECT * INTO v_motif FROM motif m WHERE m.organization_id = p_agenda.organization_id AND m.id = v.motif_id;
  v_occupies := tstzrange(lower(p_visit) - v_motif.buffer_before_minutes * interval '1 minute', upper(p_visit) + v_motif.buffer_after_minutes * interval '1 minute');
  DELETE FROM claim WHERE organization_id = p_agenda.organization_id AND holder = p_id AND departing_id IS NOT NULL;
  UPDATE remote_write SET state = 'settled', departing = NULL, departing_visit = NULL, departing_motif_id = NULL, last_error = NULL WHERE organization_id = p_agenda.organization_id AND appointment_id = p_id;
  PERFORM expire_holds(p_agenda.id, v_occupies);
  v_seat := free_seat(p_agenda, v_occupies, p_id);
  IF v_seat IS NULL THEN
    -- His visit itself may fit where only the buffers do not: his tool wins over a buffer.
    v_occupies := p_visit; v_seat := free_seat(p_agenda, v_occupies, p_id);
  END IF;
  IF v_seat IS NOT NULL THEN
    v := put_appointment(p_agenda, p_id, p_visit, v_occupies, v.motif_id, 'confirmed', v_seat);
    PERFORM append_event('appointment-moved', p_agenda.id, p_id, '{"kind":"practitioner"}', appointment_record(v) || jsonb_build_object('from', v_from));
  ELSE
    DELETE FROM claim WHERE organization_id = p_agenda.organization_id AND holder = p_id AND appointment_id IS NOT NULL;
    UPDATE appointment SET during = p_visit, occupies = v_occupies, status = 'conflict', version = version + 1, reason = '{"code":"PRACTITIONER_BUSY"}', updated_at = now()
      WHERE organization_id = p_agenda.organization_id AND id = p_id RETURNING * INTO v;
    PERFORM set_config('app.decision', 'contest', true);
    INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id, contested)
      VALUES (p_agenda.organization_id, p_agenda.id, 1, v_occupies, 'hub', p_id, p_id, true);
    PERFORM append_event('appointment-conflict', p_agenda.id, p_id, '{"kind":"practitioner"}', appointment_record(v) || jsonb_build_object('from', v_from));
  END IF;
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
