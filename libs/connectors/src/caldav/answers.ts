import { ConnectorError, owned, TaskError, threads, type CallOptions } from '#connector-sdk';
import { ifCheap, Unreadable } from '#icalendar';
import { multistatusParts, type DavResponse, type Multistatus, type MultistatusPart } from './multistatus.js';
import { CHUNK, XmlError } from './xml.js';

const MODULES = {
  multistatus: new URL('./multistatus.js', import.meta.url),
  reading: new URL('./reading.js', import.meta.url),
};

/** How much a task has to read, and what of it a thread is given for good. */
interface Amount {
  readonly characters: number;
  readonly transfer?: readonly ArrayBuffer[];
  readonly inPieces?: boolean;
}

/** An answer that is read once, piece by piece, and by nobody afterwards. */
export function readOnce(content: Uint8Array): Amount {
  return { characters: content.length, transfer: owned(content), inPieces: true };
}

/**
 * What a function of `reading.ts` yields for an input with so many characters to read: here if that is cheap, else in a
 * thread. Throws what the function throws, `unavailable` for what is no XML (it is never taken for empty), `invalid` when it
 * costs more than a thread may.
 */
export async function* readApart<Input, Value>(
  read: (input: Input) => Generator<Value>,
  input: Input,
  { characters, signal, ...amount }: CallOptions & Amount,
): AsyncGenerator<Value> {
  try {
    const cheap = ifCheap(characters, () => [...read(input)]);
    const task = { module: MODULES.reading, run: read.name, input, ...amount };
    yield* cheap ? cheap.result : (threads.run(task, { signal }) as AsyncGenerator<Value>);
  } catch (error) {
    throw known(error);
  }
}

/** Much is about to come that {@link readApart} will read. */
export function prepareToRead(): void {
  threads.prepare(MODULES.reading);
}

/** The only value of the same. */
export async function readOne<Input, Value>(
  read: (input: Input) => Generator<Value>,
  input: Input,
  options: CallOptions & Amount,
): Promise<Value> {
  const values: Value[] = [];
  for await (const value of readApart(read, input, options)) values.push(value);
  const [value] = values;
  if (value === undefined) throw new TypeError(`${read.name} gave nothing`);
  return value;
}

/** Reads a 207 body, which nobody can read afterwards. Throws `unavailable` for what is no XML. */
export async function readMultistatus(body: Uint8Array, { signal }: CallOptions): Promise<Multistatus> {
  const all: DavResponse[] = [];
  let token: string | null = null;
  const take = ({ responses, syncToken }: MultistatusPart): void => {
    all.push(...responses);
    token = syncToken ?? token;
  };
  const task = {
    ...{ module: MODULES.multistatus, run: multistatusParts.name, input: body },
    ...{ transfer: owned(body), inPieces: true },
  };
  try {
    if (body.length <= CHUNK) for (const part of multistatusParts(body)) take(part);
    else for await (const part of threads.run(task, { signal })) take(part as MultistatusPart);
  } catch (error) {
    throw known(error);
  }
  return { responses: all, syncToken: token };
}

/** What was thrown here or in a thread, as whoever asked for the answer knows it. */
function known(error: unknown): unknown {
  const kind = error instanceof TaskError ? error.kind : '';
  const message = error instanceof Error ? error.message : '';
  if (error instanceof XmlError || kind === XmlError.name)
    return new ConnectorError('unavailable', message, { status: 207 });
  return kind === Unreadable.name ? new Unreadable(message) : error;
}
