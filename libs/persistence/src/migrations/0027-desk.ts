import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the secretary's desk needs beside booking itself. */
export class Desk1763770027000 implements MigrationInterface {
  readonly name = 'Desk1763770027000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(OVERBOOKED);
    await runner.query(NOTICES);
    await runner.query(SERIES);
    await runner.query(HOLDS);
    await runner.query(BULK);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}

const OVERBOOKED = `
-- The same as before, and: a place is not free for the next patient while an overbooked appointment stands there. Only
-- the practitioner's copy of an appointment of ours takes no seat beside it.
CREATE OR REPLACE FUNCTION free_seat(p_agenda agenda, p_range tstzrange, p_holder uuid) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE v_seat integer;
BEGIN
  SELECT s.seat INTO v_seat FROM agenda_seat s WHERE s.organization_id = p_agenda.organization_id AND s.agenda_id = p_agenda.id AND s.seat <= p_agenda.capacity
    AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = s.organization_id AND c.agenda_id = s.agenda_id AND c.seat = s.seat AND c.ends_at > lower(p_range) AND c.during && p_range
      AND c.holder <> p_holder AND (NOT c.overbooked OR c.authority = 'hub')) ORDER BY s.seat LIMIT 1;
  IF v_seat IS NULL AND p_agenda.capacity > 1 AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id
      AND c.ends_at > lower(p_range) AND c.during && p_range AND c.holder <> p_holder AND (c.contested OR (c.overbooked AND c.authority = 'hub'))) THEN
    v_seat := renumber_seats(p_agenda.id, p_range, p_holder, p_agenda.capacity); END IF;
  RETURN v_seat;
END $$;

-- The same as before, and: only the practitioner's own time is booked twice, a room or a device is not.
CREATE OR REPLACE FUNCTION accept_double_booking(p_agenda agenda, a appointment, p_actor jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v appointment;
BEGIN
  PERFORM depart_from(p_agenda, a.id, NULL);
  PERFORM set_config('app.decision', 'overbook', true);
  UPDATE claim SET overbooked = true, contested = false WHERE organization_id = a.organization_id AND appointment_id = a.id AND agenda_id = p_agenda.id;
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
`;

const NOTICES = `
-- Overbookings that the practitioner has to be told of, once each time that one stands somewhere for certain.
CREATE TABLE overbooking_notice (
  organization_id uuid NOT NULL,
  appointment_id uuid NOT NULL,
  during tstzrange NOT NULL,
  due_at timestamptz NOT NULL DEFAULT now(),
  told_at timestamptz,
  error text,
  CONSTRAINT overbooking_notice_pk PRIMARY KEY (organization_id, appointment_id),
  CONSTRAINT overbooking_notice_appointment_fk FOREIGN KEY (organization_id, appointment_id) REFERENCES appointment (organization_id, id) ON DELETE CASCADE);
CREATE INDEX overbooking_notice_due ON overbooking_notice (due_at) WHERE told_at IS NULL;
ALTER TABLE overbooking_notice ENABLE ROW LEVEL SECURITY;
ALTER TABLE overbooking_notice FORCE ROW LEVEL SECURITY;
CREATE POLICY overbooking_notice_tenant ON overbooking_notice USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization());
GRANT SELECT, INSERT, UPDATE, DELETE ON overbooking_notice TO unisson_app;
GRANT SELECT (organization_id, due_at, told_at) ON overbooking_notice TO unisson_dispatcher;
CREATE POLICY overbooking_notice_dispatch ON overbooking_notice FOR SELECT TO unisson_dispatcher USING (told_at IS NULL);

CREATE FUNCTION overbooking_is_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO overbooking_notice AS n (organization_id, appointment_id, during) VALUES (new.organization_id, new.id, new.during)
    ON CONFLICT (organization_id, appointment_id) DO UPDATE SET during = excluded.during, due_at = now(), told_at = NULL, error = NULL WHERE n.during <> excluded.during;
  RETURN NULL;
END $$;
CREATE TRIGGER appointment_overbooked AFTER INSERT OR UPDATE OF status, overbooking, during ON appointment FOR EACH ROW
  WHEN (new.overbooking IS NOT NULL AND new.status = 'confirmed') EXECUTE FUNCTION overbooking_is_told();
`;

const SERIES = `
-- Visits booked together. All or nothing is decided in the transaction that claims them; where the practitioner's own
-- agenda has to follow, the series is 'settling' until every visit stands there, and 'undoing' once one cannot.
CREATE TABLE series (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  motif_id uuid NOT NULL,
  mode text NOT NULL,
  state text NOT NULL,
  refused jsonb NOT NULL DEFAULT '[]',
  actor jsonb NOT NULL,
  due_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT series_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT series_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id),
  CONSTRAINT series_motif_fk FOREIGN KEY (organization_id, motif_id) REFERENCES motif (organization_id, id),
  CONSTRAINT series_mode_value CHECK (mode IN ('all-or-nothing', 'report')),
  CONSTRAINT series_state_value CHECK (state IN ('settling', 'done', 'undoing', 'undone')));
CREATE INDEX series_due ON series (due_at) WHERE state IN ('settling', 'undoing');
ALTER TABLE series ENABLE ROW LEVEL SECURITY;
ALTER TABLE series FORCE ROW LEVEL SECURITY;
CREATE POLICY series_tenant ON series USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization());
GRANT SELECT, INSERT, UPDATE, DELETE ON series TO unisson_app;
GRANT SELECT (organization_id, id, state, due_at) ON series TO unisson_dispatcher;
CREATE POLICY series_dispatch ON series FOR SELECT TO unisson_dispatcher USING (state IN ('settling', 'undoing'));
`;

const HOLDS = `
ALTER TABLE appointment ADD COLUMN renewals integer NOT NULL DEFAULT 0;

-- The same as before, and: its series, why it was overbooked, how often a hold can still be renewed. Planned once per connection, as a function in SQL is not.
DROP FUNCTION appointment_record_alone(appointment);
CREATE OR REPLACE FUNCTION appointment_record(a appointment) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('id', a.id, 'agendaId', a.agenda_id, 'motifId', a.motif_id, 'status', a.status,
      'start', milliseconds(lower(a.during)), 'end', milliseconds(upper(a.during)), 'holdUntil', milliseconds(a.hold_until), 'version', a.version, 'reason', a.reason, 'createdBy', a.created_by,
      'overbooked', a.overbooking IS NOT NULL OR EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = a.organization_id AND c.holder = a.id AND c.appointment_id IS NOT NULL AND c.overbooked))
    || jsonb_strip_nulls(jsonb_build_object('replaces', a.replaces, 'replacedBy', (SELECT s.id FROM appointment s
        WHERE s.organization_id = a.organization_id AND s.replaces = a.id AND s.status NOT IN ('cancelled', 'refused', 'expired')),
      'series', a.series_id, 'overbooking', a.overbooking, 'renewalsLeft', CASE WHEN a.status = 'held' THEN greatest(0, 3 - a.renewals) END));
END $$;

-- Keeps a hold longer: three times at most, and never beyond 30 minutes from when it was made, so that every hold ends.
-- outcome: 'renewed' | 'limit' | 'hold-ended' | 'unknown'
CREATE FUNCTION renew_hold(p_organization uuid, p_id uuid, p_seconds integer, p_actor jsonb, OUT outcome text, OUT record jsonb) LANGUAGE plpgsql AS $$
DECLARE v appointment; v_until timestamptz;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  PERFORM lock_agenda_of(p_id);
  SELECT * INTO v FROM appointment a WHERE a.organization_id = p_organization AND a.id = p_id FOR UPDATE;
  IF NOT FOUND THEN outcome := 'unknown'; RETURN; END IF;
  record := appointment_record(v);
  IF v.status <> 'held' OR v.hold_until <= clock_timestamp() THEN outcome := 'hold-ended'; RETURN; END IF;
  v_until := least(clock_timestamp() + p_seconds * interval '1 second', v.created_at + interval '30 minutes');
  IF v.renewals >= 3 OR v_until <= v.hold_until THEN outcome := 'limit'; RETURN; END IF;
  UPDATE appointment SET hold_until = v_until, renewals = renewals + 1, version = version + 1, updated_at = now()
    WHERE organization_id = p_organization AND id = p_id RETURNING * INTO v;
  outcome := 'renewed'; record := appointment_record(v);
  PERFORM append_event('appointment-hold-renewed', v.agenda_id, p_id, p_actor, record);
END $$;
`;

const BULK = `
-- Many cancellations for one reason, one by one and the normal way; what is left to do survives whoever does it.
CREATE TABLE bulk_cancellation (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  agenda_ids uuid[] NOT NULL,
  during tstzrange NOT NULL,
  reason jsonb NOT NULL,
  actor jsonb NOT NULL,
  state text NOT NULL DEFAULT 'running',
  due_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT bulk_cancellation_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT bulk_cancellation_state_value CHECK (state IN ('running', 'done')));
CREATE INDEX bulk_cancellation_due ON bulk_cancellation (due_at) WHERE state = 'running';
CREATE TABLE bulk_item (
  organization_id uuid NOT NULL,
  bulk_id uuid NOT NULL,
  appointment_id uuid NOT NULL,
  version integer NOT NULL,
  state text NOT NULL DEFAULT 'due',
  problem text,
  CONSTRAINT bulk_item_pk PRIMARY KEY (organization_id, bulk_id, appointment_id),
  CONSTRAINT bulk_item_bulk_fk FOREIGN KEY (organization_id, bulk_id) REFERENCES bulk_cancellation (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT bulk_item_appointment_fk FOREIGN KEY (organization_id, appointment_id) REFERENCES appointment (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT bulk_item_state_value CHECK (state IN ('due', 'cancelled', 'left')));
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['bulk_cancellation', 'bulk_item'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization())', t || '_tenant', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO unisson_app', t);
  END LOOP;
END $$;
GRANT SELECT (organization_id, id, state, due_at) ON bulk_cancellation TO unisson_dispatcher;
CREATE POLICY bulk_cancellation_dispatch ON bulk_cancellation FOR SELECT TO unisson_dispatcher USING (state = 'running');

-- One of them is done: whoever was to come is called back, unless he comes to the successor of what was reassigned. Again without harm.
CREATE FUNCTION bulk_cancelled(p_organization uuid, p_bulk uuid, p_appointment uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE a appointment; v_actor jsonb; v_stands boolean;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  v_stands := EXISTS (SELECT 1 FROM appointment s WHERE s.organization_id = p_organization AND s.replaces = p_appointment
    AND s.status NOT IN ('cancelled', 'refused', 'expired') AND s.status <> 'compensating');
  UPDATE bulk_item SET state = CASE WHEN v_stands THEN 'left' ELSE 'cancelled' END, problem = CASE WHEN v_stands THEN 'appointment-ended' END
    WHERE organization_id = p_organization AND bulk_id = p_bulk AND appointment_id = p_appointment AND state = 'due';
  IF NOT FOUND OR v_stands THEN RETURN; END IF;
  SELECT b.actor INTO v_actor FROM bulk_cancellation b WHERE b.organization_id = p_organization AND b.id = p_bulk;
  SELECT * INTO a FROM appointment x WHERE x.organization_id = p_organization AND x.id = p_appointment;
  PERFORM call_back(a, 'cancelled', v_actor);
END $$;
`;
