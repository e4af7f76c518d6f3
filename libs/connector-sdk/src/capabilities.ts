/** What a backend can do, as data. Core, console and conformance kit read this and never a vendor's name. */
export interface Capabilities {
  /**
   * How changes are read: `cursor` (delta since a token), `window` (a bounded range at a time), `page` (numbered pages),
   * `snapshot` (everything, each time).
   */
  readonly read: 'cursor' | 'window' | 'page' | 'snapshot';
  /** Longest range one read may cover, in days; `null` = no limit. */
  readonly maxWindowDays: number | null;
  /** Notifications: `hint` says that something changed, `full` carries the change (treated as a hint all the same). */
  readonly push: 'none' | 'hint' | 'full';
  /**
   * How a push proves that it is authentic: `signature`, made with the secret (kept sealed), or `token`, the secret itself
   * sent back (kept as a hash only: see `PushRequest.secret`). `signature` when left out.
   */
  readonly pushProof?: 'signature' | 'token';
  /**
   * `full` appointments, `busy-only` blocks, or nothing. `request`: what is written is asked for, and accepted or refused
   * later by somebody there; objects say so (`RemoteObject.acceptance`), and nothing is confirmed before it was accepted.
   */
  readonly write: 'full' | 'busy-only' | 'request' | 'none';
  /** Whether the backend can keep an interval for a while before it is booked. */
  readonly hold: 'none' | 'ttl';
  /**
   * What makes a repeated create harmless: an idempotency `key`, a `client-id` chosen by us (a CalDAV href, an event's id),
   * the vendor's own `natural` key, or `none` (then no second create before `settleMs` has passed).
   */
  readonly idempotency: 'key' | 'client-id' | 'natural' | 'none';
  /**
   * Whether a change says which state it is meant for, so that one which lands late is refused. False: what stands is only
   * looked at just before, and the hub sends nothing else until a lost change can no longer land. True when left out.
   */
  readonly conditionalWrites?: boolean;
  /** True when the backend itself refuses a create that overlaps (then a pull around each write is not needed). */
  readonly refusesOverlap: boolean;
  /** What a removal looks like when read: a tombstone in the delta, a status on the object, or mere absence. */
  readonly deleteMode: 'tombstone' | 'status' | 'absence';
  /** How the backend writes times: instants, local times with a zone, or naive local times. */
  readonly timeModel: 'instant' | 'zoned' | 'naive';
  /** Whether the ids of remote objects survive for ever, or are made anew. */
  readonly idStability: 'stable' | 'regenerated';
  /** Who computes free slots: the backend (mirrored and intersected), or the hub. */
  readonly availability: 'remote' | 'hub';
  /** How the backend says who a slot is meant for. */
  readonly audience: 'native' | 'by-motif' | 'none';
  /** Calls per minute allowed on one connection; `null` = none published. */
  readonly rateLimit: number | null;
  /** Age in seconds that the hub's copy should not exceed on an active agenda. */
  readonly freshnessTarget: number;
  /** Milliseconds that one write may take with its reading back, for backends that take seconds for each answer; 5 s when left out. */
  readonly writeMs?: number;
  /** Milliseconds after which a request that was sent can no longer land at the backend. */
  readonly settleMs: number;
}
