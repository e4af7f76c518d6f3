import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Short-lived tokens of applications, and failures at signing in, counted where every process sees them. */
export class Credentials1763770038000 implements MigrationInterface {
  readonly name = 'Credentials1763770038000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE TABLE access_token (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  api_key_id uuid NOT NULL,
  secret_hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  CONSTRAINT access_token_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT access_token_key_fk FOREIGN KEY (organization_id, api_key_id) REFERENCES api_key (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT access_token_hash_length CHECK (octet_length(secret_hash) = 32));
CREATE INDEX access_token_key ON access_token (organization_id, api_key_id, expires_at);

-- Both tables belong to no organization (the nil UUID): an address tries keys of several, and of some that do not exist.
-- Credentials and addresses are keyed hashes.
CREATE TABLE failed_attempt (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  credential bytea NOT NULL,
  address bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT failed_attempt_pk PRIMARY KEY (organization_id, id));
CREATE INDEX failed_attempt_credential ON failed_attempt (organization_id, credential, at);
CREATE INDEX failed_attempt_address ON failed_attempt (organization_id, address, at);
CREATE INDEX failed_attempt_at ON failed_attempt (organization_id, at);

CREATE TABLE seen_credential (
  organization_id uuid NOT NULL,
  credential bytea NOT NULL,
  address bytea NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT seen_credential_pk PRIMARY KEY (organization_id, credential, address));

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['access_token', 'failed_attempt', 'seen_credential'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization())', t || '_tenant', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO unisson_app', t);
  END LOOP;
END $$;

-- Milliseconds until another failure is evaluated, 0 = now: at most p_limit in any minute, by credential and by address.
CREATE FUNCTION attempts_wait(p_credential bytea, p_address bytea, p_limit integer) RETURNS float8 LANGUAGE sql VOLATILE AS $$
  SELECT coalesce(max(extract(epoch FROM oldest.at + interval '1 minute' - clock_timestamp()) * 1000), 0)::float8 FROM (
    (SELECT at FROM failed_attempt WHERE organization_id = current_organization() AND credential = p_credential
       AND at > clock_timestamp() - interval '1 minute' ORDER BY at DESC OFFSET p_limit - 1 LIMIT 1)
    UNION ALL
    (SELECT at FROM failed_attempt WHERE organization_id = current_organization() AND address = p_address
       AND at > clock_timestamp() - interval '1 minute' ORDER BY at DESC OFFSET p_limit - 1 LIMIT 1)) oldest
$$;

-- A wrong secret. wait > 0: not evaluated, come back then. locked: this one was the last that is evaluated.
CREATE FUNCTION record_failure(p_credential bytea, p_address bytea, p_limit integer, OUT wait float8, OUT locked boolean)
LANGUAGE plpgsql AS $$
DECLARE v_one CONSTANT bigint := ('x' || encode(substr(p_credential, 1, 8), 'hex'))::bit(64)::bigint;
  v_other CONSTANT bigint := ('x' || encode(substr(p_address, 1, 8), 'hex'))::bit(64)::bigint;
BEGIN
  locked := false;
  wait := attempts_wait(p_credential, p_address, p_limit);
  IF wait > 0 THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(least(v_one, v_other));
  PERFORM pg_advisory_xact_lock(greatest(v_one, v_other));
  wait := attempts_wait(p_credential, p_address, p_limit);
  IF wait > 0 THEN RETURN; END IF;
  INSERT INTO failed_attempt (organization_id, id, credential, address) VALUES (current_organization(), gen_random_uuid(), p_credential, p_address);
  locked := attempts_wait(p_credential, p_address, p_limit) > 0;
  DELETE FROM failed_attempt WHERE organization_id = current_organization() AND at < clock_timestamp() - interval '1 minute';
END $$;

-- A right secret. One that was right from this address before goes on while others guess: nobody locks it out from elsewhere.
CREATE FUNCTION record_success(p_credential bytea, p_address bytea, p_limit integer, OUT wait float8) LANGUAGE plpgsql AS $$
DECLARE v_seen timestamptz;
BEGIN
  SELECT seen_at INTO v_seen FROM seen_credential
    WHERE organization_id = current_organization() AND credential = p_credential AND address = p_address;
  wait := CASE WHEN v_seen > now() - interval '30 days' THEN 0 ELSE attempts_wait(p_credential, p_address, p_limit) END;
  IF wait > 0 THEN RETURN; END IF;
  IF v_seen IS NULL OR v_seen < now() - interval '1 day' THEN
    INSERT INTO seen_credential (organization_id, credential, address) VALUES (current_organization(), p_credential, p_address)
      ON CONFLICT (organization_id, credential, address) DO UPDATE SET seen_at = now();
    DELETE FROM seen_credential WHERE organization_id = current_organization() AND credential = p_credential AND seen_at < now() - interval '30 days';
  END IF;
  DELETE FROM failed_attempt WHERE organization_id = current_organization() AND credential = p_credential AND address = p_address;
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
