import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Reassigning to another agenda (docs/adr/0010): a successor is booked there, and what it replaces stays until the successor
 * is confirmed. One remote write each, so that both ends go through the saga as ever.
 */
export class Reassigning1763770012200 implements MigrationInterface {
  readonly name = 'Reassigning1763770012200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
ALTER TABLE appointment ADD COLUMN replaces uuid;
ALTER TABLE appointment ADD CONSTRAINT appointment_replaces_fk FOREIGN KEY (organization_id, replaces) REFERENCES appointment (organization_id, id);
-- One successor at a time.
CREATE UNIQUE INDEX appointment_replaced ON appointment (organization_id, replaces) WHERE replaces IS NOT NULL AND status NOT IN ('cancelled', 'refused', 'expired');

ALTER FUNCTION appointment_record(appointment) RENAME TO appointment_record_alone;
CREATE FUNCTION appointment_record(a appointment) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT appointment_record_alone(a) || jsonb_strip_nulls(jsonb_build_object('replaces', a.replaces, 'replacedBy', (SELECT s.id FROM appointment s
    WHERE s.organization_id = a.organization_id AND s.replaces = a.id AND s.status NOT IN ('cancelled', 'refused', 'expired'))))
$$;

-- outcome: as move_appointment, and 'agenda-unknown'
CREATE FUNCTION reassign_appointment(p_organization uuid, p_id uuid, p_version integer, p_new uuid, p_agenda uuid, p_start timestamptz, p_motif uuid, p_actor jsonb, p_accept_stale boolean,
  OUT outcome text, OUT code text, OUT record jsonb, OUT resource uuid, OUT remote boolean, OUT retry_after_ms integer, OUT when_unreachable text) LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v appointment; v_new appointment; v_motif motif; v_visit tstzrange; v_occupies tstzrange; v_seat integer; v_link record;
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
  v_visit := tstzrange(coalesce(p_start, lower(v.during)), coalesce(p_start, lower(v.during)) + v_motif.duration_minutes * interval '1 minute');
  v_occupies := tstzrange(lower(v_visit) - v_motif.buffer_before_minutes * interval '1 minute', upper(v_visit) + v_motif.buffer_after_minutes * interval '1 minute');
  PERFORM expire_holds(v_agenda.id, v_occupies);
  code := refusing_rule(v_agenda, v_motif.id, v_visit);
  IF code IS NOT NULL THEN outcome := 'rule'; RETURN; END IF;
  v_seat := free_seat(v_agenda, v_occupies, p_new);
  IF v_seat IS NULL THEN outcome := 'taken'; code := blocking_code(p_agenda, v_occupies, p_new); RETURN; END IF;
  INSERT INTO appointment (organization_id, id, agenda_id, motif_id, status, during, occupies, created_by, replaces)
    VALUES (p_organization, p_new, p_agenda, v_motif.id, CASE WHEN remote THEN 'pending' ELSE 'confirmed' END, v_visit, v_occupies, v.created_by, p_id) RETURNING * INTO v_new;
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id) VALUES (p_organization, p_agenda, v_seat, v_occupies, 'hub', p_new, p_new);
  INSERT INTO patient_identity SELECT p.organization_id, p_new, p.sealed FROM patient_identity p WHERE p.organization_id = p_organization AND p.appointment_id = p_id;
  IF remote THEN INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id) VALUES (p_organization, p_new, p_agenda, v_link.link); END IF;
  outcome := 'placed'; record := appointment_record(v_new); resource := p_new;
  PERFORM append_event('appointment-reassigning', v.agenda_id, p_id, p_actor, appointment_record(v));
  PERFORM append_event('appointment-' || v_new.status, p_agenda, p_new, p_actor, record);
END $$;

-- At the end of the transaction in which a successor was confirmed, what it replaces goes; in which it was refused, what
-- it was to replace stays as it is; and whoever calls off the one calls off the other.
CREATE FUNCTION replaced_appointment_goes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_before CONSTANT text := current_setting('app.organization', true); v appointment; v_successor appointment;
BEGIN
  IF v_before IS DISTINCT FROM new.organization_id::text THEN PERFORM set_config('app.organization', new.organization_id::text, true); END IF;
  IF new.replaces IS NOT NULL THEN
    SELECT * INTO v FROM appointment a WHERE a.organization_id = new.organization_id AND a.id = new.replaces;
    IF NOT is_live(v.status) OR v.status = 'compensating' THEN NULL;
    ELSIF new.status = 'confirmed' THEN PERFORM call_off(v, '{"code":"REASSIGNED"}', '{"kind":"system"}');
    ELSIF new.status = 'refused' THEN PERFORM append_event('appointment-reassign-refused', v.agenda_id, v.id, '{"kind":"system"}', appointment_record(v)); END IF;
  END IF;
  IF new.status IN ('compensating', 'cancelled') AND new.reason->>'code' = 'CANCELLED' THEN
    SELECT * INTO v_successor FROM appointment a WHERE a.organization_id = new.organization_id AND a.replaces = new.id AND is_live(a.status) AND a.status <> 'compensating';
    IF FOUND THEN PERFORM call_off(v_successor, new.reason, '{"kind":"system"}'); END IF;
  END IF;
  IF v_before IS DISTINCT FROM new.organization_id::text THEN PERFORM set_config('app.organization', coalesce(v_before, ''), true); END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION call_off(a appointment, p_reason jsonb, p_actor jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM remote_write w WHERE w.organization_id = a.organization_id AND w.appointment_id = a.id) THEN
    PERFORM compensate_appointment(a.id, ARRAY[a.status], 'cancelled', p_reason, p_actor);
  ELSE PERFORM end_appointment(a.id, ARRAY[a.status], 'cancelled', p_reason, p_actor); END IF;
END $$;
CREATE CONSTRAINT TRIGGER appointment_replacing AFTER INSERT ON appointment DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (new.replaces IS NOT NULL AND new.status = 'confirmed') EXECUTE FUNCTION replaced_appointment_goes();
CREATE CONSTRAINT TRIGGER appointment_replaced AFTER UPDATE OF status ON appointment DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (new.replaces IS NOT NULL OR new.status IN ('compensating', 'cancelled')) EXECUTE FUNCTION replaced_appointment_goes();
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
