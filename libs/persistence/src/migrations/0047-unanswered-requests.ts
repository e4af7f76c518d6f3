import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A request whose link ends before the vendor answered is asked about, and a hold that has ended is let go where it is kept, too. */
export class UnansweredRequests1763770047000 implements MigrationInterface {
  readonly name = 'UnansweredRequests1763770047000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
ALTER TABLE conflict
  DROP CONSTRAINT conflict_reason_value,
  ADD CONSTRAINT conflict_reason_value CHECK (reason IN ('double-booked', 'both-moved', 'deleted-there', 'became-recurring', 'lost-its-time', 'not-writable', 'never-answered'));

-- The same as before, and: what was asked for and not answered is not confirmed because nobody listens any more.
CREATE OR REPLACE FUNCTION master_here(p_agenda agenda, p_link uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v appointment;
BEGIN
  UPDATE agenda SET master = 'hub' WHERE organization_id = p_agenda.organization_id AND id = p_agenda.id;
  FOR v IN SELECT * FROM appointment a WHERE a.organization_id = p_agenda.organization_id AND a.agenda_id = p_agenda.id AND a.status = 'compensating' LOOP
    PERFORM end_appointment(v.id, ARRAY['compensating'], v.ending, NULL, '{"kind":"system"}');
  END LOOP;
  FOR v IN SELECT * FROM appointment a WHERE a.organization_id = p_agenda.organization_id AND a.agenda_id = p_agenda.id AND a.status = 'pending' AND a.reason->>'code' = 'AWAITING_ACCEPTANCE' LOOP
    PERFORM contest_appointment(v.id, '{"code":"CONFLICT","text":"never-answered"}', '{"kind":"system"}');
    PERFORM open_conflict(v, 'never-answered', NULL, NULL);
  END LOOP;
  -- With the old place of every move under way.
  DELETE FROM remote_write WHERE organization_id = p_agenda.organization_id AND link_id = p_link;
  FOR v IN UPDATE appointment SET status = 'confirmed', version = version + 1, reason = NULL, updated_at = now()
      WHERE organization_id = p_agenda.organization_id AND agenda_id = p_agenda.id AND status IN ('pending', 'unknown') RETURNING * LOOP
    PERFORM append_event('appointment-confirmed', p_agenda.id, v.id, '{"kind":"system"}', appointment_record(v));
  END LOOP;
END $$;

-- The same as before, and: a conflict that asks about an unanswered request stays. What the hub wrote there and what it may have written is listed first; the appointments stay.
-- False when there is no such link.
CREATE OR REPLACE FUNCTION disconnect_link(p_organization uuid, p_link uuid, p_remote text, p_actor jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v_link link; v appointment;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  SELECT a.* INTO v_agenda FROM agenda a JOIN link l ON l.organization_id = a.organization_id AND l.agenda_id = a.id
    WHERE l.organization_id = p_organization AND l.id = p_link FOR UPDATE OF a;
  SELECT * INTO v_link FROM link l WHERE l.organization_id = p_organization AND l.id = p_link FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM evict_lane(v_agenda.id);
  INSERT INTO disconnection (organization_id, link_id, agenda_id, connection_id, remote_agenda_id, remote, state, subscription_id)
    VALUES (p_organization, p_link, v_agenda.id, v_link.connection_id, v_link.remote_agenda_id, p_remote, 'removing', v_link.subscription_id);
  -- A visit that was cancelled must not stay in his agenda, whatever was chosen. What is over is history, his as well.
  INSERT INTO disconnection_object (organization_id, link_id, reference, remote_id, appointment_id, during, sent_at, state)
    SELECT p_organization, p_link, a.id || '-' || a.generation, m.remote_id, a.id, coalesce(m.during, a.during), CASE WHEN w.unanswered > 0 THEN w.last_sent_at END,
      CASE WHEN a.status = 'compensating' THEN 'due' WHEN p_remote = 'remove' AND upper(coalesce(m.during, a.during)) > now() THEN 'due' ELSE 'kept' END
    FROM appointment a
      LEFT JOIN mirror m ON m.organization_id = a.organization_id AND m.link_id = p_link AND m.appointment_id = a.id AND m.gone_at IS NULL
      LEFT JOIN remote_write w ON w.organization_id = a.organization_id AND w.appointment_id = a.id AND w.link_id = p_link
    WHERE a.organization_id = p_organization AND a.agenda_id = v_agenda.id AND (m.id IS NOT NULL OR w.unanswered > 0 OR (w.attempts > 0 AND is_live(a.status)));
  IF v_link.direction = 'two-way' THEN PERFORM master_here(v_agenda, p_link); END IF;
  DELETE FROM remote_write WHERE organization_id = p_organization AND link_id = p_link;
  DELETE FROM link WHERE organization_id = p_organization AND id = p_link;
  PERFORM recheck_contests(v_agenda);
  -- Nobody is left to disagree with, but another appointment of the hub's; what was only asked for, a person decides.
  FOR v IN UPDATE appointment a SET status = 'confirmed', version = version + 1, reason = NULL, updated_at = now()
      WHERE a.organization_id = p_organization AND a.agenda_id = v_agenda.id AND a.status = 'conflict' AND a.reason->>'text' IS DISTINCT FROM 'never-answered'
        AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = a.organization_id AND c.holder = a.id AND c.contested) RETURNING * LOOP
    PERFORM append_event('appointment-conflict-resolved', v_agenda.id, v.id, '{"kind":"system"}', appointment_record(v));
  END LOOP;
  PERFORM append_event('link-disconnected', v_agenda.id, p_link, p_actor, jsonb_build_object('remote', p_remote));
  RETURN true;
END $$;

-- What has ended here and is still kept there; the dispatcher looks for it.
CREATE INDEX appointment_kept_there ON appointment (held_there_until) WHERE status = 'expired' AND held_there_until IS NOT NULL;
GRANT SELECT (held_there_until) ON appointment TO unisson_dispatcher;
ALTER POLICY appointment_dispatch ON appointment USING (status = 'held' OR (status = 'expired' AND held_there_until IS NOT NULL));
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
