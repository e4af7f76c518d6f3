import type { AgendaRef, AgendaSettings, RuleChange, RuleKind, RuleTypes } from '#application';
import type { Interval, Opening } from '#domain';
import type { Transaction } from '../database.js';

type Columns = Readonly<Record<string, unknown>>;

const recurrence = ({ rrule, start, durationMinutes, timeZone, except }: Opening): Columns => ({
  rrule,
  starts_local: start,
  duration_minutes: durationMinutes,
  time_zone: timeZone,
  except_dates: except,
});
const during = ({ start, end }: Interval): Columns => ({
  during: `[${new Date(start).toISOString()},${new Date(end).toISOString()})`,
});

/** Where each kind of rule is kept, and under which column its id. */
const TABLES: { readonly [K in RuleKind]: { table: string; id: string; columns: (rule: RuleTypes[K]) => Columns } } = {
  opening: {
    table: 'opening',
    id: 'id',
    columns: ({ motifIds, audiences, capacity, ...rule }) => ({
      ...recurrence(rule),
      motif_ids: motifIds,
      audiences,
      capacity,
    }),
  },
  closure: { table: 'closure', id: 'id', columns: ({ label, ...interval }) => ({ ...during(interval), label }) },
  reserve: {
    table: 'reserve',
    id: 'id',
    columns: ({ label, keptFor, release, recaptureMinutes, ...rule }) => ({
      ...recurrence(rule),
      label,
      kept_for: JSON.stringify(keptFor),
      release: JSON.stringify(release),
      recapture_minutes: recaptureMinutes,
    }),
  },
  substitution: {
    table: 'substitution',
    id: 'id',
    columns: ({ displayName, rpps, ...interval }) => ({ ...during(interval), display_name: displayName, rpps }),
  },
  motif: { table: 'agenda_motif', id: 'motif_id', columns: (ruling) => ({ rules: JSON.stringify(ruling) }) },
};

const SETTINGS: Readonly<Record<keyof AgendaSettings, string>> = {
  capacity: 'capacity',
  active: 'active',
  whenUnreachable: 'when_unreachable',
  holidayCalendar: 'holiday_calendar',
  workedHolidays: 'worked_holidays',
};

/** Writes one change as a row; its version moves on. */
export async function writeRule(transaction: Transaction, agenda: AgendaRef, change: RuleChange): Promise<void> {
  switch (change.kind) {
    case 'agenda':
      return writeSettings(transaction, agenda, change.settings);
    case 'opening':
      return write(transaction, agenda, 'opening', change);
    case 'closure':
      return write(transaction, agenda, 'closure', change);
    case 'reserve':
      return write(transaction, agenda, 'reserve', change);
    case 'substitution':
      return write(transaction, agenda, 'substitution', change);
    case 'motif':
      return write(transaction, agenda, 'motif', change);
  }
}

async function write<K extends RuleKind>(
  transaction: Transaction,
  { organizationId, agendaId }: AgendaRef,
  kind: K,
  change: { readonly id: string; readonly rule: RuleTypes[K] | null },
): Promise<void> {
  const { table, id, columns } = TABLES[kind];
  const key = [organizationId, agendaId, change.id];
  if (change.rule === null) {
    await transaction.query(`DELETE FROM ${table} WHERE organization_id = $1 AND agenda_id = $2 AND ${id} = $3`, key);
    return;
  }
  const given = columns(change.rule);
  const names = Object.keys(given);
  const places = names.map((_, index) => `$${String(index + 4)}`);
  const values = [...key, ...Object.values(given)];
  const updated = await transaction.query(
    `UPDATE ${table} SET version = version + 1, ${names.map((name, index) => `${name} = ${places[index] ?? ''}`).join(', ')}
     WHERE organization_id = $1 AND agenda_id = $2 AND ${id} = $3 RETURNING 1`,
    values,
  );
  if (updated.length > 0) return;
  await transaction.query(
    `INSERT INTO ${table} (organization_id, agenda_id, ${id}, ${names.join(', ')}) VALUES ($1, $2, $3, ${places.join(', ')})`,
    values,
  );
}

async function writeSettings(
  transaction: Transaction,
  { organizationId, agendaId }: AgendaRef,
  settings: Partial<AgendaSettings>,
): Promise<void> {
  const given = Object.entries(settings) as [keyof AgendaSettings, unknown][];
  const sets = given.map(([name], index) => `, ${SETTINGS[name]} = $${String(index + 3)}`);
  await transaction.query(
    `UPDATE agenda SET version = version + 1${sets.join('')} WHERE organization_id = $1 AND id = $2`,
    [organizationId, agendaId, ...given.map(([, value]) => value)],
  );
}
