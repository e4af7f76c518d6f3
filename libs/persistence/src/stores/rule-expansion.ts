import { randomUUID } from 'node:crypto';
import { expandRules, expansionWindow, horizonDays, type AgendaRef, type AgendaRules } from '#application';
import type { Interval } from '#domain';
import type { Transaction } from '../database.js';

/** Reads an agenda's rules; with `lock` nobody books or changes rules there before the end of the transaction. */
export async function readRules(
  transaction: Transaction,
  { organizationId, agendaId }: AgendaRef,
  lock: boolean,
): Promise<AgendaRules | null> {
  const values = [organizationId, agendaId];
  if (lock) await transaction.query('SELECT 1 FROM agenda WHERE organization_id = $1 AND id = $2 FOR UPDATE', values);
  const [row] = await transaction.query<{ rules: AgendaRules }>(READ, values);
  return row?.rules ?? null;
}

/** Replaces what the rules expand to from yesterday on, and moves the horizon. Only under the agenda's lock. */
export async function putExpansion(transaction: Transaction, agenda: AgendaRef, rules: AgendaRules): Promise<void> {
  const window = expansionWindow(rules);
  const { openings, reserves, holidays } = expandRules(rules, window);
  const put = { transaction, agenda, window };
  await putOccurrences(
    put,
    'opening',
    openings.map(({ openingId, ...time }) => ({ ...time, id: openingId })),
  );
  await putOccurrences(
    put,
    'reserve',
    reserves.map(({ reserveId, ...time }) => ({ ...time, id: reserveId })),
  );
  const { organizationId, agendaId } = agenda;
  const times = [holidays.map(({ start }) => start), holidays.map(({ end }) => end)];
  const values = [organizationId, agendaId, window.start, ...times, holidays.map(({ label }) => label)];
  await transaction.query(DROP_HOLIDAYS, values);
  await transaction.query(PUT_HOLIDAYS, [
    organizationId,
    agendaId,
    holidays.map(() => randomUUID()),
    ...values.slice(3),
  ]);
  await transaction.query(
    'UPDATE agenda SET opened_until = to_timestamp($3::numeric / 1000), horizon_days = $4 WHERE organization_id = $1 AND id = $2',
    [organizationId, agendaId, window.end, horizonDays(rules)],
  );
}

async function putOccurrences(
  { transaction, agenda, window }: { transaction: Transaction; agenda: AgendaRef; window: Interval },
  of: 'opening' | 'reserve',
  occurrences: readonly (Interval & { readonly id: string })[],
): Promise<void> {
  const { organizationId, agendaId } = agenda;
  await transaction.query(
    `DELETE FROM ${of}_occurrence WHERE organization_id = $1 AND agenda_id = $2 AND starts_at >= to_timestamp($3::numeric / 1000)`,
    [organizationId, agendaId, window.start],
  );
  await transaction.query(
    `INSERT INTO ${of}_occurrence (organization_id, ${of}_id, during, agenda_id)
     SELECT $1, x.id, tstzrange(to_timestamp(x.start / 1000), to_timestamp(x."end" / 1000)), $2 FROM unnest($3::uuid[], $4::numeric[], $5::numeric[]) AS x (id, start, "end")
     ON CONFLICT DO NOTHING`,
    [
      organizationId,
      agendaId,
      occurrences.map(({ id }) => id),
      occurrences.map(({ start }) => start),
      occurrences.map(({ end }) => end),
    ],
  );
}

const HOLIDAYS = `unnest($4::numeric[], $5::numeric[], $6::text[]) AS x (start, "end", label)`;
const HOLIDAY_RANGE = `tstzrange(to_timestamp(x.start / 1000), to_timestamp(x."end" / 1000))`;

/** Those that stand already stay as they are, so that their ids are stable. */
const DROP_HOLIDAYS = `DELETE FROM closure c WHERE c.organization_id = $1 AND c.agenda_id = $2 AND c.source = 'holiday' AND upper(c.during) > to_timestamp($3::numeric / 1000)
  AND NOT EXISTS (SELECT 1 FROM ${HOLIDAYS} WHERE c.during = ${HOLIDAY_RANGE} AND c.label = x.label)`;
const PUT_HOLIDAYS = `INSERT INTO closure (organization_id, id, agenda_id, during, label, source)
  SELECT $1, x.id, $2, ${HOLIDAY_RANGE}, x.label, 'holiday' FROM unnest($3::uuid[], $4::numeric[], $5::numeric[], $6::text[]) AS x (id, start, "end", label)
  WHERE NOT EXISTS (SELECT 1 FROM closure c WHERE c.organization_id = $1 AND c.agenda_id = $2 AND c.source = 'holiday' AND c.during = ${HOLIDAY_RANGE})`;

const RECURRENCE = `'rrule', r.rrule, 'start', r.starts_local, 'durationMinutes', r.duration_minutes, 'timeZone', r.time_zone, 'except', r.except_dates`;
const kept = (table: string, rule: string, id = 'id'): string =>
  `coalesce((SELECT jsonb_agg(jsonb_build_object('id', r.${id}, 'version', r.version, 'rule', ${rule}) ORDER BY r.${id}) FROM ${table} r
    WHERE r.organization_id = a.organization_id AND r.agenda_id = a.id), '[]')`;

const READ = `SELECT jsonb_build_object('agendaId', a.id, 'version', a.version, 'timeZone', p.time_zone, 'now', milliseconds(clock_timestamp()),
    'openedUntil', CASE WHEN a.opened_until > '-infinity' THEN milliseconds(a.opened_until) ELSE 0 END,
    'settings', jsonb_build_object('capacity', a.capacity, 'active', a.active, 'whenUnreachable', a.when_unreachable,
      'holidayCalendar', a.holiday_calendar, 'workedHolidays', a.worked_holidays),
    'kept', jsonb_build_object(
      'opening', ${kept('opening', `jsonb_build_object(${RECURRENCE}, 'motifIds', r.motif_ids, 'audiences', r.audiences, 'capacity', r.capacity)`)},
      'closure', ${kept('closure', `interval_json(r.during) || jsonb_build_object('label', r.label, 'source', r.source)`)},
      'reserve', ${kept('reserve', `jsonb_build_object(${RECURRENCE}, 'label', r.label, 'keptFor', r.kept_for, 'release', r.release, 'recaptureMinutes', r.recapture_minutes)`)},
      'substitution', ${kept('substitution', `interval_json(r.during) || jsonb_build_object('displayName', r.display_name, 'rpps', r.rpps)`)},
      'motif', ${kept('agenda_motif', 'r.rules', 'motif_id')}),
    'motifs', coalesce((SELECT jsonb_agg(jsonb_build_object('id', t.id, 'labelFr', t.label_fr, 'labelEn', t.label_en, 'active', t.active,
        'durationMinutes', t.duration_minutes, 'bufferBeforeMinutes', t.buffer_before_minutes, 'bufferAfterMinutes', t.buffer_after_minutes,
        'granularityMinutes', t.granularity_minutes) ORDER BY t.id)
      FROM motif t WHERE t.organization_id = a.organization_id), '[]')) AS rules
  FROM agenda a JOIN location p ON p.organization_id = a.organization_id AND p.id = a.location_id
  WHERE a.organization_id = $1 AND a.id = $2`;
