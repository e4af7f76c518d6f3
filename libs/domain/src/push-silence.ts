import type { Action } from './reconcile-types.js';

/** Reads in a row that find what no push announced, after which a subscription counts as silent. */
export const SILENT_READS = 3;

/** A read of a link, beside what its subscription said. */
export interface ReadBesidePushes {
  /** A subscription stood since before the read before this one: what changed since should have been announced. */
  readonly live: boolean;
  /** A push has come since the read before this one. */
  readonly announced: boolean;
  /** The practitioner's side changed something. */
  readonly found: boolean;
  /** Reads before this one that found what was not announced, since the last push. */
  readonly silent: number;
}

export type SilenceReason = 'not-subscribed' | 'nothing-found' | 'announced' | 'unannounced' | 'silent';

/** How many unannounced reads there are in a row now, and what follows; `silent`: the subscription is to be made anew. */
export function judgeSilence({ live, announced, found, silent }: ReadBesidePushes): {
  readonly silent: number;
  readonly reason: SilenceReason;
} {
  if (!live) return { silent, reason: 'not-subscribed' };
  if (announced) return { silent: 0, reason: 'announced' };
  if (!found) return { silent, reason: 'nothing-found' };
  return { silent: silent + 1, reason: silent + 1 >= SILENT_READS ? 'silent' : 'unannounced' };
}

/**
 * Whether a read found a change that the practitioner's side made: no echo of what we wrote. In a complete read of a
 * window that has moved since, a mirror that is refreshed says nothing: a series has other instances in it, and what lay
 * beyond is new.
 */
export function foundElsewhere(actions: readonly Action[], complete: boolean): boolean {
  return actions.some((action) => {
    switch (action.type) {
      case 'follow-move':
      case 'follow-retitle':
      case 'follow-cancel':
      case 'recreate':
      case 'forget':
        return true;
      case 'mirror':
        return !complete && action.appointmentId === null;
      default:
        return false;
    }
  });
}
