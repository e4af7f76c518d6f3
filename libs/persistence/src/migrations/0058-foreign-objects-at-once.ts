import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What a pull found of the practitioner's own is stored at once instead of object by object; and a claim of his is not
 * looked at for what only concerns ours, nor for bounds that it came with.
 */
export class ForeignObjectsAtOnce1763770058000 implements MigrationInterface {
  readonly name = 'ForeignObjectsAtOnce1763770058000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE OR REPLACE FUNCTION range_of(p_interval jsonb) RETURNS tstzrange LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_interval IS NULL OR p_interval = 'null' THEN NULL
    ELSE tstzrange(to_timestamp((p_interval->'start')::float8 / 1000), to_timestamp((p_interval->'end')::float8 / 1000)) END
$$;

DROP TRIGGER claim_bounds ON claim;
CREATE TRIGGER claim_bounds BEFORE INSERT OR UPDATE OF during ON claim FOR EACH ROW
  WHEN ((new.starts_at = lower(new.during) AND new.ends_at = upper(new.during)) IS NOT TRUE) EXECUTE FUNCTION occurrence_has_its_bounds();
DROP TRIGGER claim_appointment ON claim;
CREATE CONSTRAINT TRIGGER claim_appointment AFTER INSERT ON claim DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (new.appointment_id IS NOT NULL OR new.departing_id IS NOT NULL) EXECUTE FUNCTION claim_appointment_agrees();
CREATE CONSTRAINT TRIGGER claim_appointment_changed AFTER UPDATE OF agenda_id, appointment_id, departing_id ON claim DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION claim_appointment_agrees();
CREATE CONSTRAINT TRIGGER claim_appointment_gone AFTER DELETE ON claim DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (old.appointment_id IS NOT NULL OR old.departing_id IS NOT NULL) EXECUTE FUNCTION claim_appointment_agrees();

-- Stores what the practitioner's own objects are now, all at once: most meet nothing of ours and had no time before. The
-- rest is looked at one by one once these stand: what gives way may free what was contested until then, and must find them.
CREATE FUNCTION see_foreign_objects(p_link link, p_agenda agenda, p_objects jsonb[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_ids uuid[]; v_busy jsonb[]; v_copies boolean[]; v_done uuid[]; v_taken tstzmultirange; v_one record;
BEGIN
  WITH object AS MATERIALIZED (SELECT DISTINCT ON (o->>'remoteId') o, o->>'remoteId' AS remote_id FROM unnest(p_objects) WITH ORDINALITY AS e (o, n) ORDER BY o->>'remoteId', n DESC),
    seen AS (INSERT INTO mirror (organization_id, id, link_id, remote_id, version, content_hash, summary_hash, during, copy_of)
      SELECT p_link.organization_id, gen_random_uuid(), p_link.id, remote_id, o->>'version', o->>'contentHash', o->>'summary', range_of(o->'when'),
        substring(o->>'reference' FROM '^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9]{1,6}$')::uuid FROM object
      ON CONFLICT (organization_id, link_id, remote_id) DO UPDATE SET version = excluded.version, content_hash = excluded.content_hash, summary_hash = excluded.summary_hash,
        appointment_id = NULL, during = excluded.during, copy_of = excluded.copy_of, seen_at = now(), gone_at = NULL
      RETURNING id, mirror.remote_id, mirror.copy_of)
  SELECT array_agg(s.id), array_agg(object.o->'busy'), array_agg(s.copy_of IS NOT NULL) INTO v_ids, v_busy, v_copies FROM seen s JOIN object USING (remote_id);
  DELETE FROM quarantine WHERE organization_id = p_link.organization_id AND link_id = p_link.id AND remote_id IN (SELECT o->>'remoteId' FROM unnest(p_objects) o);
  SELECT range_agg(c.during) INTO v_taken FROM claim c, (SELECT min(lower(range_of(b))) AS first, max(upper(range_of(b))) AS last FROM unnest(v_busy) o, jsonb_array_elements(o) b) span
    WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.ends_at > span.first AND c.starts_at < span.last
      AND c.authority = 'hub' AND NOT c.overbooked AND NOT c.contested;
  WITH wanted AS MATERIALIZED (SELECT DISTINCT m.id, range_of(b) AS r FROM unnest(v_ids, v_busy, v_copies) AS m (id, busy, copy), jsonb_array_elements(m.busy) b
      WHERE NOT m.copy AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.holder = m.id)),
    put AS (INSERT INTO claim (organization_id, agenda_id, seat, during, starts_at, ends_at, authority, holder, mirror_id)
      SELECT p_agenda.organization_id, p_agenda.id, s.seat, w.r, lower(w.r), upper(w.r), 'remote', w.id, w.id FROM wanted w, agenda_seat s
      WHERE s.organization_id = p_agenda.organization_id AND s.agenda_id = p_agenda.id AND w.id NOT IN (SELECT t.id FROM wanted t WHERE t.r && v_taken)
      RETURNING holder)
  SELECT array_agg(DISTINCT holder) INTO v_done FROM put;
  FOR v_one IN SELECT m.id, m.busy FROM unnest(v_ids, v_busy) AS m (id, busy) WHERE m.id NOT IN (SELECT unnest(v_done))
      AND (m.busy <> '[]' OR EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.holder = m.id)) LOOP
    PERFORM claim_remote(p_agenda, v_one.id, v_one.busy);
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION apply_sync(p_organization uuid, p_link uuid, p_actions jsonb, p_end jsonb, p_fence bigint) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE v_link link; v_agenda agenda; v_action jsonb; v_foreign jsonb[]; v_braked CONSTANT boolean := coalesce((p_end->>'braked')::boolean, false);
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  PERFORM 1 FROM agenda_lane n JOIN link l ON l.organization_id = n.organization_id AND l.agenda_id = n.agenda_id
    WHERE n.organization_id = p_organization AND l.id = p_link AND n.fence = p_fence FOR SHARE OF n;
  IF NOT FOUND THEN RAISE EXCEPTION 'the lane of the agenda belongs to another process' USING ERRCODE = 'UK002'; END IF;
  SELECT * INTO v_link FROM link l WHERE l.organization_id = p_organization AND l.id = p_link;
  SELECT * INTO v_agenda FROM agenda a WHERE a.organization_id = p_organization AND a.id = v_link.agenda_id FOR UPDATE;
  FOR v_action IN SELECT x FROM jsonb_array_elements(p_actions) WITH ORDINALITY AS e (x, n)
      WHERE x->>'type' IN ('forget', 'follow-cancel') ORDER BY x->>'type' = 'follow-cancel', n LOOP
    PERFORM apply_action(v_link, v_agenda, v_action);
  END LOOP;
  SELECT array_agg(x->'object' ORDER BY n) INTO v_foreign FROM jsonb_array_elements(p_actions) WITH ORDINALITY AS e (x, n) WHERE x->>'type' = 'mirror' AND x->>'appointmentId' IS NULL;
  IF v_foreign IS NOT NULL THEN PERFORM see_foreign_objects(v_link, v_agenda, v_foreign); END IF;
  FOR v_action IN SELECT x FROM jsonb_array_elements(p_actions) WITH ORDINALITY AS e (x, n)
      WHERE x->>'type' NOT IN ('forget', 'follow-cancel') AND NOT (x->>'type' = 'mirror' AND x->>'appointmentId' IS NULL)
      ORDER BY x->>'type' <> 'mirror', n LOOP
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
