import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '#application';
import type { Told } from '../support/history.js';
import { HOUR, MINUTE, TEN, type Stage } from './stage.js';
import type { Step } from './steps.js';

/** Shorter than any backend's real one, so that waiting for it does not fill the test. */
export const SETTLE_MS = 2_000;

/** A point where the process dies, at its nth arrival there (1 unless said). */
export type Point = string | readonly [point: string, nth: number];

/** Something a process is doing when it dies. */
export interface Scenario {
  readonly name: string;
  /** Sets the stage; answers what the caller asks for, and asks again. */
  prepare(stage: Stage): Promise<Step>;
  /** What the doomed process does, when it is not the caller's request itself. */
  readonly doomed?: Step;
  readonly points: readonly Point[];
  /** What the caller is told in the end; nothing else is in the way. */
  readonly told: Told;
}

const around = (...calls: readonly Point[]): Point[] =>
  calls.flatMap((call): Point[] =>
    typeof call === 'string'
      ? [`${call}:before`, `${call}:after`]
      : [
          [`${call[0]}:before`, call[1]],
          [`${call[0]}:after`, call[1]],
        ],
  );

/** What a worker does that found something due. */
const WORKER: Step = { kind: 'lane', sync: 'none' };

const book = (): Step => ({ kind: 'book', key: newId(), start: TEN });

/** What every backend goes through. */
const COMMON: readonly Scenario[] = [
  {
    name: 'while it books',
    prepare: async () => book(),
    points: [
      ...around(
        'bookings.place',
        'lanes.acquire',
        'writes.next',
        'writes.load',
        'writes.sent',
        'session.create',
        'writes.answered',
        'sync.apply',
      ),
      ...around('lanes.release', 'bookings.answerKey'),
    ],
    told: 'ok',
  },
  {
    name: 'while it looks for what it wrote, its answer lost',
    prepare: async ({ remote }) => {
      await remote.loseAnswer('create');
      return book();
    },
    points: around('writes.postpone', 'session.find', 'sync.apply'),
    told: 'ok',
  },
  {
    name: 'while it books from a hold',
    prepare: async (stage) => ({ kind: 'confirm', key: newId(), hold: await stage.held(TEN, 300) }),
    points: around('bookings.confirmHold', 'session.create'),
    told: 'ok',
  },
  {
    name: 'while it moves',
    prepare: async (stage) => {
      const { id, version } = await stage.booked(TEN);
      return { kind: 'move', id, version, start: TEN + 2 * HOUR };
    },
    points: around('bookings.move', 'writes.sent', 'session.update', 'writes.answered', 'sync.apply'),
    told: 'ok',
  },
  {
    name: 'while it looks for what it moved, its answer lost',
    prepare: async (stage) => {
      const { id, version } = await stage.booked(TEN);
      await stage.remote.loseAnswer('update');
      return { kind: 'move', id, version, start: TEN + 2 * HOUR };
    },
    points: around('writes.postpone', 'session.find'),
    told: 'ok',
  },
  {
    name: 'while it cancels',
    prepare: async (stage) => ({ kind: 'cancel', key: newId(), id: (await stage.booked(TEN)).id }),
    points: around('bookings.cancel', 'session.cancel', 'session.find', 'writes.finish', 'bookings.answerKey'),
    told: 'ok',
  },
  {
    name: 'while it looks for what it cancelled, its answer lost',
    prepare: async (stage) => {
      const { id } = await stage.booked(TEN);
      await stage.remote.loseAnswer('cancel');
      return { kind: 'cancel', key: newId(), id };
    },
    points: around('writes.postpone'),
    told: 'ok',
  },
  {
    name: 'while it follows the practitioner',
    prepare: async (stage) => {
      const moved = await stage.booked(TEN);
      const deleted = await stage.booked(TEN + HOUR);
      await stage.touches(moved.id, { start: TEN + 3 * HOUR, end: TEN + 3 * HOUR + 15 * MINUTE });
      await stage.touches(deleted.id, null);
      await stage.takes(TEN, TEN + 20 * MINUTE);
      return { kind: 'lane', sync: 'delta' };
    },
    points: around('sync.clock', 'session.pull', 'sync.base', 'sync.apply'),
    told: 'ok',
  },
  {
    name: 'while it notes that it could not read',
    prepare: async (stage) => {
      await stage.takes(TEN, TEN + HOUR);
      await stage.remote.failRead();
      return { kind: 'lane', sync: 'delta' };
    },
    points: around('sync.failed'),
    told: 'ok',
  },
  {
    name: 'while it frees ended holds',
    prepare: async (stage) => {
      await stage.held(TEN, 1);
      await sleep(1_100);
      return { kind: 'expire' };
    },
    points: around('bookings.expireHolds'),
    told: 'ok',
  },
];

/** Where the backend refuses overlaps, a no may come at any time. */
const REFUSING: readonly Scenario[] = [
  {
    name: 'while it is refused',
    prepare: async (stage) => {
      await stage.takes(TEN, TEN + HOUR);
      return book();
    },
    points: around('writes.refuse'),
    told: 'fail',
  },
  {
    name: 'while its move is refused',
    prepare: async (stage) => {
      const { id, version } = await stage.booked(TEN);
      await stage.takes(TEN + 2 * HOUR, TEN + 3 * HOUR);
      return { kind: 'move', id, version, start: TEN + 2 * HOUR };
    },
    points: around('writes.revertMove'),
    told: 'fail',
  },
  {
    name: 'while it is refused after an attempt that nobody answered',
    prepare: async (stage) => {
      const step = book();
      await stage.remote.loseRequest('create');
      await stage.ask(step, 300);
      await stage.takes(TEN, TEN + HOUR);
      await sleep(1_000);
      return step;
    },
    doomed: WORKER,
    points: around('writes.compensate', 'session.cancel'),
    told: 'fail',
  },
  {
    name: 'while it renews a reference that is used up',
    prepare: async (stage) => {
      const step = book();
      await stage.remote.loseAnswer('create');
      await stage.ask(step, 200);
      const [entry] = await stage.remote.entries();
      await stage.remote.remove(entry!.id);
      await sleep(SETTLE_MS);
      return step;
    },
    doomed: WORKER,
    points: around('writes.renewReference'),
    told: 'ok',
  },
];

/** Where the backend lets overlaps in, the agenda is read just before and just after every write. */
const READING: readonly Scenario[] = [
  {
    name: 'while it reads before and after it books',
    prepare: async () => {
      // What was read within the last second needs no reading before the write.
      await sleep(1_100);
      return book();
    },
    points: around('session.pull', ['session.pull', 2], ['sync.apply', 2]),
    told: 'ok',
  },
  {
    name: 'while it gives way',
    prepare: async (stage) => {
      await stage.takes(TEN, TEN + HOUR);
      await sleep(1_100);
      return book();
    },
    points: around('sync.apply'),
    told: 'fail',
  },
  {
    name: 'while it writes several that it reads back at once',
    prepare: async (stage) => {
      const step = book();
      for (const hour of [1, 2]) await stage.ask({ kind: 'book', key: newId(), start: TEN + hour * HOUR }, 0);
      await stage.ask(step, 0);
      await sleep(1_100);
      return step;
    },
    doomed: WORKER,
    points: around(['session.create', 2], ['session.pull', 2]),
    told: 'ok',
  },
];

export const scenarios = (refusesOverlap: boolean): readonly Scenario[] =>
  refusesOverlap ? [...COMMON, ...REFUSING] : [...COMMON, ...READING].map(storing);

/** What is read after each write in any case is stored without being read back first. */
function storing(scenario: Scenario): Scenario {
  const there = (point: string): string => point.replace(/^session\.(create|update):/, 'session.store:');
  const points = scenario.points.map((point): Point => {
    return typeof point === 'string' ? there(point) : [there(point[0]), point[1]];
  });
  return { ...scenario, points };
}
