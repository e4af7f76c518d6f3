import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HubModel } from '../test/hub-model.js';
import type { Planner, WriteFault } from '../test/hub-model.js';
import { RemoteModel } from '../test/remote-model.js';
import type { StoredEvent, Versioning } from '../test/remote-model.js';
import { isLive } from './appointment.js';
import { CONFLICT_POLICIES } from './conflict-policy.js';
import type { ConflictPolicy } from './conflict-policy.js';
import { overlaps } from './interval.js';
import type { Interval } from './interval.js';
import { reconcile } from './reconcile.js';
import type { HubAppointment, ReconcileInput } from './reconcile-types.js';

const WINDOW: Interval = { start: 100, end: 200 };

interface Setup {
  readonly policy: ConflictPolicy;
  readonly versioning: Versioning;
  /** The server tells when an object was last changed. */
  readonly dated: boolean;
  /** Starts with appointments that stand on both sides, instead of an empty agenda. */
  readonly established: boolean;
}

interface World {
  readonly remote: RemoteModel;
  readonly hub: HubModel;
}

/** One step of a history. `pick` chooses the event or appointment, `at` a time, `shuffle` the order of a pull. */
interface Step {
  readonly name: keyof typeof STEPS;
  readonly pick: number;
  readonly at: number;
  readonly shuffle: number;
  readonly fault: WriteFault;
}

const hour = (at: number): Interval => ({ start: 100 + at * 5, end: 105 + at * 5 });

const onEvent = (change: (event: StoredEvent, world: World, step: Step) => void) => (world: World, step: Step) => {
  const events = [...world.remote.events.values()];
  const event = events[step.pick % Math.max(1, events.length)];
  if (event) change(event, world, step);
};
const onAppointment =
  (change: (appointment: HubAppointment, world: World, step: Step) => void) => (world: World, step: Step) => {
    const appointments = [...world.hub.appointments.values()];
    const appointment = appointments[step.pick % Math.max(1, appointments.length)];
    if (appointment) change(appointment, world, step);
  };

const STEPS = {
  book: ({ hub }: World, { at }: Step) => {
    hub.book(hour(at));
  },
  bookBeyondTheWindow: ({ hub }: World, { at }: Step) => {
    hub.book({ start: 300 + at, end: 301 + at });
  },
  move: onAppointment((appointment, { hub }, { at }) => {
    hub.move(appointment, hour(at));
  }),
  cancel: onAppointment((appointment, { hub }) => {
    hub.cancel(appointment);
  }),
  write: ({ hub }: World, { fault }: Step) => {
    hub.write(fault);
  },
  writeWell: ({ hub }: World) => {
    hub.write('none');
  },
  pullChanges: ({ hub }: World, { shuffle }: Step) => {
    hub.sync({ full: false, shuffle });
  },
  pullEverything: ({ hub }: World, { shuffle }: Step) => {
    hub.sync({ full: true, shuffle });
  },
  outage: ({ hub }: World) => {
    const counted = [...hub.mirrors.values()].filter(({ when, appointmentId }) => {
      const appointment = appointmentId === null ? undefined : hub.appointments.get(appointmentId);
      const leaving = appointment && (appointment.status === 'compensating' || !isLive(appointment.status));
      return when !== null && overlaps(when, WINDOW) && !leaving;
    });
    if (counted.length >= 3) hub.syncOutage();
  },
  loseRights: ({ hub }: World, { pick }: Step) => {
    if (pick % 2 === 0) hub.writable = false;
  },
  practitionerAdds: ({ remote }: World, { at }: Step) => {
    remote.insert({ when: hour(at), summary: 'lunch', reference: null }, 'practitioner');
  },
  practitionerMoves: onEvent((event, { remote }, { at }) => {
    remote.store({ ...event, when: hour(at), movedBy: 'practitioner' });
  }),
  practitionerRetitles: onEvent((event, { remote }, { at }) => {
    remote.store({ ...event, summary: `noted ${String(at)}`, retitledBy: 'practitioner' });
  }),
  practitionerDeletes: onEvent(({ id }, { remote }) => {
    remote.remove(id);
  }),
  practitionerCopies: onEvent(({ when, summary, reference }, { remote }, { at }) => {
    const elsewhere = hour(at);
    if (elsewhere.start !== when.start) remote.insert({ when: elsewhere, summary, reference }, 'practitioner');
  }),
  practitionerFrees: onEvent((event, { remote }) => {
    remote.store({ ...event, free: !event.free, movedBy: 'practitioner' });
  }),
  practitionerRepeats: onEvent((event, { remote }) => {
    remote.store({ ...event, recurring: true, movedBy: 'practitioner' });
  }),
  serverRenames: onEvent(({ id, reference }, { remote, hub }) => {
    // A dead appointment's object that comes back under a new id, at its old time, cannot be told from a late write.
    const appointment = [...hub.appointments.values()].find((candidate) => candidate.reference === reference);
    if (!remote.poisoned.has(id) && (!appointment || isLive(appointment.status))) remote.rename(id);
  }),
  serverChangesOnlyTheVersion: onEvent((event, { remote }) => {
    remote.store(event);
  }),
  serverGarbles: onEvent(({ id, reference }, { remote, hub }) => {
    // An object of ours renamed and garbled in one go is taken for deleted: nothing is left to know it by.
    if (reference !== null && !hub.mirrors.has(id)) return;
    remote.poisoned.add(id);
    remote.touch(id);
  }),
  lateWriteLands: onAppointment(({ status, when, summary, reference }, { remote }) => {
    if (!isLive(status) && !remote.byReference(reference)) remote.insert({ when, summary, reference }, 'hub');
  }),
} as const;

const setups: fc.Arbitrary<Setup> = fc.record({
  policy: fc.constantFrom(...CONFLICT_POLICIES),
  versioning: fc.constantFrom<Versioning>('fresh', 'repeating', 'none'),
  dated: fc.boolean(),
  established: fc.boolean(),
});
const frequent: (keyof typeof STEPS)[] = ['book', 'writeWell', 'pullChanges', 'pullEverything', 'practitionerMoves'];
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    name: fc.constantFrom(...(Object.keys(STEPS) as (keyof typeof STEPS)[]), ...frequent, ...frequent),
    pick: fc.nat({ max: 20 }),
    at: fc.nat({ max: 18 }),
    shuffle: fc.nat({ max: 9 }),
    fault: fc.constantFrom<WriteFault>('none', 'before', 'after'),
  }),
  { maxLength: 40 },
);

/** Plays a history, then lets both sides come to rest; throws on the first step that is not true. */
function play(planner: Planner, { policy, versioning, dated, established }: Setup, history: readonly Step[]): void {
  const remote = new RemoteModel(WINDOW, versioning, dated);
  const hub = new HubModel(remote, planner, { policy, maxDeletionShare: 0.2, maxDeletions: 10 });
  const world = { remote, hub };
  if (established) {
    for (const at of [2, 6, 10]) hub.book(hour(at));
    hub.write('none');
    hub.sync({ full: true, shuffle: 0 });
  }
  for (const step of history) {
    const before = remote.hubWrites;
    STEPS[step.name](world, step);
    expect(hub.writable ? 0 : remote.hubWrites - before).toBe(0);
  }
  for (const id of remote.poisoned) remote.touch(id);
  remote.poisoned.clear();
  for (let cycle = 0; cycle < 3; cycle++) {
    hub.sync({ full: cycle > 0, shuffle: cycle, releaseDeletions: true });
    hub.write('none');
  }
  expect(hub.sync({ full: false, shuffle: 1 })).toEqual([]);
  expect(hub.sync({ full: true, shuffle: 1 })).toEqual([]);
  expectAgreement(world);
}

function expectAgreement({ remote, hub }: World): void {
  const inside = (when: Interval | null) => when !== null && overlaps(when, WINDOW);
  const there = [...remote.events.values()].filter(({ when }) => inside(when));
  const mirrored = [...hub.mirrors.values()].filter(({ when }) => inside(when));
  expect(mirrored.map(({ remoteId }) => remoteId).sort()).toEqual(there.map(({ id }) => id).sort());
  for (const event of there) {
    const { contentHash, busy } = remote.asRead(event);
    expect(hub.mirrors.get(event.id)).toMatchObject({ contentHash, busy });
  }
  for (const { id, status, when } of hub.appointments.values()) {
    if (hub.writable) expect(['confirmed', 'conflict', 'cancelled']).toContain(status);
    const known = hub.mirrorOf(id);
    if (status === 'confirmed' && inside(when))
      expect(known && remote.events.get(known.remoteId)).toMatchObject({ when, free: false, recurring: false });
  }
  const strays = there.filter(({ reference, movedBy, free }) => {
    const appointment = [...hub.appointments.values()].find((candidate) => candidate.reference === reference);
    return movedBy === 'hub' && !free && appointment && !isLive(appointment.status);
  });
  if (hub.writable) expect(strays).toEqual([]);
}

const history = (planner: Planner) =>
  fc.property(setups, steps, (setup, list) => {
    play(planner, setup, list);
  });

test('two-way sync is idempotent, convergent, echo-free, and deletes only what it has seen gone', () => {
  // A fixed seed, so that a red run means a changed planner; explore with others and more runs when changing it.
  fc.assert(history(reconcile), { numRuns: 6000, seed: 4791 });
});

describe('the property notices when the planner', () => {
  const breakages: Record<string, (input: ReconcileInput) => ReconcileInput> = {
    'takes a new version for a change': (input) => ({
      ...input,
      known: input.known.map((known) => ({ ...known, contentHash: known.version ?? '' })),
    }),
    'trusts an equal version': (input) => ({
      ...input,
      changes: input.changes.filter((change) => {
        if (change.kind !== 'upsert') return true;
        const known = input.known.find(({ remoteId }) => remoteId === change.object.remoteId);
        return !known || known.version !== change.object.version;
      }),
    }),
    'has no brake': (input) => ({ ...input, released: new Set(input.known.map(({ remoteId }) => remoteId)) }),
    'believes a listing beyond its window': (input) => ({
      ...input,
      complete: input.complete && { ...input.complete, window: { start: 0, end: 1000 } },
    }),
    'writes on a read-only link': (input) => ({ ...input, link: { ...input.link, writable: true } }),
    'takes the first of several changes': (input) => ({ ...input, changes: [...input.changes].reverse() }),
    'ignores removals': (input) => ({ ...input, changes: input.changes.filter(({ kind }) => kind !== 'removed') }),
    'infers nothing from absence': (input) => ({ ...input, complete: null }),
    'takes the unreadable for deleted': (input) => ({
      ...input,
      changes: input.changes.map((change) =>
        change.kind === 'unreadable' ? { kind: 'removed', remoteId: change.remoteId } : change,
      ),
    }),
    'ignores references': (input) => ({
      ...input,
      changes: input.changes.map((change) =>
        change.kind === 'upsert' ? { kind: 'upsert', object: { ...change.object, reference: null } } : change,
      ),
    }),
    'takes copies for ours': (input) => ({
      ...input,
      known: input.known.filter(({ remoteId }) =>
        input.changes.some(
          (change) => (change.kind === 'upsert' ? change.object.remoteId : change.remoteId) === remoteId,
        ),
      ),
    }),
    'mixes up the policies': (input) => ({
      ...input,
      link: { ...input.link, policy: input.link.policy === 'hub-wins' ? 'practitioner-wins' : 'hub-wins' },
    }),
    'decides where it has to ask': (input) => ({
      ...input,
      link: { ...input.link, policy: input.link.policy === 'ask' ? 'practitioner-wins' : input.link.policy },
    }),
    'takes every change of his for the newest': (input) => ({
      ...input,
      appointments: input.appointments.map((appointment) => ({ ...appointment, changedAt: -1 })),
    }),
    'does not know what the hub changed': (input) => ({
      ...input,
      appointments: input.appointments.map((appointment) =>
        appointment.status === 'pending' ? { ...appointment, status: 'confirmed' } : appointment,
      ),
    }),
    'forgets that recurring is not one appointment': (input) => ({
      ...input,
      changes: input.changes.map((change) =>
        change.kind === 'upsert' ? { kind: 'upsert', object: { ...change.object, recurring: false } } : change,
      ),
    }),
  };

  test.each(Object.entries(breakages))('%s', (_name, damage) => {
    const result = fc.check(
      history((input) => reconcile(damage(input))),
      // A fixed seed here, too: the rarest of them shows in one history of thousands, and was missed now and then.
      { numRuns: 30_000, seed: 4791, endOnFailure: true },
    );
    expect(result.failed).toBe(true);
  });
});
