import {
  askedBy,
  classOf,
  objectionsAt,
  type Objection,
  type BookingFacts,
  type BookingTerms,
  type Patient,
  type PlaceResult,
} from '#application';
import { refusalsAt, type Asked } from '#domain';
import type { Statement, Transaction } from '../database.js';
import { factsOf, type FactColumns } from './facts.js';

export const BOOKING_FACTS: Statement = {
  name: 'booking-facts',
  text: 'SELECT booking_facts($1, $2, $3, to_timestamp($4::numeric / 1000), $5, $6, $7, $8) AS found',
};

/** One start of one motif in one agenda, and who wants it for whom. */
export interface Wanted {
  readonly organizationId: string;
  readonly agendaId: string;
  readonly motifId: string;
  /** Epoch milliseconds. */
  readonly start: number;
  readonly collaboratorId: string | null;
  readonly fingerprint: Buffer | null;
  /** The appointment that is moved, or the hold that is booked: it does not stand in its own way. */
  readonly self: string | null;
  /** It is a hold that is booked: it was placed in time, and has only to start in the future. */
  readonly held?: boolean;
}

interface Given {
  readonly patient: Patient | null;
  readonly terms: BookingTerms;
}

export type Judgement =
  | { readonly outcome: 'allowed'; readonly terms: object; readonly patientVisits: readonly number[] }
  | { readonly outcome: 'refused'; readonly result: PlaceResult }
  /** Agenda or motif: the booking function says which. */
  | { readonly outcome: 'unknown' };

/** Judges under the agenda's lock, which stays until the transaction ends; what it allows is passed on as terms. */
export async function judge(transaction: Transaction, wanted: Wanted, given: Given): Promise<Judgement> {
  const { organizationId, agendaId, motifId, start, collaboratorId, fingerprint, self } = wanted;
  const values = [organizationId, agendaId, motifId, start, collaboratorId, fingerprint, self, true];
  type Found = Omit<BookingFacts, 'facts'> & { facts: FactColumns };
  const [row] = await transaction.query<{ found: Found | null }>(BOOKING_FACTS, values);
  if (!row?.found) return { outcome: 'unknown' };
  const found = { ...row.found, facts: factsOf(row.found.facts) };
  const refusal = refusalOf(wanted, found, given) ?? unansweredOf(found, given.patient);
  if (refusal !== null) return { outcome: 'refused', result: refusal };
  const asked = askedOf(found, motifId, given);
  const { visit } = asked;
  // Only an overbooking goes this far against a rule.
  const outside = given.terms.overbooking !== undefined && refusalsAt(start, found.facts, asked).some(isRule);
  const minutes = { bufferBeforeMinutes: found.minutes.before, bufferAfterMinutes: found.minutes.after };
  const equipment = found.rules.equipment ?? [];
  const { patientVisits } = found;
  const terms = { ...minutes, durationMinutes: visit.durationMs / 60_000, equipment, outside };
  return { outcome: 'allowed', patientVisits, terms };
}

function refusalOf(
  { start, motifId, held }: Wanted,
  found: BookingFacts,
  { patient, terms }: Given,
): PlaceResult | null {
  const asked = askedOf(found, motifId, { patient, terms });
  const inTime = held === true && start >= found.now;
  const all = objectionsAt(start, found.facts, asked).filter(({ code }) => !inTime || code !== 'NOTICE_TOO_SHORT');
  const { now, patientVisits } = found;
  const told = { now, timeZone: found.facts.timeZone };
  const refusals = terms.overbooking === undefined ? all : all.filter((refusal) => binds(refusal, start, found));
  const rules = refusals.filter(isRule);
  const [first] = rules.length > 0 ? rules : refusals;
  if (first === undefined) return null;
  if (rules.length > 0) return { outcome: 'rule', code: first.code, refusals, told, patientVisits };
  // Whether the agenda's seats are taken is decided with the claim itself, after its copy was found fresh enough.
  const openings = found.facts.openings.map((opening) => ({ ...opening, capacity: null }));
  const bySeats = refusalsAt(start, { ...found.facts, openings }, asked);
  const decidedLater = first.code !== 'RESOURCE' && bySeats.some(({ code }) => code === 'BUSY' || code === 'HELD');
  return decidedLater ? null : { outcome: 'taken', code: first.code, refusals, told, patientVisits };
}

const TAKEN: ReadonlySet<Objection['code']> = new Set(['BUSY', 'HELD', 'RESOURCE']);

const isRule = ({ code }: Pick<Objection, 'code'>): boolean => !TAKEN.has(code);

/** A hold does not know its patient yet: rules about patients wait for the booking. */
function askedOf(found: BookingFacts, motifId: string, { patient, terms }: Given): Asked {
  const { audience, newPatient, usesReserved } = terms;
  const asker = { audience, usesReserved };
  if (patient !== null) return askedBy(motifId, found, { ...asker, patient: classOf(patient, found.now) });
  return askedBy(motifId, found, newPatient === undefined ? asker : { ...asker, patient: { isNew: newPatient } });
}

/** Overbooking goes around rules about time: not into the past, not into a disabled agenda, not without the room. */
function binds({ code }: Objection, start: number, found: BookingFacts): boolean {
  if (code === 'NOTICE_TOO_SHORT') return start < found.now;
  if (code === 'MOTIF_NOT_ALLOWED') return !found.facts.offered;
  return code === 'AGENDA_DISABLED' || code === 'RESOURCE';
}

function unansweredOf({ rules }: BookingFacts, patient: Patient | null): PlaceResult | null {
  if (patient === null) return null;
  const answers = patient.answers ?? {};
  const questions = (rules.questions ?? []).filter(({ id, required }) => required && (answers[id] ?? '') === '');
  return questions.length === 0 ? null : { outcome: 'unanswered', questions };
}
