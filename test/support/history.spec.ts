import { describe, expect, test } from '@jest/globals';
import {
  judge,
  type BookOp,
  type CancelOp,
  type FinalOp,
  type HistoryOp,
  type MoveOp,
  type StoodOp,
  type Told,
  type TouchOp,
} from './history.js';

type Span = readonly [from: number, to: number];

const book = (key: string, [start, end]: Span, [t0, t1]: Span, outcome: Told = 'ok', id = `id-${key}`): BookOp => {
  return { op: 'book', key, agenda: 'A', start, end, t0, t1, outcome, id };
};
const cancel = (key: string, [t0, t1]: Span, outcome: Told = 'ok'): CancelOp => {
  return { op: 'cancel', key, t0, t1, outcome };
};
const move = (key: string, [start, end]: Span, [t0, t1]: Span, outcome: Told = 'ok'): MoveOp => {
  return { op: 'move', key, start, end, t0, t1, outcome };
};
const touch = (key: string, at: number, to: Span | null): TouchOp => {
  return { op: 'touch', key, at, to: to && { start: to[0], end: to[1] } };
};
const stood = (key: string | null, [start, end]: Span, [from, until]: Span, by: StoodOp['by'] = 'hub'): StoodOp => {
  return { op: 'stood', agenda: 'A', id: key ?? 'own', key, start, end, from, until, by };
};
const final = (store: string, key: string | null, [start, end]: Span, status?: string): FinalOp => {
  return { op: 'final', store, agenda: 'A', id: key ?? 'own', key, start, end, status };
};
const both = (key: string | null, span: Span, status = 'confirmed'): FinalOp[] => {
  return [final('hub', key, span, key === null ? undefined : status), final('vendor', key, span)];
};
const found = (...ops: (HistoryOp | HistoryOp[])[]): string[] => {
  return [...new Set(judge(ops.flat()).map(({ type }) => type))].sort();
};

describe('the judge lets pass', () => {
  test('bookings beside one another, and one that was refused', () => {
    expect(
      found(
        book('1', [0, 20], [0, 5]),
        both('1', [0, 20]),
        book('2', [20, 40], [0, 5]),
        both('2', [20, 40]),
        book('3', [10, 30], [1, 6], 'fail'),
      ),
    ).toEqual([]);
  });

  test('a place that was cancelled and given away', () => {
    expect(
      found(book('1', [0, 20], [0, 5]), cancel('1', [6, 9]), book('2', [0, 20], [7, 12]), both('2', [0, 20])),
    ).toEqual([]);
  });

  test('either end of what nobody was told', () => {
    expect(found(book('1', [0, 20], [0, 5], 'unknown'), both('1', [0, 20]))).toEqual([]);
    expect(found(book('1', [0, 20], [0, 5], 'unknown'))).toEqual([]);
    expect(found(book('1', [0, 20], [0, 5]), cancel('1', [6, 9], 'unknown'), both('1', [0, 20]))).toEqual([]);
    expect(found(book('1', [0, 20], [0, 5]), cancel('1', [6, 9], 'unknown'))).toEqual([]);
    expect(found(book('1', [0, 20], [0, 5]), move('1', [40, 60], [6, 9], 'unknown'), both('1', [40, 60]))).toEqual([]);
  });

  test('a move that was done, and one that was refused', () => {
    expect(found(book('1', [0, 20], [0, 5]), move('1', [40, 60], [6, 9]), both('1', [40, 60]))).toEqual([]);
    expect(found(book('1', [0, 20], [0, 5]), move('1', [40, 60], [6, 9], 'fail'), both('1', [0, 20]))).toEqual([]);
  });

  test('what the practitioner does to ours, and to himself', () => {
    expect(found(book('1', [0, 20], [0, 5]), touch('1', 6, [40, 60]), both('1', [40, 60]))).toEqual([]);
    expect(found(book('1', [0, 20], [0, 5]), touch('1', 6, null))).toEqual([]);
    expect(
      found(
        both(null, [0, 20]),
        { ...final('hub', null, [10, 30]), id: 'two' },
        { ...final('vendor', null, [10, 30]), id: 'two' },
      ),
    ).toEqual([]);
  });

  test('an overlap that the hub shows as a conflict', () => {
    expect(
      found(
        book('1', [0, 20], [0, 5]),
        stood(null, [10, 30], [6, Infinity], 'practitioner'),
        both('1', [0, 20], 'conflict'),
        both(null, [10, 30]),
      ),
    ).toEqual([]);
  });

  test('as many at a time as there are seats', () => {
    const two = [
      book('1', [0, 20], [0, 5]),
      book('2', [10, 30], [0, 5]),
      ...both('1', [0, 20]),
      ...both('2', [10, 30]),
    ];
    const seats: HistoryOp = { op: 'capacity', agenda: 'A', seats: 2 };
    expect(found(seats, two)).toEqual([]);
    expect(found(seats, two, book('3', [15, 25], [0, 5]), both('3', [15, 25]))).toEqual([
      'confirmed-twice',
      'double-booking',
    ]);
  });

  test('two of ours one after the other at one place, or put together by the practitioner', () => {
    expect(found(stood('1', [0, 20], [0, 5]), stood('2', [10, 30], [5, 9]))).toEqual([]);
    expect(found(stood('1', [0, 20], [0, 5]), stood('2', [10, 30], [3, 9], 'practitioner'))).toEqual([]);
    const late = [move('1', [40, 60], [2, 3]), cancel('1', [4, 30], 'unknown'), stood('1', [0, 20], [6, 9])];
    expect(found(late, stood('2', [10, 30], [5, 12]))).toEqual([]);
  });
});

describe('the judge notices', () => {
  test.each<[string, (HistoryOp | HistoryOp[])[], string[]]>([
    [
      'a double booking',
      [book('1', [0, 20], [0, 5], 'unknown'), both('1', [0, 20]), book('2', [10, 30], [0, 5]), both('2', [10, 30])],
      ['double-booking'],
    ],
    [
      'an overlap with the practitioner that is no conflict',
      [book('1', [0, 20], [0, 5]), both('1', [0, 20]), both(null, [10, 30])],
      ['double-booking'],
    ],
    [
      'a double booking in one store only',
      [book('1', [0, 20], [0, 5], 'unknown'), both('1', [0, 20]), final('vendor', null, [10, 30])],
      ['diverged', 'double-booking'],
    ],
    [
      'a place promised twice, though one was hidden later',
      [book('1', [0, 20], [0, 5]), book('2', [10, 30], [6, 9]), cancel('2', [20, 22]), both('1', [0, 20])],
      ['confirmed-twice'],
    ],
    [
      'a promise over an event that stood there before',
      [book('1', [0, 20], [5, 9]), stood(null, [10, 30], [4, 10], 'practitioner'), both('1', [0, 20])],
      ['confirmed-over-practitioner'],
    ],
    [
      'one key with two bookings',
      [book('1', [0, 20], [0, 5]), book('1', [0, 20], [6, 9], 'ok', 'other'), both('1', [0, 20])],
      ['one-key-two-ids'],
    ],
    ['a lost booking', [book('1', [0, 20], [0, 5])], ['lost-acknowledged']],
    [
      'a booking lost in one store',
      [book('1', [0, 20], [0, 5]), final('hub', '1', [0, 20])],
      ['diverged', 'lost-acknowledged'],
    ],
    [
      'a duplicate at the vendor',
      [book('1', [0, 20], [0, 5]), both('1', [0, 20]), { ...final('vendor', '1', [0, 20]), id: 'again' }],
      ['double-booking', 'duplicate'],
    ],
    ['a refused one that is there', [book('1', [0, 20], [0, 5], 'fail'), both('1', [0, 20])], ['refused-but-there']],
    [
      'a cancelled one that is there',
      [book('1', [0, 20], [0, 5]), cancel('1', [6, 9]), both('1', [0, 20])],
      ['cancelled-but-there'],
    ],
    [
      'a cancelled one that came back for a while',
      [book('1', [0, 20], [0, 5]), cancel('1', [6, 9]), stood('1', [0, 20], [30, 40])],
      ['cancelled-but-there'],
    ],
    ['a move forgotten', [book('1', [0, 20], [0, 5]), move('1', [40, 60], [6, 9]), both('1', [0, 20])], ['wrong-time']],
    [
      'a move done though refused',
      [book('1', [0, 20], [0, 5]), move('1', [40, 60], [6, 9], 'fail'), both('1', [40, 60])],
      ['wrong-time'],
    ],
    [
      'two of ours at one place for a while',
      [stood('1', [0, 20], [0, 5]), stood('2', [10, 30], [4, 9])],
      ['stood-together'],
    ],
    [
      'stores that differ',
      [book('1', [0, 20], [0, 5]), both('1', [0, 20]), final('vendor', null, [40, 60])],
      ['diverged'],
    ],
    ['a conflict about nothing', [book('1', [0, 20], [0, 5]), both('1', [0, 20], 'conflict')], ['needless-conflict']],
    ['what never settled', [book('1', [0, 20], [0, 5], 'unknown'), both('1', [0, 20], 'unknown')], ['not-settled']],
  ])('%s', (_what, ops, expected) => {
    expect(found(...ops)).toEqual(expected);
  });
});
