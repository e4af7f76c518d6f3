import { describe, expect, test } from '@jest/globals';
import type { AppointmentStatus } from './appointment.js';
import { CONFLICT_POLICIES } from './conflict-policy.js';
import type { ConflictPolicy } from './conflict-policy.js';
import type { Interval } from './interval.js';
import { reconcile } from './reconcile.js';
import type { RemoteChange } from './remote.js';

const NINE: Interval = { start: 90, end: 95 };
const TEN: Interval = { start: 100, end: 105 };
const ELEVEN: Interval = { start: 110, end: 115 };
const CHANGED_AT = 50;

interface Given {
  /** Where the hub wants it; the base is at nine. */
  readonly ours: Interval;
  readonly status: AppointmentStatus;
  /** Where he has it now; `null`: freed in place; `gone`: deleted. */
  readonly theirs: Interval | null | 'gone';
  readonly modifiedAt?: number;
  readonly writable?: boolean;
}

function decide(policy: ConflictPolicy, { ours, status, theirs, modifiedAt, writable = true }: Given): string {
  const when = theirs === null || theirs === 'gone' ? NINE : theirs;
  const base = { remoteId: 'r', version: '1', contentHash: 'base', summary: 'visit', when: NINE, busy: [NINE] };
  const object = { reference: 'ref', recurring: false, modifiedAt: modifiedAt ?? null };
  const busy = theirs === null ? [] : [when];
  const change: RemoteChange =
    theirs === 'gone'
      ? { kind: 'removed', remoteId: 'r' }
      : { kind: 'upsert', object: { ...base, ...object, version: '2', contentHash: 'new', when, busy } };
  const actions = reconcile({
    link: { writable, policy, maxDeletionShare: 1, maxDeletions: 10 },
    window: { start: 0, end: 1000 },
    known: [{ ...base, appointmentId: 'a' }],
    appointments: [{ id: 'a', status, when: ours, summary: 'visit', reference: 'ref', changedAt: CHANGED_AT }],
    changes: [change],
    complete: null,
  });
  return actions.map((action) => (action.type === 'conflict' ? `conflict ${action.reason}` : action.type)).join();
}

const confirmed = { status: 'confirmed', ours: NINE } as const;
const moving = { status: 'pending', ours: ELEVEN } as const;
const contested = { status: 'conflict', ours: ELEVEN } as const;

describe('what each policy makes of it when', () => {
  test.each<[string, Given, [string, string, string, string]]>([
    ['he moved it', { ...confirmed, theirs: TEN }, ['follow-move', 'write-back', 'follow-move', 'follow-move']],
    [
      'he deleted it',
      { ...confirmed, theirs: 'gone' },
      ['follow-cancel', 'follow-cancel', 'follow-cancel', 'follow-cancel'],
    ],
    [
      'he freed it',
      { ...confirmed, theirs: null },
      ['follow-cancel', 'follow-cancel', 'follow-cancel', 'follow-cancel'],
    ],
    [
      'both moved it',
      { ...moving, theirs: TEN },
      ['follow-move', 'write-back', 'conflict both-moved', 'conflict both-moved'],
    ],
    [
      'both moved it, he last',
      { ...moving, theirs: TEN, modifiedAt: CHANGED_AT + 1 },
      ['follow-move', 'write-back', 'follow-move', 'conflict both-moved'],
    ],
    [
      'both moved it at the same instant',
      { ...moving, theirs: TEN, modifiedAt: CHANGED_AT },
      ['follow-move', 'write-back', 'follow-move', 'conflict both-moved'],
    ],
    [
      'both moved it, the hub last',
      { ...moving, theirs: TEN, modifiedAt: CHANGED_AT - 1 },
      ['follow-move', 'write-back', 'write-back', 'conflict both-moved'],
    ],
    [
      'both moved it, the hub last, where it may not write',
      { ...moving, theirs: TEN, modifiedAt: CHANGED_AT - 1, writable: false },
      ['follow-move', 'conflict not-writable', 'conflict not-writable', 'conflict both-moved'],
    ],
    ['both moved it to the same time', { ...moving, theirs: ELEVEN }, ['confirm', 'confirm', 'confirm', 'confirm']],
    [
      'he deleted what the hub was moving',
      { ...moving, theirs: 'gone' },
      ['follow-cancel', 'recreate', 'conflict deleted-there', 'conflict deleted-there'],
    ],
    [
      'he deleted what the hub was moving, where it may not write',
      { ...moving, theirs: 'gone', writable: false },
      ['follow-cancel', 'conflict deleted-there', 'conflict deleted-there', 'conflict deleted-there'],
    ],
    [
      'he freed what the hub was moving, and was the last',
      { ...moving, theirs: null, modifiedAt: CHANGED_AT + 1 },
      ['follow-cancel', 'recreate', 'follow-cancel', 'conflict deleted-there'],
    ],
    [
      'he freed what the hub moved later',
      { ...moving, theirs: null, modifiedAt: CHANGED_AT - 1 },
      ['follow-cancel', 'recreate', 'recreate', 'conflict deleted-there'],
    ],
    [
      'he deleted what the hub was moving with an outcome not known',
      { ...moving, status: 'unknown', theirs: 'gone' },
      ['follow-cancel', 'recreate', 'conflict deleted-there', 'conflict deleted-there'],
    ],
    [
      'he moved what the hub had cancelled',
      { status: 'compensating', ours: NINE, theirs: TEN },
      ['mirror', 'mirror', 'mirror', 'mirror'],
    ],
    [
      'he moved again what a person is to decide',
      { ...contested, theirs: TEN },
      ['follow-move', 'conflict both-moved', 'conflict both-moved', 'conflict both-moved'],
    ],
    [
      'he moved to where the hub has it what a person is to decide',
      { ...contested, theirs: ELEVEN },
      ['follow-move', 'follow-move', 'follow-move', 'follow-move'],
    ],
    [
      'he deleted what a person is to decide',
      { ...contested, theirs: 'gone' },
      ['follow-cancel', 'conflict deleted-there', 'conflict deleted-there', 'conflict deleted-there'],
    ],
  ])('%s', (_what, given, expected) => {
    expect(CONFLICT_POLICIES.map((policy) => decide(policy, given))).toEqual(expected);
  });
});
