import { ConnectorError, owned, TaskError, threads, type CallOptions } from '#connector-sdk';
import { ifCheap } from '#icalendar';
import { noCalendar } from './errors.js';

const READING = new URL('./reading.js', import.meta.url);

/**
 * What a function of `reading.ts` yields for a feed: here if that is cheap, else in a thread. Throws `unavailable` for what
 * is not a calendar, `invalid` for one that is too large or costs too much. Nobody can read the feed afterwards.
 */
export async function* readApart<Input extends { readonly body: Uint8Array }, Value>(
  read: (input: Input) => Generator<Value>,
  input: Input,
  { signal }: CallOptions,
): AsyncGenerator<Value> {
  try {
    const cheap = ifCheap(input.body.length, () => [...read(input)]);
    if (cheap) yield* cheap.result;
    else {
      const task = { module: READING, run: read.name, input, transfer: owned(input.body) };
      yield* threads.run(task, { signal }) as AsyncGenerator<Value>;
    }
  } catch (error) {
    const kind = error instanceof TaskError ? error.kind : error instanceof Error ? error.name : '';
    if (kind === 'NoFeed') throw noCalendar((error as Error).message);
    if (kind === 'LargeFeed') throw new ConnectorError('invalid', (error as Error).message);
    throw error;
  }
}
