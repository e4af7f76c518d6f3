import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The waiting list. Whatever may free time leaves a `vacancy` in its own transaction, and a worker that looks at the
 * agenda removes it once everything is done. Vacancies are only inserted and deleted, so that no writer waits for another.
 */
export class WaitingList1763770028000 implements MigrationInterface {
  readonly name = 'WaitingList1763770028000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(VACANCIES);
    await runner.query(ENDS);
    await runner.query(GRANTS);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}

const TABLES = `
CREATE TABLE waiting_entry (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  sealed bytea,
  fingerprint bytea,
  motif_ids uuid[] NOT NULL,
  availability jsonb NOT NULL,
  priority text NOT NULL,
  deadline timestamptz,
  audience text NOT NULL,
  state text NOT NULL DEFAULT 'waiting',
  appointment_id uuid,
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  CONSTRAINT waiting_entry_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT waiting_entry_collaborator_fk FOREIGN KEY (organization_id, created_by) REFERENCES collaborator (organization_id, id),
  CONSTRAINT waiting_entry_priority_value CHECK (priority IN ('routine', 'soon', 'urgent')),
  CONSTRAINT waiting_entry_state_value CHECK (state IN ('waiting', 'booked', 'withdrawn', 'lapsed')),
  CONSTRAINT waiting_entry_closed CHECK ((state = 'waiting') = (closed_at IS NULL) AND (state = 'booked') = (appointment_id IS NOT NULL)),
  CONSTRAINT waiting_entry_patient CHECK ((sealed IS NULL) = (state = 'withdrawn')),
  CONSTRAINT waiting_entry_motifs CHECK (cardinality(motif_ids) BETWEEN 1 AND 20));
CREATE INDEX waiting_entry_listed ON waiting_entry (organization_id, created_at, id);
CREATE INDEX waiting_entry_fingerprint ON waiting_entry (organization_id, fingerprint) WHERE state = 'waiting';
CREATE INDEX waiting_entry_appointment ON waiting_entry (organization_id, appointment_id) WHERE appointment_id IS NOT NULL;

-- The agendas in which an entry may be served.
CREATE TABLE waiting_wish (
  organization_id uuid NOT NULL,
  entry_id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  CONSTRAINT waiting_wish_pk PRIMARY KEY (organization_id, entry_id, agenda_id),
  CONSTRAINT waiting_wish_entry_fk FOREIGN KEY (organization_id, entry_id) REFERENCES waiting_entry (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT waiting_wish_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id) ON DELETE CASCADE);
CREATE INDEX waiting_wish_agenda ON waiting_wish (organization_id, agenda_id);

-- A slot kept for an entry; the hold has the offer's id. It is written first ('preparing'), then the hold, then it is shown.
CREATE TABLE waiting_offer (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  entry_id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  motif_id uuid NOT NULL,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'preparing',
  hold_until timestamptz,
  made_at timestamptz NOT NULL DEFAULT now(),
  decided_by jsonb,
  closed_at timestamptz,
  CONSTRAINT waiting_offer_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT waiting_offer_entry_fk FOREIGN KEY (organization_id, entry_id) REFERENCES waiting_entry (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT waiting_offer_state_value CHECK (state IN ('preparing', 'open', 'accepted', 'refused', 'lapsed', 'withdrawn')),
  CONSTRAINT waiting_offer_closed CHECK ((state IN ('preparing', 'open')) = (closed_at IS NULL)),
  CONSTRAINT waiting_offer_held CHECK (state <> 'open' OR hold_until IS NOT NULL));
CREATE UNIQUE INDEX waiting_offer_one_per_entry ON waiting_offer (organization_id, entry_id) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX waiting_offer_one_per_slot ON waiting_offer (organization_id, agenda_id, starts_at) WHERE closed_at IS NULL;
CREATE INDEX waiting_offer_listed ON waiting_offer (organization_id, made_at, id);
CREATE INDEX waiting_offer_by_entry ON waiting_offer (organization_id, entry_id);

-- An agenda to be looked at from due_at on; pause_seconds: how long the look before it waited, 0 when something happened.
CREATE TABLE vacancy (
  organization_id uuid NOT NULL,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  agenda_id uuid NOT NULL,
  due_at timestamptz NOT NULL DEFAULT now(),
  pause_seconds integer NOT NULL DEFAULT 0,
  CONSTRAINT vacancy_pk PRIMARY KEY (organization_id, id));
CREATE INDEX vacancy_agenda ON vacancy (organization_id, agenda_id, due_at);
CREATE INDEX vacancy_due ON vacancy (due_at);
`;

const VACANCIES = `
CREATE FUNCTION note_vacancy(p_organization uuid, p_agenda uuid) RETURNS void LANGUAGE sql AS $$
  INSERT INTO vacancy (organization_id, agenda_id) SELECT p_organization, p_agenda
    WHERE EXISTS (SELECT 1 FROM waiting_wish w JOIN waiting_entry e ON e.organization_id = w.organization_id AND e.id = w.entry_id
      WHERE w.organization_id = p_organization AND w.agenda_id = p_agenda AND e.state = 'waiting')
$$;
-- One row per agenda, however much a statement changes.
CREATE FUNCTION vacancies_of_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM note_vacancy(x.organization_id, x.agenda_id) FROM (SELECT DISTINCT organization_id, agenda_id FROM changed) x;
  RETURN NULL;
END $$;
CREATE TRIGGER claim_vacancy_gone AFTER DELETE ON claim REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION vacancies_of_changed();
CREATE TRIGGER claim_vacancy_changed AFTER UPDATE ON claim REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION vacancies_of_changed();
CREATE TRIGGER closure_vacancy_gone AFTER DELETE ON closure REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION vacancies_of_changed();
CREATE TRIGGER closure_vacancy_changed AFTER UPDATE ON closure REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION vacancies_of_changed();
CREATE TRIGGER opening_vacancy_changed AFTER UPDATE ON opening REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION vacancies_of_changed();
CREATE TRIGGER opening_occurrence_vacancy AFTER INSERT ON opening_occurrence REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION vacancies_of_changed();
CREATE TRIGGER reserve_vacancy_gone AFTER DELETE ON reserve REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION vacancies_of_changed();
CREATE TRIGGER reserve_vacancy_changed AFTER UPDATE ON reserve REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION vacancies_of_changed();
CREATE TRIGGER reserve_occurrence_vacancy AFTER DELETE ON reserve_occurrence REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION vacancies_of_changed();
CREATE TRIGGER agenda_motif_vacancy AFTER INSERT ON agenda_motif REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION vacancies_of_changed();
CREATE TRIGGER agenda_motif_vacancy_changed AFTER UPDATE ON agenda_motif REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION vacancies_of_changed();
CREATE FUNCTION vacancy_of_agenda() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM note_vacancy(new.organization_id, new.id);
  RETURN NULL;
END $$;
CREATE TRIGGER agenda_vacancy AFTER UPDATE OF active, capacity ON agenda FOR EACH ROW EXECUTE FUNCTION vacancy_of_agenda();
`;

const ENDS = `
CREATE FUNCTION waiting_offer_record(o waiting_offer) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('id', o.id, 'entry', o.entry_id, 'agendaId', o.agenda_id, 'motifId', o.motif_id, 'state', o.state,
    'start', milliseconds(o.starts_at), 'end', milliseconds(o.ends_at), 'holdUntil', milliseconds(o.hold_until))
$$;
CREATE FUNCTION waiting_entry_event(e waiting_entry, p_what text, p_actor jsonb) RETURNS void LANGUAGE sql AS $$
  SELECT append_event('waiting-entry-' || p_what, NULL, e.id, p_actor, jsonb_build_object('id', e.id, 'state', e.state, 'appointment', e.appointment_id, 'version', e.version))
$$;

-- False when it was not open any more. Where both are locked, an entry is locked before its offers.
CREATE FUNCTION end_waiting_offer(p_id uuid, p_state text, p_actor jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v waiting_offer; v_shown boolean;
BEGIN
  SELECT o.state = 'open' INTO v_shown FROM waiting_offer o WHERE o.organization_id = current_organization() AND o.id = p_id AND o.closed_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE waiting_offer SET state = p_state, closed_at = clock_timestamp(), decided_by = coalesce(decided_by, p_actor)
    WHERE organization_id = current_organization() AND id = p_id RETURNING * INTO v;
  IF v_shown OR p_state = 'accepted' THEN
    PERFORM append_event('waiting-offer-' || p_state, v.agenda_id, p_id, coalesce(v.decided_by, p_actor), waiting_offer_record(v));
  END IF;
  -- The next look gives back a hold that stands for nobody, and offers what may be offered now.
  INSERT INTO vacancy (organization_id, agenda_id) VALUES (v.organization_id, v.agenda_id);
  RETURN true;
END $$;

-- Shows an offer whose hold stands. False when it was shown already, or has ended.
CREATE FUNCTION open_waiting_offer(p_id uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v waiting_offer;
BEGIN
  UPDATE waiting_offer o SET state = 'open', hold_until = a.hold_until FROM appointment a
    WHERE o.organization_id = current_organization() AND o.id = p_id AND o.state = 'preparing'
      AND a.organization_id = o.organization_id AND a.id = o.id AND a.status = 'held' RETURNING o.* INTO v;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM append_event('waiting-offer', v.agenda_id, p_id, '{"kind":"system"}', waiting_offer_record(v));
  RETURN true;
END $$;

-- Ends the waiting of an entry that is locked, whatever is offered to it at the moment included.
CREATE FUNCTION close_waiting_entry(p_id uuid, p_state text, p_appointment uuid, p_actor jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v waiting_entry;
BEGIN
  UPDATE waiting_entry SET state = p_state, appointment_id = p_appointment, closed_at = clock_timestamp(), version = version + 1,
      sealed = CASE WHEN p_state = 'withdrawn' THEN NULL ELSE sealed END, fingerprint = CASE WHEN p_state = 'withdrawn' THEN NULL ELSE fingerprint END
    WHERE organization_id = current_organization() AND id = p_id AND state = 'waiting' RETURNING * INTO v;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM waiting_entry_event(v, p_state, p_actor);
  PERFORM end_waiting_offer(o.id, CASE WHEN o.id = p_appointment THEN 'accepted' ELSE 'withdrawn' END, p_actor)
    FROM waiting_offer o WHERE o.organization_id = current_organization() AND o.entry_id = p_id AND o.closed_at IS NULL;
END $$;

-- A patient who gets an appointment for what he waits for waits no longer, by whichever way he got it.
CREATE FUNCTION waiting_patient_is_booked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v appointment; v_offer waiting_offer; v_entry uuid;
BEGIN
  -- Most practices have nobody who waits.
  IF NOT EXISTS (SELECT 1 FROM waiting_entry e WHERE e.organization_id = new.organization_id AND e.state = 'waiting')
    AND NOT EXISTS (SELECT 1 FROM waiting_offer o WHERE o.organization_id = new.organization_id AND o.id = new.appointment_id) THEN RETURN NULL; END IF;
  SELECT * INTO v FROM appointment a WHERE a.organization_id = new.organization_id AND a.id = new.appointment_id AND a.status IN ('pending', 'confirmed') AND a.replaces IS NULL;
  IF NOT FOUND THEN RETURN NULL; END IF;
  SELECT * INTO v_offer FROM waiting_offer o WHERE o.organization_id = new.organization_id AND o.id = v.id AND o.closed_at IS NULL;
  FOR v_entry IN SELECT e.id FROM waiting_entry e WHERE e.organization_id = new.organization_id AND e.state = 'waiting'
        AND e.fingerprint = new.fingerprint AND v.motif_id = ANY (e.motif_ids)
      UNION SELECT e.id FROM waiting_entry e WHERE e.organization_id = new.organization_id AND e.id = v_offer.entry_id AND e.state = 'waiting'
        -- Who has no date of birth is known only by his offer being accepted.
        AND (e.fingerprint = new.fingerprint OR num_nonnulls(e.fingerprint, new.fingerprint, v_offer.decided_by) = 1 AND v_offer.decided_by IS NOT NULL) ORDER BY 1 LOOP
    PERFORM close_waiting_entry(v_entry, 'booked', v.id, '{"kind":"system"}');
  END LOOP;
  -- A hold that was offered went to somebody else.
  PERFORM end_waiting_offer(v.id, 'withdrawn', '{"kind":"system"}') WHERE v_offer.id IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER patient_identity_waiting AFTER INSERT OR UPDATE ON patient_identity FOR EACH ROW EXECUTE FUNCTION waiting_patient_is_booked();

-- What the practitioner's agenda refused, or went with a series of which one was refused, was never an appointment: its patient waits on.
CREATE FUNCTION waiting_patient_is_refused() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v waiting_entry;
BEGIN
  IF new.status = 'cancelled' AND NOT EXISTS (SELECT 1 FROM series s WHERE s.organization_id = new.organization_id AND s.id = new.series_id AND s.state = 'undoing') THEN RETURN NULL; END IF;
  FOR v IN UPDATE waiting_entry SET state = 'waiting', appointment_id = NULL, closed_at = NULL, version = version + 1
      WHERE organization_id = new.organization_id AND appointment_id = new.id AND state = 'booked' RETURNING * LOOP
    PERFORM waiting_entry_event(v, 'reopened', '{"kind":"system"}');
    PERFORM note_vacancy(w.organization_id, w.agenda_id) FROM waiting_wish w WHERE w.organization_id = v.organization_id AND w.entry_id = v.id;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER appointment_waiting_refused AFTER UPDATE OF status ON appointment FOR EACH ROW
  WHEN (old.status <> new.status AND (new.status = 'refused' OR (new.status = 'cancelled' AND new.series_id IS NOT NULL)))
  EXECUTE FUNCTION waiting_patient_is_refused();
`;

const GRANTS = `
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['waiting_entry', 'waiting_wish', 'waiting_offer', 'vacancy'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization())', t || '_tenant', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO unisson_app', t);
  END LOOP;
END $$;
GRANT SELECT (organization_id, agenda_id, due_at) ON vacancy TO unisson_dispatcher;
CREATE POLICY vacancy_dispatch ON vacancy FOR SELECT TO unisson_dispatcher USING (true);
`;
