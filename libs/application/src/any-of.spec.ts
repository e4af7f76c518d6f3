import { describe, expect, it } from '@jest/globals';
import { inTurn } from './any-of.js';

describe('inTurn', () => {
  const loads = (...of: [string, number][]): Map<string, number> => new Map(of);

  it('puts the fewest booked first, and unknown agendas last', () => {
    expect(inTurn(['a', 'b', 'c', 'x'], loads(['a', 2], ['b', 0], ['c', 1]))).toEqual(['b', 'c', 'a', 'x']);
  });

  it('goes round among equals, whatever order they are named in', () => {
    expect(inTurn(['c', 'a', 'b'], loads(['a', 0], ['b', 0], ['c', 0]))).toEqual(['a', 'b', 'c']);
    expect(inTurn(['a', 'b', 'c'], loads(['a', 1], ['b', 1], ['c', 2]))).toEqual(['b', 'a', 'c']);
    expect(inTurn(['a', 'a', 'b'], loads())).toEqual(['a', 'b']);
  });
});
