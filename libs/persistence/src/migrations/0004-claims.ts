import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Appointments and the claims that make double booking impossible, whatever the code above does. */
export class Claims1763770004000 implements MigrationInterface {
  readonly name = 'Claims1763770004000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE TABLE appointment (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  motif_id uuid NOT NULL,
  status text NOT NULL,
  during tstzrange NOT NULL,
  occupies tstzrange NOT NULL,
  hold_until timestamptz,
  generation integer NOT NULL DEFAULT 1,
  version integer NOT NULL DEFAULT 1,
  ending text,
  reason jsonb,
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT appointment_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT appointment_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id),
  CONSTRAINT appointment_motif_fk FOREIGN KEY (organization_id, motif_id) REFERENCES motif (organization_id, id),
  CONSTRAINT appointment_collaborator_fk FOREIGN KEY (organization_id, created_by) REFERENCES collaborator (organization_id, id),
  CONSTRAINT appointment_claimed UNIQUE (organization_id, id, occupies),
  CONSTRAINT appointment_status_value CHECK (status IN ('held', 'pending', 'unknown', 'confirmed', 'compensating', 'conflict', 'cancelled', 'refused', 'expired')),
  CONSTRAINT appointment_hold_ends CHECK ((status = 'held') = (hold_until IS NOT NULL)),
  CONSTRAINT appointment_ending_value CHECK (ending IN ('cancelled', 'refused') AND (status = 'compensating') = (ending IS NOT NULL)),
  CONSTRAINT appointment_range CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during) AND NOT lower_inf(during) AND NOT upper_inf(during)
    AND upper(during) - lower(during) <= interval '24 hours'),
  CONSTRAINT appointment_occupied_range CHECK (occupies @> during AND lower_inc(occupies) AND NOT upper_inc(occupies) AND NOT lower_inf(occupies) AND NOT upper_inf(occupies)
    AND upper(occupies) - lower(occupies) <= interval '32 hours'));
CREATE INDEX appointment_agenda_start ON appointment (organization_id, agenda_id, lower(during), id);
CREATE INDEX appointment_start ON appointment (organization_id, lower(during), id);
CREATE INDEX appointment_held ON appointment (hold_until) WHERE status = 'held';

-- Apart from the appointment: a violated CHECK prints its whole row into logs.
CREATE TABLE patient_identity (
  organization_id uuid NOT NULL,
  appointment_id uuid NOT NULL,
  sealed bytea NOT NULL,
  CONSTRAINT patient_identity_pk PRIMARY KEY (organization_id, appointment_id),
  CONSTRAINT patient_identity_appointment_fk FOREIGN KEY (organization_id, appointment_id) REFERENCES appointment (organization_id, id) ON DELETE CASCADE);

-- What remains to be done at the backend for one appointment: make the remote agenda equal to it. One row each, so
-- that a move or a cancel during a write replaces the aim instead of queueing behind it.
CREATE TABLE remote_write (
  organization_id uuid NOT NULL,
  appointment_id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  link_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'due',
  due_at timestamptz NOT NULL DEFAULT now(),
  asked_at timestamptz NOT NULL DEFAULT now(),
  attempts integer NOT NULL DEFAULT 0,
  unanswered integer NOT NULL DEFAULT 0,
  last_sent_at timestamptz,
  failures integer NOT NULL DEFAULT 0,
  departing tstzrange,
  departing_visit tstzrange,
  departing_motif_id uuid,
  last_error jsonb,
  CONSTRAINT remote_write_pk PRIMARY KEY (organization_id, appointment_id),
  CONSTRAINT remote_write_appointment_fk FOREIGN KEY (organization_id, appointment_id) REFERENCES appointment (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT remote_write_link_fk FOREIGN KEY (organization_id, link_id) REFERENCES link (organization_id, id),
  CONSTRAINT remote_write_departing_motif_fk FOREIGN KEY (organization_id, departing_motif_id) REFERENCES motif (organization_id, id),
  CONSTRAINT remote_write_departing UNIQUE (organization_id, appointment_id, departing),
  CONSTRAINT remote_write_departing_both CHECK ((departing IS NULL) = (departing_visit IS NULL)),
  CONSTRAINT remote_write_state_value CHECK (state IN ('due', 'settled', 'dead')));
CREATE INDEX remote_write_due ON remote_write (due_at) WHERE state = 'due';
CREATE INDEX remote_write_lane ON remote_write (organization_id, agenda_id, asked_at) WHERE state = 'due';

CREATE TABLE claim (
  organization_id uuid NOT NULL,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  agenda_id uuid NOT NULL,
  seat integer NOT NULL,
  during tstzrange NOT NULL,
  authority text NOT NULL,
  holder uuid NOT NULL,
  appointment_id uuid,
  departing_id uuid,
  closure_id uuid,
  mirror_id uuid,
  overbooked boolean NOT NULL DEFAULT false,
  contested boolean NOT NULL DEFAULT false,
  CONSTRAINT claim_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT claim_seat_fk FOREIGN KEY (organization_id, agenda_id, seat) REFERENCES agenda_seat (organization_id, agenda_id, seat),
  -- The range and the tenant of a claim are those of what holds it.
  CONSTRAINT claim_appointment_fk FOREIGN KEY (organization_id, appointment_id, during) REFERENCES appointment (organization_id, id, occupies) ON UPDATE CASCADE ON DELETE CASCADE,
  CONSTRAINT claim_departing_fk FOREIGN KEY (organization_id, departing_id, during) REFERENCES remote_write (organization_id, appointment_id, departing) ON DELETE CASCADE,
  CONSTRAINT claim_closure_fk FOREIGN KEY (organization_id, closure_id, during) REFERENCES closure (organization_id, id, during) ON UPDATE CASCADE ON DELETE CASCADE,
  CONSTRAINT claim_mirror_fk FOREIGN KEY (organization_id, mirror_id) REFERENCES mirror (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT claim_one_holder CHECK (num_nonnulls(appointment_id, departing_id, closure_id, mirror_id) = 1 AND holder = coalesce(appointment_id, departing_id, closure_id, mirror_id)),
  CONSTRAINT claim_authority_value CHECK (authority IN ('hub', 'remote') AND (authority = 'remote') = (mirror_id IS NOT NULL)),
  -- An exclusion constraint lets empty, endless and closed-upper-bound ranges through.
  CONSTRAINT claim_range CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during) AND NOT lower_inf(during) AND NOT upper_inf(during)
    AND isfinite(lower(during)) AND isfinite(upper(during))),
  -- Deferrable: seats are renumbered inside one transaction when that makes room. "holder <>": an appointment that
  -- moves keeps its old place beside an overlapping new one.
  CONSTRAINT claim_hub_overlap EXCLUDE USING gist (agenda_id WITH =, seat WITH =, during WITH &&, holder WITH <>)
    WHERE (authority = 'hub' AND NOT overbooked AND NOT contested) DEFERRABLE INITIALLY IMMEDIATE,
  -- Two remote claims may overlap: the practitioner may double-book himself in his own tool.
  CONSTRAINT claim_remote_overlap EXCLUDE USING gist (agenda_id WITH =, seat WITH =, during WITH &&, authority WITH <>)
    WHERE (NOT overbooked AND NOT contested) DEFERRABLE INITIALLY IMMEDIATE);
CREATE INDEX claim_holder ON claim (organization_id, holder);
-- For the foreign keys, which ask by their own columns.
CREATE INDEX claim_by_appointment ON claim (organization_id, appointment_id) WHERE appointment_id IS NOT NULL;
CREATE INDEX claim_by_departing ON claim (organization_id, departing_id) WHERE departing_id IS NOT NULL;

CREATE FUNCTION is_live(p_status text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
  $$ SELECT p_status NOT IN ('cancelled', 'refused', 'expired') $$;

-- Overbooking and contests are decisions; a plain UPDATE cannot slip a claim out of the constraints.
CREATE FUNCTION claim_exemption_is_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (new.overbooked OR new.contested) AND coalesce(current_setting('app.decision', true), '') NOT IN ('overbook', 'contest') THEN
    RAISE EXCEPTION 'a claim leaves the overlap constraints only by an explicit decision' USING ERRCODE = '23514', CONSTRAINT = 'claim_exemption_decided';
  END IF;
  RETURN new;
END $$;
CREATE TRIGGER claim_exemption BEFORE INSERT OR UPDATE OF overbooked, contested ON claim FOR EACH ROW
  WHEN (new.overbooked OR new.contested) EXECUTE FUNCTION claim_exemption_is_decided();

-- Looks as the tenant of the row and not of the moment: a transaction that went on to another organization would
-- otherwise see nothing here and pass. The lock makes two transactions that each look only at their own half take turns.
CREATE FUNCTION check_appointment_claims(p_organization uuid, p_id uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_before CONSTANT text := current_setting('app.organization', true); v_elsewhere CONSTANT boolean := v_before IS DISTINCT FROM p_organization::text;
  v_status text; v_agenda uuid; v_claims integer; v_departing integer; v_all integer;
BEGIN
  IF v_elsewhere THEN PERFORM set_config('app.organization', p_organization::text, true); END IF;
  SELECT status, agenda_id INTO v_status, v_agenda FROM appointment WHERE organization_id = p_organization AND id = p_id FOR NO KEY UPDATE;
  IF FOUND THEN
    SELECT count(*) FILTER (WHERE appointment_id IS NOT NULL AND agenda_id = v_agenda), count(*) FILTER (WHERE departing_id IS NOT NULL), count(*)
      INTO v_claims, v_departing, v_all FROM claim WHERE organization_id = p_organization AND holder = p_id;
    IF NOT is_live(v_status) THEN
      IF v_all > 0 THEN RAISE EXCEPTION 'a dead appointment keeps a claim' USING ERRCODE = '23514', CONSTRAINT = 'appointment_dead_has_none'; END IF;
    ELSIF v_claims = 0 THEN
      RAISE EXCEPTION 'a live appointment has no claim on its agenda' USING ERRCODE = '23514', CONSTRAINT = 'appointment_live_has_claim';
    ELSIF v_departing = 0 AND EXISTS
        (SELECT 1 FROM remote_write WHERE organization_id = p_organization AND appointment_id = p_id AND departing IS NOT NULL) THEN
      RAISE EXCEPTION 'a moving appointment gave up its old place' USING ERRCODE = '23514', CONSTRAINT = 'appointment_departing_has_claim';
    END IF;
  END IF;
  IF v_elsewhere THEN PERFORM set_config('app.organization', coalesce(v_before, ''), true); END IF;
END $$;
CREATE FUNCTION appointment_claims_agree() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM check_appointment_claims(new.organization_id, new.id);
  RETURN NULL;
END $$;
CREATE FUNCTION claim_appointment_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF tg_op <> 'INSERT' AND (old.appointment_id IS NOT NULL OR old.departing_id IS NOT NULL) THEN
    PERFORM check_appointment_claims(old.organization_id, old.holder); END IF;
  -- An appointment written in this very transaction is looked at for itself.
  IF tg_op = 'INSERT' AND EXISTS (SELECT 1 FROM appointment a WHERE a.organization_id = new.organization_id AND a.id = new.appointment_id
      AND a.xmin = pg_current_xact_id()::xid) THEN RETURN NULL; END IF;
  IF tg_op <> 'DELETE' AND (new.appointment_id IS NOT NULL OR new.departing_id IS NOT NULL) THEN
    PERFORM check_appointment_claims(new.organization_id, new.holder); END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION departing_claim_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM check_appointment_claims(new.organization_id, new.appointment_id);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER appointment_claims AFTER INSERT OR UPDATE ON appointment DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION appointment_claims_agree();
CREATE CONSTRAINT TRIGGER claim_appointment AFTER INSERT OR DELETE OR UPDATE OF agenda_id, appointment_id, departing_id ON claim DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION claim_appointment_agrees();
CREATE CONSTRAINT TRIGGER remote_write_departing_claim AFTER INSERT OR UPDATE OF departing ON remote_write DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (new.departing IS NOT NULL) EXECUTE FUNCTION departing_claim_agrees();

-- A dead appointment never lives again: a late answer must not undo a cancel.
CREATE FUNCTION appointment_dead_stays_dead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a dead appointment stays dead' USING ERRCODE = '23514', CONSTRAINT = 'appointment_dead_stays_dead';
END $$;
CREATE TRIGGER appointment_revival BEFORE UPDATE OF status ON appointment FOR EACH ROW
  WHEN (NOT is_live(old.status) AND new.status <> old.status) EXECUTE FUNCTION appointment_dead_stays_dead();
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
