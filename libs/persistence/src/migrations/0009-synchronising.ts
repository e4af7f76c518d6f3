import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Applies what reconcile decided: one call, one transaction, the cursor last. */
export class Synchronising1763770009000 implements MigrationInterface {
  readonly name = 'Synchronising1763770009000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE FUNCTION range_of(p_interval jsonb) RETURNS tstzrange LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_interval IS NULL OR p_interval = 'null' THEN NULL
    ELSE tstzrange(to_timestamp((p_interval->>'start')::numeric / 1000), to_timestamp((p_interval->>'end')::numeric / 1000)) END
$$;

-- The practitioner's own tool has something in this range. What is not certain yet on our side gives way; what is
-- certain on both becomes a conflict. False when something of ours still stands there.
CREATE FUNCTION give_way(p_agenda agenda, p_range tstzrange) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE h record; c_reason CONSTANT jsonb := '{"code":"PRACTITIONER_BUSY"}'; c_actor CONSTANT jsonb := '{"kind":"practitioner"}';
BEGIN
  FOR h IN SELECT DISTINCT c.holder, c.departing_id, a.status, w.attempts, w.departing FROM claim c
      LEFT JOIN appointment a ON a.organization_id = c.organization_id AND a.id = c.holder
      LEFT JOIN remote_write w ON w.organization_id = c.organization_id AND w.appointment_id = c.holder
      WHERE c.agenda_id = p_agenda.id AND c.during && p_range AND c.authority = 'hub' AND NOT c.overbooked AND NOT c.contested LOOP
    IF h.status = 'held' THEN
      PERFORM end_appointment(h.holder, ARRAY['held'], 'expired', c_reason, c_actor);
    ELSIF h.status IN ('pending', 'unknown') AND h.departing IS NULL AND h.attempts = 0 THEN
      PERFORM end_appointment(h.holder, ARRAY['pending', 'unknown'], 'refused', c_reason, c_actor);
    ELSIF h.status IN ('pending', 'unknown') AND h.departing IS NULL THEN
      PERFORM compensate_appointment(h.holder, ARRAY['pending', 'unknown'], 'refused', c_reason, c_actor);
    ELSIF h.status IN ('pending', 'unknown') AND h.departing_id IS NULL AND h.attempts = 0 THEN
      PERFORM revert_move(h.holder, c_reason);
    ELSIF h.status IN ('pending', 'unknown') AND h.departing_id IS NULL THEN
      PERFORM retreat_move(h.holder);
    ELSIF h.status = 'confirmed' AND h.departing_id IS NULL THEN
      PERFORM contest_appointment(h.holder, c_reason, c_actor);
    END IF;
  END LOOP;
  -- Looked at anew: what gave way may have made room for one that was contested until now.
  RETURN NOT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.during && p_range
    AND c.authority = 'hub' AND NOT c.overbooked AND NOT c.contested);
END $$;

CREATE FUNCTION claim_remote(p_agenda agenda, p_mirror uuid, p_busy jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_range tstzrange; v_free boolean; v_changed boolean;
BEGIN
  SELECT coalesce((SELECT array_agg(r ORDER BY r) FROM (SELECT DISTINCT c.during r FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.mirror_id = p_mirror) x), '{}')
    IS DISTINCT FROM coalesce((SELECT array_agg(DISTINCT range_of(b) ORDER BY range_of(b)) FROM jsonb_array_elements(p_busy) b), '{}') INTO v_changed;
  IF NOT v_changed THEN RETURN; END IF;
  DELETE FROM claim WHERE organization_id = p_agenda.organization_id AND mirror_id = p_mirror;
  FOR v_range IN SELECT DISTINCT range_of(b) FROM jsonb_array_elements(p_busy) b LOOP
    v_free := give_way(p_agenda, v_range);
    IF NOT v_free THEN PERFORM set_config('app.decision', 'contest', true); END IF;
    INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, mirror_id, contested)
      SELECT p_agenda.organization_id, p_agenda.id, s.seat, v_range, 'remote', p_mirror, p_mirror, NOT v_free FROM agenda_seat s
      WHERE s.organization_id = p_agenda.organization_id AND s.agenda_id = p_agenda.id;
  END LOOP;
END $$;

-- Stores what a remote object is now. Foreign ones take time; ours stand for their appointment.
CREATE FUNCTION see_object(p_link link, p_agenda agenda, p_object jsonb, p_appointment uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_mirror uuid;
BEGIN
  IF p_appointment IS NOT NULL THEN
    UPDATE mirror SET gone_at = now() WHERE organization_id = p_link.organization_id AND link_id = p_link.id AND appointment_id = p_appointment
      AND remote_id <> p_object->>'remoteId' AND gone_at IS NULL;
  END IF;
  INSERT INTO mirror (organization_id, id, link_id, remote_id, version, content_hash, summary_hash, appointment_id, during)
    VALUES (p_link.organization_id, gen_random_uuid(), p_link.id, p_object->>'remoteId', p_object->>'version', p_object->>'contentHash', p_object->>'summary', p_appointment, range_of(p_object->'when'))
    ON CONFLICT (organization_id, link_id, remote_id) DO UPDATE SET version = excluded.version, content_hash = excluded.content_hash, summary_hash = excluded.summary_hash,
      appointment_id = excluded.appointment_id, during = excluded.during, seen_at = now(), gone_at = NULL
    RETURNING id INTO v_mirror;
  PERFORM claim_remote(p_agenda, v_mirror, CASE WHEN p_appointment IS NULL THEN p_object->'busy' ELSE '[]' END);
  DELETE FROM quarantine WHERE organization_id = p_link.organization_id AND link_id = p_link.id AND remote_id = p_object->>'remoteId';
END $$;

CREATE FUNCTION forget_object(p_link link, p_remote_id text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM claim WHERE organization_id = p_link.organization_id AND mirror_id IN (SELECT m.id FROM mirror m
    WHERE m.organization_id = p_link.organization_id AND m.link_id = p_link.id AND m.remote_id = p_remote_id);
  UPDATE mirror SET gone_at = now() WHERE organization_id = p_link.organization_id AND link_id = p_link.id AND remote_id = p_remote_id;
  DELETE FROM quarantine WHERE organization_id = p_link.organization_id AND link_id = p_link.id AND remote_id = p_remote_id;
$$;

CREATE FUNCTION apply_action(p_link link, p_agenda agenda, p_action jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_type CONSTANT text := p_action->>'type'; v_appointment CONSTANT uuid := (p_action->>'appointmentId')::uuid; v_object CONSTANT jsonb := p_action->'object';
  c_live CONSTANT text[] := ARRAY['held', 'pending', 'unknown', 'confirmed', 'conflict'];
BEGIN
  IF v_type = 'mirror' THEN PERFORM see_object(p_link, p_agenda, v_object, v_appointment);
  ELSIF v_type = 'forget' THEN PERFORM forget_object(p_link, p_action->>'remoteId');
  ELSIF v_type = 'confirm' THEN
    PERFORM see_object(p_link, p_agenda, v_object, v_appointment);
    -- Another action of this plan may have taken the appointment back from where it is now seen to stand.
    IF confirm_appointment(v_appointment, range_of(v_object->'when')) IS NULL AND EXISTS (SELECT 1 FROM appointment a WHERE a.organization_id = p_link.organization_id
        AND a.id = v_appointment AND a.status IN ('confirmed', 'conflict') AND a.during <> range_of(v_object->'when')) THEN
      PERFORM follow_move(p_agenda, v_appointment, range_of(v_object->'when'));
    END IF;
  ELSIF v_type = 'follow-move' THEN
    PERFORM see_object(p_link, p_agenda, v_object, v_appointment);
    PERFORM follow_move(p_agenda, v_appointment, range_of(p_action->'to'));
  ELSIF v_type = 'follow-retitle' THEN
    PERFORM see_object(p_link, p_agenda, v_object, v_appointment);
    PERFORM append_event('appointment-retitled', p_agenda.id, v_appointment, '{"kind":"practitioner"}', '{}');
  ELSIF v_type = 'follow-cancel' THEN
    IF v_object IS NULL OR v_object = 'null' THEN PERFORM forget_object(p_link, p_action->>'remoteId'); END IF;
    IF (v_object IS NULL OR v_object = 'null') AND EXISTS (SELECT 1 FROM remote_write w
        WHERE w.organization_id = p_link.organization_id AND w.appointment_id = v_appointment AND w.unanswered > 0) THEN
      -- What had no answer may still land and bring it back: the place is kept until it cannot.
      PERFORM compensate_appointment(v_appointment, c_live, 'cancelled', '{"code":"PRACTITIONER_CANCELLED"}', '{"kind":"practitioner"}');
    ELSE
      PERFORM end_appointment(v_appointment, c_live, 'cancelled', '{"code":"PRACTITIONER_CANCELLED"}', '{"kind":"practitioner"}');
    END IF;
    IF v_object IS NOT NULL AND v_object <> 'null' THEN PERFORM see_object(p_link, p_agenda, v_object, NULL); END IF;
  ELSIF v_type = 'write-back' THEN
    PERFORM see_object(p_link, p_agenda, v_object, v_appointment);
    UPDATE appointment SET status = 'pending', version = version + 1, updated_at = now() WHERE organization_id = p_link.organization_id AND id = v_appointment AND status = 'confirmed';
    UPDATE remote_write SET state = 'due', due_at = now(), asked_at = now(), attempts = 0, failures = 0 WHERE organization_id = p_link.organization_id AND appointment_id = v_appointment AND state <> 'due';
  ELSIF v_type = 'conflict' THEN
    PERFORM see_object(p_link, p_agenda, v_object, v_appointment);
    PERFORM contest_appointment(v_appointment, jsonb_build_object('code', 'REMOTE_REFUSED', 'text', p_action->>'reason'), '{"kind":"practitioner"}');
  ELSIF v_type = 'quarantine' THEN
    INSERT INTO quarantine (organization_id, link_id, remote_id, version, reason, raw_sealed)
      VALUES (p_link.organization_id, p_link.id, p_action->>'remoteId', p_action->>'version', p_action->>'reason', decode(p_action->>'rawSealed', 'base64'))
      ON CONFLICT (organization_id, link_id, remote_id) DO UPDATE SET version = excluded.version, reason = excluded.reason, raw_sealed = excluded.raw_sealed, at = now();
  ELSIF v_type = 'brake' THEN
    IF p_link.brake IS NULL THEN PERFORM append_event('link-braked', p_agenda.id, p_link.id, '{"kind":"system"}', p_action - 'type'); END IF;
    UPDATE link SET brake = p_action - 'type' WHERE organization_id = p_link.organization_id AND id = p_link.id;
  END IF;
END $$;

-- p_end: NULL, or { cursor, asOf, full, braked, nextPollMs }. Foreign time first, so that what gives way is never confirmed.
-- Returns the number of writes now due on the agenda. SQLSTATE UK002: since p_fence another process has taken the lane,
-- so what was read is out of date; the lock keeps the lane from being taken until what is stored here can be read.
CREATE FUNCTION apply_sync(p_organization uuid, p_link uuid, p_actions jsonb, p_end jsonb, p_fence bigint) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE v_link link; v_agenda agenda; v_action jsonb; v_braked CONSTANT boolean := coalesce((p_end->>'braked')::boolean, false);
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  PERFORM 1 FROM agenda_lane n JOIN link l ON l.organization_id = n.organization_id AND l.agenda_id = n.agenda_id
    WHERE n.organization_id = p_organization AND l.id = p_link AND n.fence = p_fence FOR SHARE OF n;
  IF NOT FOUND THEN RAISE EXCEPTION 'the lane of the agenda belongs to another process' USING ERRCODE = 'UK002'; END IF;
  SELECT * INTO v_link FROM link l WHERE l.organization_id = p_organization AND l.id = p_link;
  SELECT * INTO v_agenda FROM agenda a WHERE a.organization_id = p_organization AND a.id = v_link.agenda_id FOR UPDATE;
  FOR v_action IN SELECT x FROM jsonb_array_elements(p_actions) WITH ORDINALITY AS e (x, n)
      ORDER BY CASE x->>'type' WHEN 'forget' THEN 0 WHEN 'follow-cancel' THEN 1 WHEN 'mirror' THEN 2 ELSE 3 END, n LOOP
    PERFORM apply_action(v_link, v_agenda, v_action);
  END LOOP;
  PERFORM recheck_contests(v_agenda);
  IF p_end IS NOT NULL THEN
    IF v_link.read_failures > 0 OR v_link.status <> 'active' THEN
      PERFORM append_event('link-recovered', v_link.agenda_id, p_link, '{"kind":"system"}', '{}');
    END IF;
    UPDATE link SET cursor = CASE WHEN v_braked THEN link.cursor ELSE p_end->>'cursor' END, as_of = (p_end->>'asOf')::timestamptz, status = 'active', read_failures = 0, last_error = NULL,
      brake = CASE WHEN v_braked THEN link.brake END,
      reconciled_at = CASE WHEN (p_end->>'full')::boolean AND NOT v_braked THEN (p_end->>'asOf')::timestamptz ELSE reconciled_at END,
      poll_at = clock_timestamp() + (p_end->>'nextPollMs')::integer * interval '1 millisecond'
      WHERE organization_id = p_organization AND id = p_link;
  END IF;
  RETURN (SELECT count(*) FROM remote_write w WHERE w.organization_id = p_organization AND w.agenda_id = v_agenda.id AND w.state = 'due');
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
