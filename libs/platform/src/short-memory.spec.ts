import { describe, expect, jest, test } from '@jest/globals';
import { ShortMemory } from './short-memory.js';

describe('a short memory', () => {
  test('forgets after its time, and the oldest when it is full', () => {
    let now = 0;
    const memory = new ShortMemory<number>(100, 2, () => now);
    memory.set('a', 1);
    now = 99;
    expect(memory.get('a')).toBe(1);
    now = 100;
    expect(memory.get('a')).toBeUndefined();
    for (const [name, value] of Object.entries({ b: 2, c: 3, d: 4 })) memory.set(name, value);
    expect(['b', 'c', 'd'].map((name) => memory.get(name))).toEqual([undefined, 3, 4]);
  });

  test('asks once for all who want the same at once, and again after its time', async () => {
    let now = 0;
    const memory = new ShortMemory<number>(100, 10, () => now);
    let answers = 0;
    const ask = jest.fn(() => Promise.resolve((answers += 1)));
    expect(await Promise.all([memory.find('a', ask), memory.find('a', ask), memory.find('a', ask)])).toEqual([1, 1, 1]);
    expect(await memory.find('a', ask)).toBe(1);
    expect(ask).toHaveBeenCalledTimes(1);
    now = 100;
    expect(await memory.find('a', ask)).toBe(2);
  });

  test('remembers no failure: whoever waited asks for himself, and the next one too', async () => {
    const memory = new ShortMemory<number>(100, 10, () => 0);
    let asked = 0;
    const ask = (): Promise<number> => {
      asked += 1;
      return asked < 3 ? Promise.reject(new Error(`failure ${String(asked)}`)) : Promise.resolve(asked);
    };
    const [first, second] = await Promise.allSettled([memory.find('a', ask), memory.find('a', ask)]);
    expect([first, second]).toMatchObject([
      { status: 'rejected', reason: { message: 'failure 1' } },
      { status: 'rejected', reason: { message: 'failure 2' } },
    ]);
    expect(await memory.find('a', ask)).toBe(3);
  });
});
