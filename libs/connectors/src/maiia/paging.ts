import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { Call, Client } from './client.js';
import { page as schema } from './schemas.js';

const LIMIT = 100;
/** Pages of one listing; an endless one is a fault of the backend, not work to be done. */
const MAX_PAGES = 1_000;
const TRIES = 4;

/** Every item of a listing, and how it was read. */
export interface Listing {
  readonly items: readonly unknown[];
  /** Pages it came in; one page is one moment. */
  readonly pages: number;
  /** When the vendor answered the first page, by its own clock; `null` when it does not say. */
  readonly date: number | null;
}

/**
 * Reads numbered pages until there are as many different items as the vendor says there are. Pages are cut anew at each
 * request, so what is written in between shifts them: a total that changes, or an item met twice, begins it anew. A page may
 * be shorter than asked for and yet not the last. Throws `unavailable` when it never holds still, or ends too early.
 */
export async function listAll(
  client: Client,
  call: Omit<Call, 'method'>,
  keyOf: (item: unknown) => string,
  options: CallOptions,
): Promise<Listing> {
  for (let count = 0; count < TRIES; count += 1) {
    const listing = await listOnce(client, call, keyOf, options);
    if (listing !== null) return listing;
  }
  throw new ConnectorError('unavailable', 'the listing changes while it is being read');
}

/** `null`: it moved while it was read. */
async function listOnce(
  client: Client,
  { path, query }: Omit<Call, 'method'>,
  keyOf: (item: unknown) => string,
  options: CallOptions,
): Promise<Listing | null> {
  const items = new Map<string, unknown>();
  let first: { readonly total: number; readonly date: number | null } | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const call: Call = { method: 'GET', path, query: { ...query, page, limit: LIMIT } };
    const { value, date } = await client.dated(schema, call, options);
    first ??= { total: value.total, date };
    const before = items.size;
    for (const item of value.items) items.set(keyOf(item), item);
    const moved = value.total !== first.total || items.size - before !== value.items.length;
    if (moved || items.size > first.total) return null;
    if (items.size === first.total) return { items: [...items.values()], pages: page + 1, date: first.date };
    if (value.items.length === 0) return null;
  }
  throw new ConnectorError('unavailable', 'the backend sends pages without end');
}
