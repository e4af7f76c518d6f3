import type { Successor } from '#connector-sdk';
import type { LinkDirection, LinkPhase } from './model.js';

export type Light = 'green' | 'orange' | 'red';

/** Who looks after a connection. */
export interface Responsible {
  readonly name: string;
  readonly email: string | null;
}

/** What the database knows of a link's health. Durations in milliseconds; instants in epoch milliseconds; `null` = never. */
export interface HealthFacts {
  readonly linkId: string;
  readonly agendaId: string;
  readonly agendaName: string;
  readonly status: 'active' | 'auth-failed' | 'gone' | 'moved';
  /** Where its agenda has gone for good; only while it is `moved`. */
  readonly successor: Successor | null;
  readonly phase: LinkPhase;
  readonly paused: boolean;
  readonly direction: LinkDirection;
  /** Since the link came into its phase. */
  readonly phaseMs: number;
  readonly asOf: number | null;
  readonly ageMs: number | null;
  readonly failures: number;
  /** Since the first of the failures in a row; `null` when the last read did not fail. */
  readonly failingMs: number | null;
  readonly pollAt: number | null;
  /** Since the next read was due; 0 when it lies ahead. */
  readonly overdueMs: number;
  readonly staleAfterMs: number;
  readonly lastSentAt: number | null;
  readonly queued: number;
  readonly oldestMs: number | null;
  readonly nextWriteAt: number | null;
  readonly lastError: { readonly kind: string; readonly message: string; readonly at: string } | null;
  readonly reconciledAt: number | null;
  readonly quarantined: number;
  readonly brake: { readonly deletions: number; readonly known: number } | null;
  readonly blockedMs: number;
  readonly push: {
    readonly subscribed: boolean;
    readonly until: number | null;
    readonly lastHintAt: number | null;
    /** Since when reads find what no push announces. */
    readonly silentSince: number | null;
  };
  readonly expiresAt: number | null;
  readonly expiresInMs: number | null;
  readonly responsible: Responsible | null;
  readonly mirrored: number;
  readonly backfillTotal: number | null;
  readonly rewriting: boolean;
  /** What was last said about it. */
  readonly watch: {
    readonly light: Light;
    readonly redSince: number | null;
    readonly alertedAt: number | null;
    readonly nextAlertAt: number | null;
    readonly alertError: string | null;
  };
}

/**
 * Thresholds, in milliseconds. Reading is red when the credential was refused or the agenda is gone, when reads have
 * failed for longer than a copy of the agenda may be old, or when a read is five minutes late; orange when the last read
 * failed or is a minute late, when the brake holds, something is in quarantine, the credential or client certificate ends within 30 days, or
 * pushes have fallen silent.
 * Writing is red when the credential was refused, the agenda is gone, or something has waited for a quarter of an hour;
 * orange after fifteen seconds. A link that is paused or waits for approval is orange: a person has to go on.
 */
export const HEALTH_LIMITS = {
  readLate: 60_000,
  readLost: 5 * 60_000,
  writeSlow: 15_000,
  writeStuck: 15 * 60_000,
  expiry: 30 * 86_400_000,
  expirySoon: 7 * 86_400_000,
  expiryNow: 86_400_000,
} as const;
