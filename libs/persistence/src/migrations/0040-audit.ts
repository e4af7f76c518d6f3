import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The audit log. What is to be proven is written with what it proves, in one transaction: a change is its event, with where
 * it came from; whatever is no event (reads of identity, exports, keys) is a trace. A sealer then puts both, in the order
 * of their transactions, into one chain of hashes per organization. Nobody may change or remove any of it but the owner,
 * whom the chain shows, and the retention, which cannot reach what is younger than six months.
 */
export class Audit1763770040000 implements MigrationInterface {
  readonly name = 'Audit1763770040000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
ALTER TABLE organization ADD COLUMN audit_months integer NOT NULL DEFAULT 12;
ALTER TABLE organization ADD CONSTRAINT organization_audit_months CHECK (audit_months BETWEEN 6 AND 36);

-- Request, address and kind of client, grant; NULL for what the hub does by itself.
ALTER TABLE event ADD COLUMN origin jsonb;

-- The same as before; where a request came from travels inside the actor and is kept apart from it: events are read by
-- applications, addresses are not.
CREATE OR REPLACE FUNCTION append_event(p_type text, p_agenda uuid, p_subject uuid, p_actor jsonb, p_data jsonb) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO event (organization_id, transaction_id, type, agenda_id, subject_id, actor, data, origin)
  VALUES (current_organization(), pg_current_xact_id()::text::bigint, p_type, p_agenda, p_subject, p_actor - 'origin', p_data, p_actor->'origin')
$$;

-- Nor does where a request came from stay where applications read who did something.
CREATE FUNCTION drop_origin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RETURN jsonb_populate_record(new, jsonb_build_object(TG_ARGV[0], (to_jsonb(new)->TG_ARGV[0]) - 'origin'));
END $$;
CREATE TRIGGER conflict_origin BEFORE UPDATE ON conflict FOR EACH ROW WHEN (jsonb_exists(new.resolved_by, 'origin')) EXECUTE FUNCTION drop_origin('resolved_by');
CREATE TRIGGER callback_task_origin BEFORE INSERT ON callback_task FOR EACH ROW WHEN (jsonb_exists(new.created_by, 'origin')) EXECUTE FUNCTION drop_origin('created_by');
CREATE TRIGGER callback_task_done_origin BEFORE UPDATE ON callback_task FOR EACH ROW WHEN (jsonb_exists(new.done_by, 'origin')) EXECUTE FUNCTION drop_origin('done_by');
CREATE TRIGGER waiting_offer_origin BEFORE UPDATE ON waiting_offer FOR EACH ROW WHEN (jsonb_exists(new.decided_by, 'origin')) EXECUTE FUNCTION drop_origin('decided_by');

-- Its ids are drawn from those of events, so that (transaction, id) orders both together.
CREATE TABLE trace (
  organization_id uuid NOT NULL,
  transaction_id bigint NOT NULL,
  id bigint NOT NULL,
  action text NOT NULL,
  entity_id uuid,
  objects uuid[] NOT NULL,
  actor jsonb NOT NULL,
  origin jsonb,
  after bytea,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT trace_pk PRIMARY KEY (organization_id, transaction_id, id),
  CONSTRAINT trace_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id));

CREATE FUNCTION append_trace(p_action text, p_entity uuid, p_objects uuid[], p_actor jsonb, p_after bytea) RETURNS void LANGUAGE sql AS $$
  INSERT INTO trace (organization_id, transaction_id, id, action, entity_id, objects, actor, origin, after)
  VALUES (current_organization(), pg_current_xact_id()::text::bigint, nextval('event_id_seq'), p_action, p_entity, p_objects, p_actor - 'origin', p_actor->'origin', p_after)
$$;

-- Whoever the transaction names; without a name, what its connection is for.
CREATE FUNCTION tracing_actor() RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(nullif(current_setting('app.actor', true), '')::jsonb, jsonb_build_object('kind',
    CASE current_setting('application_name', true) WHEN 'unisson-api' THEN 'application' WHEN 'unisson-worker' THEN 'system' ELSE 'operator' END))
$$;

-- Who holds a key, who may act, where and with whom: what has no events of its own.
CREATE FUNCTION trace_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_row CONSTANT jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN old ELSE new END); v_before CONSTANT text := current_setting('app.organization', true);
BEGIN
  IF TG_OP = 'UPDATE' AND old IS NOT DISTINCT FROM new THEN RETURN NULL; END IF;
  IF v_before IS DISTINCT FROM v_row->>'organization_id' THEN PERFORM set_config('app.organization', v_row->>'organization_id', true); END IF;
  PERFORM append_trace(replace(TG_TABLE_NAME, '_', '-') || CASE TG_OP WHEN 'INSERT' THEN '-created' WHEN 'UPDATE' THEN '-changed' ELSE '-removed' END,
    coalesce(v_row->>'id', v_row->>'organization_id')::uuid, '{}', tracing_actor(),
    CASE WHEN TG_OP <> 'DELETE' THEN sha256(convert_to(v_row::text, 'UTF8')) END);
  IF v_before IS DISTINCT FROM v_row->>'organization_id' THEN PERFORM set_config('app.organization', coalesce(v_before, ''), true); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER organization_trace AFTER INSERT OR UPDATE OR DELETE ON organization FOR EACH ROW EXECUTE FUNCTION trace_change();
CREATE TRIGGER collaborator_trace AFTER INSERT OR UPDATE OR DELETE ON collaborator FOR EACH ROW EXECUTE FUNCTION trace_change();
CREATE TRIGGER api_key_trace AFTER INSERT OR UPDATE OR DELETE ON api_key FOR EACH ROW EXECUTE FUNCTION trace_change();
CREATE TRIGGER practitioner_trace AFTER INSERT OR UPDATE OR DELETE ON practitioner FOR EACH ROW EXECUTE FUNCTION trace_change();
CREATE TRIGGER location_trace AFTER INSERT OR UPDATE OR DELETE ON location FOR EACH ROW EXECUTE FUNCTION trace_change();
CREATE TRIGGER motif_trace AFTER INSERT OR UPDATE OR DELETE ON motif FOR EACH ROW EXECUTE FUNCTION trace_change();

CREATE TABLE audit_entry (
  organization_id uuid NOT NULL,
  seq bigint NOT NULL,
  transaction_id bigint NOT NULL,
  source_id bigint NOT NULL,
  at timestamptz NOT NULL,
  action text NOT NULL,
  agenda_id uuid,
  entity_id uuid,
  objects uuid[] NOT NULL,
  patients uuid[] NOT NULL,
  actor_kind text NOT NULL,
  actor_id uuid,
  key_id uuid,
  behalf_id uuid,
  grant_ids uuid[] NOT NULL DEFAULT '{}',
  request_id text,
  address text,
  agent text,
  reason text,
  before bytea,
  after bytea,
  hash bytea NOT NULL,
  CONSTRAINT audit_entry_pk PRIMARY KEY (organization_id, seq),
  CONSTRAINT audit_entry_source UNIQUE (organization_id, transaction_id, source_id),
  CONSTRAINT audit_entry_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id),
  CONSTRAINT audit_entry_hash_length CHECK (octet_length(hash) = 32));
CREATE INDEX audit_entry_entity ON audit_entry (organization_id, entity_id, seq) WHERE after IS NOT NULL;
CREATE INDEX audit_entry_at ON audit_entry (organization_id, at);

-- Where an id is spoken of: an agenda, an object, a collaborator, a patient's pseudonym.
CREATE TABLE audit_subject (
  organization_id uuid NOT NULL,
  subject_id uuid NOT NULL,
  seq bigint NOT NULL,
  CONSTRAINT audit_subject_pk PRIMARY KEY (organization_id, subject_id, seq),
  CONSTRAINT audit_subject_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id));
CREATE INDEX audit_subject_seq ON audit_subject (organization_id, seq);

-- The head of the chain, signed: every hour, and where the retention has cut off what came before.
CREATE TABLE audit_seal (
  organization_id uuid NOT NULL,
  kind text NOT NULL,
  seq bigint NOT NULL,
  transaction_id bigint NOT NULL,
  source_id bigint NOT NULL,
  hash bytea NOT NULL,
  key_id text NOT NULL,
  signature bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT audit_seal_pk PRIMARY KEY (organization_id, kind, seq),
  CONSTRAINT audit_seal_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id),
  CONSTRAINT audit_seal_kind CHECK (kind IN ('hourly', 'anchor')));

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['trace', 'audit_entry', 'audit_subject', 'audit_seal'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization())', t || '_tenant', t);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO unisson_app', t);
  END LOOP;
END $$;

GRANT SELECT (organization_id, transaction_id, id) ON event, trace TO unisson_dispatcher;
GRANT SELECT (organization_id, transaction_id, source_id) ON audit_entry TO unisson_dispatcher;
CREATE POLICY event_dispatch ON event FOR SELECT TO unisson_dispatcher USING (true);
CREATE POLICY trace_dispatch ON trace FOR SELECT TO unisson_dispatcher USING (true);
CREATE POLICY audit_entry_dispatch ON audit_entry FOR SELECT TO unisson_dispatcher USING (true);

-- What is kept no longer goes through a role that cannot reach further than the law's least time of keeping.
DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'unisson_retention') THEN CREATE ROLE unisson_retention NOLOGIN; END IF;
END $$;
GRANT unisson_retention TO unisson_app;
GRANT USAGE ON SCHEMA public TO unisson_retention;
GRANT SELECT, DELETE ON event, trace, audit_entry, audit_subject TO unisson_retention;
GRANT SELECT (organization_id, id, during) ON appointment TO unisson_retention;
CREATE POLICY event_retention ON event AS RESTRICTIVE FOR DELETE TO unisson_retention USING (at < now() - interval '6 months');
CREATE POLICY trace_retention ON trace AS RESTRICTIVE FOR DELETE TO unisson_retention USING (at < now() - interval '6 months');
CREATE POLICY audit_entry_retention ON audit_entry AS RESTRICTIVE FOR DELETE TO unisson_retention USING (at < now() - interval '6 months');
CREATE POLICY audit_subject_retention ON audit_subject AS RESTRICTIVE FOR DELETE TO unisson_retention USING (
  NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.organization_id = audit_subject.organization_id AND e.seq = audit_subject.seq));
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
