import { describe, expect, it } from '@jest/globals';
import { faultInput, Faults } from './faults.js';

const POST = { method: 'POST', route: '/in-house/api/agendas/:agendaId/entries' };

function armed(input: object, seed = 1): Faults {
  const faults = new Faults();
  faults.seed(seed);
  faults.add(faultInput.parse(input));
  return faults;
}

function firings(faults: Faults, times: number): boolean[] {
  return Array.from({ length: times }, () => faults.take(['error'], POST) !== undefined);
}

describe('faults', () => {
  it('fire only on their method, their route and their stage', () => {
    const faults = armed({ kind: 'drop-after-commit', method: 'POST', route: '/entries' });
    expect(faults.take(['reset'], { ...POST, method: 'GET' }, true)).toBeUndefined();
    expect(faults.take(['reset'], { ...POST, route: '/in-house/api/account' }, true)).toBeUndefined();
    expect(faults.take(['reset'], POST)).toBeUndefined();
    expect(faults.take(['reset'], POST, true)).toMatchObject({ kind: 'reset', after: true });
  });

  it('count', () => {
    expect(firings(armed({ kind: 'error', nth: 3 }), 7)).toEqual([false, false, true, false, false, true, false]);
    expect(firings(armed({ kind: 'error', times: 2 }), 4)).toEqual([true, true, false, false]);
  });

  it('roll the same dice for the same seed', () => {
    const roll = (seed: number): boolean[] => firings(armed({ kind: 'error', probability: 0.1 }, seed), 2_000);
    expect(roll(7)).toEqual(roll(7));
    expect(roll(7)).not.toEqual(roll(8));
    const share = roll(7).filter(Boolean).length / 2_000;
    expect(share).toBeGreaterThan(0.07);
    expect(share).toBeLessThan(0.13);
  });
});
