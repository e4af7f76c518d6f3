import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { identified, versionOf } from './identity.js';
import type { Row } from './snapshot.js';

const START = Date.parse('2027-06-07T07:00:00Z');
const HOUR = 3_600_000;

/** A line of this text, with what differs. */
function row(hash: string, more: { uid?: string; reference?: string } = {}): Row {
  const when = { start: START, end: START + HOUR };
  const { uid = null, reference = null } = more;
  return { kind: 'entry', when, busy: [when], recurring: false, title: hash, hash, uid, reference };
}

/** What the hub knows after an export was taken over. */
function knownAfter(rows: readonly Row[], before: ReadonlyMap<string, string | null> = new Map()) {
  return new Map(identified(rows, before).map(({ id, row: one }) => [id, versionOf(one)]));
}

const ids = (rows: readonly Row[], known: ReadonlyMap<string, string | null> = new Map()): string[] =>
  identified(rows, known).map(({ id }) => id);

describe('lines without ids', () => {
  it('that say the same in the next export are the same, in whatever order', () => {
    const rows = [row('a'), row('b'), row('b')];
    const known = knownAfter(rows);
    expect([...known.keys()]).toEqual(['h:a#1', 'h:b#1', 'h:b#2']);
    expect(new Set(ids([...rows].reverse(), known))).toEqual(new Set(known.keys()));
  });

  it('keep the ids that are left when one of several alike goes', () => {
    const known = knownAfter([row('b'), row('b')]);
    expect(ids([row('b')], known)).toEqual(['h:b#1']);
  });
});

describe('events with UIDs', () => {
  it('are the same after they were moved', () => {
    const known = knownAfter([row('a', { uid: 'one' }), row('b', { uid: 'two' })]);
    const [first] = [...known.keys()];
    expect(ids([row('b', { uid: 'two' }), row('moved', { uid: 'one' })], known)[1]).toBe(first);
  });

  it('are the same after the program made all UIDs anew, and after it did so again and moved one', () => {
    const known = knownAfter([row('a', { uid: '1' }), row('b', { uid: '2' })]);
    const renewed = [row('a', { uid: '3' }), row('b', { uid: '4' })];
    expect(ids(renewed, known)).toEqual([...known.keys()]);
    const later = knownAfter(renewed, known);
    expect(ids([row('a moved', { uid: '3' }), row('b', { uid: '4' })], later)).toEqual([...known.keys()]);
  });

  it('that share one UID stand for themselves', () => {
    const rows = [row('a', { uid: 'same' }), row('b', { uid: 'same' })];
    expect(ids(rows)).toEqual(['h:a#1', 'h:b#1']);
    expect(ids(rows, knownAfter(rows))).toEqual(['h:a#1', 'h:b#1']);
  });
});

describe('visits of ours', () => {
  it('are known by their reference, and a copy of one is somebody else’s', () => {
    const known = knownAfter([row('a', { reference: 'ref-1', uid: 'x' })]);
    expect([...known.keys()]).toEqual(['r:ref-1']);
    const copied = [row('copy', { reference: 'ref-1', uid: 'y' }), row('a', { reference: 'ref-1', uid: 'z' })];
    const [copy, ours] = ids(copied, known);
    expect([ours, copy?.startsWith('u:')]).toEqual(['r:ref-1', true]);
  });

  it('that moved out of their copy keep their reference', () => {
    const known = knownAfter([row('a', { reference: 'ref-1' })]);
    expect(ids([row('moved', { reference: 'ref-1' })], known)).toEqual(['r:ref-1']);
  });
});

it('no two lines ever get one id, and an export taken over twice changes nothing', () => {
  const line = fc.record(
    {
      hash: fc.constantFrom('a', 'b', 'c'),
      uid: fc.constantFrom('1', '2', '3', '4'),
      reference: fc.constantFrom('r1', 'r2'),
    },
    { requiredKeys: ['hash'] },
  );
  const file = fc.array(line, { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(file, { minLength: 1, maxLength: 4 }), (files) => {
      let known: ReadonlyMap<string, string | null> = new Map();
      for (const lines of files) {
        const rows = lines.map(({ hash, ...more }) => row(hash, more));
        const named = ids(rows, known);
        expect(new Set(named).size).toBe(rows.length);
        known = knownAfter(rows, known);
        expect(new Set(ids(rows, known))).toEqual(new Set(known.keys()));
      }
    }),
  );
});
