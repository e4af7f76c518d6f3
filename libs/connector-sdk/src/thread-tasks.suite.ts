import { threadId } from 'node:worker_threads';

/** Tasks for threads.spec.ts. */
export function* count(to: number): Generator<number> {
  for (let n = 1; n <= to; n += 1) yield n;
}

export function* whereAmI(): Generator<number> {
  yield threadId;
}

export function* throwsRange(): Generator<number> {
  yield 1;
  throw new RangeError('too far');
}

export function* never(): Generator<number> {
  yield 1;
  for (;;);
}

export function* hoards(): Generator<number> {
  const hoard: number[][] = [];
  for (;;) hoard.push(Array.from({ length: 100_000 }, (_, n) => n));
}
