import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Consents that a person gives in a browser; subscriptions that have gone silent. */
export class ConsentAndSilence1763770020000 implements MigrationInterface {
  readonly name = 'ConsentAndSilence1763770020000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE TABLE consent (
  organization_id uuid NOT NULL,
  connection_id uuid NOT NULL,
  state_hash bytea NOT NULL,
  verifier_sealed bytea NOT NULL,
  actor jsonb NOT NULL,
  expires_at timestamptz NOT NULL,
  CONSTRAINT consent_pk PRIMARY KEY (organization_id, connection_id),
  CONSTRAINT consent_connection_fk FOREIGN KEY (organization_id, connection_id) REFERENCES connection (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT consent_hash_length CHECK (octet_length(state_hash) = 32));
ALTER TABLE consent ENABLE ROW LEVEL SECURITY;
ALTER TABLE consent FORCE ROW LEVEL SECURITY;
CREATE POLICY consent_tenant ON consent USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization());
GRANT SELECT, INSERT, UPDATE, DELETE ON consent TO unisson_app;

-- silent_reads: reads in a row, since the last push, that found what no push announced. silent_since: they were too many.
ALTER TABLE link ADD COLUMN subscribed_at timestamptz NOT NULL DEFAULT '-infinity', ADD COLUMN silent_reads integer NOT NULL DEFAULT 0,
  ADD COLUMN silent_since timestamptz;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
