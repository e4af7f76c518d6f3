import { adviceOf, type Advice } from './advice.js';
import { HEALTH_LIMITS, type HealthFacts, type Light, type Responsible } from './health-facts.js';
import type { LinkPhase } from './model.js';

/** Health of a link, separately for reading and writing. Instants in epoch milliseconds; `null` = never. */
export interface LinkHealth {
  readonly linkId: string;
  readonly agendaId: string;
  readonly status: HealthFacts['status'];
  readonly successor: HealthFacts['successor'];
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

const RANK: Readonly<Record<Light, number>> = { green: 0, orange: 1, red: 2 };

export function healthOf(facts: HealthFacts): LinkHealth {
  const read = readLight(facts);
  const write = writeLight(facts);
  const { linkId, agendaId, status, successor, phase, paused, watch } = facts;
  const { lastError, reconciledAt, quarantined, brake, blockedMs, push, responsible, rewriting } = facts;
  return {
    ...{ linkId, agendaId, status, successor, phase, paused },
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
  const failingTooLong = (facts.failingMs ?? 0) > facts.staleAfterMs;
  if (facts.status !== 'active' || failingTooLong || facts.overdueMs > HEALTH_LIMITS.readLost) return 'red';
  const late = facts.failures > 0 || facts.overdueMs > HEALTH_LIMITS.readLate;
  return late || needsPerson(facts) ? 'orange' : 'green';
}

function needsPerson({ expiresInMs, brake, quarantined, phase, push }: HealthFacts): boolean {
  const ending = expiresInMs !== null && expiresInMs < HEALTH_LIMITS.expiry;
  const silent = push.silentSince !== null;
  return ending || brake !== null || quarantined > 0 || phase === 'planning' || silent;
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
