import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What a linked backend lets be booked, beside the practitioner's rules. Hours it keeps closed become closures with the
 * source "backend"; for whom it lets be booked goes along with each motif's rules, so that search and booking judge by both.
 */
export class BackendRules1763770030000 implements MigrationInterface {
  readonly name = 'BackendRules1763770030000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
ALTER TABLE link ADD COLUMN rules_read_at timestamptz NOT NULL DEFAULT '-infinity';

-- Puts what a backend lets be booked in the place of what it said before; true when that differs. p_openings: NULL when it does not say.
CREATE FUNCTION put_backend_rules(p_link uuid, p_restrictions jsonb, p_openings tstzmultirange) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_link link; v_agenda agenda; v_closed tstzmultirange := '{}'; v_changed boolean; v_rows integer;
BEGIN
  SELECT * INTO v_link FROM link l WHERE l.organization_id = current_organization() AND l.id = p_link;
  SELECT * INTO v_agenda FROM agenda a WHERE a.organization_id = v_link.organization_id AND a.id = v_link.agenda_id FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  IF p_openings IS NOT NULL THEN
    v_closed := coalesce((SELECT range_agg(o.during) FROM opening_occurrence o WHERE o.organization_id = v_agenda.organization_id AND o.agenda_id = v_agenda.id AND o.ends_at > now()), '{}') - p_openings;
  END IF;
  DELETE FROM closure c WHERE c.organization_id = v_agenda.organization_id AND c.agenda_id = v_agenda.id AND c.source = 'backend'
    AND NOT EXISTS (SELECT 1 FROM unnest(v_closed) r WHERE r = c.during);
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  v_changed := v_rows > 0;
  INSERT INTO closure (organization_id, id, agenda_id, during, label, source)
    SELECT v_agenda.organization_id, gen_random_uuid(), v_agenda.id, r, 'Fermé dans l’outil du praticien', 'backend' FROM unnest(v_closed) r
    WHERE NOT EXISTS (SELECT 1 FROM closure c WHERE c.organization_id = v_agenda.organization_id AND c.agenda_id = v_agenda.id AND c.source = 'backend' AND c.during = r);
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  v_changed := v_changed OR v_rows > 0 OR v_agenda.backend_rules IS DISTINCT FROM p_restrictions;
  UPDATE agenda a SET backend_rules = p_restrictions, ruled = rules_of_agenda(a.organization_id, a.id, p_restrictions) WHERE a.organization_id = v_agenda.organization_id AND a.id = v_agenda.id
    AND a.backend_rules IS DISTINCT FROM p_restrictions;
  UPDATE link SET rules_read_at = clock_timestamp() WHERE organization_id = v_link.organization_id AND id = p_link;
  RETURN v_changed;
END $$;

-- New hours of the hub are held against the backend's at the next look.
CREATE FUNCTION backend_rules_are_old() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE link l SET rules_read_at = '-infinity' FROM (SELECT DISTINCT organization_id, agenda_id FROM changed) x
    WHERE l.organization_id = x.organization_id AND l.agenda_id = x.agenda_id AND l.rules_read_at > '-infinity';
  RETURN NULL;
END $$;
CREATE TRIGGER opening_occurrence_backend AFTER INSERT ON opening_occurrence REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION backend_rules_are_old();

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
