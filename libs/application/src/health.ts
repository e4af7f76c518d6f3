import { adviceOf, type Advice } from './advice.js';
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
  readonly status: 'active' | 'auth-failed' | 'gone';
  readonly phase: LinkPhase;
  readonly paused: boolean;
  readonly direction: LinkDirection;
  /** Since the link came into its phase. */
  readonly phaseMs: number;
  readonly asOf: number | null;
  readonly ageMs: number | null;
  readonly failures: number;
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
  readonly push: { readonly subscribed: boolean; readonly until: number | null; readonly lastHintAt: number | null };
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

/** Health of a link, separately for reading and writing. Instants in epoch milliseconds; `null` = never. */
export interface LinkHealth {
  readonly linkId: string;
  readonly agendaId: string;
  readonly status: HealthFacts['status'];
  readonly phase: LinkPhase;
  readonly paused: boolean;
  /** The worse of both. */
  readonly light: Light;
  readonly read: {
    readonly light: Light;
    readonly asOf: number | null;
    readonly ageMs: number | null;
    /** How late the next read is. */
    readonly lagMs: number;
    readonly failures: number;
    readonly nextAt: number | null;
  };
  readonly write: {
    readonly light: Light;
    readonly lastAt: number | null;
    readonly queued: number;
    readonly oldestMs: number | null;
    readonly nextAt: number | null;
  };
  readonly lastError: HealthFacts['lastError'];
  readonly reconciledAt: number | null;
  readonly quarantined: number;
  /** Deletions that wait for a person, when the brake holds. */
  readonly brake: HealthFacts['brake'];
  readonly blockedMs: number;
  readonly push: HealthFacts['push'];
  readonly credential: { readonly expiresAt: number | null };
  readonly responsible: Responsible | null;
  /** How far the first synchronisation is: objects read, or appointments written; `null` when it is over. */
  readonly progress: { readonly done: number; readonly total: number | null } | null;
  /** True while what was written before is brought to another disclosure. */
  readonly rewriting: boolean;
  readonly alert: {
    readonly redSince: number | null;
    readonly lastAt: number | null;
    readonly nextAt: number | null;
    readonly error: string | null;
  };
  readonly advice: Advice;
}

export abstract class HealthStore {
  /** Of the links named, or of every link of the organization, in order of id. */
  abstract facts(organizationId: string, linkIds: readonly string[] | null): Promise<readonly HealthFacts[]>;
}

/**
 * Thresholds, in milliseconds. Reading is red when the credential was refused or the agenda is gone, when reads fail and
 * the copy is older than the agenda allows, or when a read is five minutes late; orange when the last read failed or is
 * a minute late, when the brake holds, something is in quarantine, or the credential ends within a week.
 * Writing is red when the credential was refused, the agenda is gone, or something has waited for a quarter of an hour;
 * orange after fifteen seconds. A link that is paused or waits for approval is orange: a person has to go on.
 */
export const HEALTH_LIMITS = {
  readLate: 60_000,
  readLost: 5 * 60_000,
  writeSlow: 15_000,
  writeStuck: 15 * 60_000,
  expirySoon: 7 * 86_400_000,
} as const;

const RANK: Readonly<Record<Light, number>> = { green: 0, orange: 1, red: 2 };

export function healthOf(facts: HealthFacts): LinkHealth {
  const read = readLight(facts);
  const write = writeLight(facts);
  const { linkId, agendaId, status, phase, paused, watch } = facts;
  const { lastError, reconciledAt, quarantined, brake, blockedMs, push, responsible, rewriting } = facts;
  return {
    ...{ linkId, agendaId, status, phase, paused },
    light: RANK[read] > RANK[write] ? read : write,
    read: {
      light: read,
      asOf: facts.asOf,
      ageMs: facts.ageMs,
      lagMs: facts.overdueMs,
      failures: facts.failures,
      nextAt: paused ? null : facts.pollAt,
    },
    write: {
      light: write,
      lastAt: facts.lastSentAt,
      queued: facts.queued,
      oldestMs: facts.oldestMs,
      nextAt: paused ? null : facts.nextWriteAt,
    },
    ...{ lastError, reconciledAt, quarantined, brake, blockedMs, push, responsible, rewriting },
    credential: { expiresAt: facts.expiresAt },
    progress: progressOf(facts),
    alert: {
      redSince: watch.redSince,
      lastAt: watch.alertedAt,
      nextAt: watch.nextAlertAt,
      error: watch.alertError,
    },
    advice: adviceOf(facts),
  };
}

function readLight(facts: HealthFacts): Light {
  if (facts.paused) return 'orange';
  const failingTooLong = facts.failures > 0 && (facts.ageMs ?? facts.phaseMs) > facts.staleAfterMs;
  if (facts.status !== 'active' || failingTooLong || facts.overdueMs > HEALTH_LIMITS.readLost) return 'red';
  const late = facts.failures > 0 || facts.overdueMs > HEALTH_LIMITS.readLate;
  const ending = facts.expiresInMs !== null && facts.expiresInMs < HEALTH_LIMITS.expirySoon;
  const waiting = facts.brake !== null || facts.quarantined > 0 || facts.phase === 'planning';
  return late || ending || waiting ? 'orange' : 'green';
}

function writeLight(facts: HealthFacts): Light {
  if (facts.direction === 'read-only' || facts.phase === 'planning') return 'green';
  const waited = facts.oldestMs ?? 0;
  if (facts.paused) return facts.queued > 0 ? 'orange' : 'green';
  if (facts.status !== 'active' || waited > HEALTH_LIMITS.writeStuck) return 'red';
  return waited > HEALTH_LIMITS.writeSlow ? 'orange' : 'green';
}

function progressOf({ phase, mirrored, queued, backfillTotal }: HealthFacts): LinkHealth['progress'] {
  if (phase === 'reading') return { done: mirrored, total: backfillTotal };
  if (phase === 'writing' && backfillTotal !== null)
    return { done: Math.max(0, backfillTotal - queued), total: backfillTotal };
  return null;
}
