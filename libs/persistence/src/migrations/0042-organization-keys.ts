import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Keys of each organization, wrapped by a key outside the database, and of each patient's record, wrapped by the
 * organization's. A record's key stands apart from what it opens, so that backups can leave the one out.
 */
export class OrganizationKeys1763770042000 implements MigrationInterface {
  readonly name = 'OrganizationKeys1763770042000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(VERSIONS);
    await runner.query(PATIENTS);
    await runner.query(GRANTS);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}

const TABLES = `
-- Version 0 makes fingerprints and stays; the others encrypt, the highest that is not retired.
CREATE TABLE organization_key (
  organization_id uuid NOT NULL,
  version integer NOT NULL,
  wrapped bytea NOT NULL,
  wrapped_by text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz,
  CONSTRAINT organization_key_pk PRIMARY KEY (organization_id, version),
  CONSTRAINT organization_key_version CHECK (version >= 0 AND (version > 0 OR retired_at IS NULL)));

-- Without its row here a record cannot be opened, wherever a copy of it is.
CREATE TABLE patient_key (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  wrapped bytea NOT NULL,
  key_version integer,
  CONSTRAINT patient_key_pk PRIMARY KEY (organization_id, id));
CREATE INDEX patient_key_version ON patient_key (organization_id, key_version);

CREATE TABLE key_rotation (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  to_version integer NOT NULL,
  state text NOT NULL DEFAULT 'running',
  total integer NOT NULL,
  done integer NOT NULL DEFAULT 0,
  due_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  CONSTRAINT key_rotation_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT key_rotation_state_value CHECK (state IN ('running', 'done')),
  CONSTRAINT key_rotation_ended CHECK ((state = 'done') = (ended_at IS NOT NULL)));
CREATE UNIQUE INDEX key_rotation_one ON key_rotation (organization_id) WHERE state = 'running';
CREATE INDEX key_rotation_due ON key_rotation (due_at) WHERE state = 'running';
`;

const VERSIONS = `
-- The organization's key that an envelope of format 2 names; NULL for what is sealed otherwise.
CREATE FUNCTION key_version_of(p_sealed bytea) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN octet_length(p_sealed) > 5 AND get_byte(p_sealed, 0) = 2
    THEN (get_byte(p_sealed, 1) << 24) + (get_byte(p_sealed, 2) << 16) + (get_byte(p_sealed, 3) << 8) + get_byte(p_sealed, 4) END
$$;
-- A process that was stopped for long must not seal anything with a key that is about to be destroyed.
CREATE FUNCTION note_key_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  new.key_version := key_version_of((to_jsonb(new)->>tg_argv[0])::bytea);
  IF new.key_version IS NOT NULL AND NOT EXISTS (SELECT 1 FROM organization_key k
      WHERE k.organization_id = new.organization_id AND k.version = new.key_version AND k.retired_at IS NULL) THEN
    RAISE EXCEPTION 'sealed with a key that is retired' USING ERRCODE = 'UK004';
  END IF;
  RETURN new;
END $$;
DO $$ DECLARE t text[]; BEGIN
  FOREACH t SLICE 1 IN ARRAY ARRAY[['connection', 'secrets_sealed'], ['push_secret', 'sealed'], ['quarantine', 'raw_sealed'], ['consent', 'verifier_sealed']] LOOP
    EXECUTE format('ALTER TABLE %I ADD COLUMN key_version integer', t[1]);
  END LOOP;
  FOREACH t SLICE 1 IN ARRAY ARRAY[['connection', 'secrets_sealed'], ['push_secret', 'sealed'], ['quarantine', 'raw_sealed'], ['consent', 'verifier_sealed'], ['patient_key', 'wrapped']] LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OF %I ON %I FOR EACH ROW EXECUTE FUNCTION note_key_version(%L)', t[1] || '_key_version', t[2], t[1], t[2]);
  END LOOP;
END $$;
`;

const PATIENTS = `
-- key_id: the record's own key. sealed_for: the row for which it was sealed; a successor takes its predecessor's along.
ALTER TABLE patient_identity ADD COLUMN key_id uuid, ADD COLUMN sealed_for uuid;
CREATE INDEX patient_identity_key ON patient_identity (organization_id, key_id);
ALTER TABLE waiting_entry ADD COLUMN key_id uuid;
CREATE INDEX waiting_entry_key ON waiting_entry (organization_id, key_id);

-- Of an envelope of format 3 (3, the wrapped key (65 bytes), then 4, the key's id (16 bytes), what it opens) the first part
-- goes to patient_key, the second stays.
CREATE FUNCTION keep_key_apart(p_organization uuid, p_sealed bytea) RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
  IF p_sealed IS NULL OR get_byte(p_sealed, 0) <> 3 THEN RETURN p_sealed; END IF;
  INSERT INTO patient_key (organization_id, id, wrapped) VALUES (p_organization, encode(substr(p_sealed, 68, 16), 'hex')::uuid, substr(p_sealed, 2, 65));
  RETURN substr(p_sealed, 67);
END $$;
CREATE FUNCTION key_id_of(p_sealed bytea) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN octet_length(p_sealed) > 17 AND get_byte(p_sealed, 0) = 4 THEN encode(substr(p_sealed, 2, 16), 'hex')::uuid END
$$;
CREATE FUNCTION patient_identity_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  new.sealed := keep_key_apart(new.organization_id, new.sealed);
  IF tg_op = 'UPDATE' THEN
    -- Nobody can say that it was sealed for another.
    new.sealed_for := CASE WHEN new.sealed = old.sealed THEN old.sealed_for ELSE new.appointment_id END;
  ELSE
    new.sealed_for := coalesce((SELECT i.sealed_for FROM appointment a JOIN patient_identity i ON i.organization_id = a.organization_id AND i.appointment_id = a.replaces
      WHERE a.organization_id = new.organization_id AND a.id = new.appointment_id AND i.sealed = new.sealed), new.appointment_id);
  END IF;
  new.key_id := key_id_of(new.sealed);
  IF new.key_id IS NULL THEN new.sealed_for := NULL; END IF;
  RETURN new;
END $$;
CREATE TRIGGER patient_identity_key BEFORE INSERT OR UPDATE ON patient_identity FOR EACH ROW EXECUTE FUNCTION patient_identity_key();
CREATE FUNCTION waiting_entry_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  new.sealed := keep_key_apart(new.organization_id, new.sealed);
  new.key_id := key_id_of(new.sealed);
  RETURN new;
END $$;
CREATE TRIGGER waiting_entry_key BEFORE INSERT OR UPDATE OF sealed, key_id ON waiting_entry FOR EACH ROW EXECUTE FUNCTION waiting_entry_key();

-- A key that opens nothing any more goes.
CREATE FUNCTION patient_key_unused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF tg_op = 'UPDATE' THEN
    IF new.key_id IS NOT DISTINCT FROM old.key_id THEN RETURN NULL; END IF;
  END IF;
  DELETE FROM patient_key k WHERE k.organization_id = old.organization_id AND k.id = old.key_id
    AND NOT EXISTS (SELECT 1 FROM patient_identity i WHERE i.organization_id = k.organization_id AND i.key_id = k.id)
    AND NOT EXISTS (SELECT 1 FROM waiting_entry e WHERE e.organization_id = k.organization_id AND e.key_id = k.id);
  RETURN NULL;
END $$;
CREATE TRIGGER patient_identity_key_unused AFTER DELETE OR UPDATE ON patient_identity FOR EACH ROW WHEN (old.key_id IS NOT NULL) EXECUTE FUNCTION patient_key_unused();
CREATE TRIGGER waiting_entry_key_unused AFTER DELETE OR UPDATE OF sealed ON waiting_entry FOR EACH ROW WHEN (old.key_id IS NOT NULL) EXECUTE FUNCTION patient_key_unused();

-- What only writes a patient anew (other keys, a name put right) books nobody.
DROP TRIGGER patient_identity_waiting ON patient_identity;
CREATE TRIGGER patient_identity_waiting AFTER INSERT OR UPDATE ON patient_identity FOR EACH ROW
  WHEN (coalesce(current_setting('app.rewriting', true), '') <> 'on') EXECUTE FUNCTION waiting_patient_is_booked();
`;

const GRANTS = `
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['organization_key', 'patient_key', 'key_rotation'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization())', t || '_tenant', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO unisson_app', t);
  END LOOP;
END $$;
GRANT SELECT (organization_id, state, due_at) ON key_rotation TO unisson_dispatcher;
CREATE POLICY key_rotation_dispatch ON key_rotation FOR SELECT TO unisson_dispatcher USING (state = 'running');
`;
