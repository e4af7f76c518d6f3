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

export function* keeps40Megabytes(): Generator<number> {
  // Eight bytes each, on the heap that is bounded; what typed arrays hold lies beside it.
  const kept = Array.from({ length: 40 }, () => Array.from({ length: 131_072 }, (_, n) => n + 0.5));
  yield kept.length;
}

let seen: Uint8Array[] = [];

/** How many bytes it was handed, and how many of those before it are still there. */
export function* bytesLeft(input: Uint8Array): Generator<number> {
  yield input.length;
  yield seen.reduce((sum, { byteLength }) => sum + byteLength, 0);
  seen = [...seen, input];
}
