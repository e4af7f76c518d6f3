import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What a linked backend lets be booked, beside the practitioner's rules. Hours it keeps closed become closures with the
 * source "backend"; for whom it lets be booked goes along with each motif's rules, so that search and booking judge by both.
 */
export class BackendRules1763770030000 implements MigrationInterface {
  readonly name = 'BackendRules1763770030000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
-- backend_openings: hours that may be booked there, as far as it was asked and beyond; NULL when it does not say.
ALTER TABLE link ADD COLUMN rules_read_at timestamptz NOT NULL DEFAULT '-infinity', ADD COLUMN backend_openings tstzmultirange;

-- The hours that are open here and not there become closures; true when that changes any. Only under the agenda's lock.
CREATE FUNCTION close_backend_hours(p_organization uuid, p_agenda uuid, p_openings tstzmultirange) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_closed tstzmultirange := '{}'; v_gone integer; v_new integer;
BEGIN
  IF p_openings IS NOT NULL THEN
    v_closed := coalesce((SELECT range_agg(o.during) FROM opening_occurrence o WHERE o.organization_id = p_organization AND o.agenda_id = p_agenda AND o.ends_at > now()), '{}') - p_openings;
  END IF;
  DELETE FROM closure c WHERE c.organization_id = p_organization AND c.agenda_id = p_agenda AND c.source = 'backend' AND NOT EXISTS (SELECT 1 FROM unnest(v_closed) r WHERE r = c.during);
  GET DIAGNOSTICS v_gone = ROW_COUNT;
  INSERT INTO closure (organization_id, id, agenda_id, during, label, source)
    SELECT p_organization, gen_random_uuid(), p_agenda, r, 'Fermé dans l’outil du praticien', 'backend' FROM unnest(v_closed) r
    WHERE NOT EXISTS (SELECT 1 FROM closure c WHERE c.organization_id = p_organization AND c.agenda_id = p_agenda AND c.source = 'backend' AND c.during = r);
  GET DIAGNOSTICS v_new = ROW_COUNT;
  RETURN v_gone + v_new > 0;
END $$;

-- Puts what a backend lets be booked in the place of what it said before; true when that differs.
CREATE FUNCTION put_backend_rules(p_link uuid, p_restrictions jsonb, p_openings tstzmultirange) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v_changed boolean;
BEGIN
  SELECT a.* INTO v_agenda FROM agenda a JOIN link l ON l.organization_id = a.organization_id AND l.agenda_id = a.id
    WHERE l.organization_id = current_organization() AND l.id = p_link FOR UPDATE OF a;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE link SET rules_read_at = clock_timestamp(), backend_openings = p_openings WHERE organization_id = v_agenda.organization_id AND id = p_link;
  v_changed := close_backend_hours(v_agenda.organization_id, v_agenda.id, p_openings);
  IF v_agenda.backend_rules IS NOT DISTINCT FROM p_restrictions THEN RETURN v_changed; END IF;
  UPDATE agenda a SET backend_rules = p_restrictions, ruled = rules_of_agenda(a.organization_id, a.id, p_restrictions) WHERE a.organization_id = v_agenda.organization_id AND a.id = v_agenda.id;
  RETURN true;
END $$;

-- New hours of the hub are held against those that the backend told last.
CREATE FUNCTION new_hours_meet_backend() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM close_backend_hours(l.organization_id, l.agenda_id, l.backend_openings) FROM link l
    WHERE (l.organization_id, l.agenda_id) IN (SELECT x.organization_id, x.agenda_id FROM changed x) AND l.backend_openings IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER opening_occurrence_backend AFTER INSERT ON opening_occurrence REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION new_hours_meet_backend();

-- What a backend says ends with its link.
CREATE FUNCTION backend_rules_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM closure c WHERE c.organization_id = old.organization_id AND c.agenda_id = old.agenda_id AND c.source = 'backend';
  UPDATE agenda a SET backend_rules = NULL, ruled = rules_of_agenda(a.organization_id, a.id, NULL) WHERE a.organization_id = old.organization_id AND a.id = old.agenda_id AND a.backend_rules IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER link_backend_rules AFTER DELETE ON link FOR EACH ROW EXECUTE FUNCTION backend_rules_end();
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
