import { ConnectorError, type CallOptions, type PullItem, type PullRequest } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import type { Client } from './client.js';
import { AgendaGone, senseless } from './errors.js';
import type { LocalTime } from './local-time.js';
import { idOf, numberOf, toChange } from './mapping.js';
import * as schemas from './schemas.js';

/** Pages of one pull; news without end are a fault of the backend, not work to be done. */
const MAX_PAGES = 2_000;
/** How often a listing is begun anew because the book was written in meanwhile. */
const MAX_LISTINGS = 5;

interface Reading {
  readonly client: Client;
  readonly time: LocalTime;
  readonly request: PullRequest;
  readonly options: CallOptions;
}

/** Reads the news since the cursor, or everything in the window. */
export async function* pull(reading: Reading): AsyncGenerator<PullItem> {
  try {
    if (reading.request.cursor === null) yield* complete(reading);
    else yield* delta(reading, reading.request.cursor);
  } catch (error) {
    if (error instanceof AgendaGone) throw new ConnectorError('not_found', error.message);
    throw error;
  }
}

async function* delta(reading: Reading, cursor: string): AsyncGenerator<PullItem> {
  if (!/^\d{1,16}$/.test(cursor)) throw new ConnectorError('cursor_expired', 'the cursor is not one of this backend');
  const { client, request, options } = reading;
  let after = cursor;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const query = { agenda: request.agendaId, news: after };
    const page = await client.json(schemas.news, { path: ['give-me-news'], query }, options);
    // `null` and nothing else: nothing is new.
    if (page === null) {
      yield ended(after);
      return;
    }
    const changes = (page.appointments ?? []).map((item) => named(toChange(item, reading.time, request.window)));
    if (changes.length > 0) yield { type: 'changes', changes: [...(await succeeded(changes, request)), ...changes] };
    if (page.news === after) throw senseless(false, 200);
    after = page.news;
    if (page.more !== 1) {
      yield ended(after);
      return;
    }
  }
  throw new ConnectorError('unavailable', 'the backend sends news without end');
}

function ended(cursor: string): PullItem {
  return { type: 'end', cursor, complete: null };
}

/** Rows whose number another one has by now: they are gone, whether or not anybody said so. */
async function succeeded(changes: readonly RemoteChange[], request: PullRequest): Promise<RemoteChange[]> {
  const owners = new Map(changes.map((change) => [numberOf(idOf(change)), idOf(change)]));
  return [...(await request.known()).keys()]
    .filter((id) => owners.has(numberOf(id)) && owners.get(numberOf(id)) !== id)
    .map((remoteId) => ({ kind: 'removed', remoteId }));
}

async function* complete(reading: Reading): AsyncGenerator<PullItem> {
  for (let count = 0; count < MAX_LISTINGS; count += 1) {
    const listed = await list(reading);
    if (listed === null) continue;
    const { changes, news } = listed;
    if (changes.length > 0) yield { type: 'changes', changes };
    const present = new Set(changes.map(idOf));
    yield { type: 'end', cursor: news, complete: { window: reading.request.window, present } };
    return;
  }
  throw new ConnectorError('unavailable', 'the agenda changes faster than its backend can list it');
}

/**
 * Every page of the window; `null` when the book was written in meanwhile. Pages are numbered: what is deleted on an
 * earlier one draws a row over to it, unread.
 */
async function list({
  client,
  time,
  request,
  options,
}: Reading): Promise<{ changes: RemoteChange[]; news: string } | null> {
  const { agendaId, window } = request;
  const days = { from: time.day(window.start, -1), to: time.day(window.end, 0) };
  const changes: RemoteChange[] = [];
  let first: { news: string; total: number } | null = null;
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const query = { agenda: agendaId, ...days, page: String(page) };
    const { news, total, pages, appointments } = await client.json(
      schemas.listing,
      { path: ['appointments'], query },
      options,
    );
    first ??= { news, total };
    if (news !== first.news) return null;
    for (const item of appointments ?? []) changes.push(named(toChange(item, time, window)));
    if (page < pages) continue;
    if (changes.length !== first.total) throw senseless(false, 200);
    return { changes: changes.filter(({ kind }) => kind !== 'removed'), news };
  }
  throw new ConnectorError('unavailable', 'the backend sends pages without end');
}

/** Passing over a row that cannot even be named would make it look deleted. */
function named(change: RemoteChange | null): RemoteChange {
  if (change === null) throw senseless(false, 200);
  return change;
}
