import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Row-level security beneath the code. The application's role sees the rows of the organization that its transaction
 * named, and none without. `unisson_dispatcher` sees which rows are due in any organization, and nothing of their content;
 * the application takes it on for one transaction at a time (`SET LOCAL ROLE`).
 */
export class Isolation1763770007000 implements MigrationInterface {
  readonly name = 'Isolation1763770007000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'unisson_dispatcher') THEN CREATE ROLE unisson_dispatcher NOLOGIN; END IF;
  -- NOINHERIT: being a member must not lend the dispatcher's policies to ordinary queries.
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'unisson_app') THEN CREATE ROLE unisson_app LOGIN NOINHERIT; END IF;
END $$;
GRANT unisson_dispatcher TO unisson_app;
GRANT USAGE ON SCHEMA public TO unisson_app, unisson_dispatcher;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO unisson_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO unisson_app;
REVOKE UPDATE, DELETE ON event FROM unisson_app;
REVOKE ALL ON migrations FROM unisson_app;

DO $$ DECLARE t text; BEGIN
  FOR t IN SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'organization_id' LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization())', t || '_tenant', t);
  END LOOP;
END $$;

GRANT SELECT (organization_id, appointment_id, agenda_id, state, due_at) ON remote_write TO unisson_dispatcher;
CREATE POLICY remote_write_dispatch ON remote_write FOR SELECT TO unisson_dispatcher USING (state = 'due');
GRANT SELECT (organization_id, id, agenda_id, status, poll_at, reconciled_at, subscription_until) ON link TO unisson_dispatcher;
CREATE POLICY link_dispatch ON link FOR SELECT TO unisson_dispatcher USING (true);
GRANT SELECT (organization_id, id, agenda_id, status, hold_until) ON appointment TO unisson_dispatcher;
CREATE POLICY appointment_dispatch ON appointment FOR SELECT TO unisson_dispatcher USING (status = 'held');
GRANT SELECT (organization_id, id, opened_until) ON agenda TO unisson_dispatcher;
CREATE POLICY agenda_dispatch ON agenda FOR SELECT TO unisson_dispatcher USING (true);
GRANT SELECT (organization_id) ON organization TO unisson_dispatcher;
CREATE POLICY organization_dispatch ON organization FOR SELECT TO unisson_dispatcher USING (true);
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
