import { describe, expect, it } from '@jest/globals';
import { healthOf } from './health.js';
import { HEALTH_LIMITS, type HealthFacts } from './health-facts.js';

const MINUTE = 60_000;

const WELL: HealthFacts = {
  linkId: 'l',
  agendaId: 'a',
  agendaName: 'Cabinet',
  status: 'active',
  successor: null,
  phase: 'live',
  paused: false,
  direction: 'two-way',
  phaseMs: 86_400_000,
  asOf: 0,
  ageMs: 30_000,
  failures: 0,
  failingMs: null,
  pollAt: 0,
  overdueMs: 0,
  staleAfterMs: 2 * MINUTE,
  lastSentAt: null,
  queued: 0,
  oldestMs: null,
  nextWriteAt: null,
  lastError: null,
  reconciledAt: 0,
  quarantined: 0,
  brake: null,
  blockedMs: 0,
  push: { subscribed: false, until: null, lastHintAt: null, silentSince: null },
  expiresAt: null,
  expiresInMs: null,
  responsible: null,
  mirrored: 0,
  backfillTotal: null,
  rewriting: false,
  watch: { light: 'green', redSince: null, alertedAt: null, nextAlertAt: null, alertError: null },
};

const lights = (change: Partial<HealthFacts>): string => {
  const { read, write, advice } = healthOf({ ...WELL, ...change });
  return `${read.light} ${write.light} ${advice.code}`;
};

describe('the lights of a link', () => {
  it.each<[string, Partial<HealthFacts>, string]>([
    ['all is well', {}, 'green green NOTHING'],
    ['a quiet agenda is read seldom', { ageMs: 10 * MINUTE }, 'green green NOTHING'],
    ['the credential was refused', { status: 'auth-failed' }, 'red red REAUTHENTICATE'],
    ['the agenda is gone', { status: 'gone' }, 'red red AGENDA_GONE'],
    ['one read failed', { failures: 1, failingMs: 0 }, 'orange green BACKEND_DOWN'],
    [
      'one read of a quiet agenda failed',
      { failures: 1, failingMs: 0, ageMs: 15 * MINUTE },
      'orange green BACKEND_DOWN',
    ],
    ['reads have failed for too long', { failures: 3, failingMs: 3 * MINUTE }, 'red green BACKEND_DOWN'],
    [
      'reads have failed from the beginning',
      { failures: 3, failingMs: 3 * MINUTE, ageMs: null, phaseMs: 3 * MINUTE },
      'red green BACKEND_DOWN',
    ],
    ['a read is late', { overdueMs: HEALTH_LIMITS.readLate + 1 }, 'orange green WORKER_LATE'],
    ['nobody reads', { overdueMs: HEALTH_LIMITS.readLost + 1 }, 'red green WORKER_LATE'],
    ['a write waits', { queued: 1, oldestMs: HEALTH_LIMITS.writeSlow + 1 }, 'green orange WRITES_STUCK'],
    ['a write is stuck', { queued: 1, oldestMs: HEALTH_LIMITS.writeStuck + 1 }, 'green red WRITES_STUCK'],
    ['the brake holds', { brake: { deletions: 30, known: 40 } }, 'orange green RELEASE_BRAKE'],
    ['something is in quarantine', { quarantined: 1 }, 'orange green LOOK_AT_QUARANTINE'],
    ['the credential ends in a month', { expiresInMs: HEALTH_LIMITS.expiry - 1 }, 'orange green RENEW_CREDENTIAL'],
    ['not before that', { expiresInMs: HEALTH_LIMITS.expiry }, 'green green NOTHING'],
    ['it ends in a week', { expiresInMs: HEALTH_LIMITS.expirySoon - 1 }, 'orange green RENEW_CREDENTIAL_SOON'],
    [
      'it ends in a day, with more to do besides',
      { expiresInMs: HEALTH_LIMITS.expiryNow - 1, quarantined: 1, brake: { deletions: 30, known: 40 } },
      'orange green RENEW_CREDENTIAL_NOW',
    ],
    [
      'pushes have fallen silent',
      { push: { subscribed: true, until: null, lastHintAt: null, silentSince: 1 } },
      'orange green PUSH_SILENT',
    ],
    ['a plan waits', { phase: 'planning' }, 'orange green APPROVE_PLAN'],
    ['it is paused', { paused: true, status: 'auth-failed', queued: 2, oldestMs: 1e9 }, 'orange orange RESUME'],
    ['it only reads', { direction: 'read-only', status: 'auth-failed' }, 'red green REAUTHENTICATE'],
  ])('%s', (_, change, expected) => {
    expect(lights(change)).toBe(expected);
  });

  it('shows how far the first synchronisation is', () => {
    const progress = (change: Partial<HealthFacts>) => healthOf({ ...WELL, ...change }).progress;
    expect(progress({})).toBeNull();
    expect(progress({ phase: 'reading', mirrored: 3, backfillTotal: 10 })).toEqual({ done: 3, total: 10 });
    expect(progress({ phase: 'writing', queued: 4, backfillTotal: 10 })).toEqual({ done: 6, total: 10 });
  });
});
