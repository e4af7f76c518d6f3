import type { Audience, Availability, PlannedOffer, Priority } from '#domain';
import type { Actor, Patient, RequestKey } from './model.js';

/** What somebody waits for. Instants in epoch milliseconds. */
export interface WaitingWish {
  readonly patient: Patient;
  readonly motifIds: readonly string[];
  readonly agendaIds: readonly string[];
  readonly availability: Availability;
  readonly priority: Priority;
  /** Nothing that starts later is of use, and the waiting lapses then; `null` = no deadline. */
  readonly deadline: number | null;
}

/** What is absent stays as it is. */
export type WishChange = { readonly [Field in keyof WaitingWish]?: WaitingWish[Field] | undefined };

export const ENTRY_STATES = ['waiting', 'booked', 'withdrawn', 'lapsed'] as const;
export type EntryState = (typeof ENTRY_STATES)[number];

export interface WaitingEntry extends Omit<WaitingWish, 'patient'> {
  readonly id: string;
  /** `null` once withdrawn. */
  readonly patient: Patient | null;
  readonly state: EntryState;
  /** For whom the application that entered it books. */
  readonly audience: Audience;
  readonly appointmentId: string | null;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly closedAt: number | null;
  readonly version: number;
}

export const OFFER_STATES = ['open', 'accepted', 'refused', 'lapsed', 'withdrawn'] as const;
export type OfferState = (typeof OFFER_STATES)[number];

/** A slot that is kept for somebody who waits; the hold has the same id. Instants in epoch milliseconds. */
export interface WaitingOffer extends PlannedOffer {
  readonly id: string;
  readonly agendaId: string;
  readonly state: OfferState;
  /** End of the hold by the database's clock. */
  readonly holdUntil: number;
  readonly madeAt: number;
  readonly decidedBy: Actor | null;
  readonly closedAt: number | null;
  readonly patient: Patient | null;
}

interface EntryRef {
  readonly organizationId: string;
  readonly id: string;
}

/** Where a page begins: behind this instant and id. */
interface After {
  readonly at: number;
  readonly id: string;
}

/** It names something that does not exist. */
export type WishFault = { readonly outcome: 'unknown-reference'; readonly field: 'agendas' | 'motifs' };

/** The waiting list as applications keep it. Every method is one transaction. */
export abstract class WaitingEntries {
  /** A repetition under the same key is told the same id. */
  abstract create(
    entry: WaitingWish & EntryRef & { readonly audience: Audience; readonly actor: Actor & { readonly id: string } },
    key: RequestKey,
  ): Promise<{ readonly outcome: 'created'; readonly id: string } | { readonly outcome: 'reused' } | WishFault>;
  abstract get(ref: EntryRef): Promise<WaitingEntry | null>;
  /** Oldest first. */
  abstract list(query: {
    readonly organizationId: string;
    readonly agendaIds: readonly string[];
    readonly states: readonly EntryState[];
    readonly after: After | null;
    readonly limit: number;
  }): Promise<readonly WaitingEntry[]>;
  abstract change(
    change: WishChange & EntryRef & { readonly version: number; readonly actor: Actor },
  ): Promise<{ readonly outcome: 'changed' | 'unknown' | 'stale' | 'ended' } | WishFault>;
  /** Forgets the patient, and ends what is offered to him. Withdrawing again changes nothing and succeeds. */
  abstract withdraw(
    withdrawal: EntryRef & { readonly version: number; readonly actor: Actor },
  ): Promise<'withdrawn' | 'unknown' | 'stale' | 'ended'>;
}

/** Somebody who waits for an agenda, and what the database knows of him. */
export interface Candidate {
  readonly entry: WaitingEntry & { readonly patient: Patient };
  /** Starts in this agenda that he refused, whose offer lapsed not long ago, or that are offered to somebody now. */
  readonly passed: readonly number[];
  /** His live visits in this agenda, by motif. */
  readonly visits: readonly { readonly motifId: string; readonly start: number }[];
}

interface AgendaRef {
  readonly organizationId: string;
  readonly agendaId: string;
}

/** What the next look needs to know of the vacancies it answers. */
export interface DueVacancies {
  readonly ids: readonly string[];
  /** Seconds the look before waited; 0 when something has happened since. */
  readonly pauseSeconds: number;
}

/** Offers, and the vacancies that lead to them. Every method is one transaction. */
export abstract class WaitingOffers {
  abstract due(agenda: AgendaRef): Promise<DueVacancies>;
  /** Removes what was answered, and sets the next look, unless nobody waits any more. */
  abstract answered(agenda: AgendaRef, due: DueVacancies, nextSeconds: number): Promise<void>;
  /**
   * Closes what time or others have ended: deadlines, holds that ran out, offers that were never shown. `release`: holds that
   * stand for nobody any more. `open`: offers that still stand.
   */
  abstract settle(agenda: AgendaRef): Promise<{ readonly release: readonly string[]; readonly open: number }>;
  /** Those who wait for the agenda and have no offer, best first; at most `limit`. */
  abstract candidates(agenda: AgendaRef, limit: number): Promise<readonly Candidate[]>;
  /** Writes an offer down before its hold. False when its entry or its slot has one already, or waits no longer. */
  abstract prepare(agenda: AgendaRef, offer: PlannedOffer & { readonly id: string }): Promise<boolean>;
  /** Shows it, now that the hold stands. False when it has ended meanwhile. */
  abstract open(ref: EntryRef): Promise<boolean>;
  /** Forgets one that was never shown. */
  abstract drop(ref: EntryRef): Promise<void>;
  abstract get(ref: EntryRef): Promise<WaitingOffer | null>;
  /** Oldest first; offers that were never shown are left out. */
  abstract list(query: {
    readonly organizationId: string;
    readonly agendaIds: readonly string[];
    readonly states: readonly OfferState[];
    readonly after: After | null;
    readonly limit: number;
  }): Promise<readonly WaitingOffer[]>;
  /** Notes who is about to book the hold; `null`: he could not. */
  abstract deciding(ref: EntryRef, actor: Actor | null): Promise<void>;
  /** Records the refusal and frees the hold. False when the offer is open no more. */
  abstract refuse(ref: EntryRef, actor: Actor): Promise<boolean>;
}
