import { describe, expect, it } from '@jest/globals';
import type { Action, RemoteChange } from '#domain';
import { Intake } from './intake.js';

function upsert(
  remoteId: string,
  { reference = null, rows = 1 }: { reference?: string | null; rows?: number } = {},
): RemoteChange {
  const text = { contentHash: '', summary: '', recurring: false, modifiedAt: null };
  const busy = Array.from({ length: rows - 1 }, (_, n) => ({ start: n, end: n + 1 }));
  return { kind: 'upsert', object: { remoteId, version: null, when: null, busy, reference, ...text } };
}

function mirror(change: RemoteChange): Action[] {
  return change.kind === 'upsert' ? [{ type: 'mirror', object: change.object, appointmentId: null }] : [];
}

/** What is planned and stored, as it happens; a part is stored when the test says so. */
function watched() {
  const said: string[] = [];
  const stored: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const names = (actions: readonly Action[]): string =>
    actions.map((action) => ('object' in action ? (action.object?.remoteId ?? '') : action.type)).join();
  const intake = new Intake({
    plan: (changes) => {
      const actions = changes.flatMap(mirror);
      said.push(`plan ${names(actions)}`);
      return Promise.resolve(actions);
    },
    store: (actions) => {
      said.push(`store ${names(actions)}`);
      return new Promise((resolve, reject) => {
        stored.push({ resolve: () => resolve({ changes: actions.length, due: 0 }), reject });
      });
    },
  });
  return { intake, said, stored };
}

describe('Intake', () => {
  it('stores two parts while the next is read and planned, and never three at once', async () => {
    const { intake, said, stored } = watched();
    await intake.take([upsert('a'), upsert('b')]);
    await intake.take([upsert('c')]);
    const third = intake.take([upsert('d')]);
    await new Promise(setImmediate);
    expect(said).toEqual(['plan a,b', 'store a,b', 'plan c', 'store c', 'plan d']);
    stored[1]?.resolve();
    await third;
    expect(said.at(-1)).toBe('store d');
    stored[0]?.resolve();
    stored[2]?.resolve();
    await intake.end();
    expect(intake.changes).toBe(4);
  });

  it('has nothing under way every four thousand rows, so that a booking gets its turn', async () => {
    const { intake, said, stored } = watched();
    const parts = ['a', 'b', 'c', 'd', 'e'].map((id) => [upsert(id, { rows: 1000 })]);
    const taken = (async () => {
      for (const part of parts) await intake.take(part);
    })();
    for (const next of [0, 1, 2]) {
      await new Promise(setImmediate);
      stored[next]?.resolve();
    }
    await new Promise(setImmediate);
    // The fourth is still under way: beside it, there would be room for one more.
    expect(said.slice(-2)).toEqual(['store d', 'plan e']);
    stored[3]?.resolve();
    await taken;
    expect(said.at(-1)).toBe('store e');
  });

  it('has nothing under way beside a part that is large by itself', async () => {
    const { intake, said, stored } = watched();
    await intake.take([upsert('a')]);
    const large = intake.take([upsert('large', { rows: 4001 })]);
    await new Promise(setImmediate);
    expect(said.at(-1)).toBe('plan large');
    stored[0]?.resolve();
    await large;
    const next = intake.take([upsert('b')]);
    await new Promise(setImmediate);
    expect(said.slice(-2)).toEqual(['store large', 'plan b']);
    stored[1]?.resolve();
    await next;
    expect(said.at(-1)).toBe('store b');
  });

  it('leaves what carries our reference, and what is not there, for the end', async () => {
    const { intake, said } = watched();
    const ours = upsert('ours', { reference: 'a-reference' });
    const gone: RemoteChange = { kind: 'removed', remoteId: 'gone' };
    expect(await intake.take([ours, upsert('his'), gone])).toEqual([ours, gone]);
    expect(said).toEqual(['plan his', 'store his']);
  });

  it('tells with the next part, and at the end, that a part could not be stored', async () => {
    const { intake, stored } = watched();
    await intake.take([upsert('a')]);
    stored[0]?.reject(new Error('the lane is lost'));
    await new Promise(setImmediate);
    await expect(intake.take([upsert('b')])).rejects.toThrow('the lane is lost');
    await expect(intake.end()).rejects.toThrow('the lane is lost');
    expect(stored).toHaveLength(1);
  });

  it('does not end before what is under way has, though a part could not be stored', async () => {
    const { intake, stored } = watched();
    await intake.take([upsert('a')]);
    await intake.take([upsert('b')]);
    stored[0]?.reject(new Error('the lane is lost'));
    let ended = false;
    const end = intake.end().finally(() => (ended = true));
    end.catch(() => undefined);
    await new Promise(setImmediate);
    expect(ended).toBe(false);
    stored[1]?.resolve();
    await expect(end).rejects.toThrow('the lane is lost');
  });
});
