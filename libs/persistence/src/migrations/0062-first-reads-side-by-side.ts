import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Parts of a first read are taken in side by side where nothing of ours stands: none of them can meet what another one
 * changes. And what a part holds is taken apart once, before its agenda is locked.
 */
export class FirstReadsSideBySide1763770062000 implements MigrationInterface {
  readonly name = 'FirstReadsSideBySide1763770062000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
-- Whether anything of ours takes time of an agenda.
CREATE FUNCTION has_our_time(p_organization uuid, p_agenda uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = p_organization AND c.agenda_id = p_agenda AND c.authority = 'hub' AND NOT c.overbooked AND NOT c.contested)
    OR EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = p_organization AND c.agenda_id = p_agenda AND (c.overbooked OR c.contested))
$$;

-- Locks an agenda for what a pull found. Shared where it found only the practitioner's own and nothing of ours stands: who books
-- waits all the same. Whether that is so is looked at before, so that nobody who will need it alone holds a share meanwhile,
-- and again under the lock; a share is given back by undoing the block, since two that both want more would wait for each other.
CREATE FUNCTION lock_for_sync(p_organization uuid, p_agenda uuid, p_is_foreign boolean) RETURNS agenda LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda;
BEGIN
  IF p_is_foreign AND NOT has_our_time(p_organization, p_agenda) THEN
    BEGIN
      SELECT * INTO v_agenda FROM agenda a WHERE a.organization_id = p_organization AND a.id = p_agenda FOR SHARE;
      IF has_our_time(p_organization, p_agenda) THEN RAISE EXCEPTION 'something was booked meanwhile' USING ERRCODE = 'UK005'; END IF;
      RETURN v_agenda;
    EXCEPTION WHEN SQLSTATE 'UK005' THEN NULL;
    END;
  END IF;
  SELECT * INTO v_agenda FROM agenda a WHERE a.organization_id = p_organization AND a.id = p_agenda FOR UPDATE;
  RETURN v_agenda;
END $$;

CREATE OR REPLACE FUNCTION apply_sync(p_organization uuid, p_link uuid, p_actions jsonb, p_end jsonb, p_fence bigint) RETURNS integer LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE v_link link; v_agenda agenda; v_action jsonb; v_foreign jsonb[]; v_others jsonb[]; v_braked CONSTANT boolean := coalesce((p_end->>'braked')::boolean, false);
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  SELECT array_agg(x->'object' ORDER BY n) FILTER (WHERE is_foreign), array_agg(x ORDER BY n) FILTER (WHERE NOT is_foreign) INTO v_foreign, v_others
    FROM (SELECT x, n, x->>'type' = 'mirror' AND x->>'appointmentId' IS NULL AS is_foreign FROM jsonb_array_elements(p_actions) WITH ORDINALITY AS e (x, n)) action;
  PERFORM 1 FROM agenda_lane n JOIN link l ON l.organization_id = n.organization_id AND l.agenda_id = n.agenda_id
    WHERE n.organization_id = p_organization AND l.id = p_link AND n.fence = p_fence FOR SHARE OF n;
  IF NOT FOUND THEN RAISE EXCEPTION 'the lane of the agenda belongs to another process' USING ERRCODE = 'UK002'; END IF;
  SELECT * INTO v_link FROM link l WHERE l.organization_id = p_organization AND l.id = p_link;
  v_agenda := lock_for_sync(p_organization, v_link.agenda_id, v_others IS NULL AND p_end IS NULL);
  FOR v_action IN SELECT x FROM unnest(v_others) WITH ORDINALITY AS e (x, n) WHERE x->>'type' IN ('forget', 'follow-cancel') ORDER BY x->>'type' = 'follow-cancel', n LOOP
    PERFORM apply_action(v_link, v_agenda, v_action);
  END LOOP;
  IF v_foreign IS NOT NULL THEN PERFORM see_foreign_objects(v_link, v_agenda, v_foreign); END IF;
  FOR v_action IN SELECT x FROM unnest(v_others) WITH ORDINALITY AS e (x, n) WHERE x->>'type' NOT IN ('forget', 'follow-cancel') ORDER BY x->>'type' <> 'mirror', n LOOP
    PERFORM apply_action(v_link, v_agenda, v_action);
  END LOOP;
  PERFORM recheck_contests(v_agenda);
  IF p_end IS NOT NULL THEN
    IF v_link.read_failures > 0 OR v_link.status <> 'active' THEN
      PERFORM append_event('link-recovered', v_link.agenda_id, p_link, '{"kind":"system"}', '{}');
    END IF;
    UPDATE link SET cursor = CASE WHEN v_braked THEN link.cursor ELSE p_end->>'cursor' END, as_of = (p_end->>'asOf')::timestamptz, status = 'active', read_failures = 0, last_error = NULL,
      brake = CASE WHEN v_braked THEN link.brake END,
      reconciled_at = CASE WHEN (p_end->>'full')::boolean AND NOT v_braked THEN (p_end->>'asOf')::timestamptz ELSE reconciled_at END,
      poll_at = clock_timestamp() + (p_end->>'nextPollMs')::integer * interval '1 millisecond'
      WHERE organization_id = p_organization AND id = p_link;
  END IF;
  RETURN (SELECT count(*) FROM remote_write w WHERE w.organization_id = p_organization AND w.agenda_id = v_agenda.id AND w.state = 'due');
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
