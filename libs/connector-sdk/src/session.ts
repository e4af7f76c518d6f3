import type { Manners, ProbeRequest } from './manners.js';
import type { BackendRules, CompleteListing, Interval, RemoteChange, RemoteObject } from '#domain';

/** How every remote call is bounded. */
export interface CallOptions {
  /** Aborts the call as a whole (connect, send, receive). A write aborted after it was sent throws `unknown`. */
  readonly signal: AbortSignal;
}

/** An agenda (calendar, diary) of the account behind a connection. */
export interface RemoteAgenda {
  /** The backend's own id (CalDAV: absolute collection URL path). */
  readonly id: string;
  readonly name: string;
  readonly writable: boolean;
  /** IANA zone of the agenda when the backend tells it. */
  readonly timeZone: string | null;
  /** True when the backend says that nothing in it makes its owner busy. Its entries count as busy time all the same. */
  readonly neverBusy?: boolean;
}

/** What the hub asks to be written. Times are instants; `timeZone` is the IANA zone of the place of consultation. */
export interface RemoteContent extends Interval {
  readonly timeZone: string;
  /** The only text about the visit, already reduced to what the link discloses. */
  readonly summary: string;
  /** What the patient answered to the practitioner's questions; left out where the link does not disclose who he is. */
  readonly answers?: readonly VisitAnswer[];
}

/** One answer that belongs to the visit and to no other. */
export interface VisitAnswer {
  /** The question as it was asked, in French: by its words the backend's own question is known. */
  readonly question: string;
  readonly answer: string;
}

/** What a pull must read. */
export interface PullRequest {
  readonly agendaId: string;
  /** The opaque cursor of the last complete pull; `null` asks for everything in the window. */
  readonly cursor: string | null;
  /** Range in which busy time is wanted; also the range of a complete listing. */
  readonly window: Interval;
  /**
   * Only with `cursor` null, and only to a session that lists `versions`: the part of the window to be listed. Busy time is
   * still told for the whole window. What is listed beyond it does no harm, if `complete` says so.
   */
  readonly only?: Interval;
  /** IANA zone in which floating times and all-day events are understood. */
  readonly timeZone: string;
  /** Version of every object the hub knows, by remote id: lets a connector without delta fetch only what differs. */
  known(): Promise<ReadonlyMap<string, string | null>>;
}

/**
 * A pull is a sequence of `changes` ended by exactly one `end`.
 * A sequence that throws, or stops without `end`, has read nothing: no deletion may be inferred from it.
 */
export type PullItem =
  | { readonly type: 'changes'; readonly changes: readonly RemoteChange[] }
  | {
      readonly type: 'end';
      /** Cursor for the next pull; `null` when the backend has none. */
      readonly cursor: string | null;
      /**
       * `null` after a delta. After a complete listing, what was listed: a known object inside its range that is not
       * present was deleted.
       */
      readonly complete: CompleteListing | null;
    };

export interface CreateRequest {
  readonly agendaId: string;
  /**
   * Made from the appointment's id and its generation, `[a-z0-9-]{1,64}`. The same reference always names the same
   * intent: creating twice with one reference must leave one object wherever `idempotency` is not `none`.
   */
  readonly reference: string;
  readonly content: RemoteContent;
}

/** An interval to be kept until it is booked, or for a while. */
export interface HoldRequest {
  readonly agendaId: string;
  /** That of the create that is to follow. */
  readonly reference: string;
  readonly when: Interval;
  /** IANA zone of the place of consultation. */
  readonly timeZone: string;
}

export interface UpdateRequest extends CreateRequest {
  readonly remoteId: string;
  /** Version that the remote object must still have; `null` when unknown (then read first). */
  readonly version: string | null;
}

export interface CancelRequest {
  readonly agendaId: string;
  readonly reference: string;
  /** `null` when the hub never learnt it: then by reference. */
  readonly remoteId: string | null;
  /** Version that must still stand; `null` removes whatever is there. */
  readonly version: string | null;
}

/**
 * One instance of a series: that which stands at a start now, moved there or not. With `version` null it is a repetition:
 * what stands as it shall is left as it is.
 */
export interface InstanceRequest {
  readonly agendaId: string;
  readonly remoteId: string;
  /** Version that the series must still have; `null` takes whatever stands there. */
  readonly version: string | null;
  /** Epoch milliseconds. */
  readonly instance: number;
  /** IANA zone of the place of consultation: of series that name none. */
  readonly timeZone: string;
}

/** Where the instance shall stand; `null` cancels it. */
export interface InstanceChange extends InstanceRequest {
  readonly to: Interval | null;
}

/** Where the second series begins; with `to` null there is none. */
export interface SeriesSplit extends InstanceChange {
  readonly reference: string;
}

export interface SubscribeRequest {
  readonly agendaId: string;
  readonly callbackUrl: string;
  /** Shared secret with which pushes are signed; at least 24 bytes, base64url. */
  readonly secret: string;
}

export interface Subscription {
  readonly id: string;
  /** Instant at which it ends, epoch milliseconds; `null` = never. */
  readonly expiresAt: number | null;
}

/** A push as it arrived: raw, so that signatures can be checked. Header names are lower case. */
export interface PushRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** What the callback URL was called with, for backends that prove themselves by nothing but the URL they were given. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly rawBody: Buffer;
  /** The secret of the subscription; its hash where `pushProof` is `token` (compare with `isPushToken`). */
  readonly secret: string;
  /** Epoch milliseconds, for the age of signatures. */
  readonly now: number;
}

/** An authenticated push, reduced to a hint. */
export interface PushHint {
  /** Id by which a repeated push is recognised. */
  readonly id: string;
  /** Remote agendas that changed; empty = all of the connection. */
  readonly agendaIds: readonly string[];
}

/**
 * One authenticated conversation with one backend account. Every method throws only {@link ConnectorError}.
 * Writes resolve only once the object was **read back**: what they return is what the server stored (but `store`).
 */
export interface Session {
  /**
   * Checks the credential and names the account. `expiresAt`: instant at which the credential ends, epoch milliseconds,
   * when the backend tells it. Throws `auth`, `unavailable`.
   */
  verify(options: CallOptions): Promise<{ readonly account: string; readonly expiresAt?: number | null }>;
  listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]>;
  /** Reads changes. Throws `cursor_expired` when only a complete listing can help. `not_found`: the agenda itself is gone; `moved`: to another backend. */
  pull(request: PullRequest, options: CallOptions): AsyncIterable<PullItem>;
  /**
   * The version of every object that stands in a window, read without its content; `null` where the server gives none.
   * Lets the daily comparison pass over what did not change: a version must change whenever anything of the object does.
   */
  versions?(
    request: { readonly agendaId: string; readonly window: Interval },
    options: CallOptions,
  ): Promise<ReadonlyMap<string, string | null>>;
  /**
   * What the backend lets be booked in the agenda, where it has rules of its own (`availability: 'remote'`): the hub keeps
   * them beside the practitioner's rules, and what either refuses is refused. Naive times are understood in `timeZone`.
   */
  rules?(
    request: { readonly agendaId: string; readonly window: Interval; readonly timeZone: string },
    options: CallOptions,
  ): Promise<BackendRules>;
  /**
   * Keeps an interval (`hold: 'ttl'`) and tells until when, epoch milliseconds; asked twice under one reference, it keeps it once.
   * A create under that reference books what is kept, also later; a `cancel` with `remoteId` null lets it go. What is kept is no
   * busy time of the agenda: pulls do not tell it. Throws `taken`, `forbidden`.
   */
  hold?(request: HoldRequest, options: CallOptions): Promise<{ readonly until: number }>;
  /**
   * Throws `taken`, or `stale` when the reference was used by an object that was since deleted. With `write: 'request'` it
   * resolves once the request stands there (`acceptance: 'awaited'`); whoever reads later is told what came of it.
   */
  create(request: CreateRequest, options: CallOptions): Promise<RemoteObject>;
  /**
   * Throws `stale` when the version moved on, `not_found` when the object is gone, `taken`. With `write: 'request'` another
   * time that is refused later leaves the object where it was agreed to be.
   */
  update(request: UpdateRequest, options: CallOptions): Promise<RemoteObject>;
  /**
   * `create`, or `update` where a `remoteId` is given, for a caller who pulls next: `null` where the backend says that it
   * stored the object, and only that pull reads it back. Throws as they do.
   */
  store?(request: CreateRequest | UpdateRequest, options: CallOptions): Promise<RemoteObject | null>;
  /** Removing what is already gone succeeds. Throws `stale` when the version moved on. */
  cancel(request: CancelRequest, options: CallOptions): Promise<void>;
  /**
   * The object created under this reference, wherever it is now in the agenda; `null` when there is certainly none. A
   * request that was refused is found, too (`acceptance: 'declined'`): after `null` it would be asked for once more.
   */
  find(
    request: { readonly agendaId: string; readonly reference: string },
    options: CallOptions,
  ): Promise<RemoteObject | null>;
  /**
   * Moves one instance of a series, or cancels it (`to` null); the rest of the series stays as it is, down to what nobody
   * here understands. Throws `stale`, `not_found`, and `invalid` when the object has no such instance.
   */
  changeInstance?(request: InstanceChange, options: CallOptions): Promise<RemoteObject>;
  /**
   * "This and following": ends a series just before an instance, and makes a second one that begins at `to`, on the same
   * day, under `reference`; none with `to` null. The second is made first: what fails in between leaves busy time twice,
   * never none. Throws as `changeInstance`.
   */
  splitSeries?(
    request: SeriesSplit,
    options: CallOptions,
  ): Promise<{ readonly before: RemoteObject; readonly after: RemoteObject | null }>;
  /** Finds out what the backend does with an agenda, by doing it; leaves nothing behind, and removes what an earlier one left. */
  probe?(request: ProbeRequest, options: CallOptions): Promise<Manners>;
  subscribe?(request: SubscribeRequest, options: CallOptions): Promise<Subscription>;
  renew?(request: SubscribeRequest & { readonly subscriptionId: string }, options: CallOptions): Promise<Subscription>;
  unsubscribe?(request: { readonly subscriptionId: string }, options: CallOptions): Promise<void>;
  /** Pure: authenticates a push and reduces it. Throws `auth` for every failure alike. */
  parsePush?(request: PushRequest): PushHint;
  /** Frees sockets; the session is not used afterwards. */
  close(): void;
}
