import { ConnectorError, type CallOptions } from '#connector-sdk';
import { z } from 'zod';
import type { Call, Client } from './client.js';
import { senseless } from './errors.js';
import { page as pageSchema } from './schemas.js';

const MAX_PAGES = 2_000;
const MAX_ATTEMPTS = 4;

const named = z.object({ id: z.int() });

/** A collection to be read whole. */
export interface Collection {
  readonly path: string;
  /** Under which name the answer holds it. */
  readonly root: 'absences' | 'agents' | 'rdvs';
  readonly query?: Call['query'];
}

/**
 * Reads every page of a collection. Pages are cut by place in the list, and nothing holds the list still: when something
 * is added or removed meanwhile, an item slips over a page's edge, unseen or seen twice. So the whole is believed only if
 * every page tells the same total and that many different ids were seen; else it is read again.
 */
export async function wholeOf(client: Client, collection: Collection, options: CallOptions): Promise<unknown[]> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const items = await attemptOf(client, collection, options);
    if (items !== null) return items;
  }
  throw new ConnectorError('unavailable', 'the list changed each time it was read');
}

async function attemptOf(
  client: Client,
  { path, root, query = {} }: Collection,
  options: CallOptions,
): Promise<unknown[] | null> {
  const items = new Map<number, unknown>();
  let total: number | null = null;
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const answer = await client.json(pageSchema, { method: 'GET', path, query: { ...query, page } }, options);
    const { current_page, total_pages, total_count } = answer.meta;
    const listed = answer[root];
    if (listed === undefined || current_page !== page) throw senseless(false, 200);
    total ??= total_count;
    if (total !== total_count) return null;
    for (const item of listed) items.set(idOf(item), item);
    if (page >= total_pages) return items.size === total ? [...items.values()] : null;
  }
  throw new ConnectorError('unavailable', 'the backend sends pages without end');
}

/** Passing over an item that cannot even be named would make it look deleted. */
function idOf(item: unknown): number {
  const read = named.safeParse(item);
  if (!read.success) throw senseless(false, 200);
  return read.data.id;
}
