import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Exports wait for a second person; owners of agendas are told of them, and of who signs in as whom. */
export class Exports1763770055000 implements MigrationInterface {
  readonly name = 'Exports1763770055000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE TABLE export_request (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  kind text NOT NULL,
  -- What is to be given out, by ids and instants: nothing of a patient.
  wanted jsonb NOT NULL,
  state text NOT NULL DEFAULT 'asked',
  asked_by uuid NOT NULL,
  -- NULL once it is decided: the operator of the hub.
  decided_by uuid,
  decided_at timestamptz,
  reason text,
  fetched integer NOT NULL DEFAULT 0,
  expires_at timestamptz NOT NULL,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT export_request_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT export_request_asked_by_fk FOREIGN KEY (organization_id, asked_by) REFERENCES collaborator (organization_id, id),
  CONSTRAINT export_request_decided_by_fk FOREIGN KEY (organization_id, decided_by) REFERENCES collaborator (organization_id, id),
  CONSTRAINT export_request_kind_value CHECK (kind IN ('audit', 'patient')),
  CONSTRAINT export_request_state_value CHECK (state IN ('asked', 'approved', 'refused', 'expired', 'fetched')),
  CONSTRAINT export_request_second_person CHECK (decided_by <> asked_by),
  CONSTRAINT export_request_decided CHECK (state = 'expired' OR (state = 'asked') = (decided_at IS NULL)),
  CONSTRAINT export_request_reason CHECK ((state = 'refused') = (reason IS NOT NULL)),
  CONSTRAINT export_request_fetched CHECK (fetched BETWEEN 0 AND 3 AND (fetched = 0 OR state IN ('approved', 'fetched'))));
CREATE INDEX export_request_due ON export_request (expires_at) WHERE state IN ('asked', 'approved');

ALTER TABLE export_request ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_request FORCE ROW LEVEL SECURITY;
CREATE POLICY export_request_tenant ON export_request USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization());
-- What was approved stays what was asked for, and by whom; none disappears.
REVOKE UPDATE, DELETE ON export_request FROM unisson_app;
GRANT SELECT, INSERT ON export_request TO unisson_app;
GRANT UPDATE (state, decided_by, decided_at, reason, fetched, expires_at, version) ON export_request TO unisson_app;
GRANT SELECT (organization_id, state, expires_at) ON export_request TO unisson_dispatcher;
CREATE POLICY export_request_dispatch ON export_request FOR SELECT TO unisson_dispatcher USING (state IN ('asked', 'approved'));

ALTER TABLE grant_notice ALTER COLUMN grant_id DROP NOT NULL,
  ADD COLUMN export_id uuid,
  ADD COLUMN identity_id uuid,
  ADD CONSTRAINT grant_notice_export_fk FOREIGN KEY (organization_id, export_id) REFERENCES export_request (organization_id, id),
  ADD CONSTRAINT grant_notice_about CHECK (num_nonnulls(grant_id, export_id, identity_id) = 1);
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
