import { ConnectorError, type CallOptions, type PullItem, type PullRequest } from '#connector-sdk';
import type { Interval, RemoteChange } from '#domain';
import type { Client } from './client.js';
import { AgendaGone, senseless } from './errors.js';
import { idOf, toChange } from './mapping.js';
import { changed, changes as changesSchema, listing } from './schemas.js';

const PAGE = 500;
/** Entries asked for by id in one request. */
const BY_ID = 100;
/** Pages of one pull; an endless log is a fault of the backend, not work to be done. */
const MAX_PAGES = 2_000;

interface Reading {
  readonly client: Client;
  readonly request: PullRequest;
  readonly options: CallOptions;
}

/** Reads the delta since the cursor, or everything in the window. */
export async function* pull(reading: Reading): AsyncGenerator<PullItem> {
  try {
    if (reading.request.cursor === null) yield* complete(reading);
    else yield* delta(reading, parseCursor(reading.request.cursor));
  } catch (error) {
    if (error instanceof AgendaGone) throw new ConnectorError('not_found', error.message, { status: error.status });
    throw error;
  }
}

async function* delta(reading: Reading, after: number): AsyncGenerator<PullItem> {
  let cursor = after;
  for await (const page of log(reading, after)) {
    cursor = page.next;
    if (page.changes.length > 0) yield { type: 'changes', changes: page.changes };
  }
  yield { type: 'end', cursor: String(cursor), complete: null };
}

/**
 * Lists the window page by page, then reads the log written since the first page: the listing is then complete as of
 * its end, even if somebody wrote while it was being read.
 */
async function* complete(reading: Reading): AsyncGenerator<PullItem> {
  const listed = listedBy(reading.request);
  const present = new Set<string>();
  let start: number | null = null;
  for await (const page of pages(reading, listed)) {
    start ??= page.seq;
    for (const change of page.changes) present.add(idOf(change));
    if (page.changes.length > 0) yield { type: 'changes', changes: page.changes };
  }
  if (start === null) throw senseless(false, 200);
  let cursor = start;
  for await (const page of log(reading, start)) {
    cursor = page.next;
    for (const change of page.changes) note(present, change);
    if (page.changes.length > 0) yield { type: 'changes', changes: page.changes };
  }
  for await (const elsewhere of movedAway(reading, present)) {
    for (const change of elsewhere) note(present, change);
    if (elsewhere.length > 0) yield { type: 'changes', changes: elsewhere };
  }
  yield { type: 'end', cursor: String(cursor), complete: { window: listed, present } };
}

function listedBy({ only, window }: PullRequest): Interval {
  return only ?? window;
}

function note(present: Set<string>, change: RemoteChange): void {
  if (change.kind === 'removed') present.delete(change.remoteId);
  else present.add(idOf(change));
}

/** Entries the hub knows that are no longer in the window but still in the agenda: moved, not deleted. */
async function* movedAway(
  { client, request, options }: Reading,
  present: ReadonlySet<string>,
): AsyncGenerator<RemoteChange[]> {
  const missing = [...(await request.known()).keys()].filter((id) => !present.has(id));
  for (let at = 0; at < missing.length; at += BY_ID) {
    const wanted = missing.slice(at, at + BY_ID);
    const query = { ids: wanted.join(','), limit: BY_ID };
    const page = await client.json(
      listing,
      { method: 'GET', path: ['agendas', request.agendaId, 'entries'], query },
      options,
    );
    // A page cut short would make the rest look deleted.
    if (page.next != null) throw senseless(false, 200);
    yield page.items.map((item) => named(toChange(item, request.window)));
  }
}

async function* pages(
  { client, request, options }: Reading,
  listed: Interval,
): AsyncGenerator<{ changes: RemoteChange[]; seq: number }> {
  let after: string | undefined;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const query = { from: listed.start, to: listed.end, after, limit: PAGE };
    const page = await client.json(
      listing,
      { method: 'GET', path: ['agendas', request.agendaId, 'entries'], query },
      options,
    );
    yield { changes: page.items.map((item) => named(toChange(item, request.window))), seq: page.seq };
    if (page.next == null) return;
    if (page.next === after) throw senseless(false, 200);
    after = page.next;
  }
  throw new ConnectorError('unavailable', 'the backend sends pages without end');
}

async function* log(
  { client, request, options }: Reading,
  from: number,
): AsyncGenerator<{ changes: RemoteChange[]; next: number }> {
  let after = from;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const query = { after, limit: PAGE };
    const page = await client.json(
      changesSchema,
      { method: 'GET', path: ['agendas', request.agendaId, 'changes'], query },
      options,
    );
    yield { changes: page.items.map((item) => logged(item, request.window)), next: page.next };
    if (!page.more) return;
    if (page.next <= after) throw senseless(false, 200);
    after = page.next;
  }
  throw new ConnectorError('unavailable', 'the backend sends pages without end');
}

function logged(item: unknown, window: Interval): RemoteChange {
  const read = changed.safeParse(item);
  if (!read.success) throw senseless(false, 200);
  const { id, deleted, entry } = read.data;
  if (deleted === true) return { kind: 'removed', remoteId: id };
  // The log names the entry beside it, so even an entry that does not say its id can be put aside.
  return toChange(entry, window) ?? named(toChange({ id }, window));
}

/** Passing over an entry that cannot even be named would make it look deleted. */
function named(change: RemoteChange | null): RemoteChange {
  if (change === null) throw senseless(false, 200);
  return change;
}

function parseCursor(cursor: string): number {
  if (!/^\d{1,16}$/.test(cursor)) throw new ConnectorError('cursor_expired', 'the cursor is not one of this backend');
  return Number(cursor);
}
