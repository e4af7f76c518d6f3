import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Writes that the backend accepts or refuses later: what reconcile decides about a request, and what is stored of it. */
export class Requests1763770032000 implements MigrationInterface {
  readonly name = 'Requests1763770032000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
-- The backend holds our request, and has yet to accept it: nothing remains to be sent, and nothing is confirmed. Of a move
-- the old place is kept.
CREATE FUNCTION await_acceptance(p_id uuid, p_visit tstzrange) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v appointment;
BEGIN
  UPDATE appointment SET status = 'pending', reason = '{"code":"AWAITING_ACCEPTANCE"}', version = version + 1, updated_at = now()
    WHERE organization_id = current_organization() AND id = p_id AND status IN ('pending', 'unknown') AND during = p_visit RETURNING * INTO v;
  IF NOT FOUND THEN RETURN; END IF;
  UPDATE remote_write SET state = 'settled', failures = 0, last_error = NULL WHERE organization_id = v.organization_id AND appointment_id = p_id;
  PERFORM append_event('appointment-requested', v.agenda_id, p_id, '{"kind":"system"}', appointment_record(v));
END $$;

-- Our request was refused, or taken away before it was accepted.
CREATE FUNCTION decline_request(p_id uuid) RETURNS void LANGUAGE sql AS $$
  SELECT refuse_write(p_id, '{"code":"REQUEST_DECLINED"}', EXISTS (SELECT 1 FROM remote_write w
    WHERE w.organization_id = current_organization() AND w.appointment_id = p_id AND w.unanswered > 0))
$$;

-- The same as before, and: a patient who was told that his visit was asked for is called, too, when it does not take place.
CREATE OR REPLACE FUNCTION appointment_conflict_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
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
    IF a.status IN ('cancelled', 'refused') AND v_code IN ('PRACTITIONER_CANCELLED', 'PRACTITIONER_BUSY', 'BUSY', 'REMOTE_REFUSED', 'REQUEST_DECLINED')
      AND EXISTS (SELECT 1 FROM event e WHERE e.organization_id = a.organization_id AND e.subject_id = a.id AND e.type IN ('appointment-confirmed', 'appointment-requested')) THEN
      PERFORM call_back(a, a.status, '{"kind":"practitioner"}');
    END IF;
  END IF;
  IF v_before IS DISTINCT FROM new.organization_id::text THEN PERFORM set_config('app.organization', coalesce(v_before, ''), true); END IF;
  RETURN NULL;
END $$;

ALTER FUNCTION apply_action(link, agenda, jsonb) RENAME TO apply_standing_action;

CREATE FUNCTION apply_action(p_link link, p_agenda agenda, p_action jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_type CONSTANT text := p_action->>'type'; v_id CONSTANT uuid := (p_action->>'appointmentId')::uuid; v_object CONSTANT jsonb := nullif(p_action->'object', 'null');
BEGIN
  IF v_type = 'await' THEN
    PERFORM see_object(p_link, p_agenda, v_object, v_id);
    PERFORM await_acceptance(v_id, range_of(v_object->'when'));
  ELSIF v_type = 'follow-cancel' AND (p_action->>'declined')::boolean THEN
    IF v_object IS NULL THEN PERFORM forget_object(p_link, p_action->>'remoteId'); END IF;
    PERFORM decline_request(v_id);
    IF v_object IS NOT NULL THEN PERFORM see_object(p_link, p_agenda, v_object, NULL); END IF;
  ELSE
    PERFORM apply_standing_action(p_link, p_agenda, p_action);
  END IF;
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
