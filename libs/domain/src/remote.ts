import type { Interval } from './interval.js';

/** One object of a remote agenda (an event, a series with its exceptions, an entry), as read back from the server. */
export interface RemoteObject {
  /** The backend's id of the object; stable key of the mirror. */
  readonly remoteId: string;
  /** ETag, version or sequence; `null` when the server gives none. */
  readonly version: string | null;
  /** Hash of the content as the server stored it, over what matters to the hub (times, status, text), not over formatting. */
  readonly contentHash: string;
  /** The reference the hub wrote it under, when the object carries one; else `null`. A hint: users copy events. */
  readonly reference: string | null;
  /** First instance as written; `null` when it lies outside what the model can hold. */
  readonly when: Interval | null;
  /** True for a series. A series is never the mirror of one appointment. */
  readonly recurring: boolean;
  /** Busy time inside the window asked for, sorted; empty when the object is free, cancelled or declined. */
  readonly busy: readonly Interval[];
  /** The text the practitioner sees; `null` when private or when the connection shows busy time only. */
  readonly summary: string | null;
  /** Instant of the last change according to the backend, in epoch milliseconds; never used for ordering. */
  readonly modifiedAt: number | null;
  /**
   * Only where writes are requests (capability `write: 'request'`). `awaited`: somebody there has yet to accept what stands
   * here; it takes its time meanwhile. `declined`: what was asked for was refused; it takes no time. Left out: it stands.
   */
  readonly acceptance?: 'awaited' | 'declined';
}

/** One change read from a backend. */
export type RemoteChange =
  | { readonly kind: 'upsert'; readonly object: RemoteObject }
  | { readonly kind: 'removed'; readonly remoteId: string }
  | {
      readonly kind: 'unreadable';
      readonly remoteId: string;
      readonly version: string | null;
      /** Why, without any content. */
      readonly reason: string;
      /** The object as received, at most 64 KiB; kept encrypted in quarantine. */
      readonly raw: string;
      /** Time inside the window asked for that it takes all the same, as far as that can be told; left out: none is known. */
      readonly busy?: readonly Interval[];
    };

/** A range that was read completely, and every remote id present in it, changed or not. */
export interface CompleteListing {
  readonly window: Interval;
  readonly present: ReadonlySet<string>;
}
