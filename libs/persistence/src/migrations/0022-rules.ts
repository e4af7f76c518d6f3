import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The practitioner's rules. What a plain agenda needs is checked by `refusing_rule`; where an agenda has rules of its
 * own (`agenda.ruled`), whoever books reads `booking_facts` under the agenda's lock, judges them with the domain's
 * functions, and passes what they allow (`terms`) in the same transaction.
 */
export class Rules1763770022000 implements MigrationInterface {
  readonly name = 'Rules1763770022000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(RULED);
    await runner.query(FACTS);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}

const TABLES = `
ALTER TABLE agenda ADD COLUMN ruled boolean NOT NULL DEFAULT false, ADD COLUMN backend_rules jsonb,
  ADD COLUMN holiday_calendar text,
  ADD COLUMN worked_holidays text[] NOT NULL DEFAULT '{}',
  ADD CONSTRAINT agenda_holiday_calendar_value CHECK (holiday_calendar IN
    ('metropole', 'alsace-moselle', 'guadeloupe', 'martinique', 'guyane', 'reunion', 'mayotte', 'saint-barthelemy', 'saint-martin'));
ALTER TABLE collaborator ADD COLUMN secretariat text;
ALTER TABLE api_key ADD COLUMN audience text NOT NULL DEFAULT 'SECRETARIAT',
  ADD CONSTRAINT api_key_audience_value CHECK (audience IN ('PUBLIC', 'PRO', 'SNP', 'CPTS', 'SECRETARIAT'));
DROP FUNCTION find_api_key(uuid, uuid);
CREATE FUNCTION find_api_key(p_organization uuid, p_id uuid)
RETURNS TABLE (secret_hash bytea, scopes text[], audience text, revoked boolean) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('app.organization', p_organization::text, true);
  RETURN QUERY SELECT k.secret_hash, k.scopes, k.audience, k.revoked_at IS NOT NULL FROM api_key k
    WHERE k.organization_id = p_organization AND k.id = p_id;
END $$;
ALTER TABLE agenda_motif ADD COLUMN rules jsonb NOT NULL DEFAULT '{}', ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE opening ADD COLUMN motif_ids uuid[], ADD COLUMN audiences text[], ADD COLUMN capacity integer, ADD COLUMN version integer NOT NULL DEFAULT 1,
  ADD CONSTRAINT opening_capacity_range CHECK (capacity BETWEEN 1 AND 50);
ALTER TABLE closure ADD COLUMN source text NOT NULL DEFAULT 'typed', ADD COLUMN version integer NOT NULL DEFAULT 1,
  ADD CONSTRAINT closure_source_value CHECK (source IN ('typed', 'holiday', 'backend'));

-- A part of the open time that is kept for some until a release rule frees it; it recurs like an opening.
CREATE TABLE reserve (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  label text NOT NULL,
  rrule text NOT NULL,
  starts_local text NOT NULL,
  duration_minutes integer NOT NULL,
  time_zone text NOT NULL,
  except_dates text[] NOT NULL DEFAULT '{}',
  kept_for jsonb NOT NULL,
  release jsonb NOT NULL,
  recapture_minutes integer,
  version integer NOT NULL DEFAULT 1,
  CONSTRAINT reserve_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT reserve_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT reserve_duration_range CHECK (duration_minutes BETWEEN 5 AND 1440),
  CONSTRAINT reserve_recapture_range CHECK (recapture_minutes BETWEEN 0 AND 525600));
CREATE TABLE reserve_occurrence (
  organization_id uuid NOT NULL,
  reserve_id uuid NOT NULL,
  during tstzrange NOT NULL,
  agenda_id uuid NOT NULL,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  CONSTRAINT reserve_occurrence_pk PRIMARY KEY (organization_id, reserve_id, during),
  CONSTRAINT reserve_occurrence_reserve_fk FOREIGN KEY (organization_id, reserve_id) REFERENCES reserve (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT reserve_occurrence_bounds CHECK (starts_at = lower(during) AND ends_at = upper(during)),
  CONSTRAINT reserve_occurrence_length CHECK (ends_at - starts_at <= interval '32 hours'),
  CONSTRAINT reserve_occurrence_range CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during) AND NOT lower_inf(during) AND NOT upper_inf(during)));
-- Under row-level security no index on a range is used: occurrences are found by their bounds.
ALTER TABLE opening_occurrence ADD COLUMN starts_at timestamptz NOT NULL DEFAULT '-infinity', ADD COLUMN ends_at timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE opening_occurrence ALTER COLUMN starts_at DROP DEFAULT, ALTER COLUMN starts_at TYPE timestamptz USING lower(during),
  ALTER COLUMN ends_at DROP DEFAULT, ALTER COLUMN ends_at TYPE timestamptz USING upper(during);
ALTER TABLE opening_occurrence ADD CONSTRAINT opening_occurrence_bounds CHECK (starts_at = lower(during) AND ends_at = upper(during));
CREATE FUNCTION occurrence_has_its_bounds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Endless ranges are refused by their own constraint, under that name.
  new.starts_at := coalesce(lower(new.during), '-infinity');
  new.ends_at := coalesce(upper(new.during), 'infinity');
  RETURN new;
END $$;
CREATE TRIGGER opening_occurrence_bounds BEFORE INSERT OR UPDATE OF during ON opening_occurrence FOR EACH ROW EXECUTE FUNCTION occurrence_has_its_bounds();
CREATE TRIGGER reserve_occurrence_bounds BEFORE INSERT OR UPDATE OF during ON reserve_occurrence FOR EACH ROW EXECUTE FUNCTION occurrence_has_its_bounds();
DROP INDEX opening_occurrence_agenda;
CREATE INDEX opening_occurrence_agenda ON opening_occurrence (organization_id, agenda_id, ends_at, starts_at);
ALTER TABLE claim ADD COLUMN starts_at timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE claim ALTER COLUMN starts_at DROP DEFAULT, ALTER COLUMN starts_at TYPE timestamptz USING lower(during);
ALTER TABLE claim ADD CONSTRAINT claim_starts CHECK (starts_at = lower(during));
DROP TRIGGER claim_ends ON claim;
DROP FUNCTION claim_ends_with_its_range();
CREATE TRIGGER claim_bounds BEFORE INSERT OR UPDATE OF during ON claim FOR EACH ROW EXECUTE FUNCTION occurrence_has_its_bounds();
DROP INDEX claim_agenda_ends;
CREATE INDEX claim_agenda_ends ON claim (organization_id, agenda_id, ends_at, starts_at);
-- Longer than any appointment: few, so that all others are found between two instants.
CREATE INDEX claim_long ON claim (organization_id, agenda_id, ends_at) WHERE ends_at - starts_at > interval '32 hours';
ALTER TABLE appointment ADD COLUMN starts_at timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE appointment ALTER COLUMN starts_at DROP DEFAULT, ALTER COLUMN starts_at TYPE timestamptz USING lower(during);
ALTER TABLE appointment ADD CONSTRAINT appointment_starts CHECK (starts_at = lower(during));
CREATE FUNCTION appointment_has_its_start() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  new.starts_at := coalesce(lower(new.during), '-infinity');
  RETURN new;
END $$;
CREATE TRIGGER appointment_starts BEFORE INSERT OR UPDATE OF during ON appointment FOR EACH ROW EXECUTE FUNCTION appointment_has_its_start();
DROP INDEX appointment_agenda_start, appointment_start;
CREATE INDEX appointment_agenda_start ON appointment (organization_id, agenda_id, starts_at, id);
CREATE INDEX appointment_start ON appointment (organization_id, starts_at, id);
-- Reckoned in numeric, an instant takes ten times as long.
CREATE OR REPLACE FUNCTION milliseconds(p_at timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT (date_part('epoch', p_at) * 1000)::bigint $$;
CREATE INDEX opening_occurrence_long ON opening_occurrence (organization_id, agenda_id, ends_at) WHERE ends_at - starts_at > interval '32 hours';
CREATE INDEX reserve_occurrence_agenda ON reserve_occurrence (organization_id, agenda_id, ends_at, starts_at);

-- Who sees the patients of an agenda while its practitioner is away (remplaçant).
CREATE TABLE substitution (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  during tstzrange NOT NULL,
  display_name text NOT NULL,
  rpps text,
  version integer NOT NULL DEFAULT 1,
  CONSTRAINT substitution_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT substitution_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT substitution_rpps_form CHECK (rpps ~ '^[0-9]{11}$'),
  CONSTRAINT substitution_one_at_a_time EXCLUDE USING gist (agenda_id WITH =, during WITH &&),
  CONSTRAINT substitution_range CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during) AND NOT lower_inf(during) AND NOT upper_inf(during)));

-- By the columns that questions have: one agenda's own.
CREATE INDEX opening_by_agenda ON opening (organization_id, agenda_id);
CREATE INDEX closure_by_agenda ON closure (organization_id, agenda_id);
CREATE INDEX reserve_by_agenda ON reserve (organization_id, agenda_id);
CREATE INDEX substitution_by_agenda ON substitution (organization_id, agenda_id);

-- The same person gives the same fingerprint (a keyed hash), so that his other visits are found and his name is not.
ALTER TABLE patient_identity ADD COLUMN fingerprint bytea;
CREATE INDEX patient_identity_fingerprint ON patient_identity (organization_id, fingerprint) WHERE fingerprint IS NOT NULL;
ALTER TABLE appointment ADD COLUMN overbooking text, ADD COLUMN series_id uuid;
CREATE INDEX appointment_series ON appointment (organization_id, series_id) WHERE series_id IS NOT NULL;

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['reserve', 'reserve_occurrence', 'substitution'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization())', t || '_tenant', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO unisson_app', t);
  END LOOP;
END $$;
`;

const RULED = `
-- Whether an agenda has any rule beyond its openings, closures and motifs: kept with what decides it. p_backend: for whom a linked backend lets be booked.
CREATE FUNCTION rules_of_agenda(p_organization uuid, p_agenda uuid, p_backend jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT p_backend IS NOT NULL
    OR EXISTS (SELECT 1 FROM agenda_motif m WHERE m.organization_id = p_organization AND m.agenda_id = p_agenda AND m.rules <> '{}')
    OR EXISTS (SELECT 1 FROM opening o WHERE o.organization_id = p_organization AND o.agenda_id = p_agenda AND num_nonnulls(o.motif_ids, o.audiences, o.capacity) > 0)
    OR EXISTS (SELECT 1 FROM reserve r WHERE r.organization_id = p_organization AND r.agenda_id = p_agenda)
$$;
CREATE FUNCTION agenda_is_ruled() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v record;
BEGIN
  IF tg_op = 'DELETE' THEN v := old; ELSE v := new; END IF;
  UPDATE agenda a SET ruled = NOT a.ruled WHERE a.organization_id = v.organization_id AND a.id = v.agenda_id
    AND a.ruled <> rules_of_agenda(a.organization_id, a.id, a.backend_rules);
  RETURN NULL;
END $$;
CREATE TRIGGER agenda_motif_rules AFTER INSERT OR DELETE OR UPDATE OF rules ON agenda_motif FOR EACH ROW EXECUTE FUNCTION agenda_is_ruled();
CREATE TRIGGER opening_rules AFTER INSERT OR DELETE OR UPDATE OF motif_ids, audiences, capacity ON opening FOR EACH ROW EXECUTE FUNCTION agenda_is_ruled();
CREATE TRIGGER reserve_rules AFTER INSERT OR DELETE ON reserve FOR EACH ROW EXECUTE FUNCTION agenda_is_ruled();

-- The rules of a plain agenda.
CREATE OR REPLACE FUNCTION refusing_rule(p_agenda agenda, p_motif uuid, p_visit tstzrange) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE v_grid integer;
BEGIN
  IF NOT p_agenda.active THEN RETURN 'AGENDA_DISABLED'; END IF;
  IF NOT EXISTS (SELECT 1 FROM agenda_motif m WHERE m.organization_id = p_agenda.organization_id AND m.agenda_id = p_agenda.id AND m.motif_id = p_motif) THEN
    RETURN 'MOTIF_NOT_ALLOWED'; END IF;
  IF lower(p_visit) < clock_timestamp() THEN RETURN 'NOTICE_TOO_SHORT'; END IF;
  IF upper(p_visit) > p_agenda.opened_until THEN RETURN 'HORIZON'; END IF;
  IF EXISTS (SELECT 1 FROM closure c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.during && p_visit) THEN
    RETURN 'CLOSED'; END IF;
  SELECT t.granularity_minutes * 60 INTO v_grid FROM motif t WHERE t.organization_id = p_agenda.organization_id AND t.id = p_motif;
  -- Inside one opening and on its grid, as nearly always.
  IF EXISTS (SELECT 1 FROM opening_occurrence o WHERE o.organization_id = p_agenda.organization_id AND o.agenda_id = p_agenda.id AND o.ends_at >= upper(p_visit) AND o.starts_at <= lower(p_visit)
      AND mod(extract(epoch FROM lower(p_visit) - o.starts_at), v_grid) = 0) THEN RETURN NULL; END IF;
  -- Inside several that touch.
  IF NOT coalesce((SELECT range_agg(o.during) @> p_visit FROM opening_occurrence o
      WHERE o.organization_id = p_agenda.organization_id AND o.agenda_id = p_agenda.id AND o.ends_at > lower(p_visit) AND o.starts_at < upper(p_visit)), false) THEN
    RETURN 'CLOSED'; END IF;
  IF NOT EXISTS (SELECT 1 FROM opening_occurrence o WHERE o.organization_id = p_agenda.organization_id AND o.agenda_id = p_agenda.id AND o.ends_at > lower(p_visit) AND o.starts_at <= lower(p_visit)
      AND mod(extract(epoch FROM lower(p_visit) - o.starts_at), v_grid) = 0) THEN RETURN 'OFF_GRID'; END IF;
  RETURN NULL;
END $$;
`;

const FACTS = `
-- The visit as the rules cut it: its minutes, before, after, and the longest of both kinds of patient.
CREATE FUNCTION minutes_of(p_motif motif, p_rules jsonb) RETURNS TABLE (duration integer, newcomer integer, before integer, after integer, granularity integer) LANGUAGE sql IMMUTABLE ROWS 1 AS $$
  SELECT coalesce((p_rules->>'durationMinutes')::integer, (p_motif).duration_minutes),
    coalesce((p_rules->>'newPatientDurationMinutes')::integer, (p_rules->>'durationMinutes')::integer, (p_motif).duration_minutes),
    coalesce((p_rules->>'bufferBeforeMinutes')::integer, (p_motif).buffer_before_minutes),
    coalesce((p_rules->>'bufferAfterMinutes')::integer, (p_motif).buffer_after_minutes),
    coalesce((p_rules->>'granularityMinutes')::integer, (p_motif).granularity_minutes)
$$;
CREATE FUNCTION visit_minutes(p_motif motif, p_rules jsonb, OUT duration integer, OUT newcomer integer, OUT before integer, OUT after integer, OUT granularity integer) LANGUAGE sql IMMUTABLE AS
  $$ SELECT * FROM minutes_of(p_motif, p_rules) $$;

-- Every seat that is taken over [p_from, p_to) but by p_self: a claim on all seats stands once, with seat null; ended holds do not
-- stand, and the practitioner's copy of an appointment of ours does not stand beside it. Numbers in columns, and json, not jsonb: one object for each claim, read again for every level above it, takes ten times as long.
CREATE FUNCTION taken_seats(p_organization uuid, p_agenda uuid, p_from timestamptz, p_to timestamptz, p_self uuid) RETURNS TABLE (seats json) LANGUAGE sql STABLE ROWS 1 AS $$
  SELECT json_build_object('starts', array_to_json(array_agg(milliseconds(k.starts_at))), 'ends', array_to_json(array_agg(milliseconds(k.ends_at))), 'seats', array_to_json(array_agg(k.single)),
    'heldBy', CASE WHEN count(h.id) > 0 THEN array_to_json(array_agg(c.display_name)) END)
  FROM (SELECT k.*, CASE WHEN k.appointment_id IS NOT NULL OR k.departing_id IS NOT NULL THEN k.seat END AS single FROM (
      SELECT * FROM claim c WHERE c.organization_id = p_organization AND c.agenda_id = p_agenda AND c.ends_at > p_from AND c.ends_at <= p_to + interval '32 hours' AND c.starts_at < p_to
      UNION ALL SELECT * FROM claim c WHERE c.organization_id = p_organization AND c.agenda_id = p_agenda AND c.ends_at > p_to + interval '32 hours' AND c.ends_at - c.starts_at > interval '32 hours' AND c.starts_at < p_to) k
    WHERE k.holder IS DISTINCT FROM p_self AND (NOT k.overbooked OR k.authority = 'hub')
      AND (k.appointment_id IS NOT NULL OR k.departing_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM claim s WHERE s.organization_id = k.organization_id AND s.holder = k.holder
        AND s.agenda_id = k.agenda_id AND s.starts_at = k.starts_at AND s.ends_at = k.ends_at AND (NOT s.overbooked OR s.authority = 'hub') AND s.seat < k.seat))) k
  LEFT JOIN appointment h ON h.organization_id = k.organization_id AND h.id = k.appointment_id AND h.status = 'held'
  LEFT JOIN collaborator c ON c.organization_id = h.organization_id AND c.id = h.created_by
  WHERE h.id IS NULL OR h.hold_until > clock_timestamp()
$$;

-- The agendas of the equipment that a rule names. They are looked at for whoever asks, though he may not see them: rules hold of what is.
CREATE FUNCTION equipment_of(p_organization uuid, p_equipment jsonb) RETURNS SETOF agenda LANGUAGE plpgsql STABLE AS $$
DECLARE v_seen text := coalesce(current_setting('app.agendas', true), '');
BEGIN
  PERFORM set_config('app.agendas', '', true);
  RETURN QUERY SELECT e.* FROM agenda e WHERE e.organization_id = p_organization AND e.id IN (SELECT x::uuid FROM jsonb_array_elements_text(p_equipment) x);
  PERFORM set_config('app.agendas', v_seen, true);
END $$;

-- What the domain's rules look at of one agenda, for visits that start in [p_from, p_to]; see AgendaFacts. p_self is left out.
-- Written so that a query over many agendas takes it in as its own text (one row, no procedure): each part is a look into an
-- index by plain columns, between two instants where that can be (what lasts longer than 32 hours is rare, and is looked for apart).
-- Where a search finds no opening, nothing else is looked for. OFFSET 0 keeps an instant from being reckoned again for every row that is held against it.
CREATE FUNCTION facts_between(p_agenda agenda, p_zone text, p_motif motif, p_rules jsonb, p_from timestamptz, p_to timestamptz, p_self uuid)
RETURNS TABLE (minutes json, facts json) LANGUAGE sql STABLE ROWS 1 AS $$
  SELECT json_build_object('duration', d.duration, 'newcomer', d.newcomer, 'before', d.before, 'after', d.after, 'granularity', d.granularity), json_build_object('active', (p_agenda).active, 'offered', true, 'timeZone', p_zone, 'capacity', (p_agenda).capacity,
    'openedUntil', CASE WHEN (p_agenda).opened_until > '-infinity' THEN milliseconds((p_agenda).opened_until) ELSE 0 END,
    'openings', coalesce(n.openings, '[]'),
    'closures', CASE WHEN n.wanted THEN coalesce((SELECT json_agg(interval_json(c.during)) FROM closure c
      WHERE c.organization_id = d.organization AND c.agenda_id = d.agenda AND c.during && tstzrange(d.days_from, d.days_to)), '[]') ELSE '[]' END,
    'reserves', coalesce(v.reserves, '[]'),
    'occupied', CASE WHEN n.wanted THEN (SELECT t.seats FROM taken_seats(d.organization, d.agenda, d.days_from, d.days_to, p_self) t) ELSE '{}' END,
    'visits', CASE WHEN n.wanted AND p_rules ? 'quotas' THEN coalesce((SELECT array_to_json(array_agg(milliseconds(a.starts_at))) FROM appointment a
      WHERE a.organization_id = d.organization AND a.agenda_id = d.agenda AND a.motif_id = d.motif AND is_live(a.status) AND a.id IS DISTINCT FROM p_self
        AND (a.status <> 'held' OR a.hold_until > clock_timestamp()) AND a.starts_at >= p_from - d.quota_reach AND a.starts_at < p_to + d.quota_reach), '[]') ELSE '[]' END,
    'givenBack', CASE WHEN v.reserves IS NULL THEN '[]' ELSE coalesce((SELECT json_agg(json_build_object('start', milliseconds(a.starts_at), 'end', milliseconds(upper(a.during)), 'at', milliseconds(a.updated_at))) FROM appointment a
      WHERE a.organization_id = d.organization AND a.agenda_id = d.agenda AND a.status = 'cancelled'
        AND a.starts_at >= d.days_from - interval '1 day' AND a.starts_at < d.days_to AND upper(a.during) > d.days_from), '[]') END,
    'reservedVisits', CASE WHEN v.reserves IS NULL THEN '[]' ELSE coalesce((SELECT json_agg(json_build_object('start', milliseconds(a.starts_at), 'secretariat',
        (SELECT c.secretariat FROM collaborator c WHERE c.organization_id = a.organization_id AND c.id = a.created_by))) FROM appointment a
      WHERE a.organization_id = d.organization AND a.agenda_id = d.agenda AND is_live(a.status) AND a.id IS DISTINCT FROM p_self
        AND (a.status <> 'held' OR a.hold_until > clock_timestamp())
        AND a.starts_at >= d.days_from - interval '1 day' AND a.starts_at < d.days_to AND upper(a.during) > d.days_from AND a.during && v.reserved), '[]') END,
    'equipment', CASE WHEN n.wanted AND p_rules ? 'equipment' THEN (SELECT coalesce(json_agg(json_build_object('agendaId', x.id, 'capacity', CASE WHEN e.active THEN e.capacity ELSE 0 END,
        'occupied', CASE WHEN e.id IS NULL THEN '{}' ELSE (SELECT t.seats FROM taken_seats(e.organization_id, e.id, d.reach_from, d.reach_to, p_self) t) END)), '[]')
      FROM (SELECT t::uuid AS id FROM jsonb_array_elements_text(p_rules->'equipment') t) x
      LEFT JOIN equipment_of(d.organization, p_rules->'equipment') e ON e.id = x.id) ELSE '[]' END)
  FROM (SELECT w.*, w.reach_from - w.around AS days_from, w.reach_to + w.around AS days_to FROM (
    -- What decides about a reserve by its day (occupancy, quota) looks at its whole local day.
    SELECT r.*, CASE WHEN r.ruled AND EXISTS (SELECT 1 FROM reserve g WHERE g.organization_id = r.organization AND g.agenda_id = r.agenda
          AND (g.release @> '[{"kind":"occupancy"}]' OR g.release @> '[{"kind":"quota"}]')) AND EXISTS (SELECT 1 FROM reserve_occurrence o
            WHERE o.organization_id = r.organization AND o.agenda_id = r.agenda AND o.ends_at > r.reach_from AND o.ends_at <= r.reach_to + interval '32 hours' AND o.starts_at < r.reach_to)
        THEN interval '26 hours' ELSE interval '0' END AS around,
      CASE WHEN p_rules->'quotas' @> '[{"per":"week"}]' THEN interval '8 days' ELSE interval '26 hours' END AS quota_reach
    FROM (SELECT u.*, p_from - (u.before + greatest(u.duration, u.newcomer)) * interval '1 minute' AS reach_from,
        p_to + (greatest(u.duration, u.newcomer) + u.after) * interval '1 minute' AS reach_to FROM (SELECT m.*, (p_agenda).organization_id AS organization, (p_agenda).id AS agenda, (p_agenda).ruled, (p_motif).id AS motif FROM minutes_of(p_motif, p_rules) m OFFSET 0) u OFFSET 0) r OFFSET 0) w OFFSET 0) d
  CROSS JOIN LATERAL (SELECT x.openings, x.openings IS NOT NULL OR p_from = p_to AS wanted FROM (SELECT (SELECT json_agg((SELECT json_build_object('motifIds', g.motif_ids, 'audiences', g.audiences, 'capacity', g.capacity, 'starts', o.starts, 'ends', o.ends)
        FROM opening g WHERE g.organization_id = d.organization AND g.id = o.opening_id))
      FROM (SELECT o.opening_id, array_agg(milliseconds(o.starts_at)) AS starts, array_agg(milliseconds(o.ends_at)) AS ends FROM (
          SELECT * FROM opening_occurrence o WHERE o.organization_id = d.organization AND o.agenda_id = d.agenda AND o.ends_at > d.days_from AND o.ends_at <= d.days_to + interval '32 hours' AND o.starts_at < d.days_to
          UNION ALL SELECT * FROM opening_occurrence o WHERE o.organization_id = d.organization AND o.agenda_id = d.agenda AND o.ends_at > d.days_to + interval '32 hours' AND o.ends_at - o.starts_at > interval '32 hours' AND o.starts_at < d.days_to) o
        GROUP BY o.opening_id) o) AS openings OFFSET 0) x OFFSET 0) n
  LEFT JOIN LATERAL (SELECT json_agg((SELECT json_build_object('reserveId', g.id, 'keptFor', g.kept_for, 'release', g.release, 'recaptureMinutes', g.recapture_minutes, 'starts', o.starts, 'ends', o.ends)
        FROM reserve g WHERE g.organization_id = d.organization AND g.id = o.reserve_id)) AS reserves, range_agg(o.during) AS reserved
      FROM (SELECT o.reserve_id, array_agg(milliseconds(o.starts_at)) AS starts, array_agg(milliseconds(o.ends_at)) AS ends, range_agg(o.during) AS during FROM reserve_occurrence o
        WHERE o.organization_id = d.organization AND o.agenda_id = d.agenda AND o.ends_at > d.days_from AND o.ends_at <= d.days_to + interval '32 hours' AND o.starts_at < d.days_to GROUP BY o.reserve_id) o) v ON d.ruled AND n.wanted
$$;
-- Planned once: planning takes far longer than answering.
CREATE FUNCTION agenda_facts(p_agenda agenda, p_zone text, p_motif motif, p_rules jsonb, p_from timestamptz, p_to timestamptz, p_self uuid) RETURNS jsonb LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN (SELECT f.facts::jsonb FROM facts_between(p_agenda, p_zone, p_motif, p_rules, p_from, p_to, p_self) f);
END $$;
`;
