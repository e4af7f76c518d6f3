import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The life of a link: planned, approved, backfilled, paused, watched over, disconnected. */
export class LinkLifecycle1763770013000 implements MigrationInterface {
  readonly name = 'LinkLifecycle1763770013000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(FUNCTIONS);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}

const TABLES = `
ALTER TABLE connection
  ADD COLUMN responsible_name text,
  ADD COLUMN responsible_email text,
  ADD COLUMN expires_at timestamptz;

-- How far a link has come, apart from how it is doing (status). Links from before were all in force.
ALTER TABLE link
  ADD COLUMN phase text NOT NULL DEFAULT 'live',
  ADD COLUMN phase_since timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN paused_at timestamptz,
  ADD COLUMN version integer NOT NULL DEFAULT 1,
  ADD COLUMN backfill_total integer,
  ADD COLUMN rewriting boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT link_phase_value CHECK (phase IN ('planning', 'reading', 'writing', 'live'));

-- Confirmed to somebody before it had to be written: what stands in its way is a conflict, never a refusal.
ALTER TABLE remote_write ADD COLUMN promised boolean NOT NULL DEFAULT false;

-- What the first synchronisation would do: shown to a person, who approves exactly this.
CREATE TABLE link_plan (
  organization_id uuid NOT NULL,
  link_id uuid NOT NULL,
  version integer NOT NULL,
  digest text NOT NULL,
  plan jsonb NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT link_plan_pk PRIMARY KEY (organization_id, link_id),
  CONSTRAINT link_plan_link_fk FOREIGN KEY (organization_id, link_id) REFERENCES link (organization_id, id) ON DELETE CASCADE);

-- What was last said about a link, so that each change is said once, whoever sees it.
CREATE TABLE link_watch (
  organization_id uuid NOT NULL,
  link_id uuid NOT NULL,
  light text NOT NULL DEFAULT 'green',
  red_since timestamptz,
  alert_at timestamptz,
  alerted_at timestamptz,
  alerts integer NOT NULL DEFAULT 0,
  alert_error text,
  CONSTRAINT link_watch_pk PRIMARY KEY (organization_id, link_id),
  CONSTRAINT link_watch_link_fk FOREIGN KEY (organization_id, link_id) REFERENCES link (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT link_watch_light_value CHECK (light IN ('green', 'orange', 'red')));

-- What a link left behind at its backend, and what of it is still to be removed. Outlives the link and its connection.
CREATE TABLE disconnection (
  organization_id uuid NOT NULL,
  link_id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  connection_id uuid NOT NULL,
  remote_agenda_id text NOT NULL,
  remote text NOT NULL,
  state text NOT NULL,
  subscription_id text,
  due_at timestamptz NOT NULL DEFAULT now(),
  failures integer NOT NULL DEFAULT 0,
  last_error jsonb,
  at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  CONSTRAINT disconnection_pk PRIMARY KEY (organization_id, link_id),
  CONSTRAINT disconnection_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id),
  CONSTRAINT disconnection_remote_value CHECK (remote IN ('keep', 'remove')),
  CONSTRAINT disconnection_state_value CHECK (state IN ('removing', 'done')));
CREATE INDEX disconnection_due ON disconnection (due_at) WHERE state = 'removing';

CREATE TABLE disconnection_object (
  organization_id uuid NOT NULL,
  link_id uuid NOT NULL,
  reference text NOT NULL,
  remote_id text,
  appointment_id uuid NOT NULL,
  during tstzrange NOT NULL,
  sent_at timestamptz,
  state text NOT NULL,
  CONSTRAINT disconnection_object_pk PRIMARY KEY (organization_id, link_id, reference),
  CONSTRAINT disconnection_object_disconnection_fk FOREIGN KEY (organization_id, link_id) REFERENCES disconnection (organization_id, link_id) ON DELETE CASCADE,
  CONSTRAINT disconnection_object_state_value CHECK (state IN ('due', 'removed', 'kept', 'left')));
CREATE INDEX disconnection_object_appointment ON disconnection_object (organization_id, appointment_id);

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['link_plan', 'link_watch', 'disconnection', 'disconnection_object'] LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO unisson_app', t);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization())', t || '_tenant', t);
  END LOOP;
END $$;
GRANT SELECT (phase, paused_at) ON link TO unisson_dispatcher;
GRANT SELECT (organization_id, link_id, agenda_id, state, due_at) ON disconnection TO unisson_dispatcher;
CREATE POLICY disconnection_dispatch ON disconnection FOR SELECT TO unisson_dispatcher USING (state = 'removing');
`;

const FUNCTIONS = `
-- The same as before, and: while its link is paused an agenda is as good as unreachable; and an agenda of the hub's that
-- is read from elsewhere is booked on a copy as fresh as any other, though nothing is written there.
CREATE OR REPLACE FUNCTION link_obstacle(p_agenda agenda, p_accept_stale boolean, OUT link uuid, OUT obstacle text, OUT retry_after_ms integer) LANGUAGE plpgsql STABLE AS $$
DECLARE v record;
BEGIN
  SELECT l.id, l.as_of, l.status, l.paused_at, c.blocked_until INTO v FROM link l JOIN connection c ON c.organization_id = l.organization_id AND c.id = l.connection_id
    WHERE l.organization_id = p_agenda.organization_id AND l.agenda_id = p_agenda.id
      AND CASE p_agenda.master WHEN 'remote' THEN l.direction = 'two-way' ELSE l.direction = 'read-only' AND l.phase IN ('writing', 'live') END;
  IF NOT FOUND THEN
    IF p_agenda.master = 'remote' THEN obstacle := 'unlinked'; END IF;
    RETURN;
  END IF;
  IF p_agenda.master = 'remote' THEN link := v.id; END IF;
  IF p_agenda.when_unreachable = 'refuse' AND (v.blocked_until > clock_timestamp() OR v.status <> 'active' OR v.paused_at IS NOT NULL) THEN
    obstacle := 'unreachable';
    retry_after_ms := greatest(1000, least(600000, coalesce(extract(epoch FROM nullif(v.blocked_until, '-infinity') - clock_timestamp()) * 1000, 60000)))::integer;
  ELSIF NOT p_accept_stale AND v.as_of < clock_timestamp() - p_agenda.stale_after_seconds * interval '1 second' THEN obstacle := 'stale-copy'; END IF;
END $$;

-- Replaced by backfill_link: an agenda becomes the practitioner's once it was read.
DROP FUNCTION master_remotely(uuid, uuid);

-- The same as before, and: what was promised does not give way silently.
CREATE OR REPLACE FUNCTION give_way(p_agenda agenda, p_range tstzrange) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE h record; c_reason CONSTANT jsonb := '{"code":"PRACTITIONER_BUSY"}'; c_actor CONSTANT jsonb := '{"kind":"practitioner"}';
BEGIN
  FOR h IN SELECT DISTINCT c.holder, c.departing_id, a.status, w.attempts, w.departing, w.promised FROM claim c
      LEFT JOIN appointment a ON a.organization_id = c.organization_id AND a.id = c.holder
      LEFT JOIN remote_write w ON w.organization_id = c.organization_id AND w.appointment_id = c.holder
      WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.ends_at > lower(p_range) AND c.during && p_range AND c.authority = 'hub' AND NOT c.overbooked AND NOT c.contested LOOP
    IF h.status = 'held' THEN
      PERFORM end_appointment(h.holder, ARRAY['held'], 'expired', c_reason, c_actor);
    ELSIF h.status IN ('pending', 'unknown') AND h.departing IS NULL AND h.promised THEN
      PERFORM contest_appointment(h.holder, c_reason, c_actor);
    ELSIF h.status IN ('pending', 'unknown') AND h.departing IS NULL AND h.attempts = 0 THEN
      PERFORM end_appointment(h.holder, ARRAY['pending', 'unknown'], 'refused', c_reason, c_actor);
    ELSIF h.status IN ('pending', 'unknown') AND h.departing IS NULL THEN
      PERFORM compensate_appointment(h.holder, ARRAY['pending', 'unknown'], 'refused', c_reason, c_actor);
    ELSIF h.status IN ('pending', 'unknown') AND h.departing_id IS NULL AND h.attempts = 0 THEN
      PERFORM revert_move(h.holder, c_reason);
    ELSIF h.status IN ('pending', 'unknown') AND h.departing_id IS NULL THEN
      PERFORM retreat_move(h.holder);
    ELSIF h.status = 'confirmed' AND h.departing_id IS NULL THEN
      PERFORM contest_appointment(h.holder, c_reason, c_actor);
    END IF;
  END LOOP;
  -- Looked at anew: what gave way may have made room for one that was contested until now.
  RETURN NOT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.ends_at > lower(p_range) AND c.during && p_range
    AND c.authority = 'hub' AND NOT c.overbooked AND NOT c.contested);
END $$;

-- A certain no to a create, or (p_landing) one while an earlier attempt may still land.
CREATE FUNCTION refuse_write(p_id uuid, p_reason jsonb, p_landing boolean) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE c_open CONSTANT text[] := ARRAY['pending', 'unknown']; c_actor CONSTANT jsonb := '{"kind":"system"}';
BEGIN
  IF EXISTS (SELECT 1 FROM remote_write w WHERE w.organization_id = current_organization() AND w.appointment_id = p_id AND w.promised) THEN
    RETURN contest_appointment(p_id, p_reason, c_actor); END IF;
  IF p_landing THEN RETURN compensate_appointment(p_id, c_open, 'refused', p_reason, c_actor); END IF;
  RETURN end_appointment(p_id, c_open, 'refused', p_reason, c_actor);
END $$;

-- Takes the lane from whoever holds it: what he still wants to store is refused. The caller holds the agenda's lock.
CREATE FUNCTION evict_lane(p_agenda uuid) RETURNS void LANGUAGE sql AS $$
  UPDATE agenda_lane SET fence = fence + 1, lease_until = '-infinity' WHERE organization_id = current_organization() AND agenda_id = p_agenda
$$;

-- One part of the first synchronisation towards the backend, once its side has been read: what is booked ahead is no longer
-- "confirmed" until it stands there too; what was found there already only gets its row. The last part makes his tool the
-- master. Returns true when there is more to do. SQLSTATE UK002: the lane is another's by now.
CREATE FUNCTION backfill_link(p_organization uuid, p_link uuid, p_fence bigint, p_limit integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_link link; v appointment; n integer := 0;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  PERFORM 1 FROM agenda_lane n JOIN link l ON l.organization_id = n.organization_id AND l.agenda_id = n.agenda_id
    WHERE n.organization_id = p_organization AND l.id = p_link AND n.fence = p_fence FOR SHARE OF n;
  IF NOT FOUND THEN RAISE EXCEPTION 'the lane of the agenda belongs to another process' USING ERRCODE = 'UK002'; END IF;
  PERFORM 1 FROM agenda a JOIN link l ON l.organization_id = a.organization_id AND l.agenda_id = a.id WHERE l.organization_id = p_organization AND l.id = p_link FOR UPDATE OF a;
  SELECT * INTO v_link FROM link l WHERE l.organization_id = p_organization AND l.id = p_link FOR UPDATE;
  IF v_link.phase <> 'reading' OR v_link.paused_at IS NOT NULL THEN RETURN false; END IF;
  IF v_link.direction = 'two-way' THEN
    FOR v IN SELECT a.* FROM appointment a WHERE a.organization_id = p_organization AND a.agenda_id = v_link.agenda_id AND a.status IN ('pending', 'confirmed', 'conflict')
        AND NOT EXISTS (SELECT 1 FROM remote_write w WHERE w.organization_id = a.organization_id AND w.appointment_id = a.id)
        AND (upper(a.during) > now() OR EXISTS (SELECT 1 FROM mirror m WHERE m.organization_id = a.organization_id AND m.link_id = p_link AND m.appointment_id = a.id AND m.gone_at IS NULL))
        ORDER BY lower(a.during), a.id LIMIT p_limit LOOP
      n := n + 1;
      IF v.status = 'conflict' OR (v.status = 'confirmed' AND EXISTS (SELECT 1 FROM mirror m WHERE m.organization_id = p_organization AND m.link_id = p_link AND m.appointment_id = v.id AND m.gone_at IS NULL AND m.during = v.during)) THEN
        INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id, state, promised) VALUES (p_organization, v.id, v_link.agenda_id, p_link, 'settled', v.status = 'conflict');
      ELSE
        -- What an earlier link left may lie where a pull does not reach: it is looked for first, as after an attempt.
        INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id, promised, attempts) VALUES (p_organization, v.id, v_link.agenda_id, p_link, true,
          (EXISTS (SELECT 1 FROM disconnection_object o WHERE o.organization_id = p_organization AND o.appointment_id = v.id AND o.state IN ('kept', 'left')))::integer);
        UPDATE appointment SET status = 'pending', version = version + 1, updated_at = now() WHERE organization_id = p_organization AND id = v.id AND status = 'confirmed' RETURNING * INTO v;
        IF FOUND THEN PERFORM append_event('appointment-pending', v.agenda_id, v.id, '{"kind":"system"}', appointment_record(v)); END IF;
      END IF;
    END LOOP;
  END IF;
  IF n < p_limit AND v_link.direction = 'two-way' THEN
    UPDATE agenda SET master = 'remote' WHERE organization_id = p_organization AND id = v_link.agenda_id;
  END IF;
  UPDATE link SET phase = CASE WHEN n < p_limit THEN 'writing' ELSE 'reading' END, phase_since = now(),
      backfill_total = (SELECT count(*) FROM remote_write w WHERE w.organization_id = p_organization AND w.link_id = p_link AND w.state = 'due')
    WHERE organization_id = p_organization AND id = p_link;
  RETURN n >= p_limit;
END $$;

-- The hub is the master of the agenda from now on: what it holds is what counts.
CREATE FUNCTION master_here(p_agenda agenda, p_link uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v appointment;
BEGIN
  UPDATE agenda SET master = 'hub' WHERE organization_id = p_agenda.organization_id AND id = p_agenda.id;
  FOR v IN SELECT * FROM appointment a WHERE a.organization_id = p_agenda.organization_id AND a.agenda_id = p_agenda.id AND a.status = 'compensating' LOOP
    PERFORM end_appointment(v.id, ARRAY['compensating'], v.ending, NULL, '{"kind":"system"}');
  END LOOP;
  -- With the old place of every move under way.
  DELETE FROM remote_write WHERE organization_id = p_agenda.organization_id AND link_id = p_link;
  FOR v IN UPDATE appointment SET status = 'confirmed', version = version + 1, reason = NULL, updated_at = now()
      WHERE organization_id = p_agenda.organization_id AND agenda_id = p_agenda.id AND status IN ('pending', 'unknown') RETURNING * LOOP
    PERFORM append_event('appointment-confirmed', p_agenda.id, v.id, '{"kind":"system"}', appointment_record(v));
  END LOOP;
END $$;

-- Ends a link. What the hub wrote there and what it may have written is listed first; the appointments stay.
-- False when there is no such link.
CREATE FUNCTION disconnect_link(p_organization uuid, p_link uuid, p_remote text, p_actor jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_agenda agenda; v_link link; v appointment;
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  SELECT a.* INTO v_agenda FROM agenda a JOIN link l ON l.organization_id = a.organization_id AND l.agenda_id = a.id
    WHERE l.organization_id = p_organization AND l.id = p_link FOR UPDATE OF a;
  SELECT * INTO v_link FROM link l WHERE l.organization_id = p_organization AND l.id = p_link FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM evict_lane(v_agenda.id);
  INSERT INTO disconnection (organization_id, link_id, agenda_id, connection_id, remote_agenda_id, remote, state, subscription_id)
    VALUES (p_organization, p_link, v_agenda.id, v_link.connection_id, v_link.remote_agenda_id, p_remote, 'removing', v_link.subscription_id);
  -- A visit that was cancelled must not stay in his agenda, whatever was chosen. What is over is history, his as well.
  INSERT INTO disconnection_object (organization_id, link_id, reference, remote_id, appointment_id, during, sent_at, state)
    SELECT p_organization, p_link, a.id || '-' || a.generation, m.remote_id, a.id, coalesce(m.during, a.during), CASE WHEN w.unanswered > 0 THEN w.last_sent_at END,
      CASE WHEN a.status = 'compensating' THEN 'due' WHEN p_remote = 'remove' AND upper(coalesce(m.during, a.during)) > now() THEN 'due' ELSE 'kept' END
    FROM appointment a
      LEFT JOIN mirror m ON m.organization_id = a.organization_id AND m.link_id = p_link AND m.appointment_id = a.id AND m.gone_at IS NULL
      LEFT JOIN remote_write w ON w.organization_id = a.organization_id AND w.appointment_id = a.id AND w.link_id = p_link
    WHERE a.organization_id = p_organization AND a.agenda_id = v_agenda.id AND (m.id IS NOT NULL OR w.unanswered > 0 OR (w.attempts > 0 AND is_live(a.status)));
  IF v_link.direction = 'two-way' THEN PERFORM master_here(v_agenda, p_link); END IF;
  DELETE FROM remote_write WHERE organization_id = p_organization AND link_id = p_link;
  DELETE FROM link WHERE organization_id = p_organization AND id = p_link;
  PERFORM recheck_contests(v_agenda);
  -- Nobody is left to disagree with, but another appointment of the hub's.
  FOR v IN UPDATE appointment a SET status = 'confirmed', version = version + 1, reason = NULL, updated_at = now()
      WHERE a.organization_id = p_organization AND a.agenda_id = v_agenda.id AND a.status = 'conflict'
        AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.organization_id = a.organization_id AND c.holder = a.id AND c.contested) RETURNING * LOOP
    PERFORM append_event('appointment-conflict-resolved', v_agenda.id, v.id, '{"kind":"system"}', appointment_record(v));
  END LOOP;
  PERFORM append_event('link-disconnected', v_agenda.id, p_link, p_actor, jsonb_build_object('remote', p_remote));
  RETURN true;
END $$;
`;
