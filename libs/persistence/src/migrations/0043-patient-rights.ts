import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Finding patients by telephone, and what they may ask for: their data, put right, or erased wherever it was copied. */
export class PatientRights1763770043000 implements MigrationInterface {
  readonly name = 'PatientRights1763770043000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(FINDING);
    await runner.query(RIGHTS);
    await runner.query(GRANTS);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}

const FINDING = `
-- A keyed hash of the telephone number. It comes before the envelope (6, then 32 bytes, zero for none), and is kept apart of it.
ALTER TABLE patient_identity ADD COLUMN phone_index bytea;
CREATE INDEX patient_identity_phone ON patient_identity (organization_id, phone_index) WHERE phone_index IS NOT NULL;
ALTER TABLE waiting_entry ADD COLUMN phone_index bytea;
CREATE INDEX waiting_entry_phone ON waiting_entry (organization_id, phone_index) WHERE phone_index IS NOT NULL;
CREATE FUNCTION phone_index_of(p_sealed bytea) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT nullif(substr(p_sealed, 2, 32), decode(repeat('00', 32), 'hex'))
$$;

-- The same as before, and: of what is sealed anew the index is kept, and a successor takes it along.
CREATE OR REPLACE FUNCTION patient_identity_key() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_before patient_identity;
BEGIN
  IF get_byte(new.sealed, 0) = 6 THEN
    new.phone_index := phone_index_of(new.sealed);
    new.sealed := substr(new.sealed, 34);
  ELSIF tg_op = 'INSERT' THEN
    SELECT i.* INTO v_before FROM appointment a JOIN patient_identity i ON i.organization_id = a.organization_id AND i.appointment_id = a.replaces
      WHERE a.organization_id = new.organization_id AND a.id = new.appointment_id AND i.sealed = new.sealed;
    new.phone_index := v_before.phone_index;
  END IF;
  new.sealed := keep_key_apart(new.organization_id, new.sealed);
  IF tg_op = 'UPDATE' THEN
    -- Nobody can say that it was sealed for another.
    new.sealed_for := CASE WHEN new.sealed = old.sealed THEN old.sealed_for ELSE new.appointment_id END;
  ELSE
    new.sealed_for := coalesce(v_before.sealed_for, new.appointment_id);
  END IF;
  new.key_id := key_id_of(new.sealed);
  IF new.key_id IS NULL THEN new.sealed_for := NULL; END IF;
  RETURN new;
END $$;
CREATE OR REPLACE FUNCTION waiting_entry_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF new.sealed IS NULL THEN
    new.phone_index := NULL;
  ELSIF get_byte(new.sealed, 0) = 6 THEN
    new.phone_index := phone_index_of(new.sealed);
    new.sealed := substr(new.sealed, 34);
  END IF;
  new.sealed := keep_key_apart(new.organization_id, new.sealed);
  new.key_id := key_id_of(new.sealed);
  RETURN new;
END $$;
`;

const RIGHTS = `
-- For how many days after the visit it is kept who it was for.
ALTER TABLE organization ADD COLUMN identity_days integer NOT NULL DEFAULT 30,
  ADD CONSTRAINT organization_identity_days CHECK (identity_days BETWEEN 1 AND 3650);
-- Whether free text about patients is kept.
ALTER TABLE organization ADD COLUMN patient_notes boolean NOT NULL DEFAULT false;

-- What was erased, in numbers: nothing here names anybody.
CREATE TABLE erasure (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  appointment_ids uuid[] NOT NULL,
  entry_ids uuid[] NOT NULL,
  quarantined integer NOT NULL,
  copies integer NOT NULL,
  actor jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT erasure_pk PRIMARY KEY (organization_id, id));

-- Copies of ours that have to say something else: former are digests of what they may say now.
CREATE TABLE text_due (
  organization_id uuid NOT NULL,
  appointment_id uuid NOT NULL,
  link_id uuid NOT NULL,
  erasure_id uuid,
  former text[] NOT NULL,
  refusals integer NOT NULL DEFAULT 0,
  CONSTRAINT text_due_pk PRIMARY KEY (organization_id, appointment_id),
  CONSTRAINT text_due_appointment_fk FOREIGN KEY (organization_id, appointment_id) REFERENCES appointment (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT text_due_link_fk FOREIGN KEY (organization_id, link_id) REFERENCES link (organization_id, id) ON DELETE CASCADE);
CREATE INDEX text_due_link ON text_due (organization_id, link_id);
CREATE INDEX text_due_erasure ON text_due (organization_id, erasure_id) WHERE erasure_id IS NOT NULL;
`;

const GRANTS = `
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['erasure', 'text_due'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization())', t || '_tenant', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO unisson_app', t);
  END LOOP;
END $$;
`;
