import { describe, expect, it } from '@jest/globals';
import type { RemoteObject } from '#domain';
import { recogniseExported, type Exported } from './exported.js';

const at = (hour: number): { start: number; end: number } => ({ start: hour * 100, end: hour * 100 + 50 });

function exported(appointmentId: string, hour: number): Exported {
  return { appointmentId, reference: `${appointmentId}-1`, when: at(hour) };
}

function object(remoteId: string, hour: number, rest: Partial<RemoteObject> = {}): RemoteObject {
  const content = { version: '1', contentHash: remoteId, summary: null, modifiedAt: null };
  return { remoteId, ...content, reference: null, when: at(hour), recurring: false, busy: [at(hour)], ...rest };
}

describe('what a vendor carried to another one', () => {
  it('is recognised by its reference, and without one by its time', () => {
    const found = recogniseExported(
      [object('n1', 1, { reference: 'a-1' }), object('n2', 2), object('n3', 3)],
      [exported('a', 1), exported('b', 2)],
    );
    expect(found.adopted.map(({ object: { remoteId }, ...rest }) => ({ remoteId, ...rest }))).toEqual([
      { remoteId: 'n1', appointmentId: 'a', nameless: false },
      { remoteId: 'n2', appointmentId: 'b', nameless: true },
    ]);
    expect(found.foreign.map(({ remoteId }) => remoteId)).toEqual(['n3']);
    expect(found.elsewhere).toEqual([]);
  });

  it('stands elsewhere when the practitioner moved it already, and its old place is not taken for it', () => {
    const found = recogniseExported([object('n1', 5, { reference: 'a-1' }), object('n2', 1)], [exported('a', 1)]);
    expect(found).toMatchObject({ adopted: [], elsewhere: ['a'], foreign: [{ remoteId: 'n2' }] });
  });

  it('is nobody’s when two have the same time, on either side', () => {
    const twoThere = recogniseExported([object('n1', 1), object('n2', 1)], [exported('a', 1)]);
    expect([twoThere.adopted, twoThere.foreign.length]).toEqual([[], 2]);
    const twoHere = recogniseExported([object('n1', 1)], [exported('a', 1), exported('b', 1)]);
    expect([twoHere.adopted, twoHere.foreign.length]).toEqual([[], 1]);
  });

  it('is no series, and nothing that takes no time', () => {
    const found = recogniseExported(
      [object('n1', 1, { recurring: true }), object('n2', 2, { busy: [] })],
      [exported('a', 1), exported('b', 2)],
    );
    expect([found.adopted, found.foreign.length]).toEqual([[], 2]);
  });

  it('under a reference of something else is left to the next read', () => {
    const found = recogniseExported([object('n1', 1, { reference: 'dead-1' })], [exported('a', 1)]);
    expect(found).toEqual({ adopted: [], elsewhere: [], foreign: [] });
  });
});
