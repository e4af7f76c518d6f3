import { describe, expect, it } from '@jest/globals';
import type { Action, RemoteChange } from '#domain';
import { Intake } from './intake.js';

function upsert(remoteId: string, reference: string | null = null): RemoteChange {
  const text = { contentHash: '', summary: '', recurring: false, modifiedAt: null };
  return { kind: 'upsert', object: { remoteId, version: null, when: null, busy: [], reference, ...text } };
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
  it('stores one part while the next is read and planned, and never two at once', async () => {
    const { intake, said, stored } = watched();
    await intake.take([upsert('a'), upsert('b')]);
    const second = intake.take([upsert('c')]);
    await new Promise(setImmediate);
    expect(said).toEqual(['plan a,b', 'store a,b', 'plan c']);
    stored[0]?.resolve();
    await second;
    expect(said.at(-1)).toBe('store c');
    stored[1]?.resolve();
    await intake.end();
    expect(intake.changes).toBe(3);
  });

  it('leaves what carries our reference, and what is not there, for the end', async () => {
    const { intake, said } = watched();
    const ours = upsert('ours', 'a-reference');
    const gone: RemoteChange = { kind: 'removed', remoteId: 'gone' };
    expect(await intake.take([ours, upsert('his'), gone])).toEqual([ours, gone]);
    expect(said).toEqual(['plan his', 'store his']);
  });

  it('tells with the next part, and at the end, that a part could not be stored', async () => {
    const { intake, stored } = watched();
    await intake.take([upsert('a')]);
    stored[0]?.reject(new Error('the lane is lost'));
    await expect(intake.take([upsert('b')])).rejects.toThrow('the lane is lost');
    await expect(intake.end()).rejects.toThrow('the lane is lost');
    expect(stored).toHaveLength(1);
  });
});
