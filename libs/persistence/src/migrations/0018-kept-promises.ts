import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An appointment that was promised before its agenda was linked, and found no room there, is written once there is some. */
export class KeptPromises1763770013500 implements MigrationInterface {
  readonly name = 'KeptPromises1763770013500';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
-- The same as before, and: what was promised and found no room is written once there is.
CREATE OR REPLACE FUNCTION recheck_contests(p_agenda agenda) RETURNS void LANGUAGE plpgsql AS $$
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
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
