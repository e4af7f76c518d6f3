import type { Connector } from '#connector-sdk';
import type { Interval } from '#domain';

/** What a harness can make go wrong. Unless said otherwise, every request fails this way until the faults are cleared. */
export type FaultName =
  | 'unauthorized'
  | 'forbidden'
  | 'rate-limited'
  | 'server-error'
  | 'html'
  | 'torn'
  | 'reset'
  | 'hang'
  /** The next write is carried out, and its answer is lost. */
  | 'drop-after-commit'
  /** The next write is carried out, and its answer never comes. */
  | 'hang-after-commit'
  /** The next write is answered with success, and not carried out. */
  | 'lose-write'
  /** Listings and deltas come in smaller pages than were asked for. */
  | 'small-pages'
  /** Each push is sent twice. */
  | 'push-duplicate';

/** What happens on the way to or from a backend, though nobody fails; until the faults are cleared. */
export type HazardName =
  /** Every answer comes late, well within the time a session waits. */
  | 'slow'
  /** A complete listing breaks off after part of it has arrived. */
  | 'half-page'
  /** The next write arrives twice, and its sender gets the second answer. */
  | 'duplicate-write'
  /** The next write is held up beyond its sender's patience, and arrives after {@link LATE_MS}, unanswered. */
  | 'late-write'
  /** The next push is overtaken by the one after it. */
  | 'push-reorder';

/** For how long a late write is held up, in milliseconds: longer than an exchange of a session under examination. */
export const LATE_MS = 2_500;

/** An entry as an independent reader of the backend sees it. */
export interface BackdoorEntry extends Interval {
  /** The id by which the connector names it. */
  readonly remoteId: string;
  readonly title: string;
}

/** The practitioner at his own screen: reads and writes the backend without the connector. */
export interface Backdoor {
  put(entry: Interval & { readonly title: string }): Promise<{ readonly remoteId: string }>;
  move(remoteId: string, to: Interval): Promise<void>;
  remove(remoteId: string): Promise<void>;
  list(): Promise<readonly BackdoorEntry[]>;
  /** Accepts what was asked for; needed, with {@link decline}, where `write` is `request`. */
  accept?(remoteId: string): Promise<void>;
  /** Refuses what was asked for: the visit, or another time for it. */
  decline?(remoteId: string): Promise<void>;
  /** Stores an entry that no connector can make sense of; needed when {@link Target.unreadables}. */
  putUnreadable?(): Promise<{ readonly remoteId: string }>;
}

/** A running backend with one empty agenda, and the doors the kit needs. */
export interface Harness {
  readonly settings: unknown;
  readonly secrets: unknown;
  /** Well-formed secrets that the backend refuses. */
  readonly wrongSecrets: unknown;
  readonly agendaId: string;
  /** Id of an agenda that does not exist. */
  readonly unknownAgendaId: string;
  readonly remote: Backdoor;
  /** Empties the agenda and clears every fault; run before each case. */
  reset(): Promise<void>;
  /** Arms a fault that {@link Target.faults} names. */
  fault(name: FaultName): Promise<void>;
  /** Arms a hazard that {@link Target.hazards} names. */
  hazard?(name: HazardName): Promise<void>;
  /** Ends faults and hazards alike. */
  clearFaults(): Promise<void>;
  /** The practitioner opens these hours alone to the secretariat; needed when the backend's `availability` is `remote`. */
  openOnly?(openings: readonly Interval[]): Promise<void>;
  /** Makes the cursors given so far useless; needed when {@link Target.expiresCursors}. */
  expireCursors(): Promise<void>;
  stop(): Promise<void>;
}

/** What is examined, as far as it must be known before anything runs. */
export interface Target {
  readonly connector: Connector;
  /** The faults that the harness can arm. */
  readonly faults: readonly FaultName[];
  /** The hazards that the harness can arm; none when left out. */
  readonly hazards?: readonly HazardName[];
  /** Whether the backend can be made to hold an entry that cannot be read. */
  readonly unreadables?: boolean;
  /** Whether the harness can make a cursor expire. */
  readonly expiresCursors: boolean;
  /** Whether sessions have `versions`. */
  readonly listsVersions?: boolean;
  /** Number of entries that is read in several pages or batches. */
  readonly manyEntries: number;
  start(): Promise<Harness>;
}
