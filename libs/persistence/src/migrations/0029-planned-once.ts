import type { MigrationInterface, QueryRunner } from 'typeorm';

const FUNCTIONS = `
-- Binds an answer to a key. NULL: it is kept; else the earlier answer, which stays.
-- A refusal does not wait for the disk: one that is lost with the machine is found anew by whoever asks again.
CREATE FUNCTION keep_answer(p_organization uuid, p_key text, p_hash bytea, p_resource uuid, p_status integer, p_body jsonb, OUT status integer, OUT body jsonb) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  IF p_status >= 300 THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
  INSERT INTO idempotency AS i (organization_id, key, request_hash, resource_id, response_status, response)
    VALUES (p_organization, p_key, p_hash, p_resource, p_status, p_body)
    ON CONFLICT (organization_id, key) DO UPDATE SET response_status = p_status, response = p_body WHERE i.response_status IS NULL;
  IF NOT FOUND THEN
    SELECT i.response_status, i.response INTO status, body FROM idempotency i WHERE i.organization_id = p_organization AND i.key = p_key;
  END IF;
END $$;
`;

const PLANNED_ONCE = `
DO $$ DECLARE v record; BEGIN
  FOR v IN SELECT p.oid::regprocedure AS signature FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace
    AND p.proname IN ('place_appointment', 'confirm_hold', 'move_appointment', 'reassign_appointment', 'cancel_appointment', 'end_appointment', 'booking_facts', 'keep_answer') LOOP
    EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = force_generic_plan', v.signature);
  END LOOP;
END $$;
`;

/** What everybody waits for is planned once per connection, not five times anew, and a refusal waits for no disk. */
export class PlannedOnce1763770029000 implements MigrationInterface {
  readonly name = 'PlannedOnce1763770029000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(FUNCTIONS);
    await runner.query(PLANNED_ONCE);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
