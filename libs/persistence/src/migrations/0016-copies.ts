import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A copy of one of ours that comes back, reference and all, beside its original: made by somebody's tool that keeps one
 * agenda like another. It is no second event in the practitioner's way, so it opens no conflict with its original; its
 * claim waits outside the constraints, and takes the time as any other once the original has left it.
 */
export class Copies1763770012300 implements MigrationInterface {
  readonly name = 'Copies1763770012300';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
ALTER TABLE mirror ADD COLUMN copy_of uuid;
CREATE INDEX mirror_copy ON mirror (organization_id, copy_of) WHERE copy_of IS NOT NULL;

CREATE OR REPLACE FUNCTION claim_remote(p_agenda agenda, p_mirror uuid, p_busy jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_range tstzrange; v_copies tstzrange[]; v_free tstzrange[]; v_all tstzrange[]; v_copy boolean; v_gave_way boolean; v_changed boolean;
BEGIN
  SELECT coalesce(array_agg(DISTINCT range_of(b) ORDER BY range_of(b)), '{}') INTO v_all FROM jsonb_array_elements(p_busy) b;
  SELECT coalesce(array_agg(DISTINCT c.during ORDER BY c.during), '{}') IS DISTINCT FROM v_all INTO v_changed
    FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.holder = p_mirror;
  IF NOT v_changed THEN RETURN; END IF;
  DELETE FROM claim WHERE organization_id = p_agenda.organization_id AND holder = p_mirror;
  SELECT coalesce(array_agg(a.during), '{}') INTO v_copies FROM mirror m JOIN appointment a ON a.organization_id = m.organization_id AND a.id = m.copy_of
    WHERE m.organization_id = p_agenda.organization_id AND m.id = p_mirror AND a.agenda_id = p_agenda.id AND is_live(a.status);
  -- Most of what a practitioner notes meets nothing of ours. It stands before the rest is looked at one by one:
  -- what gives way there may free what was contested until then, and that must find these claims.
  SELECT coalesce(array_agg(r), '{}') INTO v_free FROM unnest(v_all) r WHERE r <> ALL (v_copies) AND NOT EXISTS (SELECT 1 FROM claim c
    WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.ends_at > lower(r) AND c.during && r AND c.authority = 'hub' AND NOT c.overbooked AND NOT c.contested);
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, mirror_id)
    SELECT p_agenda.organization_id, p_agenda.id, s.seat, r, 'remote', p_mirror, p_mirror FROM unnest(v_free) r, agenda_seat s
    WHERE s.organization_id = p_agenda.organization_id AND s.agenda_id = p_agenda.id;
  FOR v_range IN SELECT r FROM unnest(v_all) r WHERE r <> ALL (v_free) LOOP
    v_copy := v_range = ANY (v_copies);
    v_gave_way := v_copy OR give_way(p_agenda, v_range);
    IF v_copy THEN PERFORM set_config('app.decision', 'overbook', true); ELSIF NOT v_gave_way THEN PERFORM set_config('app.decision', 'contest', true); END IF;
    INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, mirror_id, contested, overbooked)
      SELECT p_agenda.organization_id, p_agenda.id, s.seat, v_range, 'remote', p_mirror, p_mirror, NOT v_gave_way, v_copy FROM agenda_seat s
      WHERE s.organization_id = p_agenda.organization_id AND s.agenda_id = p_agenda.id;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION see_object(p_link link, p_agenda agenda, p_object jsonb, p_appointment uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_mirror uuid; v_copy CONSTANT uuid := CASE WHEN p_appointment IS NULL THEN substring(p_object->>'reference' FROM '^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9]{1,6}$')::uuid END;
BEGIN
  IF p_appointment IS NOT NULL THEN
    UPDATE mirror SET gone_at = now() WHERE organization_id = p_link.organization_id AND link_id = p_link.id AND appointment_id = p_appointment
      AND remote_id <> p_object->>'remoteId' AND gone_at IS NULL;
  END IF;
  INSERT INTO mirror (organization_id, id, link_id, remote_id, version, content_hash, summary_hash, appointment_id, during, copy_of)
    VALUES (p_link.organization_id, gen_random_uuid(), p_link.id, p_object->>'remoteId', p_object->>'version', p_object->>'contentHash', p_object->>'summary', p_appointment,
      range_of(p_object->'when'), v_copy)
    ON CONFLICT (organization_id, link_id, remote_id) DO UPDATE SET version = excluded.version, content_hash = excluded.content_hash, summary_hash = excluded.summary_hash,
      appointment_id = excluded.appointment_id, during = excluded.during, copy_of = excluded.copy_of, seen_at = now(), gone_at = NULL
    RETURNING id INTO v_mirror;
  PERFORM claim_remote(p_agenda, v_mirror, CASE WHEN p_appointment IS NULL THEN p_object->'busy' ELSE '[]' END);
  DELETE FROM quarantine WHERE organization_id = p_link.organization_id AND link_id = p_link.id AND remote_id = p_object->>'remoteId';
END $$;

-- At the end of the transaction in which an appointment left a place: a copy that is alone there now takes the time.
CREATE FUNCTION copy_takes_its_time() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v claim; v_taken boolean; v_before CONSTANT text := current_setting('app.organization', true);
BEGIN
  IF v_before IS DISTINCT FROM old.organization_id::text THEN PERFORM set_config('app.organization', old.organization_id::text, true); END IF;
  FOR v IN SELECT c.* FROM mirror m JOIN claim c ON c.organization_id = m.organization_id AND c.holder = m.id
      WHERE m.organization_id = old.organization_id AND m.copy_of = old.holder AND c.overbooked
        AND NOT EXISTS (SELECT 1 FROM claim h WHERE h.organization_id = c.organization_id AND h.holder = m.copy_of AND h.during && c.during) LOOP
    v_taken := EXISTS (SELECT 1 FROM claim h WHERE h.organization_id = v.organization_id AND h.agenda_id = v.agenda_id AND h.seat = v.seat AND h.ends_at > lower(v.during) AND h.during && v.during
      AND h.authority = 'hub' AND NOT h.overbooked AND NOT h.contested);
    IF v_taken THEN PERFORM set_config('app.decision', 'contest', true); END IF;
    UPDATE claim SET overbooked = false, contested = v_taken WHERE organization_id = v.organization_id AND id = v.id;
  END LOOP;
  IF v_before IS DISTINCT FROM old.organization_id::text THEN PERFORM set_config('app.organization', coalesce(v_before, ''), true); END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER claim_copy AFTER DELETE ON claim DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (old.authority = 'hub') EXECUTE FUNCTION copy_takes_its_time();
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
