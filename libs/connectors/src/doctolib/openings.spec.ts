import { describe, expect, it } from '@jest/globals';
import { offered } from './openings.js';
import type { Slot } from './schemas.js';

describe('slots', () => {
  const at = (time: string): number => Date.parse(`2027-06-07T${time}:00.000+02:00`);
  const bare = (time: string): Slot => ({ start: at(time), end: null, agendas: [] });

  const lengths = (...times: string[]): number[] =>
    offered(times.map(bare))?.map(({ start, end }) => (end - start) / 60_000) ?? [];

  it('without an end last as long as they lie apart', () => {
    expect(lengths('09:00', '09:20', '11:00')).toEqual([20, 20, 20]);
    // One off the grid, and one that is taken between others.
    expect(lengths('09:00', '09:10', '09:40', '10:10', '10:40', '11:40')[0]).toBe(30);
  });

  it('that are too few to tell how long they are tell nothing', () => {
    expect(offered([bare('09:00')])).toBeNull();
    expect(offered([bare('09:00'), bare('18:00')])).toBeNull();
    expect(offered([{ ...bare('09:00'), end: at('09:30') }])).toEqual([{ start: at('09:00'), end: at('09:30') }]);
  });

  it('that there are none, is told', () => {
    expect(offered([])).toEqual([]);
  });
});
