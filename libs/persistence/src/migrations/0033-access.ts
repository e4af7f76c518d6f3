import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Grants, teams and mandates: who may do what, told to whom the agenda belongs. */
export class Access1763770033000 implements MigrationInterface {
  readonly name = 'Access1763770033000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(PEOPLE);
    await runner.query(GRANTS);
    await runner.query(ISOLATION);
    await runner.query(VERSIONS);
    await runner.query(BEFORE);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}

const PEOPLE = `
ALTER TABLE organization ADD COLUMN kind text NOT NULL DEFAULT 'practice',
  ADD CONSTRAINT organization_kind_value CHECK (kind IN ('practice', 'secretariat'));

CREATE TABLE team (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT team_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT team_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id),
  CONSTRAINT team_name_length CHECK (length(name) BETWEEN 1 AND 200));

-- The contract of a practice with a secretariat, in the practice's tenant. shared: whoever the secretariat sends acts as
-- a member of the team; dedicated: only those whom the practice has named.
CREATE TABLE mandate (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  secretariat_id uuid NOT NULL,
  label text NOT NULL,
  staffing text NOT NULL,
  team_id uuid NOT NULL,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz,
  revoked_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT mandate_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT mandate_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id),
  CONSTRAINT mandate_team_fk FOREIGN KEY (organization_id, team_id) REFERENCES team (organization_id, id),
  CONSTRAINT mandate_staffing_value CHECK (staffing IN ('shared', 'dedicated')),
  CONSTRAINT mandate_label_length CHECK (length(label) BETWEEN 1 AND 200),
  CONSTRAINT mandate_elsewhere CHECK (secretariat_id <> organization_id),
  CONSTRAINT mandate_dates CHECK (ends_at > starts_at));
CREATE INDEX mandate_secretariat ON mandate (organization_id, secretariat_id);

-- A person of a secretariat acts in the practice's tenant under the id that he has in his own.
ALTER TABLE collaborator ADD COLUMN kind text NOT NULL DEFAULT 'member',
  ADD COLUMN email text,
  ADD COLUMN mandate_id uuid,
  ADD CONSTRAINT collaborator_kind_value CHECK (kind IN ('member', 'mandated')),
  ADD CONSTRAINT collaborator_mandated CHECK ((kind = 'mandated') = (mandate_id IS NOT NULL)),
  ADD CONSTRAINT collaborator_mandate_fk FOREIGN KEY (organization_id, mandate_id) REFERENCES mandate (organization_id, id);

CREATE TABLE team_member (
  organization_id uuid NOT NULL,
  team_id uuid NOT NULL,
  collaborator_id uuid NOT NULL,
  CONSTRAINT team_member_pk PRIMARY KEY (organization_id, team_id, collaborator_id),
  CONSTRAINT team_member_team_fk FOREIGN KEY (organization_id, team_id) REFERENCES team (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT team_member_collaborator_fk FOREIGN KEY (organization_id, collaborator_id) REFERENCES collaborator (organization_id, id) ON DELETE CASCADE);
CREATE INDEX team_member_collaborator ON team_member (organization_id, collaborator_id);

-- To whom the agenda belongs: told of every change of a right on it.
ALTER TABLE agenda ADD COLUMN owner_id uuid,
  ADD CONSTRAINT agenda_owner_fk FOREIGN KEY (organization_id, owner_id) REFERENCES collaborator (organization_id, id);
`;

const GRANTS = `
-- NULL lists do not narrow. hours: { periods: [{ days, from, to }], holidays }; quotas: [{ action, perDay }].
CREATE TABLE access_grant (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  collaborator_id uuid,
  team_id uuid,
  api_key_id uuid,
  actions text[] NOT NULL,
  identity text[] NOT NULL DEFAULT '{name,birthDate,phone,email,newPatient,answers}',
  agenda_ids uuid[],
  location_ids uuid[],
  motif_ids uuid[],
  audiences text[],
  channels text[],
  hours jsonb,
  quotas jsonb NOT NULL DEFAULT '[]',
  valid_from timestamptz,
  valid_until timestamptz,
  delegable boolean NOT NULL DEFAULT false,
  delegated_from uuid,
  delegation text,
  state text NOT NULL,
  issued_by uuid,
  approved_by uuid,
  revoked_at timestamptz,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT access_grant_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT access_grant_collaborator_fk FOREIGN KEY (organization_id, collaborator_id) REFERENCES collaborator (organization_id, id),
  CONSTRAINT access_grant_team_fk FOREIGN KEY (organization_id, team_id) REFERENCES team (organization_id, id),
  CONSTRAINT access_grant_api_key_fk FOREIGN KEY (organization_id, api_key_id) REFERENCES api_key (organization_id, id),
  CONSTRAINT access_grant_delegated_fk FOREIGN KEY (organization_id, delegated_from) REFERENCES access_grant (organization_id, id),
  CONSTRAINT access_grant_holder CHECK (num_nonnulls(collaborator_id, team_id, api_key_id) = 1),
  CONSTRAINT access_grant_actions CHECK (cardinality(actions) > 0),
  CONSTRAINT access_grant_delegation_value CHECK (delegation IN ('overflow', 'replacement')),
  CONSTRAINT access_grant_delegated CHECK ((delegation IS NULL) = (delegated_from IS NULL)),
  CONSTRAINT access_grant_dates CHECK (valid_until > valid_from),
  CONSTRAINT access_grant_state_value CHECK (state IN ('proposed', 'active', 'revoked')),
  CONSTRAINT access_grant_revoked CHECK ((state = 'revoked') = (revoked_at IS NOT NULL)));
CREATE INDEX access_grant_collaborator ON access_grant (organization_id, collaborator_id) WHERE collaborator_id IS NOT NULL;
CREATE INDEX access_grant_team ON access_grant (organization_id, team_id) WHERE team_id IS NOT NULL;
CREATE INDEX access_grant_api_key ON access_grant (organization_id, api_key_id) WHERE api_key_id IS NOT NULL;

-- What was done under a grant with a quota: how many appointments each request was about, however often it is repeated.
CREATE TABLE grant_use (
  organization_id uuid NOT NULL,
  grant_id uuid NOT NULL,
  action text NOT NULL,
  local_day text NOT NULL,
  key text NOT NULL,
  many integer NOT NULL DEFAULT 1,
  CONSTRAINT grant_use_many CHECK (many > 0),
  CONSTRAINT grant_use_pk PRIMARY KEY (organization_id, grant_id, action, local_day, key),
  CONSTRAINT grant_use_grant_fk FOREIGN KEY (organization_id, grant_id) REFERENCES access_grant (organization_id, id) ON DELETE CASCADE);

-- Mails to those to whom agendas belong.
CREATE TABLE grant_notice (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  grant_id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  change text NOT NULL,
  due_at timestamptz NOT NULL DEFAULT now(),
  told_at timestamptz,
  error text,
  CONSTRAINT grant_notice_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT grant_notice_grant_fk FOREIGN KEY (organization_id, grant_id) REFERENCES access_grant (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT grant_notice_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id) ON DELETE CASCADE);
CREATE INDEX grant_notice_due ON grant_notice (due_at) WHERE told_at IS NULL;

-- Counted up by every change of who may do what, so that what is remembered of it is known to be old.
CREATE TABLE access_state (
  organization_id uuid NOT NULL,
  version integer NOT NULL DEFAULT 1,
  CONSTRAINT access_state_pk PRIMARY KEY (organization_id),
  CONSTRAINT access_state_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id));

-- Takes so many of the day's uses of a grant for one request, or none and false when fewer are left. A repeat of the same request takes none.
CREATE FUNCTION use_grant(p_organization uuid, p_grant uuid, p_action text, p_day text, p_key text, p_per_day integer, p_many integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_taken integer;
  v_others integer;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  PERFORM 1 FROM access_grant g WHERE g.organization_id = p_organization AND g.id = p_grant FOR UPDATE;
  SELECT coalesce(sum(u.many) FILTER (WHERE u.key = p_key), 0), coalesce(sum(u.many) FILTER (WHERE u.key <> p_key), 0) INTO v_taken, v_others
    FROM grant_use u WHERE u.organization_id = p_organization AND u.grant_id = p_grant AND u.action = p_action AND u.local_day = p_day;
  IF v_taken >= p_many THEN RETURN true; END IF;
  IF v_others + p_many > p_per_day THEN RETURN false; END IF;
  INSERT INTO grant_use AS u (organization_id, grant_id, action, local_day, key, many) VALUES (p_organization, p_grant, p_action, p_day, p_key, p_many)
    ON CONFLICT (organization_id, grant_id, action, local_day, key) DO UPDATE SET many = p_many;
  RETURN true;
END $$;
`;

const ISOLATION = `
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['team', 'team_member', 'mandate', 'access_grant', 'grant_use', 'grant_notice', 'access_state'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization())', t || '_tenant', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO unisson_app', t);
  END LOOP;
END $$;
-- A grant is revoked, and stays on record.
REVOKE DELETE ON access_grant FROM unisson_app;
REVOKE DELETE ON mandate FROM unisson_app;
GRANT SELECT (organization_id, due_at, told_at) ON grant_notice TO unisson_dispatcher;
CREATE POLICY grant_notice_dispatch ON grant_notice FOR SELECT TO unisson_dispatcher USING (told_at IS NULL);
`;

const VERSIONS = `
CREATE FUNCTION access_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_organization() IS NOT NULL THEN
    INSERT INTO access_state AS s (organization_id) VALUES (current_organization()) ON CONFLICT (organization_id) DO UPDATE SET version = s.version + 1;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER access_grant_access AFTER INSERT OR UPDATE ON access_grant FOR EACH STATEMENT EXECUTE FUNCTION access_changed();
CREATE TRIGGER team_member_access AFTER INSERT OR UPDATE OR DELETE ON team_member FOR EACH STATEMENT EXECUTE FUNCTION access_changed();
CREATE TRIGGER mandate_access AFTER INSERT OR UPDATE ON mandate FOR EACH STATEMENT EXECUTE FUNCTION access_changed();
CREATE TRIGGER api_key_access AFTER UPDATE OR DELETE ON api_key FOR EACH STATEMENT EXECUTE FUNCTION access_changed();
CREATE TRIGGER collaborator_access AFTER UPDATE OR DELETE ON collaborator FOR EACH STATEMENT EXECUTE FUNCTION access_changed();
CREATE TRIGGER agenda_access AFTER INSERT OR DELETE OR UPDATE OF location_id, holiday_calendar ON agenda FOR EACH STATEMENT EXECUTE FUNCTION access_changed();
CREATE TRIGGER location_access AFTER UPDATE OF time_zone ON location FOR EACH STATEMENT EXECUTE FUNCTION access_changed();
`;

/** Until now every person could do what the key could, and a key by itself could read. */
const BEFORE = `
ALTER TABLE collaborator NO FORCE ROW LEVEL SECURITY;
ALTER TABLE api_key NO FORCE ROW LEVEL SECURITY;
ALTER TABLE access_grant NO FORCE ROW LEVEL SECURITY;
INSERT INTO access_grant (organization_id, id, collaborator_id, actions, state)
  SELECT organization_id, gen_random_uuid(), id, '{see-busy,see-identity,create,move,cancel,mark-arrival,overbook,use-reserved,manage-openings,manage-links,manage-grants,export}', 'active' FROM collaborator WHERE active;
INSERT INTO access_grant (organization_id, id, api_key_id, actions, state)
  SELECT organization_id, gen_random_uuid(), id, '{see-busy,see-identity,manage-links}', 'active' FROM api_key WHERE revoked_at IS NULL;
ALTER TABLE collaborator FORCE ROW LEVEL SECURITY;
ALTER TABLE api_key FORCE ROW LEVEL SECURITY;
ALTER TABLE access_grant FORCE ROW LEVEL SECURITY;
`;
