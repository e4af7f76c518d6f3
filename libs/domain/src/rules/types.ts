import type { Visit, Occupation } from '../availability.js';
import type { Interval } from '../interval.js';

/** For whom a time or a motif is meant, in the words of the national regulation service (SAS): first the public, last this secretariat. */
export const AUDIENCES = ['PUBLIC', 'PRO', 'SNP', 'CPTS', 'SECRETARIAT'] as const;
export type Audience = (typeof AUDIENCES)[number];

/** How soon a motif has to be seen. */
export const PRIORITIES = ['routine', 'soon', 'urgent'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** At most `max` visits of a motif in one agenda per local day, half-day (noon divides) or ISO week. */
export interface Quota {
  readonly per: 'day' | 'half-day' | 'week';
  readonly max: number;
}

/** What decides whether a motif may be booked in an agenda (scope: motif × agenda). */
export interface MotifRules {
  /** Shortest time between now and the start. */
  readonly noticeMinutes: number;
  /** Furthest start from now, in days of 24 h; `null` = as far as the agenda is open. */
  readonly horizonDays: number | null;
  readonly priority: Priority;
  /** `null` = everybody. */
  readonly audiences: readonly Audience[] | null;
  readonly newPatients: 'accepted' | 'only' | 'refused';
  /** Completed years, both ends included, on the day of asking. */
  readonly age: { readonly minYears: number | null; readonly maxYears: number | null } | null;
  /** Least number of local days between two visits of one patient for this motif in this agenda; 1 = not twice on a day. */
  readonly gapDays: number | null;
  readonly quotas: readonly Quota[];
}

/** One occurrence of an opening, whole. */
export interface OpenTime extends Interval {
  /** `null` = every motif of the agenda. */
  readonly motifIds: readonly string[] | null;
  /** `null` = everybody. */
  readonly audiences: readonly Audience[] | null;
  /**
   * Visits at once while this opening runs; `null` = as many as the agenda has seats. Never more than those. Whatever
   * takes a seat counts; where several openings that can be used run at once, the smallest holds.
   */
  readonly capacity: number | null;
}

/** What frees a reserve for everybody. */
export type ReleaseRule =
  /** So many minutes before the reserve's own start. */
  | { readonly kind: 'before'; readonly minutes: number }
  /** At a local time `HH:mm`, so many days before the day on which the reserve starts (0 = that day). */
  | { readonly kind: 'at-time'; readonly daysBefore: number; readonly time: string }
  /**
   * When this share (0 to 1) of the seats' time that is open, not closed and not reserved on that local day is taken.
   * Holds do not count: they may lapse. A day without such time frees nothing.
   */
  | { readonly kind: 'occupancy'; readonly share: number }
  /** Each secretariat may book so many visits of any kind inside the agenda's reserves of that local day. */
  | { readonly kind: 'quota'; readonly perSecretariat: number };

/** For whom time is kept; whoever matches one of the three may book it at any time. */
export interface ReserveBeneficiaries {
  readonly priorities: readonly Priority[];
  readonly audiences: readonly Audience[];
  readonly motifIds: readonly string[];
}

/** One occurrence of a reserve: a part of the open time, kept until a release rule frees it. */
export interface ReservedTime extends Interval {
  readonly reserveId: string;
  readonly keptFor: ReserveBeneficiaries;
  /** Any one of them frees; none = never freed. */
  readonly release: readonly ReleaseRule[];
  /**
   * Time given back by a cancellation after the release is kept again until so many minutes before its own start (or
   * the reserve's, when it begins earlier); `null` = it stays free for everybody. A quota still lets in who has some left.
   */
  readonly recaptureMinutes: number | null;
}

/** Why an interval is taken. */
export type OccupationKind = 'busy' | 'held';

/**
 * Everything the rules look at of one agenda, read at one instant. Openings, closures, reserves and occupied time cover
 * what is asked about with its buffers, and the whole local days on which the reserves that it touches start (a share
 * of a day is judged by the whole day).
 */
export interface AgendaFacts {
  readonly active: boolean;
  /** False when the agenda does not offer the motif. */
  readonly offered: boolean;
  /** IANA zone of the agenda's location: days, half-days and weeks are its. */
  readonly timeZone: string;
  readonly capacity: number;
  /** Instant up to which openings are expanded, epoch milliseconds. */
  readonly openedUntil: number;
  readonly openings: readonly OpenTime[];
  /** Leave, holidays: nothing new is booked, what is booked stays. */
  readonly closures: readonly Interval[];
  readonly reserves: readonly ReservedTime[];
  /** `heldBy`: the name of the collaborator who holds it. */
  readonly occupied: readonly (Occupation & { readonly kind: OccupationKind; readonly heldBy?: string })[];
  /** Starts of the live visits of the motif in this agenda, over the whole weeks that the question touches. */
  readonly visits: readonly number[];
  /** Time given back inside a reserve, and when; epoch milliseconds. */
  readonly givenBack: readonly (Interval & { readonly at: number })[];
  /** Live visits inside reserves, by the secretariat that booked them: their starts. */
  readonly reservedVisits: readonly { readonly start: number; readonly secretariat: string | null }[];
  /** One per equipment that the motif needs; each needs a free seat over the visit with its buffers. */
  readonly equipment: readonly {
    readonly agendaId: string;
    readonly capacity: number;
    readonly occupied: readonly Occupation[];
  }[];
}

/** Who asks for what. */
export interface Asked {
  readonly motifId: string;
  readonly rules: MotifRules;
  /** For this class of patient. */
  readonly visit: Visit;
  readonly audience: Audience;
  readonly secretariat: string | null;
  /** `false`: nothing that is kept for anybody may be booked before it is released; absent = may be. */
  readonly usesReserved?: boolean;
  /** What is absent is left aside (a search); what is `null` is not known, and does not fit a rule about it. */
  readonly patient: {
    readonly isNew?: boolean | null;
    readonly ageYears?: number | null;
    /** Starts of the patient's live visits for this motif in this agenda. */
    readonly visits: readonly number[];
  };
  /** The database's clock, epoch milliseconds. */
  readonly now: number;
}

/** Codes in the order in which they are told. */
export const RULE_CODES = [
  'AGENDA_DISABLED',
  'MOTIF_NOT_ALLOWED',
  'AUDIENCE',
  'NEW_PATIENT',
  'AGE',
  'NOTICE_TOO_SHORT',
  'HORIZON',
  'CLOSED',
  'OFF_GRID',
  'RESERVED_UNTIL',
  'QUOTA_REACHED',
  'GAP_BETWEEN_VISITS',
  'RESOURCE',
  'BUSY',
  'HELD',
] as const;
export type RuleCode = (typeof RULE_CODES)[number];

/** A rule that speaks against a start. */
export interface RuleRefusal {
  readonly code: RuleCode;
  /** Instant from which this rule will no longer speak against it, if time alone decides; epoch milliseconds. */
  readonly bookableFrom?: number;
}
