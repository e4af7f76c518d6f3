import { describe, expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { Singly } from './singly.js';

function gates(): { work: () => Promise<void>; open: () => void; runs: () => number } {
  const waiting: (() => void)[] = [];
  let runs = 0;
  return {
    work: () => {
      runs += 1;
      return new Promise((resolve) => waiting.push(resolve));
    },
    open: () => waiting.shift()?.(),
    runs: () => runs,
  };
}

describe('Singly', () => {
  it('runs once more for whatever came during a run, and only once', async () => {
    const singly = new Singly();
    const gate = gates();
    const first = singly.run('a', gate.work);
    await Promise.all([singly.run('a', gate.work), singly.run('a', gate.work)]);
    expect(gate.runs()).toBe(1);
    gate.open();
    await turn();
    expect(gate.runs()).toBe(2);
    gate.open();
    await first;
    expect(gate.runs()).toBe(2);
  });

  it('does not mix keys', async () => {
    const singly = new Singly();
    const gate = gates();
    const both = [singly.run('a', gate.work), singly.run('b', gate.work)];
    expect(gate.runs()).toBe(2);
    gate.open();
    gate.open();
    await Promise.all(both);
  });

  it('passes a failure on and is free again', async () => {
    const singly = new Singly();
    await expect(singly.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    let ran = false;
    await singly.run('a', async () => {
      ran = true;
    });
    expect(ran).toBe(true);
  });
});
