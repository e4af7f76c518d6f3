import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Private addresses at which an agenda may be subscribed to. */
export class Feeds1763770011000 implements MigrationInterface {
  readonly name = 'Feeds1763770011000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE TABLE feed (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  label text NOT NULL,
  disclosure text NOT NULL,
  token_hash bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  fetched_at timestamptz,
  CONSTRAINT feed_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT feed_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id),
  CONSTRAINT feed_label_length CHECK (length(label) BETWEEN 1 AND 200),
  CONSTRAINT feed_disclosure_value CHECK (disclosure IN ('full', 'initials', 'busy')),
  CONSTRAINT feed_hash_length CHECK (octet_length(token_hash) = 32));
CREATE INDEX feed_agenda ON feed (organization_id, agenda_id);

ALTER TABLE feed ENABLE ROW LEVEL SECURITY;
ALTER TABLE feed FORCE ROW LEVEL SECURITY;
CREATE POLICY feed_tenant ON feed USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization());
GRANT SELECT, INSERT, UPDATE, DELETE ON feed TO unisson_app;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
