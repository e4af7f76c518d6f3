import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Changes of the practitioner's own recurring time, asked for here and carried out in his agenda. */
export class BusyChanges1763770053000 implements MigrationInterface {
  readonly name = 'BusyChanges1763770053000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE TABLE busy_change (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  link_id uuid NOT NULL,
  mirror_id uuid NOT NULL,
  during tstzrange NOT NULL,
  aim tstzrange,
  following boolean NOT NULL,
  state text NOT NULL DEFAULT 'due',
  reason text,
  -- What was claimed for it beside what the object takes, and the object that it was claimed beside.
  reserved tstzrange[] NOT NULL DEFAULT '{}',
  content_hash text NOT NULL,
  actor jsonb NOT NULL,
  due_at timestamptz NOT NULL DEFAULT now(),
  asked_at timestamptz NOT NULL DEFAULT now(),
  attempts integer NOT NULL DEFAULT 0,
  unanswered integer NOT NULL DEFAULT 0,
  landed boolean NOT NULL DEFAULT false,
  last_sent_at timestamptz,
  failures integer NOT NULL DEFAULT 0,
  last_error jsonb,
  CONSTRAINT busy_change_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT busy_change_mirror_fk FOREIGN KEY (organization_id, mirror_id) REFERENCES mirror (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT busy_change_state_value CHECK (state IN ('due', 'done', 'refused')),
  CONSTRAINT busy_change_reason_value CHECK (reason IN ('taken', 'moved-on', 'unsupported', 'impossible', 'forbidden') AND (state = 'refused') = (reason IS NOT NULL)));
CREATE UNIQUE INDEX busy_change_one_at_a_time ON busy_change (organization_id, mirror_id) WHERE state = 'due';
CREATE INDEX busy_change_lane ON busy_change (organization_id, agenda_id, asked_at) WHERE state = 'due';
CREATE INDEX busy_change_due ON busy_change (due_at) WHERE state = 'due';

ALTER TABLE busy_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE busy_change FORCE ROW LEVEL SECURITY;
CREATE POLICY busy_change_tenant ON busy_change USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization());
CREATE POLICY busy_change_visible ON busy_change AS RESTRICTIVE USING ((SELECT visible_agendas()) IS NULL OR agenda_id = ANY ((SELECT visible_agendas())::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON busy_change TO unisson_app;
GRANT SELECT (organization_id, agenda_id, state, due_at) ON busy_change TO unisson_dispatcher;
CREATE POLICY busy_change_dispatch ON busy_change FOR SELECT TO unisson_dispatcher USING (state = 'due');

-- What is seen of an object, as a number: another one once anything of it that matters here has changed.
CREATE FUNCTION seen_version(p_content_hash text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
  $$ SELECT ('x' || substr(md5(p_content_hash), 1, 7))::bit(28)::integer $$;

-- Gives back what was claimed for a change, unless what the object takes was claimed anew since.
CREATE FUNCTION release_busy_change(c busy_change) RETURNS void LANGUAGE sql AS $$
  DELETE FROM claim WHERE organization_id = c.organization_id AND holder = c.mirror_id AND during = ANY (c.reserved)
    AND EXISTS (SELECT 1 FROM mirror m WHERE m.organization_id = c.organization_id AND m.id = c.mirror_id AND m.content_hash = c.content_hash);
  UPDATE busy_change SET reserved = '{}' WHERE organization_id = c.organization_id AND id = c.id;
$$;

-- Claims the time that a change asks for, beside what the object takes already: until it is read there, both are taken.
-- The instances that follow move by as much on the wall clock. False when a visit stands there.
CREATE FUNCTION reserve_busy_change(c busy_change) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_zone text; v_shift interval; v_all tstzrange[]; v_new tstzrange[];
BEGIN
  PERFORM release_busy_change(c);
  IF c.aim IS NULL THEN RETURN true; END IF;
  SELECT p.time_zone INTO v_zone FROM agenda a JOIN location p ON p.organization_id = a.organization_id AND p.id = a.location_id
    WHERE a.organization_id = c.organization_id AND a.id = c.agenda_id;
  v_shift := (lower(c.aim) AT TIME ZONE v_zone) - (lower(c.during) AT TIME ZONE v_zone);
  SELECT array_agg(DISTINCT r) INTO v_all FROM (
    SELECT c.aim AS r UNION ALL
    SELECT tstzrange(s.at, s.at + (upper(c.aim) - lower(c.aim))) FROM claim k
      CROSS JOIN LATERAL (SELECT ((lower(k.during) AT TIME ZONE v_zone) + v_shift) AT TIME ZONE v_zone AS at) s
      WHERE c.following AND k.organization_id = c.organization_id AND k.holder = c.mirror_id AND lower(k.during) > lower(c.during)) x;
  IF EXISTS (SELECT 1 FROM unnest(v_all) r JOIN claim k ON k.organization_id = c.organization_id AND k.agenda_id = c.agenda_id AND k.ends_at > lower(r) AND k.during && r
      WHERE k.authority = 'hub' AND k.closure_id IS NULL) THEN RETURN false; END IF;
  SELECT coalesce(array_agg(r), '{}') INTO v_new FROM unnest(v_all) r WHERE NOT EXISTS (SELECT 1 FROM claim k WHERE k.organization_id = c.organization_id
    AND k.agenda_id = c.agenda_id AND k.ends_at > lower(r) AND k.during && r AND (k.authority = 'hub' OR (k.holder = c.mirror_id AND k.during = r)));
  INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, mirror_id)
    SELECT c.organization_id, c.agenda_id, s.seat, r, 'remote', c.mirror_id, c.mirror_id FROM unnest(v_new) r, agenda_seat s
    WHERE s.organization_id = c.organization_id AND s.agenda_id = c.agenda_id;
  UPDATE busy_change b SET reserved = v_new, content_hash = m.content_hash FROM mirror m
    WHERE b.organization_id = c.organization_id AND b.id = c.id AND m.organization_id = c.organization_id AND m.id = c.mirror_id;
  RETURN true;
END $$;

-- 'asked', or why not: 'unknown', 'read-only', 'stale', 'under-way', 'taken'.
CREATE FUNCTION ask_busy_change(p_id uuid, p_agenda uuid, p_mirror uuid, p_during tstzrange, p_aim tstzrange, p_following boolean, p_version integer, p_actor jsonb)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE m mirror; l link; c busy_change;
BEGIN
  PERFORM 1 FROM agenda a WHERE a.organization_id = current_organization() AND a.id = p_agenda FOR UPDATE;
  SELECT x.* INTO l FROM link x WHERE x.organization_id = current_organization() AND x.agenda_id = p_agenda;
  SELECT x.* INTO m FROM mirror x WHERE x.organization_id = current_organization() AND x.id = p_mirror AND x.link_id = l.id AND x.appointment_id IS NULL AND x.copy_of IS NULL AND x.gone_at IS NULL;
  IF m.id IS NULL THEN RETURN 'unknown'; END IF;
  IF l.direction <> 'two-way' OR l.phase <> 'live' OR l.paused_at IS NOT NULL THEN RETURN 'read-only'; END IF;
  IF seen_version(m.content_hash) <> p_version THEN RETURN 'stale'; END IF;
  IF EXISTS (SELECT 1 FROM busy_change b WHERE b.organization_id = m.organization_id AND b.mirror_id = m.id AND b.state = 'due') THEN RETURN 'under-way'; END IF;
  IF NOT EXISTS (SELECT 1 FROM claim k WHERE k.organization_id = m.organization_id AND k.holder = m.id AND k.during = p_during) THEN RETURN 'unknown'; END IF;
  INSERT INTO busy_change (organization_id, id, agenda_id, link_id, mirror_id, during, aim, following, content_hash, actor)
    VALUES (m.organization_id, p_id, p_agenda, l.id, m.id, p_during, p_aim, p_following, m.content_hash, p_actor) RETURNING * INTO c;
  IF NOT reserve_busy_change(c) THEN
    DELETE FROM busy_change WHERE organization_id = c.organization_id AND id = c.id;
    RETURN 'taken';
  END IF;
  PERFORM append_event('busy-change-asked', p_agenda, p_id, p_actor, interval_json(p_during) || jsonb_build_object('object', p_mirror, 'to', interval_json(p_aim), 'following', p_following));
  RETURN 'asked';
END $$;

-- Before it is sent: counts it. 'sent', or why not: 'gone', 'moved-on', 'taken'. One that may have landed already is not judged anew.
CREATE FUNCTION send_busy_change(p_id uuid, p_attempts integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE c busy_change;
BEGIN
  PERFORM 1 FROM agenda a JOIN busy_change b ON b.organization_id = a.organization_id AND b.agenda_id = a.id
    WHERE b.organization_id = current_organization() AND b.id = p_id FOR UPDATE OF a;
  SELECT b.* INTO c FROM busy_change b JOIN link l ON l.organization_id = b.organization_id AND l.id = b.link_id AND l.paused_at IS NULL
    WHERE b.organization_id = current_organization() AND b.id = p_id AND b.state = 'due' AND b.attempts = p_attempts;
  IF c.id IS NULL THEN RETURN 'gone'; END IF;
  IF c.unanswered = 0 THEN
    IF NOT EXISTS (SELECT 1 FROM mirror m JOIN claim k ON k.organization_id = m.organization_id AND k.holder = m.id AND k.during = c.during
        WHERE m.organization_id = c.organization_id AND m.id = c.mirror_id AND m.gone_at IS NULL AND m.appointment_id IS NULL) THEN RETURN 'moved-on'; END IF;
    IF NOT reserve_busy_change(c) THEN RETURN 'taken'; END IF;
  END IF;
  UPDATE busy_change SET attempts = attempts + 1, unanswered = unanswered + 1, last_sent_at = clock_timestamp() WHERE organization_id = c.organization_id AND id = c.id;
  RETURN 'sent';
END $$;

-- The end of a change. Of one that was refused, what was claimed for it is given back.
CREATE FUNCTION end_busy_change(p_id uuid, p_reason text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE c busy_change;
BEGIN
  PERFORM 1 FROM agenda a JOIN busy_change b ON b.organization_id = a.organization_id AND b.agenda_id = a.id
    WHERE b.organization_id = current_organization() AND b.id = p_id FOR UPDATE OF a;
  UPDATE busy_change SET state = CASE WHEN p_reason IS NULL THEN 'done' ELSE 'refused' END, reason = p_reason
    WHERE organization_id = current_organization() AND id = p_id AND state = 'due' RETURNING * INTO c;
  IF c.id IS NULL THEN RETURN; END IF;
  IF p_reason IS NOT NULL THEN PERFORM release_busy_change(c); END IF;
  PERFORM append_event(CASE WHEN p_reason IS NULL THEN 'busy-changed' ELSE 'busy-change-refused' END, c.agenda_id, c.id, '{"kind":"system"}',
    interval_json(c.during) || jsonb_build_object('object', c.mirror_id, 'to', interval_json(c.aim), 'following', c.following) || CASE WHEN p_reason IS NULL THEN '{}' ELSE jsonb_build_object('reason', p_reason) END);
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
