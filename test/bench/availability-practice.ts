import type pg from 'pg';

/** What a secretariat with many agendas looks like to a search. */
export interface SearchedPractice {
  readonly organization: string;
  /** Offered by every agenda. */
  readonly motifs: { readonly consultation: string; readonly followUp: string; readonly checkUp: string };
  readonly agendas: readonly string[];
  /** The first so many of them have a past. */
  readonly withHistory: number;
  readonly claims: number;
}

/**
 * Agendas under rules as practitioners give them, open for half a year, 80 % taken for four weeks; a fifth of them has
 * `historyDays` of visits behind it. Every row is one that the hub could have written: the constraints hold, and what the
 * triggers would have looked at one by one is asked once at the end. `client` is the superuser's.
 */
export async function seedSearchedPractice(
  client: pg.PoolClient,
  { count, historyDays }: { count: number; historyDays: number },
): Promise<SearchedPractice> {
  const withHistory = Math.floor(count / 5);
  await client.query(`SET timezone = 'UTC'; SELECT setseed(0.5)`);
  await client.query(PLAN);
  await client.query('INSERT INTO planned (n, history) SELECT n, n < $2 FROM generate_series(0, $1::int - 1) n', [
    count,
    withHistory,
  ]);
  await client.query(AGENDAS);
  await client.query(`CREATE TEMP TABLE past AS SELECT $1 * interval '1 day' AS reach`, [historyDays]);
  await client.query(`SET session_replication_role = replica; SET maintenance_work_mem = '256MB'`);
  for (const step of [OPENINGS, CLOSURES, UNINDEX, VISITS, INDEX]) await client.query(step);
  await client.query('SET session_replication_role = origin');
  const [wrong] = (await client.query<{ n: number }>(WRONG)).rows;
  if (wrong?.n !== 0) throw new Error(`${String(wrong?.n)} appointments and claims do not agree`);
  await client.query('VACUUM ANALYZE');
  const { rows } = await client.query<Omit<SearchedPractice, 'withHistory'>>(FOUND);
  return { ...rows[0]!, withHistory };
}

const PLAN = `
CREATE TEMP TABLE practice AS SELECT gen_random_uuid() AS organization, gen_random_uuid() AS north, gen_random_uuid() AS south,
  gen_random_uuid() AS consultation, gen_random_uuid() AS follow_up, gen_random_uuid() AS urgency, gen_random_uuid() AS check_up;
CREATE TEMP TABLE planned (n integer PRIMARY KEY, history boolean NOT NULL, agenda uuid NOT NULL DEFAULT gen_random_uuid(),
  practitioner uuid NOT NULL DEFAULT gen_random_uuid(), morning uuid NOT NULL DEFAULT gen_random_uuid(), afternoon uuid NOT NULL DEFAULT gen_random_uuid(),
  reserve uuid NOT NULL DEFAULT gen_random_uuid(), zone text GENERATED ALWAYS AS (CASE n % 20 WHEN 7 THEN 'Indian/Reunion' WHEN 13 THEN 'America/Martinique' ELSE 'Europe/Paris' END) STORED);
`;

const AGENDAS = `
INSERT INTO organization (organization_id, name) SELECT organization, 'Bench' FROM practice;
INSERT INTO collaborator (organization_id, id, display_name, secretariat)
  SELECT organization, north, 'Claire', 'north' FROM practice UNION ALL SELECT organization, south, 'Inès', 'south' FROM practice;
CREATE TEMP TABLE place AS SELECT zone, gen_random_uuid() AS id FROM (SELECT DISTINCT zone FROM planned) z;
INSERT INTO location (organization_id, id, name, time_zone) SELECT organization, place.id, zone, zone FROM practice, place;
INSERT INTO practitioner (organization_id, id, display_name, speciality) SELECT organization, practitioner, 'Dr ' || n, 'Médecine générale' FROM practice, planned;
INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name, capacity, holiday_calendar, opened_until)
  SELECT organization, agenda, practitioner, place.id, 'Cabinet', CASE WHEN n % 25 = 9 THEN 2 ELSE 1 END, 'metropole', date_trunc('day', now()) + interval '190 days'
  FROM practice, planned JOIN place USING (zone);
INSERT INTO motif (organization_id, id, label_fr, label_en, duration_minutes, granularity_minutes)
  SELECT organization, consultation, 'Consultation', 'Visit', 20, 20 FROM practice UNION ALL SELECT organization, follow_up, 'Suivi', 'Follow-up', 20, 20 FROM practice
  UNION ALL SELECT organization, urgency, 'Urgence', 'Urgency', 20, 20 FROM practice UNION ALL SELECT organization, check_up, 'Bilan', 'Check-up', 40, 20 FROM practice;
INSERT INTO agenda_motif (organization_id, agenda_id, motif_id, rules)
  SELECT organization, agenda, motif, jsonb_strip_nulls(rules) FROM practice, planned, LATERAL (VALUES
    (consultation, jsonb_build_object('noticeMinutes', 30 * (n % 5), 'horizonDays', 90 + 30 * (n % 4), 'granularityMinutes', CASE WHEN n % 4 = 1 THEN 10 END,
      'quotas', CASE WHEN n % 4 = 0 THEN '[{"per":"day","max":8}]'::jsonb END, 'newPatients', CASE WHEN n % 10 = 3 THEN 'refused' END, 'newPatientDurationMinutes', CASE WHEN n % 2 = 0 THEN 40 END)),
    (follow_up, jsonb_build_object('noticeMinutes', 30, 'horizonDays', 180, 'gapDays', 7, 'newPatients', 'refused')),
    (urgency, jsonb_build_object('priority', 'urgent', 'horizonDays', 7, 'quotas', CASE WHEN n % 2 = 0 THEN '[{"per":"half-day","max":5}]'::jsonb END)),
    (check_up, jsonb_build_object('noticeMinutes', 1440, 'horizonDays', 120, 'bufferAfterMinutes', CASE WHEN n % 3 = 2 THEN 10 END, 'quotas', CASE WHEN n % 2 = 1 THEN '[{"per":"week","max":10}]'::jsonb END))) AS offer (motif, rules);
INSERT INTO opening (organization_id, id, agenda_id, rrule, starts_local, duration_minutes, time_zone, motif_ids, audiences)
  SELECT organization, morning, agenda, 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '2025-01-01T09:00', 180, zone, NULL::uuid[], NULL::text[] FROM practice, planned
  UNION ALL SELECT organization, afternoon, agenda, 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '2025-01-01T14:00', 200, zone,
    CASE WHEN n % 2 = 0 THEN ARRAY[consultation, follow_up, urgency] END, CASE WHEN n % 3 = 1 THEN '{SECRETARIAT,SNP}'::text[] END FROM practice, planned;
-- A third keeps the last hour of the morning for urgencies, until one of four rules frees it.
INSERT INTO reserve (organization_id, id, agenda_id, label, rrule, starts_local, duration_minutes, time_zone, kept_for, release, recapture_minutes)
  SELECT organization, reserve, agenda, 'Urgences', 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '2025-01-01T11:00', 60, zone, '{"priorities":["urgent"],"audiences":["SNP"],"motifIds":[]}',
    (ARRAY['[{"kind":"before","minutes":1440}]', '[{"kind":"at-time","daysBefore":0,"time":"08:00"}]', '[{"kind":"occupancy","share":0.9}]', '[{"kind":"quota","perSecretariat":2}]'])[n / 3 % 4 + 1]::jsonb,
    CASE WHEN n % 2 = 0 THEN 60 END FROM practice, planned WHERE n % 3 = 0;
`;

const OPENINGS = `
CREATE TEMP TABLE day AS SELECT d::date AS day, d >= date_trunc('day', now()) - interval '1 day' AS ahead
  FROM past, generate_series(date_trunc('day', now()) - reach, date_trunc('day', now()) + interval '189 days', interval '1 day') d WHERE extract(isodow FROM d) <= 5;
INSERT INTO opening_occurrence (organization_id, opening_id, agenda_id, during, starts_at, ends_at)
  SELECT organization_id, id, agenda_id, tstzrange(s, e), s, e FROM opening, planned, day, LATERAL (SELECT (day + right(starts_local, 5)::time) AT TIME ZONE zone AS s,
      (day + right(starts_local, 5)::time + duration_minutes * interval '1 minute') AT TIME ZONE zone AS e) x
  WHERE agenda = agenda_id AND (history OR ahead);
INSERT INTO reserve_occurrence (organization_id, reserve_id, agenda_id, during, starts_at, ends_at)
  SELECT organization_id, id, agenda_id, tstzrange(s, e), s, e FROM reserve, planned, day, LATERAL (SELECT (day + right(starts_local, 5)::time) AT TIME ZONE zone AS s,
      (day + right(starts_local, 5)::time + duration_minutes * interval '1 minute') AT TIME ZONE zone AS e) x
  WHERE agenda = agenda_id AND (history OR ahead);
`;

const CLOSURES = `
INSERT INTO closure (organization_id, id, agenda_id, during, label, source)
  SELECT organization, gen_random_uuid(), agenda, tstzrange(day::timestamp AT TIME ZONE zone, (day + 1)::timestamp AT TIME ZONE zone), 'Jour férié', 'holiday'
    FROM practice, planned, day WHERE to_char(day, 'MM-DD') IN ('01-01', '05-01', '05-08', '07-14', '08-15', '11-01', '11-11', '12-25') AND (history OR ahead)
  UNION ALL SELECT organization, gen_random_uuid(), agenda, tstzrange(d, d + interval '7 days'), 'Congés', 'typed' FROM practice, planned, LATERAL (SELECT date_trunc('day', now()) + (30 + n % 60) * interval '1 day' AS d) x
  UNION ALL SELECT organization, gen_random_uuid(), agenda, tstzrange(d, d + interval '3 days'), 'Formation', 'typed' FROM practice, planned, LATERAL (SELECT date_trunc('day', now()) + (n % 28) * interval '1 day' AS d) x WHERE n % 20 = 4;
ANALYZE closure; ANALYZE opening_occurrence;
`;

/** Indexes and overlap constraints are built over what is there at once, in a third of the time: which, and how. */
const UNINDEX = `
CREATE TEMP TABLE rebuilt AS
  SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS dropped, format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS made
    FROM pg_constraint WHERE conrelid = 'claim'::regclass AND contype = 'x'
  UNION ALL SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid) FROM pg_index i
    WHERE indrelid IN ('claim'::regclass, 'appointment'::regclass) AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid);
DO $$ DECLARE v record; BEGIN FOR v IN SELECT * FROM rebuilt LOOP EXECUTE v.dropped; END LOOP; END $$;
`;
const INDEX = `DO $$ DECLARE v record; BEGIN FOR v IN SELECT * FROM rebuilt LOOP EXECUTE v.made; END LOOP; END $$`;

/** Visits of twenty minutes on the openings' grid: 80 % taken, 3 % given back. */
const VISITS = `
CREATE TEMP TABLE visit AS SELECT o.agenda_id, seat, s AS starts_at, s + interval '20 minutes' AS ends_at, uuidv7() AS id, random() AS luck, random() AS choice, random() AS who
  FROM opening_occurrence o JOIN agenda a ON a.organization_id = o.organization_id AND a.id = o.agenda_id, generate_series(1, a.capacity) seat,
    LATERAL generate_series(o.starts_at, o.ends_at - interval '20 minutes', interval '20 minutes') s
  WHERE o.ends_at < date_trunc('day', now()) + interval '28 days' AND (o.ends_at > now() OR EXISTS (SELECT 1 FROM planned WHERE agenda = o.agenda_id AND history))
    AND NOT EXISTS (SELECT 1 FROM closure c WHERE c.agenda_id = o.agenda_id AND c.during && o.during);
DELETE FROM visit WHERE luck > 0.83;
INSERT INTO appointment (organization_id, id, agenda_id, motif_id, status, during, starts_at, occupies, created_by, created_at, updated_at)
  SELECT organization, id, agenda_id, CASE WHEN choice < 0.5 THEN consultation WHEN choice < 0.85 THEN follow_up ELSE urgency END, CASE WHEN luck < 0.8 THEN 'confirmed' ELSE 'cancelled' END,
    tstzrange(starts_at, ends_at), starts_at, tstzrange(starts_at, ends_at), CASE WHEN who < 0.5 THEN north ELSE south END, starts_at - interval '30 days', least(now(), starts_at - interval '1 day') FROM practice, visit ORDER BY agenda_id, starts_at;
INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id, starts_at, ends_at)
  SELECT organization, agenda_id, seat, tstzrange(starts_at, ends_at), 'hub', id, id, starts_at, ends_at FROM practice, visit WHERE luck < 0.8 ORDER BY agenda_id, starts_at;
`;

/** What the foreign keys and the triggers of claims demand. */
const WRONG = `
SELECT (SELECT count(*) FROM appointment a FULL JOIN claim c ON c.organization_id = a.organization_id AND c.appointment_id = a.id AND c.holder = a.id AND c.during = a.occupies AND c.agenda_id = a.agenda_id
    WHERE is_live(a.status) IS DISTINCT FROM (c.id IS NOT NULL))::int
  + (SELECT count(*) FROM claim c WHERE NOT EXISTS (SELECT 1 FROM agenda_seat s WHERE s.organization_id = c.organization_id AND s.agenda_id = c.agenda_id AND s.seat = c.seat))::int
  + (SELECT count(*) FROM agenda WHERE NOT ruled)::int AS n
`;

const FOUND = `
SELECT organization, jsonb_build_object('consultation', consultation, 'followUp', follow_up, 'checkUp', check_up) AS motifs,
  (SELECT array_agg(agenda::text ORDER BY n) FROM planned) AS agendas, (SELECT count(*)::int FROM claim) AS claims FROM practice
`;
