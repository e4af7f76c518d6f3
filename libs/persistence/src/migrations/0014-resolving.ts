import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A person decides a conflict: one transaction, which the outbox carries to the practitioner's agenda. */
export class Resolving1763770012100 implements MigrationInterface {
  readonly name = 'Resolving1763770012100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
-- Makes the practitioner's agenda equal to the appointment once more.
CREATE FUNCTION write_again(a appointment, p_anew boolean, p_actor jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v appointment;
BEGIN
  -- Without a write it stands in the hub alone.
  UPDATE appointment x SET status = CASE WHEN EXISTS (SELECT 1 FROM remote_write w WHERE w.organization_id = x.organization_id AND w.appointment_id = x.id) THEN 'pending' ELSE 'confirmed' END,
      reason = NULL, generation = generation + CASE WHEN p_anew THEN 1 ELSE 0 END, version = version + 1, updated_at = now()
    WHERE x.organization_id = a.organization_id AND x.id = a.id RETURNING * INTO v;
  UPDATE remote_write SET state = 'due', due_at = now(), asked_at = now(), attempts = 0, failures = 0, last_error = NULL WHERE organization_id = a.organization_id AND appointment_id = a.id;
  PERFORM append_event('appointment-' || v.status, v.agenda_id, v.id, p_actor, appointment_record(v));
END $$;

-- Both stand, and a person answers for it.
CREATE FUNCTION accept_double_booking(p_agenda agenda, a appointment, p_actor jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v appointment;
BEGIN
  PERFORM depart_from(p_agenda, a.id, NULL);
  PERFORM set_config('app.decision', 'overbook', true);
  UPDATE claim SET overbooked = true, contested = false WHERE organization_id = a.organization_id AND appointment_id = a.id;
  PERFORM set_config('app.decision', '', true);
  IF EXISTS (SELECT 1 FROM remote_write w WHERE w.organization_id = a.organization_id AND w.appointment_id = a.id)
    AND NOT EXISTS (SELECT 1 FROM mirror m WHERE m.organization_id = a.organization_id AND m.appointment_id = a.id AND m.gone_at IS NULL AND m.during = a.during) THEN
    PERFORM write_again(a, false, p_actor);
  ELSE
    UPDATE appointment SET status = 'confirmed', reason = NULL, version = version + 1, updated_at = now() WHERE organization_id = a.organization_id AND id = a.id RETURNING * INTO v;
    PERFORM append_event('appointment-conflict-resolved', v.agenda_id, v.id, p_actor, appointment_record(v));
  END IF;
  PERFORM recheck_contests(p_agenda);
END $$;

-- Ours goes. What became a series is the practitioner's own by now: it is left alone, and read anew.
CREATE FUNCTION give_up(a appointment, p_series boolean, p_reason jsonb, p_actor jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_series THEN
    UPDATE mirror SET appointment_id = NULL WHERE organization_id = a.organization_id AND appointment_id = a.id AND gone_at IS NULL;
    UPDATE link SET cursor = NULL, poll_at = now() WHERE organization_id = a.organization_id AND agenda_id = a.agenda_id;
    PERFORM end_appointment(a.id, ARRAY['conflict'], 'cancelled', p_reason, p_actor);
  ELSIF EXISTS (SELECT 1 FROM remote_write w WHERE w.organization_id = a.organization_id AND w.appointment_id = a.id) THEN
    PERFORM compensate_appointment(a.id, ARRAY['conflict'], 'cancelled', p_reason, p_actor);
  ELSE PERFORM end_appointment(a.id, ARRAY['conflict'], 'cancelled', p_reason, p_actor); END IF;
  PERFORM call_back(a, 'cancelled', p_actor);
END $$;

-- p_choice: { choice: 'keep-ours' | 'keep-theirs' | 'merge' | 'cancel', start?: 'ours' | 'theirs', duration?: 'ours' | 'theirs', text? }
-- outcome: 'resolved' | 'unknown' | 'stale' | 'ended' | 'impossible' | 'taken'
CREATE FUNCTION resolve_conflict(p_organization uuid, p_id uuid, p_version integer, p_choice jsonb, p_actor jsonb,
  OUT outcome text, OUT record jsonb) LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; c conflict; a appointment; v_choice text := p_choice->>'choice'; v_theirs tstzrange; v_visit tstzrange; v_occupies tstzrange; v_seat integer;
  v_writable boolean; v_motif motif;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  v_agenda := lock_agenda_of((SELECT x.appointment_id FROM conflict x WHERE x.organization_id = p_organization AND x.id = p_id));
  SELECT * INTO c FROM conflict x WHERE x.organization_id = p_organization AND x.id = p_id FOR UPDATE;
  IF NOT FOUND THEN outcome := 'unknown'; RETURN; END IF;
  SELECT * INTO a FROM appointment x WHERE x.organization_id = p_organization AND x.id = c.appointment_id FOR UPDATE;
  record := appointment_record(a);
  IF c.version <> p_version THEN outcome := 'stale'; RETURN; END IF;
  IF c.state <> 'open' OR a.status <> 'conflict' THEN outcome := 'ended'; RETURN; END IF;
  -- What differs from an agenda that is only read would differ again at once.
  v_writable := NOT EXISTS (SELECT 1 FROM link l WHERE l.organization_id = p_organization AND l.agenda_id = v_agenda.id AND l.direction = 'read-only')
    OR c.reason NOT IN ('both-moved', 'not-writable');
  IF c.theirs ? 'start' AND c.reason IN ('both-moved', 'not-writable') THEN v_theirs := range_of(c.theirs); END IF;
  outcome := 'impossible';
  IF v_choice = 'merge' THEN
    IF v_theirs IS NULL THEN RETURN; END IF;
    v_visit := tstzrange(lower(CASE p_choice->>'start' WHEN 'theirs' THEN v_theirs ELSE a.during END), lower(CASE p_choice->>'start' WHEN 'theirs' THEN v_theirs ELSE a.during END)
      + CASE p_choice->>'duration' WHEN 'theirs' THEN upper(v_theirs) - lower(v_theirs) ELSE upper(a.during) - lower(a.during) END);
    v_choice := CASE v_visit WHEN v_theirs THEN 'keep-theirs' WHEN a.during THEN 'keep-ours' ELSE 'merge' END;
  END IF;
  IF v_choice = 'keep-theirs' AND v_theirs IS NULL AND c.reason NOT IN ('double-booked', 'deleted-there') THEN RETURN; END IF;
  IF v_choice IN ('keep-ours', 'merge') AND NOT v_writable THEN RETURN; END IF;
  IF v_choice = 'merge' OR (v_choice = 'keep-ours' AND c.reason <> 'double-booked') THEN
    SELECT * INTO v_motif FROM motif m WHERE m.organization_id = p_organization AND m.id = a.motif_id;
    v_occupies := CASE WHEN v_choice = 'keep-ours' THEN a.occupies ELSE
      tstzrange(lower(v_visit) - v_motif.buffer_before_minutes * interval '1 minute', upper(v_visit) + v_motif.buffer_after_minutes * interval '1 minute') END;
    PERFORM expire_holds(v_agenda.id, v_occupies);
    v_seat := free_seat(v_agenda, v_occupies, a.id);
    IF v_seat IS NULL THEN outcome := 'taken'; RETURN; END IF;
  END IF;
  outcome := 'resolved';
  PERFORM close_conflict(a.id, p_choice->>'choice', p_actor);
  IF v_choice = 'cancel' THEN
    PERFORM give_up(a, c.reason = 'became-recurring', jsonb_strip_nulls(jsonb_build_object('code', 'CANCELLED', 'text', p_choice->'text')), p_actor);
  ELSIF v_choice = 'keep-theirs' AND v_theirs IS NULL THEN
    PERFORM give_up(a, false, jsonb_build_object('code', CASE c.reason WHEN 'double-booked' THEN 'PRACTITIONER_BUSY' ELSE 'PRACTITIONER_CANCELLED' END), p_actor);
  ELSIF v_choice = 'keep-theirs' THEN
    PERFORM follow_move(v_agenda, a.id, v_theirs);
    SELECT * INTO a FROM appointment x WHERE x.organization_id = p_organization AND x.id = c.appointment_id;
    PERFORM call_back(a, 'moved', p_actor);
    PERFORM recheck_contests(v_agenda);
  ELSIF c.reason = 'double-booked' THEN PERFORM accept_double_booking(v_agenda, a, p_actor);
  ELSE
    a := put_appointment(v_agenda, a.id, coalesce(v_visit, a.during), v_occupies, a.motif_id, 'pending', v_seat);
    PERFORM write_again(a, c.reason = 'deleted-there', p_actor);
    IF v_visit IS NOT NULL THEN PERFORM call_back(a, 'moved', p_actor); END IF;
    PERFORM recheck_contests(v_agenda);
  END IF;
  SELECT appointment_record(x) INTO record FROM appointment x WHERE x.organization_id = p_organization AND x.id = c.appointment_id;
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
