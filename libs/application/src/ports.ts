export * from './booking-ports.js';
import type {
  Action,
  AppointmentStatus,
  BackendRules,
  HubAppointment,
  Interval,
  KnownObject,
  RemoteChange,
} from '#domain';
import type { CallOptions, Capabilities, ConnectorErrorKind, Session, Successor } from '#connector-sdk';
import type { Disclosure, LinkRecord, Patient, Reason, ReconcileReport } from './model.js';
import type { AppointmentRef } from './booking-ports.js';
import type { Question } from './rules.js';

/** What the lane must carry out for one appointment, as read at one instant. */
export interface PendingWrite {
  readonly organizationId: string;
  readonly appointmentId: string;
  readonly agendaId: string;
  readonly linkId: string;
  readonly status: AppointmentStatus;
  readonly version: number;
  readonly when: Interval;
  /** The appointment's id and generation: names the remote object. */
  readonly reference: string;
  readonly generation: number;
  readonly patient: Patient | null;
  readonly motifLabel: string;
  /** What the practitioner asks before this visit; left out where he asks nothing. */
  readonly questions?: readonly Question[];
  /** It stands beside others, or outside the rules, by decision: its text says so. */
  readonly overbooked?: boolean;
  readonly attempts: number;
  /** Attempts whose answer never came; each may still land until `settleMs` after the last one. */
  readonly unanswered: number;
  /** Milliseconds since the last attempt was sent, by the database's clock. */
  readonly sinceSentMs: number | null;
  readonly failures: number;
  /** When what is to be written was last changed here, by the database's clock; epoch milliseconds. */
  readonly askedAt: number;
  /** A move keeps its old place until the backend followed. */
  readonly departing: Interval | null;
  readonly mirror: {
    readonly remoteId: string;
    readonly version: string | null;
    readonly when: Interval | null;
    /** It does not carry the reference, and cannot be looked for by it. `false` when left out. */
    readonly nameless?: boolean;
  } | null;
}

/** Why a write did not get through, for people: no content, no secret. */
export interface Failure {
  readonly kind: ConnectorErrorKind;
  readonly message: string;
  /** What the backend asked to wait at least. */
  readonly retryAfterMs: number | undefined;
  /** With `moved`: where to. */
  readonly successor?: Successor | undefined;
}

/** The saga's database: every change is a compare-and-set and says whether it happened. */
export abstract class Writes {
  /** The oldest due write of the agenda's lane, but for those of some appointments; or `null`. */
  abstract next(organizationId: string, agendaId: string, except: readonly string[]): Promise<PendingWrite | null>;
  abstract load(ref: AppointmentRef): Promise<PendingWrite | null>;
  /** Before a create or update is sent: counts it; `pending` becomes `unknown` from the second attempt on. */
  abstract sent(write: PendingWrite): Promise<boolean>;
  /** The backend answered the last attempt, whatever it said. */
  abstract answered(write: PendingWrite): Promise<void>;
  /** Not now: due again after `delayMs`. */
  abstract postpone(write: PendingWrite, delayMs: number, failure: Failure | null): Promise<void>;
  /** A certain no to a create: `refused`, claims freed. */
  abstract refuse(write: PendingWrite, reason: Reason): Promise<boolean>;
  /** A certain no to a move: back to the old place. */
  abstract revertMove(write: PendingWrite, reason: Reason): Promise<boolean>;
  /** A no while an earlier attempt may still land: remove it there first, then `refused`. */
  abstract compensate(write: PendingWrite, reason: Reason): Promise<boolean>;
  /** Certainly gone at the backend: `cancelled` or `refused`, claims freed. */
  abstract finish(write: PendingWrite): Promise<boolean>;
  /** The reference is used up at the backend: the next attempt has another one. */
  abstract renewReference(write: PendingWrite): Promise<boolean>;
  /** Nothing remains to be done. */
  abstract settle(write: PendingWrite): Promise<void>;
}

/** A lease on the remote side of one agenda, by the database's clock. */
export interface Lease {
  readonly organizationId: string;
  readonly agendaId: string;
  readonly fence: string;
}

export abstract class Lanes {
  /** `null` when another process holds it. */
  abstract acquire(organizationId: string, agendaId: string, leaseMs: number): Promise<Lease | null>;
  /** False when the lease was lost: stop at once. */
  abstract extend(lease: Lease, leaseMs: number): Promise<boolean>;
  abstract release(lease: Lease): Promise<void>;
}

/** An appointment as reconcile needs it, and how long ago the last write was sent of which one had no answer (`null`: all had). */
export interface SyncedAppointment extends HubAppointment {
  readonly unansweredForMs: number | null;
}

/** What reconcile needs to know of what was just read. */
export interface SyncBase {
  readonly known: readonly KnownObject[];
  readonly appointments: readonly SyncedAppointment[];
  /** Number of objects known on the whole link. */
  readonly knownTotal: number;
}

/** End of a pull: committed with the last rows. */
export interface PullEnd {
  readonly cursor: string | null;
  /** Instant, by the database's clock, before which everything was read; epoch milliseconds as text of the database. */
  readonly asOf: string;
  readonly full: boolean;
  /** Deletions were held back: the cursor stays where it was, so that they are read again. */
  readonly braked: boolean;
  readonly nextPollMs: number;
}

/** What one application of changes did. */
export interface Applied {
  /** Rows that changed for the hub (echoes do not count). */
  readonly changes: number;
  /** Appointments that now have something to be written. */
  readonly due: number;
}

export abstract class SyncStore {
  abstract link(organizationId: string, linkId: string): Promise<LinkRecord | null>;
  abstract linkOfAgenda(organizationId: string, agendaId: string): Promise<LinkRecord | null>;
  /** The database's clock, as it stands before a pull. */
  abstract clock(organizationId: string): Promise<string>;
  /** The reference under which an appointment is written, or `null` when it is unknown. */
  abstract reference(link: LinkRecord, appointmentId: string): Promise<string | null>;
  /** Puts what the backend lets be booked `until` an instant in the place of what it said before; true when that differs. */
  abstract putBackendRules(link: LinkRecord, rules: BackendRules, until: number): Promise<boolean>;
  abstract versions(link: LinkRecord): Promise<ReadonlyMap<string, string | null>>;
  /**
   * The changes as mirrors keep them: content and text as digests under the organization's key. A practitioner's private
   * titles do not belong in the hub, and short texts are guessed from digests that need no key.
   */
  abstract digested(link: LinkRecord, changes: readonly RemoteChange[]): Promise<readonly RemoteChange[]>;
  /** Base for the objects that changes name, which are {@link digested}, and, with `window`, for every known object in it. */
  abstract base(link: LinkRecord, changes: readonly RemoteChange[], window: Interval | null): Promise<SyncBase>;
  /** One transaction: what reconcile decided, then (last) the cursor. Throws LaneLost when the lease is another's by now. */
  abstract apply(link: LinkRecord, actions: readonly Action[], end: PullEnd | null, lease: Lease): Promise<Applied>;
  /** Records what a complete comparison found. */
  abstract reconciled(link: LinkRecord, report: ReconcileReport): Promise<void>;
  abstract failed(link: LinkRecord, failure: Failure, retryMs: number): Promise<void>;
  /** Notes reads in a row that no push announced, unless one came meanwhile; `isSilent`: it is made anew soon. */
  abstract unannounced(link: LinkRecord, reads: { readonly silent: number; readonly isSilent: boolean }): Promise<void>;
  /**
   * Remembers a push and makes the link due, a few times a second at most. Resolves to the milliseconds until then; `null` when
   * the same push was seen before, or the link was due already.
   */
  abstract hinted(organizationId: string, linkId: string, hintId: string): Promise<number | null>;
}

/** An open conversation with the backend behind a link. */
export interface Backend {
  readonly session: Session;
  readonly capabilities: Capabilities;
}

/** Sessions with backends: credentials opened, calls counted by the breaker, addresses guarded. */
export abstract class Backends {
  abstract open(organizationId: string, connectionId: string): Promise<Backend>;
}

/** The five effects of saga and sync besides the stores: remote calls are bounded by what `deadline` gives. */
export abstract class Effects {
  /** Epoch milliseconds of this process; for windows and jitter, never for leases or expiry. */
  abstract now(): number;
  abstract sleep(ms: number): Promise<void>;
  /** Uniform in [0, 1). */
  abstract random(): number;
  /** Options for one remote call of at most `ms`. */
  abstract deadline(ms: number): CallOptions;
}

/** Which rows of any organization wait for a worker; ids only. */
export abstract class DueWork {
  abstract lanes(limit: number): Promise<readonly { organizationId: string; agendaId: string }[]>;
  abstract links(limit: number): Promise<readonly { organizationId: string; linkId: string; full: boolean }[]>;
  /** Links to be compared completely; they are not among {@link links}. */
  abstract reconciles(limit: number): Promise<readonly { organizationId: string; linkId: string }[]>;
  abstract holds(limit: number): Promise<readonly { organizationId: string; agendaId: string }[]>;
  abstract openings(limit: number): Promise<readonly { organizationId: string; agendaId: string }[]>;
  /** Links that are gone and left something to remove. */
  abstract removals(limit: number): Promise<readonly { organizationId: string; linkId: string }[]>;
  /** Organizations that have links to watch. */
  abstract watched(limit: number): Promise<readonly { organizationId: string }[]>;
  abstract organizations(limit: number): Promise<readonly { organizationId: string }[]>;
  /** Links whose subscription to pushes is to be made or renewed. */
  abstract subscriptions(limit: number): Promise<readonly { organizationId: string; linkId: string }[]>;
  /** Agendas to be looked at for those who wait. */
  abstract vacancies(limit: number): Promise<readonly { organizationId: string; agendaId: string }[]>;
  /** Organizations whose practitioners have to be told of an overbooking, or of a change of rights. */
  abstract overbookings(limit: number): Promise<readonly { organizationId: string }[]>;
  /** Bulk cancellations that nobody carries on. */
  abstract bulks(limit: number): Promise<readonly { organizationId: string; bulkId: string }[]>;
  /** Organizations with something that is not in the chain of their audit log yet. */
  abstract unsealed(limit: number): Promise<readonly { organizationId: string }[]>;
  /** Organizations whose values are being sealed with a newer key. */
  abstract rotations(limit: number): Promise<readonly { organizationId: string }[]>;
  /** Series that nobody carries to their end any more. */
  abstract series(limit: number): Promise<readonly { organizationId: string; seriesId: string }[]>;
}

export type { Disclosure };
