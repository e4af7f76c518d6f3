/** Whether a request is refused that is meant for another state than the one that stands. `one-by-one`: not when several come at once. */
export type Refusal = 'always' | 'one-by-one' | 'never';

/**
 * What a backend was found to do with one agenda, whatever it says of itself and whoever made it. `null`: it was not tried,
 * because nothing may be written there, or nobody could tell.
 */
export interface Manners {
  /** A change meant for an older version. */
  readonly staleChanges: Refusal | null;
  /** A removal meant for an older version. */
  readonly staleRemovals: Exclude<Refusal, 'one-by-one'> | null;
  /** A second object under the same name, where one asks for a new one. */
  readonly secondCreates: Exclude<Refusal, 'one-by-one'> | null;
  /** Whether objects have versions; `weak` ones say only that the meaning is alike. */
  readonly versions: 'strong' | 'weak' | 'none' | null;
  /** Whether what is written stands there as it was written, letter by letter. */
  readonly keeps: 'as-written' | 'rewritten' | null;
  /** A cursor that cannot be known: it is refused, answered as if nothing were wrong, or the backend has no cursors. */
  readonly deadCursors: 'refused' | 'believed' | 'none' | null;
  /** Of many objects asked for at once one is missing: it is named, left out, or nothing is answered at all. */
  readonly missingObjects: 'named' | 'left-out' | 'spoil-all' | null;
  /** The server itself sends invitations to people named in an event. */
  readonly sendsInvitations: boolean | null;
}

/** What a probe is allowed to do. */
export interface ProbeRequest {
  readonly agendaId: string;
  /** True: one object is made on a far day, where it occupies nobody, and removed. Never where only reading is allowed. */
  readonly write: boolean;
}
