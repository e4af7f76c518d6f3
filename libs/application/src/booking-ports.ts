import type { AppointmentStatus, Audience } from '#domain';
import type { Objection, Told } from './explain.js';
import type { Actor, AppointmentRecord, Patient, Reason, ReasonCode, RequestKey } from './model.js';
import type { Question } from './rules.js';

/** Names an appointment within its tenant. */
export interface AppointmentRef {
  readonly organizationId: string;
  readonly id: string;
}

/** What a booking brings along besides its place. */
export interface BookingTerms {
  /** For whom the application books. */
  readonly audience: Audience;
  /** `false`: nothing that is kept for anybody; his grants do not let him. */
  readonly usesReserved?: boolean | undefined;
  /** The secretary has been warned that the patient has such an appointment already, and means it. */
  readonly acknowledged?: boolean;
  /** Why it is booked although the time is taken or against the rules; needs the right to. */
  readonly overbooking?: string | undefined;
  /** A cancelled appointment whose cancellation is taken back. */
  readonly replaces?: string | undefined;
  /** The series the appointment belongs to. */
  readonly series?: string | undefined;
  /** Length for a new patient, where the patient is not named yet. */
  readonly newPatient?: boolean | undefined;
}

export interface PlaceCommand {
  readonly organizationId: string;
  readonly id: string;
  readonly agendaId: string;
  readonly motifId: string;
  /** Epoch milliseconds. */
  readonly start: number;
  /** Length of the hold; `null` books. */
  readonly holdSeconds: number | null;
  readonly collaboratorId: string;
  readonly actor: Actor;
  readonly patient: Patient | null;
  readonly key: RequestKey | null;
  /** Take the claim although the practitioner's tool was not read recently (the agenda's policy is to queue). */
  readonly acceptStale: boolean;
  readonly terms: BookingTerms;
}

export interface ConfirmHoldCommand {
  readonly organizationId: string;
  readonly holdId: string;
  readonly collaboratorId: string;
  readonly actor: Actor;
  readonly patient: Patient;
  readonly key: RequestKey | null;
  readonly acceptStale: boolean;
  readonly terms: BookingTerms;
}

export interface MoveCommand extends AppointmentRef {
  readonly version: number;
  readonly start: number | null;
  readonly motifId: string | null;
  readonly collaboratorId: string;
  readonly actor: Actor;
  readonly acceptStale: boolean;
  readonly terms: BookingTerms;
}

/** Books a successor on another agenda; what it replaces goes once the successor is confirmed. */
export interface ReassignCommand extends MoveCommand {
  readonly successorId: string;
  readonly agendaId: string;
}

/** What a booking function answers. Everything but `placed` changed nothing. */
export type PlaceResult =
  | { readonly outcome: 'placed'; readonly record: AppointmentRecord; readonly remote: boolean }
  | {
      readonly outcome: 'rule' | 'taken';
      readonly code: ReasonCode;
      readonly refusals?: readonly Objection[];
      readonly told?: Told;
      /** Starts of the patient's other live visits for the motif in the agenda; epoch milliseconds. */
      readonly patientVisits?: readonly number[];
    }
  /** Live appointments of the same patient, on that day or for that motif: to be acknowledged. */
  | { readonly outcome: 'double'; readonly doubles: readonly AppointmentRecord[] }
  /** Questions of the practitioner's that must be answered first. */
  | { readonly outcome: 'unanswered'; readonly questions: readonly Question[] }
  | { readonly outcome: 'answered'; readonly status: number; readonly body: unknown; readonly resource: string | null }
  | { readonly outcome: 'running'; readonly resource: string }
  | { readonly outcome: 'unreachable'; readonly retryAfterMs: number }
  /** The copy is older than the agenda allows: pull, then ask again. */
  | { readonly outcome: 'stale-copy'; readonly agendaId: string; readonly whenUnreachable: 'refuse' | 'queue' }
  | { readonly outcome: 'stale'; readonly record: AppointmentRecord }
  | { readonly outcome: 'busy' | 'ended'; readonly record: AppointmentRecord }
  | {
      readonly outcome:
        'reused' | 'agenda-unknown' | 'motif-unknown' | 'unlinked' | 'hold-unknown' | 'hold-ended' | 'unknown';
    };

export interface ListQuery {
  readonly organizationId: string;
  readonly agendaIds: readonly string[];
  readonly from: number | null;
  readonly to: number | null;
  readonly statuses: readonly AppointmentStatus[];
  readonly after: { readonly start: number; readonly id: string } | null;
  readonly limit: number;
}

/** Appointments and their claims. Every method is one transaction. */
export abstract class Bookings {
  abstract place(command: PlaceCommand): Promise<PlaceResult>;
  abstract confirmHold(command: ConfirmHoldCommand): Promise<PlaceResult>;
  abstract move(command: MoveCommand): Promise<PlaceResult>;
  abstract reassign(command: ReassignCommand): Promise<PlaceResult>;
  /** Frees a hold. False when there is none that still holds. */
  abstract release(ref: AppointmentRef, actor: Actor): Promise<boolean>;
  /**
   * Cancels: at once on an agenda mastered here, else by way of `compensating`. `null` when unknown; `version` `null`
   * skips the check. Cancelling what is already cancelled, or being cancelled, changes nothing and succeeds.
   */
  abstract cancel(
    ref: AppointmentRef,
    request: { version: number | null; reason: Reason; actor: Actor; key: RequestKey | null },
  ): Promise<PlaceResult>;
  abstract get(ref: AppointmentRef): Promise<AppointmentRecord | null>;
  abstract list(query: ListQuery): Promise<readonly AppointmentRecord[]>;
  abstract patients(organizationId: string, ids: readonly string[]): Promise<ReadonlyMap<string, Patient>>;
  abstract findKey(
    organizationId: string,
    key: RequestKey,
  ): Promise<{ state: 'new' | 'reused' | 'running' } | { state: 'answered'; status: number; body: unknown }>;
  /** Records the first answer to a key. An earlier one is kept and returned; `null` when this one is the first. */
  abstract answerKey(
    organizationId: string,
    key: RequestKey,
    answer: { status: number; body: unknown; resource: string | null },
  ): Promise<{ status: number; body: unknown } | null>;
  abstract expireHolds(organizationId: string, agendaId: string): Promise<number>;
}
