import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Moving an appointment: the old place is kept beside the new one until the practitioner's agenda has followed. */
export class Moving1763770006000 implements MigrationInterface {
  readonly name = 'Moving1763770006000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
-- Puts an appointment at another range, with its claims. The caller holds the agenda's lock.
CREATE FUNCTION put_appointment(p_agenda agenda, p_id uuid, p_visit tstzrange, p_occupies tstzrange, p_motif uuid, p_status text, p_seat integer) RETURNS appointment LANGUAGE plpgsql AS $$
DECLARE v appointment;
BEGIN
  DELETE FROM claim WHERE organization_id = p_agenda.organization_id AND holder = p_id AND appointment_id IS NOT NULL;
  UPDATE appointment SET during = p_visit, occupies = p_occupies, motif_id = p_motif, status = p_status, version = version + 1, reason = NULL, updated_at = now()
    WHERE organization_id = p_agenda.organization_id AND id = p_id RETURNING * INTO v;
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id)
    VALUES (p_agenda.organization_id, p_agenda.id, p_seat, p_occupies, 'hub', p_id, p_id);
  RETURN v;
END $$;

-- Moves or changes the motif. outcome: 'placed' | 'rule' | 'taken' | 'unknown' | 'stale' | 'busy' (a write is under way) | 'ended' | 'motif-unknown' | 'unlinked'
CREATE FUNCTION move_appointment(p_organization uuid, p_id uuid, p_version integer, p_start timestamptz, p_motif uuid, p_actor jsonb, p_accept_stale boolean,
  OUT outcome text, OUT code text, OUT record jsonb, OUT resource uuid, OUT remote boolean, OUT retry_after_ms integer, OUT when_unreachable text) LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v appointment; v_motif motif; v_visit tstzrange; v_occupies tstzrange; v_old_seat integer; v_seat integer; v_from jsonb; v_link record;
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
  v_visit := tstzrange(coalesce(p_start, lower(v.during)), coalesce(p_start, lower(v.during)) + v_motif.duration_minutes * interval '1 minute');
  v_occupies := tstzrange(lower(v_visit) - v_motif.buffer_before_minutes * interval '1 minute', upper(v_visit) + v_motif.buffer_after_minutes * interval '1 minute');
  PERFORM expire_holds(v_agenda.id, v_occupies);
  code := refusing_rule(v_agenda, v_motif.id, v_visit);
  IF code IS NOT NULL THEN outcome := 'rule'; RETURN; END IF;
  v_seat := free_seat(v_agenda, v_occupies, p_id);
  IF v_seat IS NULL THEN outcome := 'taken'; code := blocking_code(v_agenda.id, v_occupies, p_id); RETURN; END IF;
  SELECT c.seat INTO v_old_seat FROM claim c WHERE c.organization_id = p_organization AND c.holder = p_id AND c.appointment_id IS NOT NULL;
  v_from := jsonb_build_object('start', record->'start', 'end', record->'end', 'motifId', v.motif_id);
  IF remote THEN
    -- An appointment from before its agenda was linked has no write yet.
    INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id, departing, departing_visit, departing_motif_id)
      VALUES (p_organization, p_id, v_agenda.id, v_link.link, v.occupies, v.during, v.motif_id)
      ON CONFLICT (organization_id, appointment_id) DO UPDATE SET departing = excluded.departing, departing_visit = excluded.departing_visit,
        departing_motif_id = excluded.departing_motif_id, state = 'due', due_at = now(), asked_at = now(), attempts = 0, failures = 0, last_error = NULL;
    INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, departing_id)
      VALUES (p_organization, v_agenda.id, v_old_seat, v.occupies, 'hub', p_id, p_id);
  END IF;
  v := put_appointment(v_agenda, p_id, v_visit, v_occupies, v_motif.id, CASE WHEN remote THEN 'pending' ELSE 'confirmed' END, v_seat);
  outcome := 'placed'; record := appointment_record(v);
  PERFORM append_event(CASE WHEN remote THEN 'appointment-moving' ELSE 'appointment-moved' END, v_agenda.id, p_id, p_actor, record || jsonb_build_object('from', v_from));
END $$;

-- A move that the backend refused: back to the old place, which was kept.
CREATE FUNCTION revert_move(p_id uuid, p_reason jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v appointment; v_write remote_write; v_seat integer;
BEGIN
  SELECT g.* INTO v_agenda FROM agenda g JOIN appointment a ON a.organization_id = g.organization_id AND a.agenda_id = g.id
    WHERE a.organization_id = current_organization() AND a.id = p_id FOR UPDATE OF g;
  SELECT * INTO v FROM appointment a WHERE a.organization_id = current_organization() AND a.id = p_id FOR UPDATE;
  SELECT * INTO v_write FROM remote_write w WHERE w.organization_id = current_organization() AND w.appointment_id = p_id FOR UPDATE;
  IF v_write.departing IS NULL OR v.status NOT IN ('pending', 'unknown') THEN RETURN NULL; END IF;
  SELECT c.seat INTO v_seat FROM claim c WHERE c.organization_id = v.organization_id AND c.holder = p_id AND c.departing_id IS NOT NULL;
  DELETE FROM claim WHERE organization_id = v.organization_id AND holder = p_id AND departing_id IS NOT NULL;
  UPDATE remote_write SET departing = NULL, departing_visit = NULL, departing_motif_id = NULL, state = 'settled' WHERE organization_id = v.organization_id AND appointment_id = p_id;
  v := put_appointment(v_agenda, p_id, v_write.departing_visit, v_write.departing, coalesce(v_write.departing_motif_id, v.motif_id), 'confirmed', v_seat);
  PERFORM append_event('appointment-move-refused', v_agenda.id, p_id, '{"kind":"system"}', appointment_record(v) || jsonb_build_object('reason', p_reason));
  RETURN appointment_record(v);
END $$;

-- A move that may have reached the backend, onto an event of the practitioner's: the way back is a move like any other.
-- Both places are kept until it was read where the appointment stands.
CREATE FUNCTION retreat_move(p_id uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v appointment; v_new appointment; v_write remote_write; v_seat integer; v_new_seat integer;
BEGIN
  SELECT g.* INTO v_agenda FROM agenda g JOIN appointment a ON a.organization_id = g.organization_id AND a.agenda_id = g.id
    WHERE a.organization_id = current_organization() AND a.id = p_id FOR UPDATE OF g;
  SELECT * INTO v_new FROM appointment a WHERE a.organization_id = current_organization() AND a.id = p_id FOR UPDATE;
  SELECT * INTO v_write FROM remote_write w WHERE w.organization_id = current_organization() AND w.appointment_id = p_id FOR UPDATE;
  IF v_write.departing IS NULL OR v_new.status NOT IN ('pending', 'unknown') THEN RETURN; END IF;
  SELECT c.seat INTO v_seat FROM claim c WHERE c.organization_id = v_new.organization_id AND c.holder = p_id AND c.departing_id IS NOT NULL;
  SELECT c.seat INTO v_new_seat FROM claim c WHERE c.organization_id = v_new.organization_id AND c.holder = p_id AND c.appointment_id IS NOT NULL;
  DELETE FROM claim WHERE organization_id = v_new.organization_id AND holder = p_id AND departing_id IS NOT NULL;
  UPDATE remote_write SET departing = v_new.occupies, departing_visit = v_new.during, departing_motif_id = v_new.motif_id, state = 'due', due_at = now(), failures = 0
    WHERE organization_id = v_new.organization_id AND appointment_id = p_id;
  v := put_appointment(v_agenda, p_id, v_write.departing_visit, v_write.departing, coalesce(v_write.departing_motif_id, v_new.motif_id), 'pending', v_seat);
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, departing_id)
    VALUES (v.organization_id, v.agenda_id, v_new_seat, v_new.occupies, 'hub', p_id, p_id);
  PERFORM append_event('appointment-moving', v.agenda_id, p_id, '{"kind":"practitioner"}', appointment_record(v) || jsonb_build_object('from',
    jsonb_build_object('start', appointment_record(v_new)->'start', 'end', appointment_record(v_new)->'end', 'motifId', v_new.motif_id)));
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
