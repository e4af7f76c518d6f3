import type { MigrationInterface, QueryRunner } from 'typeorm';

/** People who sign in at an OpenID provider, and the console's sessions; after the organizations' keys, which seal them. */
export class People1763770042500 implements MigrationInterface {
  readonly name = 'People1763770042500';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE TABLE identity_provider (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  label text NOT NULL,
  kind text NOT NULL DEFAULT 'oidc',
  issuer text NOT NULL,
  client_id text NOT NULL,
  client_secret_sealed bytea,
  audience text,
  key_version integer,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT identity_provider_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT identity_provider_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id),
  CONSTRAINT identity_provider_client UNIQUE (organization_id, issuer, client_id),
  CONSTRAINT identity_provider_label_length CHECK (length(label) BETWEEN 1 AND 200),
  CONSTRAINT identity_provider_kind_value CHECK (kind IN ('oidc', 'pro-sante-connect')),
  CONSTRAINT identity_provider_audience_own CHECK (audience <> client_id));

-- An ID token names the client, an access token the API: one is never taken for the other (identity_provider_audience_own).
CREATE TABLE identity (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  provider_id uuid NOT NULL,
  collaborator_id uuid NOT NULL,
  subject text,
  national_id text,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT identity_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT identity_provider_fk FOREIGN KEY (organization_id, provider_id) REFERENCES identity_provider (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT identity_collaborator_fk FOREIGN KEY (organization_id, collaborator_id) REFERENCES collaborator (organization_id, id),
  CONSTRAINT identity_subject UNIQUE (organization_id, provider_id, subject),
  CONSTRAINT identity_national_id UNIQUE (organization_id, provider_id, national_id),
  CONSTRAINT identity_known CHECK (subject IS NOT NULL OR national_id IS NOT NULL));

CREATE TABLE sign_in (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  provider_id uuid NOT NULL,
  state_hash bytea NOT NULL,
  browser_hash bytea NOT NULL,
  return_to text NOT NULL,
  expires_at timestamptz NOT NULL,
  CONSTRAINT sign_in_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT sign_in_provider_fk FOREIGN KEY (organization_id, provider_id) REFERENCES identity_provider (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT sign_in_hash_length CHECK (octet_length(state_hash) = 32 AND octet_length(browser_hash) = 32));
CREATE INDEX sign_in_expires ON sign_in (organization_id, expires_at);

CREATE TABLE session (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_id uuid NOT NULL,
  secret_hash bytea NOT NULL,
  id_token_sealed bytea NOT NULL,
  browser text,
  created_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  key_version integer,
  CONSTRAINT session_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT session_identity_fk FOREIGN KEY (organization_id, identity_id) REFERENCES identity (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT session_hash_length CHECK (octet_length(secret_hash) = 32));
CREATE INDEX session_identity ON session (organization_id, identity_id);
CREATE INDEX session_expires ON session (organization_id, expires_at);

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['identity_provider', 'identity', 'sign_in', 'session'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization())', t || '_tenant', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO unisson_app', t);
  END LOOP;
END $$;
CREATE TRIGGER identity_provider_key_version BEFORE INSERT OR UPDATE OF client_secret_sealed ON identity_provider
  FOR EACH ROW EXECUTE FUNCTION note_key_version('client_secret_sealed');
CREATE TRIGGER session_key_version BEFORE INSERT OR UPDATE OF id_token_sealed ON session
  FOR EACH ROW EXECUTE FUNCTION note_key_version('id_token_sealed');
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
