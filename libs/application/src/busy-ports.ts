import type { Interval } from '#domain';
import type { Actor, RequestKey } from './model.js';
import type { Failure } from './ports.js';

/** Time that the practitioner's own agenda takes: one instance of an object there. */
export interface BusyTime extends Interval {
  /** The hub's id of the object, the same for every instance of a series. */
  readonly objectId: string;
  /** Of what was last read of the object. */
  readonly version: number;
}

export interface BusyChangeRef {
  readonly organizationId: string;
  readonly id: string;
}

/** What shall become of one instance, or of it and those that follow. */
export interface BusyChangeCommand extends BusyChangeRef {
  readonly agendaId: string;
  readonly objectId: string;
  /** The object as it was seen. */
  readonly version: number;
  /** Where the instance stands. */
  readonly when: Interval;
  /** Where it shall stand; `null` cancels it. */
  readonly to: Interval | null;
  readonly following: boolean;
  readonly actor: Actor;
  readonly key: RequestKey | null;
}

/**
 * Why a change was not made: a visit stands where it would go; nothing stands any more where it was; nothing may be changed
 * in that agenda from here; this one cannot be changed so; the backend forbids it.
 */
export type BusyRefusal = 'taken' | 'moved-on' | 'unsupported' | 'impossible' | 'forbidden';

export interface BusyChangeRecord {
  readonly id: string;
  readonly agendaId: string;
  readonly objectId: string;
  readonly when: Interval;
  readonly to: Interval | null;
  readonly following: boolean;
  readonly state: 'due' | 'done' | 'refused';
  readonly reason: BusyRefusal | null;
}

/** A change that the lane has to carry out, as read at one instant. */
export interface PendingBusyChange extends BusyChangeRef {
  readonly remoteId: string;
  readonly when: Interval;
  readonly to: Interval | null;
  readonly following: boolean;
  readonly attempts: number;
  /** Attempts whose answer never came. */
  readonly unanswered: number;
  /** The backend said that it was done; only reading it is left. */
  readonly landed: boolean;
  readonly sinceSentMs: number | null;
  readonly failures: number;
}

/** Changes of the practitioner's own time, and what they are made of. */
export abstract class BusyChanges {
  /** What the practitioner's own agenda takes in a window, by start, after a position. */
  abstract list(query: {
    readonly organizationId: string;
    readonly agendaId: string;
    readonly window: Interval;
    readonly after: { readonly start: number; readonly objectId: string } | null;
    readonly limit: number;
  }): Promise<readonly BusyTime[]>;
  /** Notes a change, and claims the time that it asks for, in one transaction. `asked`: also the first one with the same key. */
  abstract ask(
    command: BusyChangeCommand,
  ): Promise<
    | { readonly outcome: 'asked'; readonly id: string }
    | { readonly outcome: 'reused' | 'unknown' | 'read-only' | 'stale' | 'under-way' | 'taken' }
  >;
  abstract get(ref: BusyChangeRef): Promise<BusyChangeRecord | null>;
  /** The oldest due change of the agenda's lane, or `null`. */
  abstract next(organizationId: string, agendaId: string): Promise<PendingBusyChange | null>;
  /**
   * Before a change is sent: counts it, under the agenda's lock. `sent` with the version of the object as it was last read;
   * `gone`: somebody else is at it; else why it is not sent.
   */
  abstract sent(
    change: PendingBusyChange,
  ): Promise<
    { readonly outcome: 'sent'; readonly version: string | null } | { readonly outcome: 'gone' | 'moved-on' | 'taken' }
  >;
  /** The backend answered the last attempt; `landed`: that it was done. */
  abstract answered(change: PendingBusyChange, landed: boolean): Promise<void>;
  abstract postpone(change: PendingBusyChange, delayMs: number, failure: Failure | null): Promise<void>;
  /** Over: done, or refused, and what was claimed for it given back. */
  abstract end(change: PendingBusyChange, refusal: BusyRefusal | null): Promise<void>;
}
