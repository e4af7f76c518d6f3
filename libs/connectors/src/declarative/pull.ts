import { ConnectorError, type CallOptions, type PullItem, type PullRequest } from '#connector-sdk';
import { overlaps, type Interval, type RemoteChange } from '#domain';
import { readCursor, writeCursor } from './cursor.js';
import { AgendaGone, unlike } from './errors.js';
import { placeOf, toChange, type Named } from './mapping.js';
import type { Delta } from './parts.js';
import { at } from './paths.js';
import type { Reader } from './reader.js';

/** Pages of one pull; an endless list of changes is a fault of the backend, not work to be done. */
const MAX_PAGES = 2_000;
/** Entries that a listing no longer shows and that are asked for one by one. Beyond that the listing is believed. */
const MAX_ASKED = 300;

interface Reading {
  readonly reader: Reader;
  readonly request: PullRequest;
  readonly options: CallOptions;
}

/** Reads the changes since the cursor, or everything in the window. */
export async function* pull(reading: Reading): AsyncGenerator<PullItem> {
  const { delta } = reading.reader.document.reading;
  const { cursor } = reading.request;
  try {
    if (delta && cursor !== null) yield* changesSince(reading, delta, cursor);
    else yield* everything(reading, delta);
  } catch (error) {
    if (error instanceof AgendaGone) throw new ConnectorError('not_found', error.message, { status: error.status });
    throw error;
  }
}

async function* changesSince(reading: Reading, delta: Delta, text: string): AsyncGenerator<PullItem> {
  const { document } = reading.reader;
  let cursor: unknown = readCursor(document, text);
  for await (const page of log(reading, delta, cursor)) {
    cursor = page.next;
    yield* told(page.changes);
  }
  yield { type: 'end', cursor: writeCursor(document, cursor), complete: null };
}

/**
 * Lists the window; where there is a list of changes, it is read from the listing's beginning on, so that the whole is
 * complete as of its end. What is known and should have been listed is asked for by itself: moved away is not deleted.
 */
async function* everything(reading: Reading, delta: Delta | undefined): AsyncGenerator<PullItem> {
  const { reader, request, options } = reading;
  const { window } = request;
  const listed = await reader.list(request.agendaId, window, options);
  const known = await request.known();
  const present = new Set(listed.items.filter(({ kind }) => kind !== 'gone').map(({ id }) => id));
  const named = new Set(listed.items.map(({ id }) => id));
  yield* told(listed.items.flatMap((item) => news(item, known, window) ?? []));
  let cursor: unknown = listed.cursor;
  if (delta) {
    for await (const page of log(reading, delta, firstCursor(reading, cursor))) {
      cursor = page.next;
      for (const change of page.changes) named.add(note(present, change));
      yield* told(page.changes);
    }
  }
  const elsewhere = await movedAway(reading, { known, named });
  for (const change of elsewhere) note(present, change);
  yield* told(elsewhere);
  const next = delta ? writeCursor(reader.document, cursor) : null;
  yield { type: 'end', cursor: next, complete: { window, present } };
}

function* told(changes: readonly RemoteChange[]): Generator<PullItem> {
  if (changes.length > 0) yield { type: 'changes', changes };
}

function firstCursor({ reader }: Reading, cursor: unknown): unknown {
  writeCursor(reader.document, cursor);
  return cursor;
}

/** A listed item, unless the hub has it as it is. What is cut by the window may be cut elsewhere today. */
function news(item: Named, known: ReadonlyMap<string, string | null>, window: Interval): RemoteChange | null {
  const change = toChange(item, window);
  if (change?.kind === 'removed') return known.has(change.remoteId) ? change : null;
  if (change?.kind !== 'upsert') return change;
  const { remoteId, version, when } = change.object;
  const whole = when !== null && when.start >= window.start && when.end <= window.end;
  return whole && known.get(remoteId) === version ? null : change;
}

/** Answers the id that the change is about. */
function note(present: Set<string>, change: RemoteChange): string {
  const id = change.kind === 'upsert' ? change.object.remoteId : change.remoteId;
  if (change.kind === 'removed') present.delete(id);
  else present.add(id);
  return id;
}

async function movedAway(
  { reader, request, options }: Reading,
  { known, named }: { known: ReadonlyMap<string, string | null>; named: ReadonlySet<string> },
): Promise<RemoteChange[]> {
  if (!reader.document.reading.get) return [];
  const missing = [...known].filter(([id, version]) => !named.has(id) && belongs(version, request.window));
  if (missing.length > MAX_ASKED) return [];
  const changes: RemoteChange[] = [];
  for (const [id] of missing) {
    const item = await reader.item(request.agendaId, id, options);
    const change = toChange(item, request.window);
    if (change && change.kind !== 'removed') changes.push(change);
  }
  return changes;
}

/** True for an entry that stood in the window when it was last seen, or may have. */
function belongs(version: string | null, window: Interval): boolean {
  const place = placeOf(version);
  return place === null || overlaps(place, window);
}

interface LogPage {
  readonly changes: RemoteChange[];
  readonly next: unknown;
}

async function* log({ reader, request, options }: Reading, delta: Delta, from: unknown): AsyncGenerator<LogPage> {
  let cursor = from as string | number;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const values = { agenda: request.agendaId, cursor };
    const call = { method: 'GET', path: delta.path, query: delta.query, values };
    const answer = await reader.client.json('reading.delta', call, options);
    const items = at(answer, delta.items);
    const next = at(answer, delta.next) ?? cursor;
    if (!Array.isArray(items)) throw unlike('reading.delta.items', { write: false });
    if (typeof next !== 'string' && typeof next !== 'number') throw unlike('reading.delta.next', { write: false });
    yield { changes: items.map((item) => logged(reader, delta, item, request.window)), next };
    if (!goesOn(delta, answer, { items, moved: next !== cursor })) return;
    cursor = next;
  }
  throw new ConnectorError('unavailable', 'the backend sends changes without end');
}

/** A backend that does not say whether there is more has said everything once nothing comes. */
function goesOn(delta: Delta, answer: unknown, page: { items: readonly unknown[]; moved: boolean }): boolean {
  if (delta.more === undefined) return page.items.length > 0 && page.moved;
  const more = at(answer, delta.more);
  if (typeof more !== 'boolean' || (more && !page.moved)) throw unlike('reading.delta.more', { write: false });
  return more;
}

function logged(reader: Reader, delta: Delta, item: unknown, window: Interval): RemoteChange {
  const named = at(item, delta.id);
  const id = typeof named === 'number' ? String(named) : named;
  if (typeof id !== 'string' || id === '') throw unlike('reading.delta.id', { write: false });
  const said = delta.deleted && at(item, delta.deleted.path);
  if (delta.deleted?.equals.some((one) => one === said) === true) return { kind: 'removed', remoteId: id };
  const change = toChange(reader.named(at(item, delta.entry), 'reading.delta.entry', id), window);
  if (change === null) throw unlike('reading.delta.entry', { write: false });
  return change;
}
