import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { threadId, type Worker } from 'node:worker_threads';
import { describe, expect, it } from '@jest/globals';
import { ConnectorError } from './errors.js';
import { owned, TaskError, Threads } from './threads.js';

const MODULE = new URL('./thread-tasks.suite.js', import.meta.url);
const { signal } = new AbortController();
const MEGABYTE = 1024 * 1024;

async function all(threads: Threads, run: string, input: unknown = null, given = signal): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of threads.run({ module: MODULE, run, input }, { signal: given })) values.push(value);
  return values;
}

/** The same for a task that is handed so many bytes. */
async function allOf(threads: Threads, run: string, bytes: number, inPieces = false): Promise<unknown[]> {
  const input = new Uint8Array(bytes);
  const values: unknown[] = [];
  const task = { module: MODULE, run, input, transfer: owned(input), inPieces };
  for await (const value of threads.run(task, { signal })) values.push(value);
  return values;
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => null,
    (error: unknown) => error,
  );
}

describe('work in threads', () => {
  it('runs elsewhere, one task at a time in one thread, and hands out what it yields', async () => {
    const threads = new Threads(1);
    const [counted, first, second] = await Promise.all([
      all(threads, 'count', 3),
      all(threads, 'whereAmI'),
      all(threads, 'whereAmI'),
    ]);
    expect(counted).toEqual([1, 2, 3]);
    expect(first).toEqual(second);
    expect(first).not.toEqual([threadId]);
  });

  it('one that was prepared is the one that works, and none is prepared beside those there are', async () => {
    const threads = new Threads(1);
    threads.prepare(MODULE);
    threads.prepare(MODULE);
    const [where] = await allOf(threads, 'whereAmI', 1000);
    threads.prepare(MODULE);
    expect(await allOf(threads, 'whereAmI', 1000)).toEqual([where]);
    expect(where).not.toBe(threadId);
  });

  it('something large is read by one that has read nothing before, and reads nothing after', async () => {
    const threads = new Threads(1);
    const where: unknown[] = [];
    for (const megabytes of [5, 5, 1, 5, 1])
      where.push(...(await allOf(threads, 'whereAmI', megabytes * MEGABYTE, true)));
    expect(new Set(where).size).toBe(5);
    // Prepared, none was needed but that one.
    const prepared = new Threads(1);
    prepared.prepare(MODULE);
    const [own] = await allOf(prepared, 'whereAmI', 5 * MEGABYTE, true);
    expect(own).toBe(Number(where.at(-1)) + 1);
  });

  it('one that ends and the next in its place are never there together', async () => {
    let [there, most] = [0, 0];
    const onThread = (message: unknown): void => {
      most = Math.max(most, (there += 1));
      (message as { worker: Worker }).worker.once('exit', () => (there -= 1));
    };
    const threads = new Threads(1);
    subscribe('worker_threads', onThread);
    try {
      for (const megabytes of [5, 1, 5, 5]) await allOf(threads, 'whereAmI', megabytes * MEGABYTE, true);
    } finally {
      unsubscribe('worker_threads', onThread);
    }
    expect(most).toBe(1);
  });

  it('one that has little to read has less memory, and makes way for one that has more', async () => {
    const threads = new Threads(1);
    const error = await errorOf(allOf(threads, 'keeps40Megabytes', MEGABYTE));
    expect(ConnectorError.is(error) && error.kind).toBe('invalid');
    const [small] = await allOf(threads, 'whereAmI', MEGABYTE);
    expect(await allOf(threads, 'keeps40Megabytes', 2 * MEGABYTE)).toEqual([40]);
    const [roomy] = await allOf(threads, 'whereAmI', 2 * MEGABYTE);
    expect(roomy).not.toBe(small);
    expect(await allOf(threads, 'whereAmI', MEGABYTE)).toEqual([roomy]);
    const inPieces = await errorOf(allOf(new Threads(1), 'keeps40Megabytes', 5 * MEGABYTE, true));
    expect(ConnectorError.is(inPieces) && inPieces.kind).toBe('invalid');
  });

  it('what a task was handed is let go as soon as it is done', async () => {
    const threads = new Threads(1);
    for (const bytes of [MEGABYTE, 2 * MEGABYTE, MEGABYTE])
      expect(await allOf(threads, 'bytesLeft', bytes)).toEqual([bytes, 0]);
  });

  it('an error of a task keeps its kind, and the thread goes on', async () => {
    const threads = new Threads(1);
    const [where] = await all(threads, 'whereAmI');
    const error = await errorOf(all(threads, 'throwsRange'));
    expect(error).toBeInstanceOf(TaskError);
    expect(error).toMatchObject({ kind: 'RangeError', message: 'too far' });
    expect(await all(threads, 'whereAmI')).toEqual([where]);
  });

  it('what takes too long, or too much memory, is ended and harms nothing that comes after', async () => {
    const threads = new Threads(1, { deadlineMs: 3000, heapMb: 32 });
    for (const run of ['never', 'hoards']) {
      const error = await errorOf(all(threads, run));
      expect([run, ConnectorError.is(error) && error.kind]).toEqual([run, 'invalid']);
    }
    expect(await all(threads, 'count', 2)).toEqual([1, 2]);
  });

  it('whoever gives up gets an answer, whether his task runs or waits', async () => {
    const threads = new Threads(1);
    const given = new AbortController();
    const running = errorOf(all(threads, 'never', null, given.signal));
    const waiting = errorOf(all(threads, 'count', 1, given.signal));
    const next = all(threads, 'count', 1);
    given.abort();
    for (const error of [await running, await waiting])
      expect(ConnectorError.is(error) && error.kind).toBe('unavailable');
    expect(await next).toEqual([1]);
  });

  it('a task whose values nobody wants any more is ended', async () => {
    const threads = new Threads(1);
    for await (const value of threads.run({ module: MODULE, run: 'never', input: null }, { signal })) {
      expect(value).toBe(1);
      break;
    }
    expect(await all(threads, 'count', 1)).toEqual([1]);
  });
});
