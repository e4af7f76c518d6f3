import type { AppointmentStatus } from './appointment.js';
import type { ConflictPolicy } from './conflict-policy.js';
import type { Interval } from './interval.js';
import type { CompleteListing, RemoteChange, RemoteObject } from './remote.js';

/** The last common state of one remote object: the mirror, the base of the three-way merge. */
export interface KnownObject {
  readonly remoteId: string;
  /** Version last seen; `null` when the server gives none or the last read was unreadable. */
  readonly version: string | null;
  /** Hash of the content last seen, as the server stored it. */
  readonly contentHash: string;
  /** The appointment this object stands for; `null` for an object that is not ours. */
  readonly appointmentId: string | null;
  /** First instance as last seen; `null` when it could not be held. */
  readonly when: Interval | null;
  /** Text as last seen; `null` when private or unknown. */
  readonly summary: string | null;
  /** Busy time as last seen, sorted. */
  readonly busy: readonly Interval[];
}

/** What the hub wants of one appointment on this link. */
export interface HubAppointment {
  readonly id: string;
  readonly status: AppointmentStatus;
  readonly when: Interval;
  /** The text as this link discloses it. */
  readonly summary: string;
  /** The reference it is written under in its present generation. */
  readonly reference: string;
  /**
   * True while a write of the hub's that had no answer may still land: an object that did not change proves nothing
   * then. `false` when left out.
   */
  readonly inFlight?: boolean;
  /** When the hub last changed what it wants, in epoch milliseconds; unknown when left out or `null`. */
  readonly changedAt?: number | null;
  /**
   * It was the practitioner who deleted or freed it: what comes back under its reference is what he restored, his from
   * now on. `false` when left out.
   */
  readonly endedThere?: boolean;
  /**
   * What the hub asked for and the backend was last seen to hold unanswered: the visit itself, or another time for it.
   * `null` when left out: no request is open.
   */
  readonly awaited?: 'visit' | 'move' | null;
}

/** How the planner must treat a link. */
export interface ReconcileLink {
  /** False when nothing may be written there, whatever the policy. */
  readonly writable: boolean;
  readonly policy: ConflictPolicy;
  /** Share (0 to 1) of the known objects a run may lose before the brake; it holds only when `maxDeletions` is exceeded too. */
  readonly maxDeletionShare: number;
  /** Number of known objects a run may lose before the brake; it holds only when `maxDeletionShare` is exceeded too. */
  readonly maxDeletions: number;
}

/** Everything the planner looks at: no clock, no I/O. */
export interface ReconcileInput {
  readonly link: ReconcileLink;
  /** The window of the pull: outside it an empty `busy` says nothing. */
  readonly window: Interval;
  /**
   * The mirrors as they were when the pull began; an object that the hub wrote since is left out together with its
   * changes. Every known object that a change names, that lies inside `complete.window` (by `when` or `busy`), or that mirrors
   * one of `appointments`. Tombstoned objects are not known.
   */
  readonly known: readonly KnownObject[];
  /** Number of objects known on the whole link, for the brake; `known.length` when left out. */
  readonly knownTotal?: number;
  /** Every appointment that a known object mirrors or that a change's reference names. */
  readonly appointments: readonly HubAppointment[];
  /** All changes of one pull, in the order read; of several for one object the last counts. */
  readonly changes: readonly RemoteChange[];
  /** What a complete listing found; `null` after a delta. */
  readonly complete: CompleteListing | null;
  /** Remote ids whose deletion a person has looked at and released: they do not count for the brake. None when left out. */
  readonly released?: ReadonlySet<string>;
  /** Remote ids whose deletion is held back since an earlier run, and not released. None when left out. */
  readonly held?: ReadonlySet<string>;
}

/** Why a person must look at an appointment. */
export type ConflictReason =
  /** Our object is a series now; the appointment keeps its claims. */
  | 'became-recurring'
  /** Our object has no time the hub can hold any more. */
  | 'lost-its-time'
  /** The hub must win, but the link cannot be written. */
  | 'not-writable'
  /** Hub and practitioner moved it, each elsewhere, and the policy is to ask. */
  | 'both-moved'
  /** The practitioner deleted or freed it while the hub was moving it, and the policy is to ask. */
  | 'deleted-there';

/** One step of the plan. The executor does each in one transaction and decides nothing. */
export type Action =
  /** Store or refresh the mirror. A foreign object's busy claims follow `object.busy`. */
  | { readonly type: 'mirror'; readonly object: RemoteObject; readonly appointmentId: string | null }
  /** The object is gone: tombstone the mirror, free its remote claims. Never touches an appointment. */
  | { readonly type: 'forget'; readonly remoteId: string }
  /** Ours, read back, equal to what the hub wants. Also refreshes the mirror. */
  | { readonly type: 'confirm'; readonly appointmentId: string; readonly object: RemoteObject }
  /**
   * Ours, read back where the hub wants it, and yet to be accepted there: it stays pending, nothing more is sent, and
   * whoever asks is told why. Also refreshes the mirror.
   */
  | { readonly type: 'await'; readonly appointmentId: string; readonly object: RemoteObject }
  /** The practitioner moved or resized ours: the appointment follows. Also refreshes the mirror. */
  | {
      readonly type: 'follow-move';
      readonly appointmentId: string;
      readonly to: Interval;
      readonly object: RemoteObject;
    }
  /** The practitioner renamed ours: it is told, not undone. Also refreshes the mirror. */
  | { readonly type: 'follow-retitle'; readonly appointmentId: string; readonly object: RemoteObject }
  /**
   * The practitioner deleted, cancelled or freed ours. `object` is what he left behind (freed or cancelled, still
   * there: mirror it as foreign, do not delete it); `null` when it is gone: tombstone the mirror. When it is gone by
   * absence from a listing, look once more by reference first: it may have moved beyond the window. `declined`: it was
   * asked for and never accepted, so it ends as refused.
   */
  | {
      readonly type: 'follow-cancel';
      readonly appointmentId: string;
      readonly remoteId: string;
      readonly object: RemoteObject | null;
      readonly declined?: true;
    }
  /**
   * The practitioner deleted or freed ours while the hub was moving it, and the hub wins: the appointment keeps its new
   * place and is made anew under a new reference; the old place is given up. `object` is what he left behind, foreign from now on.
   */
  | {
      readonly type: 'recreate';
      readonly appointmentId: string;
      readonly remoteId: string;
      readonly object: RemoteObject | null;
    }
  /** The hub's version must be written over `object`, whose mirror is refreshed. Never on a link that is not writable. */
  | {
      readonly type: 'write-back';
      readonly appointmentId: string;
      readonly remoteId: string;
      readonly object: RemoteObject;
    }
  /**
   * An object under our reference whose appointment is dead (a late write revived it): delete it at this version.
   * Never on a link that is not writable.
   */
  | { readonly type: 'remove-stray'; readonly appointmentId: string | null; readonly object: RemoteObject }
  /** Unreadable: store the raw object for a person. What is known of its time is a `mirror` before it, or stands already. */
  | {
      readonly type: 'quarantine';
      readonly remoteId: string;
      readonly version: string | null;
      readonly reason: string;
      readonly raw: string;
    }
  /**
   * What policy cannot settle. The appointment keeps its claims; the mirror is refreshed with `object`. When the reason
   * is `deleted-there`, `object` is what he left behind, foreign from now on, or `null`: tombstone the mirror. `base` is
   * where both sides last had it.
   */
  | {
      readonly type: 'conflict';
      readonly appointmentId: string;
      readonly remoteId: string;
      readonly object: RemoteObject | null;
      readonly reason: ConflictReason;
      readonly base: Interval | null;
    }
  /**
   * Deletions held back: the plan contains none of them. Keep the cursor where it was, so that they are read again when
   * a person has looked.
   */
  | {
      readonly type: 'brake';
      readonly deletions: number;
      readonly known: number;
      /** Remote ids of what would be deleted. */
      readonly held: readonly string[];
    };
