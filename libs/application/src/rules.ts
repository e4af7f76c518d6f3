import {
  narrowed,
  type AgendaFacts,
  type Asked,
  type Audience,
  type BackendRestrictions,
  type MotifRules,
  type Priority,
  type Quota,
  type Visit,
} from '#domain';
import type { Patient } from './model.js';

/** Where a visit takes place; where nothing is said of it, in the cabinet. */
export const MODALITIES = ['cabinet', 'teleconsultation', 'domicile'] as const;
export type Modality = (typeof MODALITIES)[number];

/** A sentence in both languages. */
export interface Text {
  readonly fr: string;
  readonly en: string;
}

/** A question the secretary asks before she books; with `required`, nothing is booked without an answer. */
export interface Question extends Text {
  /** Short and stable: names the answer. */
  readonly id: string;
  readonly required: boolean;
}

/**
 * What a practitioner says of one motif in one agenda, as it is stored: only what differs from the motif and from
 * "no rule". The first part decides; the second is shown to whoever books.
 */
export interface MotifRuling {
  readonly durationMinutes?: number;
  /** For a patient whom the practice does not know. */
  readonly newPatientDurationMinutes?: number;
  readonly bufferBeforeMinutes?: number;
  readonly bufferAfterMinutes?: number;
  readonly granularityMinutes?: number;
  readonly noticeMinutes?: number;
  readonly horizonDays?: number;
  readonly priority?: Priority;
  readonly audiences?: readonly Audience[];
  readonly newPatients?: MotifRules['newPatients'];
  readonly age?: NonNullable<MotifRules['age']>;
  readonly gapDays?: number;
  readonly quotas?: readonly Quota[];
  /** Agendas of rooms and devices; each gets a claim in the same transaction. */
  readonly equipment?: readonly string[];
  readonly questions?: readonly Question[];

  readonly modality?: Modality;
  /** Where a téléconsultation takes place. */
  readonly link?: string;
  readonly instruction?: Text;
  readonly documents?: readonly Text[];
  /** `#rrggbb`. */
  readonly colour?: string;
  /** The second step: this motif, so many days after the first. */
  readonly next?: { readonly motifId: string; readonly afterDays: number; readonly withinDays: number };
}

/** A ruling as it is read for a decision: with what the practitioner's own tool says beside it. */
export interface FoundRuling extends MotifRuling {
  readonly backend?: BackendRestrictions;
}

/** What the database says of one start, under the agenda's lock or not (see booking_facts). */
export interface BookingFacts {
  /** The database's clock, epoch milliseconds. */
  readonly now: number;
  readonly minutes: VisitMinutes;
  readonly rules: FoundRuling;
  readonly secretariat: string | null;
  readonly patientVisits: readonly number[];
  readonly facts: AgendaFacts;
}

/** A visit's minutes; `newcomer` is the duration for a new patient. */
export interface VisitMinutes {
  readonly duration: number;
  readonly newcomer: number;
  readonly before: number;
  readonly after: number;
  readonly granularity: number;
}

/** Who asks: the audience of his key, and the class of patient; what is absent is left aside, `null` is not known. */
export interface Asker {
  readonly audience: Audience;
  /** `false`: his grants do not let him book what is kept for anybody. */
  readonly usesReserved?: boolean | undefined;
  /** Whose secretariat counts where a reserve is shared out among them. */
  readonly collaboratorId?: string | null;
  /** An appointment: its patient is meant, and his other visits count. */
  readonly patientOf?: string | null;
  /** An appointment or a hold that is to go there: it does not stand in its own way. */
  readonly moving?: string | null;
  readonly patient?: { readonly isNew?: boolean | null; readonly ageYears?: number | null };
}

/** A secretariat that has no patient in mind yet. */
export const SECRETARIAT: Asker = { audience: 'SECRETARIAT' };

const MINUTE = 60_000;

/** The rules that decide, none left open. */
export function rulesOf({ backend, ...ruling }: FoundRuling): MotifRules {
  const own: MotifRules = {
    noticeMinutes: ruling.noticeMinutes ?? 0,
    horizonDays: ruling.horizonDays ?? null,
    priority: ruling.priority ?? 'routine',
    audiences: ruling.audiences ?? null,
    newPatients: ruling.newPatients ?? 'accepted',
    age: ruling.age ?? null,
    gapDays: ruling.gapDays ?? null,
    quotas: ruling.quotas ?? [],
  };
  return backend === undefined ? own : narrowed(own, backend);
}

/** The visit of this class of patient. */
export function visitOf(minutes: VisitMinutes, isNew: boolean): Visit {
  return {
    durationMs: (isNew ? minutes.newcomer : minutes.duration) * MINUTE,
    bufferBeforeMs: minutes.before * MINUTE,
    bufferAfterMs: minutes.after * MINUTE,
    granularityMs: minutes.granularity * MINUTE,
  };
}

/** What somebody asks of the rules. */
export function askedBy(
  motifId: string,
  found: Omit<BookingFacts, 'facts'>,
  { audience, patient, usesReserved = true }: Asker,
): Asked {
  return {
    motifId,
    rules: rulesOf(found.rules),
    visit: visitOf(found.minutes, patient?.isNew === true),
    audience,
    usesReserved,
    secretariat: found.secretariat,
    patient: { ...patient, visits: found.patientVisits },
    now: found.now,
  };
}

/** The patient of a booking, of whom everything a rule asks for has to be known. */
export function classOf({ isNew, birthDate }: Patient, now: number): NonNullable<Asker['patient']> {
  return { isNew: isNew ?? null, ageYears: birthDate === undefined ? null : completedYears(birthDate, now) };
}

/** Who asks with a booking: for its patient, or for a class of patient where he is not named yet. */
export function askerFor(
  booking: {
    readonly audience: Audience;
    readonly usesReserved?: boolean | undefined;
    readonly collaboratorId: string;
    readonly newPatient?: boolean | undefined;
    readonly patient?: Patient | null | undefined;
  },
  now: number,
): Asker {
  const { audience, usesReserved, collaboratorId, newPatient, patient } = booking;
  const asker = { audience, usesReserved, collaboratorId };
  if (patient) return { ...asker, patient: classOf(patient, now) };
  return { ...asker, ...(newPatient !== undefined && { patient: { isNew: newPatient } }) };
}

/** Completed years on the day of `now` (UTC); a leap day's birthday is on 1 March in other years. */
function completedYears(birthDate: string, now: number): number {
  const today = new Date(now).toISOString().slice(0, 10);
  return Number(today.slice(0, 4)) - Number(birthDate.slice(0, 4)) - (today.slice(4) < birthDate.slice(4) ? 1 : 0);
}
