import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Held-back deletions and their release, quarantine that people work with, subscriptions that are renewed, polling by demand. */
export class GuardsAndPush1763770014000 implements MigrationInterface {
  readonly name = 'GuardsAndPush1763770014000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
ALTER TABLE link ADD COLUMN brake_revision integer NOT NULL DEFAULT 0;
CREATE TABLE held_deletion (
  organization_id uuid NOT NULL,
  link_id uuid NOT NULL,
  remote_id text NOT NULL,
  held_at timestamptz NOT NULL DEFAULT now(),
  released_at timestamptz,
  CONSTRAINT held_deletion_pk PRIMARY KEY (organization_id, link_id, remote_id),
  CONSTRAINT held_deletion_link_fk FOREIGN KEY (organization_id, link_id) REFERENCES link (organization_id, id) ON DELETE CASCADE);

-- p_brake: { deletions, known, held: [remote id] }. Nothing happens while the same deletions are held as before.
CREATE FUNCTION hold_deletions(p_organization uuid, p_link uuid, p_brake jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_link link; v_held text[];
BEGIN
  SELECT * INTO v_link FROM link l WHERE l.organization_id = p_organization AND l.id = p_link FOR NO KEY UPDATE;
  SELECT array_agg(DISTINCT x ORDER BY x) INTO v_held FROM jsonb_array_elements_text(p_brake->'held') x;
  IF v_link.brake IS NOT NULL AND v_held IS NOT DISTINCT FROM (SELECT array_agg(h.remote_id ORDER BY h.remote_id) FROM held_deletion h
      WHERE h.organization_id = p_organization AND h.link_id = p_link) THEN RETURN; END IF;
  DELETE FROM held_deletion WHERE organization_id = p_organization AND link_id = p_link AND remote_id <> ALL (v_held);
  INSERT INTO held_deletion (organization_id, link_id, remote_id) SELECT p_organization, p_link, unnest(v_held) ON CONFLICT DO NOTHING;
  UPDATE link SET brake_revision = brake_revision + 1,
    brake = jsonb_build_object('deletions', p_brake->'deletions', 'known', p_brake->'known', 'since', coalesce(v_link.brake->'since', to_jsonb(clock_timestamp())))
    WHERE organization_id = p_organization AND id = p_link;
  PERFORM append_event('deletions-held', v_link.agenda_id, p_link, '{"kind":"system"}', p_brake - 'held');
END $$;

-- However the brake ended: nothing is held any more.
CREATE FUNCTION settle_deletions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM held_deletion WHERE organization_id = NEW.organization_id AND link_id = NEW.id;
  PERFORM append_event('deletions-settled', NEW.agenda_id, NEW.id, '{"kind":"system"}', '{}');
  RETURN NULL;
END $$;
CREATE TRIGGER link_deletions_settled AFTER UPDATE OF brake ON link FOR EACH ROW WHEN (OLD.brake IS NOT NULL AND NEW.brake IS NULL) EXECUTE FUNCTION settle_deletions();

ALTER TABLE quarantine ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(), ADD COLUMN dismissed_at timestamptz,
  ADD CONSTRAINT quarantine_id UNIQUE (organization_id, id);
ALTER TABLE quarantine ALTER COLUMN id DROP DEFAULT;

-- The same version of an object is put aside once: what was stored, when, and that somebody dismissed it, stand.
CREATE FUNCTION keep_quarantined() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN NEW.id := gen_random_uuid(); RETURN NEW; END IF;
  IF NEW.version IS NOT NULL AND NEW.version = OLD.version AND NEW.dismissed_at IS NOT DISTINCT FROM OLD.dismissed_at THEN RETURN NULL; END IF;
  IF NEW.version IS DISTINCT FROM OLD.version THEN NEW.dismissed_at := NULL; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER quarantine_keep BEFORE INSERT OR UPDATE ON quarantine FOR EACH ROW EXECUTE FUNCTION keep_quarantined();
CREATE FUNCTION announce_quarantined() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM append_event('object-quarantined', (SELECT l.agenda_id FROM link l WHERE l.organization_id = NEW.organization_id AND l.id = NEW.link_id),
    NEW.link_id, '{"kind":"system"}', jsonb_build_object('item', NEW.id));
  RETURN NULL;
END $$;
CREATE TRIGGER quarantine_announce AFTER INSERT ON quarantine FOR EACH ROW EXECUTE FUNCTION announce_quarantined();
CREATE TRIGGER quarantine_announce_again AFTER UPDATE ON quarantine FOR EACH ROW WHEN (NEW.version IS DISTINCT FROM OLD.version) EXECUTE FUNCTION announce_quarantined();

-- One secret per subscription: sealed where a signature is checked with it, else only its hash. While a subscription is
-- being renewed there are two. It is stored before the backend is asked: the first push may be faster than the answer.
CREATE TABLE push_secret (
  organization_id uuid NOT NULL,
  link_id uuid NOT NULL,
  id uuid NOT NULL,
  sealed bytea,
  hash text,
  made_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT push_secret_pk PRIMARY KEY (organization_id, link_id, id),
  CONSTRAINT push_secret_link_fk FOREIGN KEY (organization_id, link_id) REFERENCES link (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT push_secret_either CHECK ((sealed IS NULL) <> (hash IS NULL)));
-- Row-level security binds the owner, too: for this it is lifted.
ALTER TABLE link NO FORCE ROW LEVEL SECURITY;
INSERT INTO push_secret (organization_id, link_id, id, sealed) SELECT organization_id, id, gen_random_uuid(), push_secret_sealed FROM link WHERE push_secret_sealed IS NOT NULL;
-- What is pushed for already is renewed as if it had been made now; whatever is not is tried.
ALTER TABLE link DROP COLUMN push_secret_sealed, ADD COLUMN resubscribe_at timestamptz NOT NULL DEFAULT '-infinity';
UPDATE link SET resubscribe_at = coalesce(now() + (subscription_until - now()) * 0.75, 'infinity') WHERE subscription_id IS NOT NULL;
ALTER TABLE link FORCE ROW LEVEL SECURITY;
CREATE INDEX push_hint_received ON push_hint (organization_id, link_id, received_at);

-- A hint that came after a pull began may be of something the pull did not see.
CREATE FUNCTION pull_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.poll_at := least(NEW.poll_at, greatest(clock_timestamp(), NEW.as_of + interval '200 milliseconds'));
  RETURN NEW;
END $$;
CREATE TRIGGER link_pull_again BEFORE UPDATE OF as_of ON link FOR EACH ROW WHEN (NEW.as_of IS DISTINCT FROM OLD.as_of AND OLD.hinted_at >= NEW.as_of) EXECUTE FUNCTION pull_again();

ALTER TABLE link ADD COLUMN wanted_at timestamptz NOT NULL DEFAULT '-infinity', ADD COLUMN reconcile_report jsonb;
ALTER TABLE connection ADD COLUMN throttled_at timestamptz NOT NULL DEFAULT '-infinity';
-- Links of one connection are counted for its rate.
CREATE INDEX link_connection ON link (organization_id, connection_id);
CREATE INDEX link_poll ON link (poll_at);

-- The last instant at which this link's daily complete read was due: a time of day that its id gives, so that a whole
-- organization is not read at once.
CREATE FUNCTION reconcile_due_since(p_link uuid) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT date_trunc('day', clock_timestamp() - s, 'UTC') + s FROM (SELECT ('x' || left(md5(p_link::text), 8))::bit(32)::bigint % 86400 * interval '1 second') AS x (s)
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON held_deletion, push_secret TO unisson_app;
GRANT SELECT (connection_id, resubscribe_at) ON link TO unisson_dispatcher;
GRANT SELECT (organization_id, id, blocked_until) ON connection TO unisson_dispatcher;
CREATE POLICY connection_dispatch ON connection FOR SELECT TO unisson_dispatcher USING (true);
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['held_deletion', 'push_secret'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization())', t || '_tenant', t);
  END LOOP;
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
