import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What of ours stands where a pull found time of the practitioner is looked up among ours alone, not among everything he
 * has; and no check of a reference that was planned while its table was empty reads the whole of it later.
 */
export class FirstReadsMeetOnlyOurs1763770061000 implements MigrationInterface {
  readonly name = 'FirstReadsMeetOnlyOurs1763770061000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
-- Stores what the practitioner's own objects are now, all at once: most meet nothing of ours and had no time before. The
-- rest is looked at one by one once these stand: what gives way may free what was contested until then, and must find them.
CREATE OR REPLACE FUNCTION see_foreign_objects(p_link link, p_agenda agenda, p_objects jsonb[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_ids uuid[]; v_busy jsonb[]; v_known uuid[]; v_held uuid[]; v_wanted uuid[]; v_times tstzrange[]; v_taken tstzmultirange; v_done uuid[]; v_one record;
BEGIN
  WITH object AS MATERIALIZED (SELECT DISTINCT ON (o->>'remoteId') o, o->>'remoteId' AS remote_id, gen_random_uuid() AS new_id FROM unnest(p_objects) WITH ORDINALITY AS e (o, n) ORDER BY o->>'remoteId', n DESC),
    seen AS (INSERT INTO mirror (organization_id, id, link_id, remote_id, version, content_hash, summary_hash, during, copy_of)
      SELECT p_link.organization_id, new_id, p_link.id, remote_id, o->>'version', o->>'contentHash', o->>'summary', range_of(o->'when'),
        substring(o->>'reference' FROM '^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9]{1,6}$')::uuid FROM object
      ON CONFLICT (organization_id, link_id, remote_id) DO UPDATE SET version = excluded.version, content_hash = excluded.content_hash, summary_hash = excluded.summary_hash,
        appointment_id = NULL, during = excluded.during, copy_of = excluded.copy_of, seen_at = now(), gone_at = NULL
      RETURNING id, mirror.remote_id, mirror.copy_of)
  SELECT array_agg(s.id), array_agg(object.o->'busy'), array_agg(s.id) FILTER (WHERE s.id <> object.new_id OR s.copy_of IS NOT NULL) INTO v_ids, v_busy, v_known
    FROM seen s JOIN object USING (remote_id);
  DELETE FROM quarantine WHERE organization_id = p_link.organization_id AND link_id = p_link.id AND remote_id IN (SELECT o->>'remoteId' FROM unnest(p_objects) o);
  -- Of these, what stands there already decides, or what they are a copy of.
  IF v_known IS NOT NULL THEN
    SELECT array_agg(DISTINCT m.id) INTO v_held FROM mirror m WHERE m.organization_id = p_agenda.organization_id AND m.id = ANY (v_known)
      AND (m.copy_of IS NOT NULL OR EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = m.organization_id AND c.holder = m.id));
  END IF;
  SELECT array_agg(w.id), array_agg(w.r) INTO v_wanted, v_times FROM (SELECT DISTINCT m.id, range_of(b) AS r FROM unnest(v_ids, v_busy) AS m (id, busy), jsonb_array_elements(m.busy) b
    WHERE m.id NOT IN (SELECT unnest(v_held))) w;
  SELECT range_agg(c.during) INTO v_taken FROM claim c, (SELECT min(lower(r)) AS first, max(upper(r)) AS last FROM unnest(v_times) r) span
    WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.during && tstzrange(span.first, span.last) AND span.first IS NOT NULL
      AND c.authority = 'hub' AND NOT c.overbooked AND NOT c.contested;
  WITH put AS (INSERT INTO claim (organization_id, agenda_id, seat, during, starts_at, ends_at, authority, holder, mirror_id)
      SELECT p_agenda.organization_id, p_agenda.id, s.seat, w.r, lower(w.r), upper(w.r), 'remote', w.id, w.id FROM unnest(v_wanted, v_times) AS w (id, r), agenda_seat s
      WHERE s.organization_id = p_agenda.organization_id AND s.agenda_id = p_agenda.id AND w.id NOT IN (SELECT t.id FROM unnest(v_wanted, v_times) AS t (id, r) WHERE t.r && v_taken)
      RETURNING holder)
  SELECT array_agg(DISTINCT holder) INTO v_done FROM put;
  FOR v_one IN SELECT m.id, m.busy FROM unnest(v_ids, v_busy) AS m (id, busy) WHERE m.id NOT IN (SELECT unnest(v_done))
      AND (m.busy <> '[]' OR m.id IN (SELECT unnest(v_held))) LOOP
    PERFORM claim_remote(p_agenda, v_one.id, v_one.busy);
  END LOOP;
END $$;

ALTER FUNCTION apply_sync(uuid, uuid, jsonb, jsonb, bigint) SET enable_seqscan = off;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
