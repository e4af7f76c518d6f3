import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Agendas that go to another backend for good, and how their links are taken up again there. */
export class Succession1763770031000 implements MigrationInterface {
  readonly name = 'Succession1763770031000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
ALTER TABLE link
  DROP CONSTRAINT link_status_value,
  ADD CONSTRAINT link_status_value CHECK (status IN ('active', 'auth-failed', 'gone', 'moved')),
  ADD COLUMN successor jsonb;

-- Stands where an appointment of ours stood at another backend, and does not carry its reference: it cannot be looked for by it.
ALTER TABLE mirror ADD COLUMN nameless boolean NOT NULL DEFAULT false;

-- p_adopted: [{ object, appointmentId, nameless }], p_elsewhere: appointments that stand there at another time, p_foreign:
-- the practitioner's objects. Ours are taken in first, so that the same time of his is a disagreement and not a stranger's.
-- Returns 'relinked' or 'stale'. Raises a unique violation when another link leads there.
CREATE FUNCTION relink_moved(p_organization uuid, p_link uuid, p_version integer, p_connection uuid, p_remote_agenda text,
  p_adopted jsonb, p_elsewhere uuid[], p_foreign jsonb, p_actor jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v_old link; v_link link; v appointment; x jsonb; v_found uuid[]; v_pending integer := 0;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  SELECT a.* INTO v_agenda FROM agenda a JOIN link l ON l.organization_id = a.organization_id AND l.agenda_id = a.id
    WHERE l.organization_id = p_organization AND l.id = p_link FOR UPDATE OF a;
  SELECT * INTO v_old FROM link l WHERE l.organization_id = p_organization AND l.id = p_link FOR UPDATE;
  IF NOT FOUND OR v_old.status <> 'moved' OR v_old.version <> p_version THEN RETURN 'stale'; END IF;
  PERFORM evict_lane(v_agenda.id);
  -- Claims of what the practitioner had there go with it, and are made anew below from what he has now.
  DELETE FROM mirror WHERE organization_id = p_organization AND link_id = p_link;
  DELETE FROM quarantine WHERE organization_id = p_organization AND link_id = p_link;
  DELETE FROM held_deletion WHERE organization_id = p_organization AND link_id = p_link;
  DELETE FROM push_hint WHERE organization_id = p_organization AND link_id = p_link;
  DELETE FROM push_secret WHERE organization_id = p_organization AND link_id = p_link;
  -- What the old backend let be booked says nothing of the new one.
  PERFORM put_backend_rules(p_link, NULL, NULL);
  UPDATE link SET connection_id = p_connection, remote_agenda_id = p_remote_agenda, status = 'active', successor = NULL, phase = 'reading', phase_since = now(),
      cursor = NULL, as_of = '-infinity', reconciled_at = '-infinity', reconcile_report = NULL, poll_at = now(), read_failures = 0, last_error = NULL, brake = NULL,
      subscription_id = NULL, subscription_until = NULL, subscribed_at = '-infinity', resubscribe_at = '-infinity', silent_reads = 0, silent_since = NULL, hinted_at = NULL,
      backfill_total = NULL, rules_read_at = '-infinity', version = version + 1
    WHERE organization_id = p_organization AND id = p_link RETURNING * INTO v_link;
  FOR x IN SELECT e FROM jsonb_array_elements(p_adopted) e LOOP
    PERFORM see_object(v_link, v_agenda, x->'object', (x->>'appointmentId')::uuid);
    UPDATE mirror SET nameless = (x->>'nameless')::boolean WHERE organization_id = p_organization AND link_id = p_link AND remote_id = x->'object'->>'remoteId';
  END LOOP;
  v_found := p_elsewhere || ARRAY(SELECT (e->>'appointmentId')::uuid FROM jsonb_array_elements(p_adopted) e);
  -- What waited was meant for the old backend, where it may have landed and been carried over: it is looked for first.
  UPDATE remote_write SET due_at = now(), failures = 0, last_error = NULL, attempts = greatest(attempts, 1) WHERE organization_id = p_organization AND link_id = p_link AND state = 'due';
  IF v_link.direction = 'two-way' THEN
    FOR v IN SELECT a.* FROM appointment a WHERE a.organization_id = p_organization AND a.agenda_id = v_agenda.id AND a.status = 'confirmed' AND upper(a.during) > now()
        AND a.id <> ALL (v_found) ORDER BY lower(a.during), a.id LOOP
      v_pending := v_pending + 1;
      INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id, promised, attempts) VALUES (p_organization, v.id, v_agenda.id, p_link, true, 1)
        ON CONFLICT (organization_id, appointment_id) DO UPDATE SET link_id = p_link, state = 'due', due_at = now(), asked_at = now(), promised = true, attempts = 1, unanswered = 0, failures = 0, last_error = NULL;
      UPDATE appointment SET status = 'pending', version = version + 1, updated_at = now() WHERE organization_id = p_organization AND id = v.id RETURNING * INTO v;
      PERFORM append_event('appointment-pending', v_agenda.id, v.id, '{"kind":"system"}', appointment_record(v));
    END LOOP;
  END IF;
  FOR x IN SELECT e FROM jsonb_array_elements(p_foreign) e LOOP PERFORM see_object(v_link, v_agenda, x, NULL); END LOOP;
  PERFORM recheck_contests(v_agenda);
  PERFORM append_event('link-relinked', v_agenda.id, p_link, p_actor, jsonb_build_object('connectionId', p_connection, 'remoteAgendaId', p_remote_agenda,
    'from', jsonb_build_object('connectionId', v_old.connection_id, 'remoteAgendaId', v_old.remote_agenda_id), 'adopted', jsonb_array_length(p_adopted), 'pending', v_pending));
  RETURN 'relinked';
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
