import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Beneath the code, what a person sees of his organization: the rows of the agendas that the transaction named, and all of
 * them when it named none. A grant that does not reach an agenda makes its rows not exist.
 */
export class VisibleAgendas1763770034000 implements MigrationInterface {
  readonly name = 'VisibleAgendas1763770034000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE FUNCTION visible_agendas() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT nullif(current_setting('app.agendas', true), '')::uuid[] $$;

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['appointment', 'series', 'conflict', 'callback_task', 'link', 'feed', 'disconnection', 'opening', 'closure', 'reserve',
    'substitution', 'agenda_motif', 'waiting_wish', 'waiting_offer'] LOOP
    EXECUTE format('CREATE POLICY %I ON %I AS RESTRICTIVE USING ((SELECT visible_agendas()) IS NULL OR agenda_id = ANY ((SELECT visible_agendas())::uuid[]))', t || '_visible', t);
  END LOOP;
END $$;
CREATE POLICY agenda_visible ON agenda AS RESTRICTIVE USING ((SELECT visible_agendas()) IS NULL OR id = ANY ((SELECT visible_agendas())::uuid[]));
-- Events about no agenda are for those who see all of them. Writing is not held back: what is done on one agenda may be told of another.
CREATE POLICY event_visible ON event AS RESTRICTIVE FOR SELECT USING ((SELECT visible_agendas()) IS NULL OR agenda_id = ANY ((SELECT visible_agendas())::uuid[]));
CREATE POLICY bulk_cancellation_visible ON bulk_cancellation AS RESTRICTIVE USING ((SELECT visible_agendas()) IS NULL OR agenda_ids <@ (SELECT visible_agendas())::uuid[]);
CREATE POLICY waiting_entry_visible ON waiting_entry AS RESTRICTIVE FOR SELECT USING ((SELECT visible_agendas()) IS NULL OR EXISTS (SELECT 1 FROM waiting_wish w
  WHERE w.organization_id = waiting_entry.organization_id AND w.entry_id = waiting_entry.id));
CREATE POLICY connection_visible ON connection AS RESTRICTIVE USING ((SELECT visible_agendas()) IS NULL OR EXISTS (SELECT 1 FROM link l
  WHERE l.organization_id = connection.organization_id AND l.connection_id = connection.id));
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
