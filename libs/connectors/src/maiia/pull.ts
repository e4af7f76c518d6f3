import { ConnectorError, type CallOptions, type PullItem, type PullRequest } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import type { Client } from './client.js';
import { AgendaGone, senseless } from './errors.js';
import { idOf, toChange } from './mapping.js';
import { listAll, type Listing } from './paging.js';
import { identified, page as pageSchema } from './schemas.js';

/**
 * Each poll begins this much before what was seen last: a change may become visible a little after another that is dated
 * later. What is known already is passed over.
 */
const LAP_MS = 120_000;
/** A cursor follows the vendor's clock at this distance, so that a quiet agenda's does not grow too old. */
const TRAIL_MS = 86_400_000;
/** Appointments asked for by id in one request. */
const BY_ID = 50;
const TRIES = 4;

interface Reading {
  readonly client: Client;
  readonly request: PullRequest;
  readonly options: CallOptions;
}

/** Reads what changed since the cursor, or everything in the window. */
export async function* pull(reading: Reading): AsyncGenerator<PullItem> {
  try {
    if (reading.request.cursor === null) yield* complete(reading);
    else yield* delta(reading, parseCursor(reading.request.cursor));
  } catch (error) {
    if (error instanceof AgendaGone) throw new ConnectorError('not_found', error.message, { status: error.status });
    throw error;
  }
}

async function* delta(reading: Reading, cursor: number): AsyncGenerator<PullItem> {
  const updatedSince = new Date(Math.max(0, cursor - LAP_MS)).toISOString();
  const listing = await appointments(reading, { updatedSince, sort: 'updateDate' });
  const changes = await news(reading, listing);
  if (changes.length > 0) yield { type: 'changes', changes };
  yield { type: 'end', cursor: nextCursor(cursor, listing), complete: null };
}

/** What the lap repeats is no news. */
async function news({ request }: Reading, { items }: Listing): Promise<RemoteChange[]> {
  if (items.length === 0) return [];
  const known = await request.known();
  return items
    .map((item) => named(item, request))
    .filter((change) => {
      if (change.kind === 'removed') return known.has(change.remoteId);
      const version = change.kind === 'upsert' ? change.object.version : change.version;
      return version === null || known.get(idOf(change)) !== version;
    });
}

/**
 * Lists the window. In more than one page it counts only if nothing at all changed in the agenda meanwhile: a total that
 * stays the same proves little when one appointment leaves the window and another enters it.
 */
async function* complete(reading: Reading): AsyncGenerator<PullItem> {
  const { request } = reading;
  const { window } = request;
  const { listing, seen } = await standstill(reading);
  const standing = listing.items.map((item) => named(item, request)).filter(({ kind }) => kind !== 'removed');
  const inside = new Set(standing.map(idOf));
  const changes = [...standing, ...(await elsewhere(reading, inside))];
  if (changes.length > 0) yield { type: 'changes', changes };
  const present = new Set(changes.filter(({ kind }) => kind !== 'removed').map(idOf));
  // What changed between the first look and the listing is told again by the next delta.
  yield { type: 'end', cursor: nextCursor(seen, { ...listing, items: [] }), complete: { window, present } };
}

async function standstill(reading: Reading): Promise<{ listing: Listing; seen: number }> {
  const { start, end } = reading.request.window;
  const query = { from: new Date(start).toISOString(), to: new Date(end).toISOString() };
  for (let count = 0; count < TRIES; count += 1) {
    const before = await newest(reading);
    const listing = await appointments(reading, query);
    if (listing.pages === 1 || (await newest(reading)).mark === before.mark) return { listing, seen: before.seen };
  }
  throw new ConnectorError('unavailable', 'the agenda changes while it is being listed');
}

/** The latest change of the agenda, and what would differ if there was another one. */
async function newest({ client, request, options }: Reading): Promise<{ mark: string; seen: number }> {
  const query = { agendaSettingsId: request.agendaId, sort: '-updateDate', page: 0, limit: 1 };
  const { items, total } = await client.json(pageSchema, { method: 'GET', path: ['appointments'], query }, options);
  const latest = identified.safeParse(items[0]);
  if (total > 0 && !latest.success) throw senseless(false, 200);
  const { id, updateDate } = latest.data ?? {};
  return { mark: JSON.stringify([total, id, updateDate]), seen: dateOf(items[0]) };
}

/** Appointments the hub knows that the window does not hold: moved, or cancelled, or no longer kept by the vendor. */
async function elsewhere(reading: Reading, present: ReadonlySet<string>): Promise<RemoteChange[]> {
  const missing = [...(await reading.request.known()).keys()].filter((id) => !present.has(id));
  const found: RemoteChange[] = [];
  for (let at = 0; at < missing.length; at += BY_ID) {
    const ids = missing.slice(at, at + BY_ID).join(',');
    const { items } = await appointments(reading, { ids });
    found.push(...items.map((item) => named(item, reading.request)));
  }
  return found;
}

function appointments({ client, request, options }: Reading, query: Record<string, string>): Promise<Listing> {
  const all = { ...query, agendaSettingsId: request.agendaId };
  return listAll(client, { path: ['appointments'], query: all }, (item) => identify(item).id, options);
}

/** Passing over an appointment that cannot even be named would make it look deleted. */
function identify(item: unknown): { readonly id: string } {
  const read = identified.safeParse(item);
  if (!read.success) throw senseless(false, 200);
  return read.data;
}

function named(item: unknown, { window }: PullRequest): RemoteChange {
  const change = toChange(item, window);
  if (change === null) throw senseless(false, 200);
  return change;
}

/** Never goes back, and follows what was seen rather than any clock: only a quiet agenda's follows the vendor's, from afar. */
function nextCursor(cursor: number, { items, date }: Listing): string {
  const trail = date === null ? 0 : date - TRAIL_MS;
  const latest = items.map(dateOf).reduce((a, b) => Math.max(a, b), 0);
  return new Date(Math.max(cursor, trail, latest)).toISOString();
}

/** When an item changed last, epoch milliseconds; 0 when it does not say. */
function dateOf(item: unknown): number {
  const read = identified.safeParse(item);
  const date = Date.parse(read.data?.updateDate ?? '');
  return Number.isNaN(date) ? 0 : date;
}

function parseCursor(cursor: string): number {
  const date = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(cursor) ? Date.parse(cursor) : Number.NaN;
  if (Number.isNaN(date)) throw new ConnectorError('cursor_expired', 'the cursor is not one of this backend');
  return date;
}
