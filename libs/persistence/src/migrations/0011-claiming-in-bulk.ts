import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What a backend holds is claimed in time that grows with the change, not with the agenda: claims are found by their
 * holder, which is indexed, and what meets nothing of ours is stored at once.
 */
export class ClaimingInBulk1763770010500 implements MigrationInterface {
  readonly name = 'ClaimingInBulk1763770010500';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE OR REPLACE FUNCTION claim_remote(p_agenda agenda, p_mirror uuid, p_busy jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_range tstzrange; v_free tstzrange[]; v_all tstzrange[]; v_gave_way boolean; v_changed boolean;
BEGIN
  SELECT coalesce(array_agg(DISTINCT range_of(b) ORDER BY range_of(b)), '{}') INTO v_all FROM jsonb_array_elements(p_busy) b;
  SELECT coalesce(array_agg(DISTINCT c.during ORDER BY c.during), '{}') IS DISTINCT FROM v_all INTO v_changed
    FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.holder = p_mirror;
  IF NOT v_changed THEN RETURN; END IF;
  DELETE FROM claim WHERE organization_id = p_agenda.organization_id AND holder = p_mirror;
  -- Most of what a practitioner notes meets nothing of ours. It stands before the rest is looked at one by one:
  -- what gives way there may free what was contested until then, and that must find these claims.
  SELECT coalesce(array_agg(r), '{}') INTO v_free FROM unnest(v_all) r WHERE NOT EXISTS (SELECT 1 FROM claim c
    WHERE c.agenda_id = p_agenda.id AND c.during && r AND c.authority = 'hub' AND NOT c.overbooked AND NOT c.contested);
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, mirror_id)
    SELECT p_agenda.organization_id, p_agenda.id, s.seat, r, 'remote', p_mirror, p_mirror FROM unnest(v_free) r, agenda_seat s
    WHERE s.organization_id = p_agenda.organization_id AND s.agenda_id = p_agenda.id;
  FOR v_range IN SELECT r FROM unnest(v_all) r WHERE r <> ALL (v_free) LOOP
    v_gave_way := give_way(p_agenda, v_range);
    IF NOT v_gave_way THEN PERFORM set_config('app.decision', 'contest', true); END IF;
    INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, mirror_id, contested)
      SELECT p_agenda.organization_id, p_agenda.id, s.seat, v_range, 'remote', p_mirror, p_mirror, NOT v_gave_way FROM agenda_seat s
      WHERE s.organization_id = p_agenda.organization_id AND s.agenda_id = p_agenda.id;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION forget_object(p_link link, p_remote_id text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM claim WHERE organization_id = p_link.organization_id AND holder IN (SELECT m.id FROM mirror m
    WHERE m.organization_id = p_link.organization_id AND m.link_id = p_link.id AND m.remote_id = p_remote_id);
  UPDATE mirror SET gone_at = now() WHERE organization_id = p_link.organization_id AND link_id = p_link.id AND remote_id = p_remote_id;
  DELETE FROM quarantine WHERE organization_id = p_link.organization_id AND link_id = p_link.id AND remote_id = p_remote_id;
$$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
