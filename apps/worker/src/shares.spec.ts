import { expect, test } from '@jest/globals';
import { Shares } from './shares.js';

test('an owner with many runs leaves room for the others, and gets its share back', async () => {
  const shares = new Shares({ connection: 2, organization: 3 });
  const waiting: (() => void)[] = [];
  const hang = (connection: string, organization: string): Promise<boolean> =>
    shares.run({ connection, organization }, () => new Promise<void>((resolve) => waiting.push(resolve)));
  const running = [hang('a', 'A'), hang('a', 'A')];
  expect(await hang('a', 'A')).toBe(false);
  running.push(hang('b', 'A'));
  expect(await hang('b', 'A')).toBe(false);
  running.push(hang('c', 'C'));
  expect(waiting).toHaveLength(4);
  for (const finish of waiting.splice(0)) finish();
  expect(await Promise.all(running)).toEqual([true, true, true, true]);
  expect(await shares.run({ connection: 'a', organization: 'A' }, () => Promise.resolve())).toBe(true);
  await expect(
    shares.run({ connection: 'a', organization: 'A' }, () => Promise.reject(new Error('broken'))),
  ).rejects.toThrow('broken');
  expect(await shares.run({ connection: 'a', organization: 'A' }, () => Promise.resolve())).toBe(true);
});
