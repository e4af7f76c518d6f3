import type { Manners } from '#connector-sdk';
import {
  RULE_CODES,
  type AppointmentStatus,
  type ConflictPolicy,
  type Interval,
  type PollConditions,
  type ReadBesidePushes,
} from '#domain';

/** Where a request came from, and in whose right: for the audit log alone. */
export interface Origin {
  readonly request: string;
  readonly address: string;
  /** The kind of client, never its whole name. */
  readonly agent: 'browser' | 'command-line' | 'application' | 'none';
  /** The collaborator in whose name an application does it; he himself signed in when it is not there. */
  readonly behalf?: string;
  /** The grants that allowed it; what was shown of patients adds those that allowed that. */
  readonly grants?: readonly string[];
}

/** Who does something: a collaborator through an application's key, the practitioner in his own tool, or the hub itself. */
export type Actor =
  | { readonly kind: 'collaborator'; readonly id: string; readonly key: string; readonly origin?: Origin }
  | { readonly kind: 'practitioner' }
  | { readonly kind: 'system' };

/** Codes that say why something cannot be booked. */
export const REASON_CODES = [
  ...RULE_CODES,
  'AGENDA_STALE',
  'AGENDA_UNREACHABLE',
  'RIGHT',
  'REMOTE_REFUSED',
  'PRACTITIONER_CANCELLED',
  'PRACTITIONER_BUSY',
  'CANCELLED',
  'CONFLICT',
  'REASSIGNED',
  'AWAITING_ACCEPTANCE',
  'REQUEST_DECLINED',
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

/** Whose doing a cancellation is. */
export const CAUSES = ['patient', 'practitioner', 'no-show', 'other'] as const;
export type Cause = (typeof CAUSES)[number];

/** Why an appointment is in the state it is in; `text` is what a collaborator typed, if anything. */
export interface Reason {
  readonly code: ReasonCode;
  /** Of a cancellation here. */
  readonly cause?: Cause;
  readonly text?: string;
}

/** An appointment as answers and events show it: never who the patient is. Instants in epoch milliseconds. */
export interface AppointmentRecord extends Interval {
  readonly id: string;
  readonly agendaId: string;
  readonly motifId: string;
  readonly status: AppointmentStatus;
  /** End of a hold by the database's clock; `null` otherwise. */
  readonly holdUntil: number | null;
  readonly version: number;
  readonly reason: Reason | null;
  readonly createdBy: string;
  readonly overbooked: boolean;
  /** Why it may stand beside others or outside the rules. */
  readonly overbooking?: string;
  /** How often a hold can still be renewed; only on holds. */
  readonly renewalsLeft?: number;
  /** Until when the practitioner's own tool keeps it as well; only on holds, and where it can. */
  readonly heldThereUntil?: number;
  /** The series it belongs to. */
  readonly series?: string;
  /** The appointment on another agenda that this one is to replace, and the one that is to replace it. */
  readonly replaces?: string;
  readonly replacedBy?: string;
}

/** True while somebody on the practitioner's side has yet to accept it: waiting for seconds is of no use. */
export function awaitsAcceptance({ status, reason }: Pick<AppointmentRecord, 'status' | 'reason'>): boolean {
  return status === 'pending' && reason?.code === 'AWAITING_ACCEPTANCE';
}

/** Who the appointment is for; minimal, and encrypted at rest. */
export interface Patient {
  readonly lastName: string;
  readonly firstName: string;
  readonly phone?: string | undefined;
  readonly email?: string | undefined;
  readonly birthDate?: string | undefined;
  readonly isNew?: boolean | undefined;
  /** What he answered to the motif's questions, by question. */
  readonly answers?: Readonly<Record<string, string>> | undefined;
  /** Free text, where the organization keeps such. */
  readonly note?: string | undefined;
}

/** How fresh what is known of an agenda is. */
export type Certainty = 'live' | 'fresh' | 'stale' | 'unreachable';

/** Freshness of one agenda: `asOf` is the instant up to which the practitioner's tool was read; `live` for hub-mastered ones. */
export interface Freshness {
  readonly agendaId: string;
  readonly asOf: number | null;
  readonly certainty: Certainty;
}

/** A bookable interval. */
export interface Slot extends Interval {
  readonly agendaId: string;
  readonly motifId: string;
}

/** A slot as a search finds it: with the IANA zone of its agenda. */
export type FoundSlot = Slot & { readonly timeZone: string };

/** An idempotency key and the hash of the request it came with. */
export interface RequestKey {
  readonly key: string;
  /** SHA-256 over method, route and body. */
  readonly hash: Buffer;
}

/** What a link discloses in the practitioner's agenda. */
export type Disclosure = 'full' | 'initials' | 'busy';

export type LinkDirection = 'two-way' | 'read-only';

/**
 * How far a link has come: `planning` (a dry run waits for approval), `reading` (the practitioner's side is taken in),
 * `writing` (what was booked before is carried there), `live`.
 */
export type LinkPhase = 'planning' | 'reading' | 'writing' | 'live';

export interface LinkRecord {
  readonly organizationId: string;
  readonly id: string;
  readonly agendaId: string;
  readonly connectionId: string;
  readonly remoteAgendaId: string;
  readonly direction: LinkDirection;
  readonly disclosure: Disclosure;
  readonly policy: ConflictPolicy;
  readonly status: 'active' | 'auth-failed' | 'gone' | 'moved';
  readonly phase: LinkPhase;
  /** A person has stopped it: nothing is read or written. */
  readonly paused: boolean;
  /** The disclosure has changed: what was written before still shows the old one. */
  readonly rewriting: boolean;
  readonly cursor: string | null;
  /** What its backend was found to do; `null` = it was not looked at. */
  readonly manners: Manners | null;
  /** It is time to look. */
  readonly mannersDue: boolean;
  /** IANA zone of the agenda's location. */
  readonly timeZone: string;
  /** Milliseconds since the last complete read by the database's clock; `null` = never read. */
  readonly ageMs: number | null;
  /** Milliseconds since the backend's own rules were last read; `null` = never. */
  readonly rulesAgeMs: number | null;
  /** Milliseconds since everything in the window was last compared; `null` = never. */
  readonly reconciledMs: number | null;
  /** Daily comparisons by versions alone since everything was last read. */
  readonly comparedInARow: number;
  /** Milliseconds until it is to be polled; negative when it is due. */
  readonly dueInMs: number;
  /** Deletions are held back: of the remote ids `released` those that a person has looked at, `held` the others. `null` = none. */
  readonly brake: { readonly released: readonly string[]; readonly held: readonly string[] } | null;
  /** What the database knows of when to poll next. */
  readonly pace: LinkPace;
  /** What its subscription has said. */
  readonly push: LinkPush;
}

export interface LinkPush extends Pick<ReadBesidePushes, 'live' | 'announced' | 'silent'> {
  /** It is known to be silent. */
  readonly isSilent: boolean;
  /** When the last push came, as text of the database; `null` = never. */
  readonly hintedAt: string | null;
}

export type LinkPace = Pick<
  PollConditions,
  'wantedMs' | 'pushed' | 'localHour' | 'staleAfterMs' | 'links' | 'throttledMs'
>;

/** What the daily comparison of a link found. */
export interface ReconcileReport {
  /** Weeks compared, and those of them that were read again. */
  readonly weeks: number;
  readonly readAgain: number;
  /** Differences that nothing had told of. Each one is a fault, here or there. */
  readonly repaired: number;
  /** Comparisons since everything was last read, this one included; 0 = everything was read. */
  readonly inARow: number;
}
