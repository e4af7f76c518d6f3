import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { toChange } from './mapping.js';

const window = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
const start = Date.parse('2027-03-29T07:00:00Z');
const entry = { id: 'e1', start, end: start + 1_800_000, title: 'RDV' };

describe('toChange', () => {
  it('reads an entry', () => {
    const { end } = entry;
    expect(toChange(entry, window)).toMatchObject({
      kind: 'upsert',
      object: { remoteId: 'e1', when: { start, end }, busy: [{ start, end }], summary: 'RDV' },
    });
  });

  it('sets an unreadable entry aside under its id', () => {
    expect(toChange({ ...entry, end: start }, window)).toMatchObject({ kind: 'unreadable', remoteId: 'e1' });
  });

  it('has nothing to say about an entry without an id', () => {
    expect(toChange({ start, end: start + 1 }, window)).toBeNull();
  });

  it('is busy inside the window only', () => {
    const instant = fc.integer({ min: window.start - 1e10, max: window.end + 1e10 });
    fc.assert(
      fc.property(instant, fc.integer({ min: 1, max: 1e9 }), (from, length) => {
        const change = toChange({ id: 'e', start: from, end: from + length }, window);
        if (change?.kind !== 'upsert') throw new Error('not read');
        for (const busy of change.object.busy) {
          expect(busy.start).toBeLessThan(busy.end);
          expect(busy.start).toBeGreaterThanOrEqual(window.start);
          expect(busy.end).toBeLessThanOrEqual(window.end);
        }
      }),
    );
  });
});
