import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who there is: organizations, the people acting in them, the keys of their applications, idempotency, events. */
export class Tenancy1763770001000 implements MigrationInterface {
  readonly name = 'Tenancy1763770001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- The organization of the running transaction; NULL (hence no row at all) when none was set.
-- nullif: after a transaction that set it, the setting reads '' instead of NULL.
CREATE FUNCTION current_organization() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT nullif(current_setting('app.organization', true), '')::uuid $$;

CREATE TABLE organization (
  organization_id uuid NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT organization_pk PRIMARY KEY (organization_id),
  CONSTRAINT organization_name_length CHECK (length(name) BETWEEN 1 AND 200));

CREATE TABLE collaborator (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  display_name text NOT NULL,
  active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT collaborator_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT collaborator_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id));

CREATE TABLE api_key (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  label text NOT NULL,
  secret_hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  CONSTRAINT api_key_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT api_key_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id),
  CONSTRAINT api_key_hash_length CHECK (octet_length(secret_hash) = 32));

CREATE TABLE idempotency (
  organization_id uuid NOT NULL,
  key text NOT NULL,
  request_hash bytea NOT NULL,
  resource_id uuid,
  response_status integer,
  response jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT idempotency_pk PRIMARY KEY (organization_id, key),
  CONSTRAINT idempotency_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id),
  CONSTRAINT idempotency_key_length CHECK (length(key) BETWEEN 1 AND 255));
CREATE INDEX idempotency_created_at ON idempotency (created_at);

CREATE TABLE event (
  organization_id uuid NOT NULL,
  transaction_id bigint NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  type text NOT NULL,
  agenda_id uuid,
  subject_id uuid,
  actor jsonb NOT NULL,
  data jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT event_pk PRIMARY KEY (organization_id, transaction_id, id),
  CONSTRAINT event_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id));
CREATE INDEX event_subject ON event (organization_id, subject_id);

-- An identity column alone gives no order of commit: a reader could pass over a row that commits later. Readers
-- follow (transaction_id, id) and stop below the oldest running transaction (event_horizon).
CREATE FUNCTION append_event(p_type text, p_agenda uuid, p_subject uuid, p_actor jsonb, p_data jsonb) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO event (organization_id, transaction_id, type, agenda_id, subject_id, actor, data)
  VALUES (current_organization(), pg_current_xact_id()::text::bigint, p_type, p_agenda, p_subject, p_actor, p_data)
$$;
CREATE FUNCTION event_horizon() RETURNS bigint LANGUAGE sql STABLE AS
  $$ SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint $$;

-- Looks a key up in one round trip; the caller compares the hash in constant time.
CREATE FUNCTION find_api_key(p_organization uuid, p_id uuid)
RETURNS TABLE (secret_hash bytea, scopes text[], revoked boolean) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  RETURN QUERY SELECT k.secret_hash, k.scopes, k.revoked_at IS NOT NULL FROM api_key k
    WHERE k.organization_id = p_organization AND k.id = p_id;
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
