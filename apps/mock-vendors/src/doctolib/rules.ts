import { Refusal } from '../core/refusal.js';
import type { Agenda, Motive } from './model.js';
import { SoftRefusal } from './refusal.js';
import type { AppointmentStore } from './store.js';

const DAY_MS = 86_400_000;
const YEAR_MS = 365.2425 * DAY_MS;

/** What is known of who comes, as far as rules ask for it. */
export interface Who {
  readonly patient?: string | null;
  readonly newPatient?: boolean | null;
  /** `YYYY-MM-DD`. */
  readonly birthdate?: string | null;
}

/** Why a motif cannot be booked on an agenda by this caller at all; `null` when it can. */
export function refusedMotive(agenda: Agenda, motive: Motive | undefined): string | null {
  if (agenda.booking_disabled) return 'agenda_booking_disabled';
  if (agenda.booking_temporary_disabled) return 'agenda_booking_temporary_disabled';
  if (motive === undefined || !agenda.motives.includes(motive.id)) return 'visit_motive_not_allowed';
  if (agenda.only_for_doctors.includes(motive.id)) return 'visit_motive_only_for_doctors';
  return null;
}

/** Why this patient cannot come for it; `null` when he can. */
export function refusedPatient(
  store: AppointmentStore,
  { agenda, motive, start, id }: { agenda: Agenda; motive: Motive; start: number; id?: number },
  { patient, newPatient, birthdate }: Who,
): string | null {
  // Nobody who is not said to be known is taken for known.
  if (motive.closed_to_new.includes(agenda.key) && newPatient !== false) return 'new_patients_not_accepted';
  const age = birthdate == null ? null : Math.floor((start - Date.parse(birthdate)) / YEAR_MS);
  for (const rule of motive.ages) {
    if (!rule.agendas.includes(agenda.key)) continue;
    if (age !== null && (rule.operator === 'lt' ? age < rule.age : age > rule.age)) return 'age_not_accepted';
  }
  const { gap_days: gap } = motive;
  const near = store
    .living(agenda.key)
    .some((row) => row.id !== id && row.patient === patient && Math.abs(row.start - start) < (gap ?? 0) * DAY_MS);
  return gap !== null && patient != null && near ? 'appointments_too_close' : null;
}

/** An online patient's booking: refused as the patient would be. Answers the motif. */
export function judgeOnline(
  store: AppointmentStore,
  agenda: Agenda,
  entry: Readonly<Record<string, unknown>> & { readonly start: number; readonly patient: string | null },
): number {
  const asked = typeof entry['motive'] === 'number' ? entry['motive'] : agenda.motives[0];
  const motive = asked === undefined ? undefined : store.setup.motives.get(asked);
  const refused = refusedMotive(agenda, motive);
  if (refused !== null || motive === undefined) throw new Refusal(409, refused ?? 'visit_motive_not_allowed');
  const who = {
    patient: entry.patient,
    newPatient: entry['newPatient'] === true,
    birthdate: typeof entry['birthdate'] === 'string' ? entry['birthdate'] : null,
  };
  const unwanted = refusedPatient(store, { agenda, motive, start: entry.start }, who);
  if (unwanted !== null) throw new Refusal(409, unwanted);
  return motive.id;
}

/** Practitioner and equipment of a booking, from numbers in the order in which the practice lists them. */
export function chosen(store: AppointmentStore, ids: readonly number[], motiveId: number): [Agenda, Agenda | null] {
  const { setup } = store;
  const agendas = ids.map((id) => setup.numbered(id));
  const order = setup.agendas().map(({ key }) => key);
  const places = agendas.map(({ key }) => order.indexOf(key));
  if (places.some((place, n) => n > 0 && place <= (places[n - 1] ?? -1))) throw new SoftRefusal('invalid_agenda_order');
  const practitioners = agendas.filter(({ practitioner_id }) => practitioner_id !== null);
  const [agenda] = practitioners;
  if (agenda === undefined || practitioners.length > 1) throw new SoftRefusal('one_practitioner_required');
  const equipment = agendas.find(({ practitioner_id }) => practitioner_id === null) ?? null;
  const possible = setup.equipment(agenda, motiveId);
  if (agenda.equipment_agendas_required && possible.length > 0 && !possible.some(({ key }) => key === equipment?.key))
    throw new SoftRefusal('equipment_agenda_required');
  return [agenda, equipment];
}
