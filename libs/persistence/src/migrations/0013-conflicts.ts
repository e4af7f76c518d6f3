import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Four policies, and what none of them can settle: conflicts for a person, and patients to be called back. */
export class Conflicts1763770012000 implements MigrationInterface {
  readonly name = 'Conflicts1763770012000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
ALTER TABLE link DROP CONSTRAINT link_policy_value;
ALTER TABLE link ADD CONSTRAINT link_policy_value CHECK (policy IN ('practitioner-wins', 'hub-wins', 'newest-wins', 'ask'));

-- Two versions of the truth. base, ours, theirs: { start, end, at, actor, … } in epoch milliseconds; never about a patient.
-- The link may be gone by the time somebody reads this, so nothing refers to it.
CREATE TABLE conflict (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  appointment_id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  link_id uuid,
  reason text NOT NULL,
  base jsonb,
  ours jsonb NOT NULL,
  theirs jsonb,
  state text NOT NULL DEFAULT 'open',
  resolution text,
  resolved_by jsonb,
  opened_at timestamptz NOT NULL DEFAULT now(),
  resolved_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  CONSTRAINT conflict_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT conflict_appointment_fk FOREIGN KEY (organization_id, appointment_id) REFERENCES appointment (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT conflict_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id),
  CONSTRAINT conflict_reason_value CHECK (reason IN ('double-booked', 'both-moved', 'deleted-there', 'became-recurring', 'lost-its-time', 'not-writable')),
  CONSTRAINT conflict_state_value CHECK (state IN ('open', 'resolved')),
  CONSTRAINT conflict_resolved CHECK ((state = 'resolved') = (resolved_at IS NOT NULL) AND (state = 'resolved') = (resolution IS NOT NULL)));
CREATE UNIQUE INDEX conflict_one_open ON conflict (organization_id, appointment_id) WHERE state = 'open';
CREATE INDEX conflict_listed ON conflict (organization_id, state, opened_at, id);

-- Somebody has to telephone the patient: what stood was moved or called off without asking him.
CREATE TABLE callback_task (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  appointment_id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  reason text NOT NULL,
  created_by jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  done_by jsonb,
  done_at timestamptz,
  CONSTRAINT callback_task_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT callback_task_appointment_fk FOREIGN KEY (organization_id, appointment_id) REFERENCES appointment (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT callback_task_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id),
  CONSTRAINT callback_task_reason_value CHECK (reason IN ('moved', 'cancelled', 'refused')),
  CONSTRAINT callback_task_done CHECK ((done_by IS NULL) = (done_at IS NULL)));
CREATE UNIQUE INDEX callback_task_one_open ON callback_task (organization_id, appointment_id) WHERE done_at IS NULL;
CREATE INDEX callback_task_listed ON callback_task (organization_id, created_at, id);

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['conflict', 'callback_task'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization())', t || '_tenant', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO unisson_app', t);
  END LOOP;
END $$;

CREATE FUNCTION milliseconds(p_at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT (extract(epoch FROM p_at) * 1000)::bigint $$;
CREATE FUNCTION interval_json(p_range tstzrange) RETURNS jsonb LANGUAGE sql IMMUTABLE AS
  $$ SELECT CASE WHEN p_range IS NOT NULL THEN jsonb_build_object('start', milliseconds(lower(p_range)), 'end', milliseconds(upper(p_range))) END $$;

-- The appointment as the hub wants it, and who of ours changed it last, when.
CREATE FUNCTION our_version(a appointment) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT interval_json(a.during) || jsonb_build_object('motifId', a.motif_id, 'at', milliseconds(e.at), 'actor', e.actor)
  FROM (SELECT 1) one LEFT JOIN LATERAL (SELECT e.at, e.actor FROM event e WHERE e.organization_id = a.organization_id AND e.subject_id = a.id AND e.actor->>'kind' = 'collaborator'
    ORDER BY e.transaction_id DESC, e.id DESC LIMIT 1) e ON true
$$;

-- What stands where the appointment does: an event of the practitioner's own, or another booking that he moved ours onto.
CREATE FUNCTION version_in_the_way(a appointment) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT interval_json(c.during) || jsonb_strip_nulls(jsonb_build_object('appointmentId', coalesce(c.appointment_id, c.departing_id), 'at', milliseconds(m.seen_at)))
    || jsonb_build_object('actor', CASE WHEN c.mirror_id IS NOT NULL THEN jsonb_build_object('kind', 'practitioner') END)
  FROM claim c LEFT JOIN mirror m ON m.organization_id = c.organization_id AND m.id = c.mirror_id
  WHERE c.organization_id = a.organization_id AND c.agenda_id = a.agenda_id AND c.holder <> a.id AND c.ends_at > lower(a.occupies) AND c.during && a.occupies
  ORDER BY c.mirror_id IS NULL, c.during LIMIT 1
$$;

CREATE FUNCTION conflict_event(p_type text, c conflict, p_actor jsonb) RETURNS void LANGUAGE sql AS $$
  SELECT append_event(p_type, c.agenda_id, c.id, p_actor, jsonb_strip_nulls(jsonb_build_object('appointmentId', c.appointment_id, 'reason', c.reason, 'resolution', c.resolution)))
$$;

-- Opens the conflict of an appointment, or brings the open one up to date.
CREATE FUNCTION open_conflict(a appointment, p_reason text, p_base jsonb, p_theirs jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v conflict;
BEGIN
  UPDATE conflict SET reason = p_reason, theirs = p_theirs, base = coalesce(base, p_base), version = version + 1
    WHERE organization_id = a.organization_id AND appointment_id = a.id AND state = 'open';
  IF FOUND THEN RETURN; END IF;
  INSERT INTO conflict (organization_id, id, appointment_id, agenda_id, link_id, reason, base, ours, theirs)
    VALUES (a.organization_id, gen_random_uuid(), a.id, a.agenda_id, (SELECT l.id FROM link l WHERE l.organization_id = a.organization_id AND l.agenda_id = a.agenda_id),
      p_reason, p_base, our_version(a), p_theirs) RETURNING * INTO v;
  PERFORM conflict_event('conflict-opened', v, '{"kind":"system"}');
END $$;

CREATE FUNCTION close_conflict(p_appointment uuid, p_resolution text, p_actor jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v conflict;
BEGIN
  UPDATE conflict SET state = 'resolved', resolution = p_resolution, resolved_by = p_actor, resolved_at = now(), version = version + 1
    WHERE organization_id = current_organization() AND appointment_id = p_appointment AND state = 'open' RETURNING * INTO v;
  IF FOUND THEN PERFORM conflict_event('conflict-resolved', v, p_actor); END IF;
END $$;

CREATE FUNCTION call_back(a appointment, p_reason text, p_actor jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_task CONSTANT uuid := gen_random_uuid();
BEGIN
  -- Nobody telephones about a visit that is over.
  IF upper(a.during) < now() THEN RETURN; END IF;
  UPDATE callback_task SET reason = p_reason WHERE organization_id = a.organization_id AND appointment_id = a.id AND done_at IS NULL;
  IF FOUND THEN RETURN; END IF;
  INSERT INTO callback_task (organization_id, id, appointment_id, agenda_id, reason, created_by) VALUES (a.organization_id, v_task, a.id, a.agenda_id, p_reason, p_actor);
  PERFORM append_event('callback-task-created', a.agenda_id, v_task, p_actor, jsonb_build_object('appointmentId', a.id, 'reason', p_reason));
END $$;

-- At the end of every transaction: an appointment in conflict has one open conflict, any other has none; and what was
-- once confirmed does not end, nor move, by the practitioner's doing without a call to the patient.
CREATE FUNCTION appointment_conflict_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE a appointment; v_before CONSTANT text := current_setting('app.organization', true); v_actor jsonb; v_code text;
BEGIN
  IF v_before IS DISTINCT FROM new.organization_id::text THEN PERFORM set_config('app.organization', new.organization_id::text, true); END IF;
  SELECT * INTO a FROM appointment x WHERE x.organization_id = new.organization_id AND x.id = new.id;
  IF FOUND THEN
    v_code := a.reason->>'code';
    IF a.status = 'conflict' THEN
      IF NOT EXISTS (SELECT 1 FROM conflict c WHERE c.organization_id = a.organization_id AND c.appointment_id = a.id AND c.state = 'open') THEN
        PERFORM open_conflict(a, CASE WHEN v_code = 'PRACTITIONER_BUSY' THEN 'double-booked' ELSE 'lost-its-time' END, NULL, version_in_the_way(a));
      END IF;
    ELSIF EXISTS (SELECT 1 FROM conflict c WHERE c.organization_id = a.organization_id AND c.appointment_id = a.id AND c.state = 'open') THEN
      SELECT e.actor INTO v_actor FROM event e WHERE e.organization_id = a.organization_id AND e.subject_id = a.id ORDER BY e.transaction_id DESC, e.id DESC LIMIT 1;
      PERFORM close_conflict(a.id, CASE WHEN is_live(a.status) AND a.status <> 'compensating' THEN 'settled' ELSE 'cancelled' END, coalesce(v_actor, '{"kind":"system"}'));
    END IF;
    IF a.status IN ('cancelled', 'refused') AND v_code IN ('PRACTITIONER_CANCELLED', 'PRACTITIONER_BUSY', 'BUSY', 'REMOTE_REFUSED')
      AND EXISTS (SELECT 1 FROM event e WHERE e.organization_id = a.organization_id AND e.subject_id = a.id AND e.type = 'appointment-confirmed') THEN
      PERFORM call_back(a, a.status, '{"kind":"practitioner"}');
    END IF;
  END IF;
  IF v_before IS DISTINCT FROM new.organization_id::text THEN PERFORM set_config('app.organization', coalesce(v_before, ''), true); END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER appointment_conflict_open AFTER UPDATE OF status ON appointment DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (new.status IN ('conflict', 'cancelled', 'refused') OR old.status = 'conflict') EXECUTE FUNCTION appointment_conflict_agrees();

-- Where an appointment still stands at the backend is kept for it, if nobody else has it; NULL: nowhere any more.
-- True when it is kept.
CREATE FUNCTION depart_from(p_agenda agenda, p_id uuid, p_visit tstzrange) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_seat integer;
BEGIN
  IF EXISTS (SELECT 1 FROM remote_write w WHERE w.organization_id = p_agenda.organization_id AND w.appointment_id = p_id AND w.departing_visit = p_visit) THEN RETURN true; END IF;
  DELETE FROM claim WHERE organization_id = p_agenda.organization_id AND holder = p_id AND departing_id IS NOT NULL;
  UPDATE remote_write SET departing = NULL, departing_visit = NULL, departing_motif_id = CASE WHEN p_visit IS NOT NULL THEN departing_motif_id END
    WHERE organization_id = p_agenda.organization_id AND appointment_id = p_id;
  IF p_visit IS NULL OR isempty(p_visit) OR upper(p_visit) - lower(p_visit) > interval '24 hours' OR NOT FOUND THEN RETURN false; END IF;
  PERFORM expire_holds(p_agenda.id, p_visit);
  v_seat := free_seat(p_agenda, p_visit, p_id);
  IF v_seat IS NULL THEN RETURN false; END IF;
  UPDATE remote_write SET departing = p_visit, departing_visit = p_visit WHERE organization_id = p_agenda.organization_id AND appointment_id = p_id;
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, departing_id) VALUES (p_agenda.organization_id, p_agenda.id, v_seat, p_visit, 'hub', p_id, p_id);
  RETURN true;
END $$;

-- Policy cannot settle it: a person is asked. What it was in conflict about before is part of the question.
CREATE FUNCTION ask_about(p_id uuid, p_reason text, p_base jsonb, p_theirs jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v appointment; v_reason CONSTANT jsonb := jsonb_build_object('code', 'CONFLICT', 'text', p_reason);
BEGIN
  IF contest_appointment(p_id, v_reason, '{"kind":"practitioner"}') IS NULL THEN
    UPDATE appointment SET reason = v_reason, version = version + 1, updated_at = now() WHERE organization_id = current_organization() AND id = p_id AND status = 'conflict';
  END IF;
  UPDATE remote_write SET state = 'settled' WHERE organization_id = current_organization() AND appointment_id = p_id;
  SELECT * INTO v FROM appointment a WHERE a.organization_id = current_organization() AND a.id = p_id AND a.status = 'conflict';
  IF FOUND THEN PERFORM open_conflict(v, p_reason, p_base, p_theirs); END IF;
END $$;

-- The practitioner's version as an action of reconcile names it.
CREATE FUNCTION their_version(p_object jsonb, p_gone boolean) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(nullif(p_object->'when', 'null'), '{}') || jsonb_build_object('gone', p_gone, 'recurring', coalesce((p_object->>'recurring')::boolean, false),
    'at', p_object->'modifiedAt', 'actor', jsonb_build_object('kind', 'practitioner'))
$$;
`);
    await runner.query(APPLYING);
    await runner.query(INBOX);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}

/** What reconcile decided that is new with the policies; everything else is applied as before. */
const APPLYING = `
ALTER FUNCTION apply_action(link, agenda, jsonb) RENAME TO apply_plain_action;

CREATE FUNCTION leave_object(p_link link, p_agenda agenda, p_action jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF nullif(p_action->'object', 'null') IS NULL THEN PERFORM forget_object(p_link, p_action->>'remoteId');
  ELSE PERFORM see_object(p_link, p_agenda, p_action->'object', NULL); END IF;
END $$;

CREATE FUNCTION apply_action(p_link link, p_agenda agenda, p_action jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_type CONSTANT text := p_action->>'type'; v_id CONSTANT uuid := (p_action->>'appointmentId')::uuid; v_object CONSTANT jsonb := nullif(p_action->'object', 'null');
  v_deleted CONSTANT boolean := p_action->>'reason' = 'deleted-there'; v_when tstzrange; v_before appointment; v appointment;
BEGIN
  IF v_object IS NOT NULL THEN v_when := range_of(nullif(v_object->'when', 'null')); END IF;
  IF v_type = 'conflict' THEN
    IF v_deleted OR v_object IS NULL THEN PERFORM leave_object(p_link, p_agenda, p_action); ELSE PERFORM see_object(p_link, p_agenda, v_object, v_id); END IF;
    PERFORM ask_about(v_id, p_action->>'reason', nullif(p_action->'base', 'null'), their_version(v_object, v_deleted));
    PERFORM depart_from(p_agenda, v_id, CASE WHEN p_action->>'reason' = 'both-moved' THEN v_when END);
  ELSIF v_type = 'recreate' THEN
    PERFORM leave_object(p_link, p_agenda, p_action);
    UPDATE appointment SET status = 'pending', generation = generation + 1, version = version + 1, updated_at = now()
      WHERE organization_id = p_link.organization_id AND id = v_id AND status IN ('pending', 'unknown');
    IF FOUND THEN
      PERFORM depart_from(p_agenda, v_id, NULL);
      UPDATE remote_write SET state = 'due', due_at = now(), attempts = 0, failures = 0 WHERE organization_id = p_link.organization_id AND appointment_id = v_id;
    END IF;
  ELSIF v_type = 'write-back' AND (NOT depart_from(p_agenda, v_id, v_when) OR EXISTS (SELECT 1 FROM appointment a
      WHERE a.organization_id = p_link.organization_id AND a.id = v_id AND a.status = 'conflict')) THEN
    -- Nothing to go back to, should the write be refused, or no room where it shall go: what was promised once is not given up for that.
    PERFORM see_object(p_link, p_agenda, v_object, v_id);
    PERFORM ask_about(v_id, 'both-moved', NULL, their_version(v_object, false));
  ELSE
    SELECT * INTO v_before FROM appointment a WHERE a.organization_id = p_link.organization_id AND a.id = v_id;
    PERFORM apply_plain_action(p_link, p_agenda, p_action);
    IF v_type = 'follow-move' THEN
      SELECT * INTO v FROM appointment a WHERE a.organization_id = p_link.organization_id AND a.id = v_id;
      IF lower(v.during) <> lower(v_before.during) THEN PERFORM call_back(v, 'moved', '{"kind":"practitioner"}'); END IF;
    END IF;
  END IF;
END $$;
`;

// What was in conflict before there was an inbox. Not an INSERT … SELECT: it would see no row, since it names no organization.
const INBOX = `
ALTER TABLE appointment NO FORCE ROW LEVEL SECURITY;
DO $$ DECLARE a appointment; BEGIN
  FOR a IN SELECT * FROM appointment x WHERE x.status = 'conflict' LOOP
    PERFORM set_config('app.organization', a.organization_id::text, true);
    PERFORM open_conflict(a, CASE WHEN a.reason->>'code' = 'PRACTITIONER_BUSY' THEN 'double-booked' ELSE 'lost-its-time' END, NULL, version_in_the_way(a));
  END LOOP;
  PERFORM set_config('app.organization', '', true);
END $$;
ALTER TABLE appointment FORCE ROW LEVEL SECURITY;
`;
