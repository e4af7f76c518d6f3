import type { Actor, AppointmentRecord, Patient, ReasonCode, RequestKey } from './model.js';
import type { BookingTerms, PlaceResult } from './booking-ports.js';

export type SeriesMode = 'all-or-nothing' | 'report';

/**
 * `settling`: visits are being carried to the practitioner's agenda. `done`: what could be booked is. `undoing`: one of an
 * all-or-nothing series could not, and the others are being taken back; `undone`: they are.
 */
export type SeriesState = 'settling' | 'done' | 'undoing' | 'undone';

/** A move of several visits, as it was worked out when it began: whoever is asked for it again goes on with it. */
export interface SeriesMove {
  readonly appointmentId: string | null;
  readonly following: boolean;
  /** Epoch milliseconds, where the first of them was to go. */
  readonly start: number;
  /** In the order in which they go: where to, and in which version each was then. */
  readonly steps: readonly { readonly id: string; readonly version: number; readonly to: number }[];
}

export interface SeriesRecord {
  readonly id: string;
  readonly agendaId: string;
  readonly motifId: string;
  readonly mode: SeriesMode;
  readonly state: SeriesState;
  readonly actor: Extract<Actor, { kind: 'collaborator' }>;
  /** Occurrences that were not booked, and why; instants in epoch milliseconds. */
  readonly refused: readonly { readonly start: number; readonly code: ReasonCode }[];
  /** A move that is not through. */
  readonly moving: SeriesMove | null;
  /** Every visit there ever was, by start. */
  readonly appointments: readonly AppointmentRecord[];
}

export interface SeriesCommand {
  readonly organizationId: string;
  readonly id: string;
  readonly agendaId: string;
  readonly motifId: string;
  /** Epoch milliseconds, sorted. */
  readonly starts: readonly number[];
  readonly mode: SeriesMode;
  readonly actor: Extract<Actor, { kind: 'collaborator' }>;
  readonly patient: Patient;
  readonly key: RequestKey | null;
  readonly acceptStale: boolean;
  readonly terms: BookingTerms;
}

/**
 * `placed`: the series of that id stands. `conflicts`: nothing was booked; one result for each start, as if the others were.
 * `answered`: the first answer to the key, when it was one of conflicts.
 */
export type SeriesPlaced =
  | { readonly outcome: 'placed'; readonly id: string }
  | { readonly outcome: 'conflicts'; readonly results: readonly PlaceResult[] }
  | { readonly outcome: 'answered'; readonly body: unknown }
  | { readonly outcome: 'refused'; readonly result: PlaceResult };

export abstract class SeriesStore {
  /** Claims every start in one transaction, or none of them; with `report`, those that can be. */
  abstract place(command: SeriesCommand): Promise<SeriesPlaced>;
  abstract get(organizationId: string, id: string): Promise<SeriesRecord | null>;
  /** Notes a move before its first step, and forgets it (`null`) after its last. */
  abstract moves(series: { organizationId: string; id: string }, move: SeriesMove | null): Promise<void>;
  /** From one of the given states to another; `dueMs` says when a worker looks at it. False when it is in none of them. */
  abstract turn(
    series: { organizationId: string; id: string },
    from: readonly SeriesState[],
    to: SeriesState,
    dueMs?: number,
  ): Promise<boolean>;
}
