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
ALTER TABLE agenda ADD COLUMN ruled boolean NOT NULL DEFAULT false,
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
  ADD CONSTRAINT closure_source_value CHECK (source IN ('typed', 'holiday'));

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
-- Whether an agenda has any rule beyond its openings, closures and motifs: kept with what decides it.
CREATE FUNCTION agenda_is_ruled() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v record;
BEGIN
  IF tg_op = 'DELETE' THEN v := old; ELSE v := new; END IF;
  UPDATE agenda a SET ruled = x.ruled FROM (SELECT
      EXISTS (SELECT 1 FROM agenda_motif m WHERE m.organization_id = v.organization_id AND m.agenda_id = v.agenda_id AND m.rules <> '{}')
      OR EXISTS (SELECT 1 FROM opening o WHERE o.organization_id = v.organization_id AND o.agenda_id = v.agenda_id AND num_nonnulls(o.motif_ids, o.audiences, o.capacity) > 0)
      OR EXISTS (SELECT 1 FROM reserve r WHERE r.organization_id = v.organization_id AND r.agenda_id = v.agenda_id) AS ruled) x
    WHERE a.organization_id = v.organization_id AND a.id = v.agenda_id AND a.ruled <> x.ruled;
  RETURN NULL;
END $$;
CREATE TRIGGER agenda_motif_rules AFTER INSERT OR DELETE OR UPDATE OF rules ON agenda_motif FOR EACH ROW EXECUTE FUNCTION agenda_is_ruled();
CREATE TRIGGER opening_rules AFTER INSERT OR DELETE OR UPDATE OF motif_ids, audiences, capacity ON opening FOR EACH ROW EXECUTE FUNCTION agenda_is_ruled();
CREATE TRIGGER reserve_rules AFTER INSERT OR DELETE ON reserve FOR EACH ROW EXECUTE FUNCTION agenda_is_ruled();

-- The rules of a plain agenda.
CREATE OR REPLACE FUNCTION refusing_rule(p_agenda agenda, p_motif uuid, p_visit tstzrange) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT p_agenda.active THEN RETURN 'AGENDA_DISABLED'; END IF;
  IF NOT EXISTS (SELECT 1 FROM agenda_motif m WHERE m.organization_id = p_agenda.organization_id AND m.agenda_id = p_agenda.id AND m.motif_id = p_motif) THEN
    RETURN 'MOTIF_NOT_ALLOWED'; END IF;
  IF lower(p_visit) < clock_timestamp() THEN RETURN 'NOTICE_TOO_SHORT'; END IF;
  IF upper(p_visit) > p_agenda.opened_until THEN RETURN 'HORIZON'; END IF;
  -- Inside one opening, as nearly always, or inside several that touch.
  IF NOT EXISTS (SELECT 1 FROM opening_occurrence o WHERE o.organization_id = p_agenda.organization_id AND o.agenda_id = p_agenda.id AND o.ends_at > lower(p_visit) AND o.starts_at <= lower(p_visit) AND o.during @> p_visit)
    AND NOT coalesce((SELECT range_agg(o.during) @> p_visit FROM opening_occurrence o
      WHERE o.organization_id = p_agenda.organization_id AND o.agenda_id = p_agenda.id AND o.ends_at > lower(p_visit) AND o.starts_at < upper(p_visit) AND o.during && p_visit), false) THEN
    RETURN 'CLOSED'; END IF;
  IF EXISTS (SELECT 1 FROM closure c WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.during && p_visit) THEN
    RETURN 'CLOSED'; END IF;
  IF NOT EXISTS (SELECT 1 FROM opening_occurrence o, motif t WHERE o.organization_id = p_agenda.organization_id AND o.agenda_id = p_agenda.id AND o.ends_at > lower(p_visit) AND o.starts_at <= lower(p_visit) AND o.during @> lower(p_visit)
      AND t.organization_id = p_agenda.organization_id AND t.id = p_motif
      AND mod(extract(epoch FROM lower(p_visit) - lower(o.during)), t.granularity_minutes * 60) = 0) THEN RETURN 'OFF_GRID'; END IF;
  RETURN NULL;
END $$;
`;

const FACTS = `
-- The visit as the rules cut it: its minutes, before, after, and the longest of both kinds of patient.
CREATE FUNCTION visit_minutes(p_motif motif, p_rules jsonb, OUT duration integer, OUT newcomer integer, OUT before integer, OUT after integer, OUT granularity integer) LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce((p_rules->>'durationMinutes')::integer, p_motif.duration_minutes),
    coalesce((p_rules->>'newPatientDurationMinutes')::integer, (p_rules->>'durationMinutes')::integer, p_motif.duration_minutes),
    coalesce((p_rules->>'bufferBeforeMinutes')::integer, p_motif.buffer_before_minutes),
    coalesce((p_rules->>'bufferAfterMinutes')::integer, p_motif.buffer_after_minutes),
    coalesce((p_rules->>'granularityMinutes')::integer, p_motif.granularity_minutes)
$$;

-- Every seat that is taken over a range but by p_self: a claim on all seats stands once, with seat null; ended holds do not stand,
-- and the practitioner's copy of an appointment of ours does not stand beside it.
CREATE FUNCTION taken_seats(p_organization uuid, p_agenda uuid, p_range tstzrange, p_self uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('interval', interval_json(t.during), 'seat', t.seat, 'kind', t.kind) || CASE WHEN t.held_by IS NULL THEN '{}' ELSE jsonb_build_object('heldBy', t.held_by) END), '[]')
  FROM (SELECT DISTINCT k.during, CASE WHEN k.appointment_id IS NULL AND k.departing_id IS NULL THEN NULL ELSE k.seat END AS seat, k.holder,
      CASE WHEN h.id IS NULL THEN 'busy' ELSE 'held' END AS kind, c.display_name AS held_by
    FROM claim k LEFT JOIN appointment h ON h.organization_id = k.organization_id AND h.id = k.appointment_id AND h.status = 'held'
    LEFT JOIN collaborator c ON c.organization_id = h.organization_id AND c.id = h.created_by
    WHERE k.organization_id = p_organization AND k.agenda_id = p_agenda AND k.ends_at > lower(p_range) AND k.during && p_range
      AND k.holder IS DISTINCT FROM p_self AND (NOT k.overbooked OR k.authority = 'hub') AND (h.id IS NULL OR h.hold_until > clock_timestamp())) t
$$;

-- What the domain's rules look at of one agenda, for visits that start in [p_from, p_to]; see AgendaFacts. p_self is left out.
CREATE FUNCTION agenda_facts(p_agenda agenda, p_zone text, p_motif motif, p_rules jsonb, p_from timestamptz, p_to timestamptz, p_self uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE v_visit record; v_reach tstzrange; v_days tstzrange; v_weeks tstzrange; v_wide boolean := false; v_facts jsonb; v_reserves jsonb := '[]';
BEGIN
  v_visit := visit_minutes(p_motif, p_rules);
  v_reach := tstzrange(p_from - (v_visit.before + greatest(v_visit.duration, v_visit.newcomer)) * interval '1 minute',
    p_to + (greatest(v_visit.duration, v_visit.newcomer) + v_visit.after) * interval '1 minute');
  v_days := tstzrange(lower(v_reach) - interval '26 hours', upper(v_reach) + interval '26 hours');
  v_weeks := tstzrange(p_from - interval '8 days', p_to + interval '8 days');
  IF p_agenda.ruled THEN
    SELECT coalesce(jsonb_agg(interval_json(o.during) || jsonb_build_object('reserveId', r.id, 'keptFor', r.kept_for, 'release', r.release, 'recaptureMinutes', r.recapture_minutes)), '[]'),
        coalesce(bool_or(r.release @> '[{"kind":"occupancy"}]' OR r.release @> '[{"kind":"quota"}]'), false)
      INTO v_reserves, v_wide FROM reserve_occurrence o JOIN reserve r ON r.organization_id = o.organization_id AND r.id = o.reserve_id
      WHERE o.organization_id = p_agenda.organization_id AND o.agenda_id = p_agenda.id AND o.ends_at > lower(v_reach) AND o.starts_at < upper(v_reach) AND o.during && v_reach;
    -- What decides about a reserve looks at its whole local day.
    IF v_wide THEN SELECT coalesce(jsonb_agg(interval_json(o.during) || jsonb_build_object('reserveId', r.id, 'keptFor', r.kept_for, 'release', r.release, 'recaptureMinutes', r.recapture_minutes)), '[]')
      INTO v_reserves FROM reserve_occurrence o JOIN reserve r ON r.organization_id = o.organization_id AND r.id = o.reserve_id
      WHERE o.organization_id = p_agenda.organization_id AND o.agenda_id = p_agenda.id AND o.ends_at > lower(v_days) AND o.starts_at < upper(v_days) AND o.during && v_days; END IF;
  END IF;
  IF NOT v_wide THEN v_days := v_reach; END IF;
  v_facts := jsonb_build_object('active', p_agenda.active, 'offered', true, 'timeZone', p_zone, 'capacity', p_agenda.capacity,
    'openedUntil', CASE WHEN p_agenda.opened_until > '-infinity' THEN milliseconds(p_agenda.opened_until) ELSE 0 END,
    'openings', CASE WHEN p_agenda.ruled THEN coalesce((SELECT jsonb_agg(interval_json(o.during) || jsonb_build_object('motifIds', g.motif_ids, 'audiences', g.audiences, 'capacity', g.capacity))
        FROM opening_occurrence o JOIN opening g ON g.organization_id = o.organization_id AND g.id = o.opening_id
        WHERE o.organization_id = p_agenda.organization_id AND o.agenda_id = p_agenda.id AND o.ends_at > lower(v_days) AND o.starts_at < upper(v_days) AND o.during && v_days), '[]')
      ELSE coalesce((SELECT jsonb_agg(jsonb_build_object('start', milliseconds(lower(o.during)), 'end', milliseconds(upper(o.during)), 'motifIds', NULL, 'audiences', NULL, 'capacity', NULL))
        FROM opening_occurrence o WHERE o.organization_id = p_agenda.organization_id AND o.agenda_id = p_agenda.id AND o.ends_at > lower(v_days) AND o.starts_at < upper(v_days) AND o.during && v_days), '[]') END,
    'closures', coalesce((SELECT jsonb_agg(interval_json(c.during)) FROM closure c
      WHERE c.organization_id = p_agenda.organization_id AND c.agenda_id = p_agenda.id AND c.during && v_days), '[]'),
    'reserves', v_reserves, 'occupied', taken_seats(p_agenda.organization_id, p_agenda.id, v_days, p_self),
    'visits', '[]'::jsonb, 'givenBack', '[]'::jsonb, 'reservedVisits', '[]'::jsonb, 'equipment', '[]'::jsonb);
  IF NOT p_agenda.ruled THEN RETURN v_facts; END IF;
  IF p_rules ? 'quotas' THEN
    v_facts := v_facts || jsonb_build_object('visits', coalesce((SELECT jsonb_agg(milliseconds(lower(a.during))) FROM appointment a
      WHERE a.organization_id = p_agenda.organization_id AND a.agenda_id = p_agenda.id AND a.motif_id = p_motif.id AND is_live(a.status) AND a.id IS DISTINCT FROM p_self
        AND (a.status <> 'held' OR a.hold_until > clock_timestamp()) AND lower(a.during) >= lower(v_weeks) AND lower(a.during) < upper(v_weeks)), '[]'));
  END IF;
  IF v_reserves <> '[]' THEN
    v_facts := v_facts || jsonb_build_object(
      'givenBack', coalesce((SELECT jsonb_agg(interval_json(a.during) || jsonb_build_object('at', milliseconds(a.updated_at))) FROM appointment a
        WHERE a.organization_id = p_agenda.organization_id AND a.agenda_id = p_agenda.id AND a.status = 'cancelled' AND lower(a.during) >= lower(v_days) - interval '1 day'
          AND lower(a.during) < upper(v_days) AND a.during && v_days), '[]'),
      'reservedVisits', coalesce((SELECT jsonb_agg(jsonb_build_object('start', milliseconds(lower(a.during)), 'secretariat', c.secretariat)) FROM appointment a
        JOIN collaborator c ON c.organization_id = a.organization_id AND c.id = a.created_by
        WHERE a.organization_id = p_agenda.organization_id AND a.agenda_id = p_agenda.id AND is_live(a.status) AND a.id IS DISTINCT FROM p_self
          AND (a.status <> 'held' OR a.hold_until > clock_timestamp())
          AND lower(a.during) >= lower(v_days) - interval '1 day' AND lower(a.during) < upper(v_days) AND a.during && v_days
          AND EXISTS (SELECT 1 FROM reserve_occurrence o WHERE o.organization_id = a.organization_id AND o.agenda_id = a.agenda_id AND o.during && a.during)), '[]'));
  END IF;
  IF p_rules ? 'equipment' THEN
    v_facts := v_facts || jsonb_build_object('equipment', (SELECT coalesce(jsonb_agg(jsonb_build_object('agendaId', x.id, 'capacity', CASE WHEN e.active THEN e.capacity ELSE 0 END,
        'occupied', CASE WHEN e.id IS NULL THEN '[]' ELSE taken_seats(e.organization_id, e.id, v_reach, p_self) END)), '[]')
      FROM (SELECT t::uuid AS id FROM jsonb_array_elements_text(p_rules->'equipment') t) x
      LEFT JOIN agenda e ON e.organization_id = p_agenda.organization_id AND e.id = x.id));
  END IF;
  RETURN v_facts;
END $$;
`;
