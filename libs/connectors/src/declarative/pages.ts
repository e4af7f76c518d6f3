import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { Call, Client } from './client.js';
import { unlike } from './errors.js';
import type { Listing } from './parts.js';
import { at } from './paths.js';
import { textOf } from './mapping.js';

/** Pages of one listing; one without end is a fault of the backend, not work to be done. */
const MAX_PAGES = 2_000;

/** Part of a listing. */
export interface Page {
  readonly items: readonly unknown[];
  /** The whole answer. */
  readonly answer: unknown;
}

/** One listing as it is carried out. */
export interface Walk {
  readonly client: Client;
  readonly options: CallOptions;
  /** Which part of the document this is. */
  readonly where: string;
  readonly listing: Listing;
  readonly values: Call['values'];
}

/** The entries changed places while they were listed by page: what was listed says nothing. */
export class Drifted extends ConnectorError {
  constructor() {
    super('unavailable', 'the list changed while it was being read');
  }
}

/** Every page of a listing. A listing that breaks off, or contradicts itself, throws. */
export async function* pages(walk: Walk): AsyncGenerator<Page> {
  const { paging } = walk.listing;
  if (paging.kind === 'none') yield await page(walk, {});
  else if (paging.kind === 'cursor') yield* byCursor(walk, paging);
  else yield* byNumber(walk, paging);
}

type Paging<Kind extends Listing['paging']['kind']> = Extract<Listing['paging'], { kind: Kind }>;

async function* byCursor(walk: Walk, { parameter, next }: Paging<'cursor'>): AsyncGenerator<Page> {
  let cursor: string | undefined;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const one = await page(walk, cursor === undefined ? {} : { [parameter]: cursor });
    yield one;
    const said = at(one.answer, next);
    if (said === undefined || said === null || said === '') return;
    const following = textOf(said);
    if (following === null || following === cursor) throw unlike(`${walk.where}.paging.next`, { write: false });
    cursor = following;
  }
  throw endless();
}

/** What the answers say that there is; `undefined` where they do not say. */
interface Promised {
  readonly pages: number | undefined;
  readonly total: number | undefined;
}

/**
 * Goes on until as many pages or items came as the answers say; where they do not say, until a page is empty. A short page
 * ends nothing: servers send fewer items than were asked for.
 */
async function* byNumber(walk: Walk, paging: Paging<'page'>): AsyncGenerator<Page> {
  let seen = 0;
  let before: Promised | undefined;
  for (let count = 1; count <= MAX_PAGES; count += 1) {
    const one = await page(walk, { [paging.parameter]: paging.first + count - 1 });
    const promised = { pages: counted(walk, one, 'pages'), total: counted(walk, one, 'total') };
    if (before !== undefined && (before.pages !== promised.pages || before.total !== promised.total))
      throw new Drifted();
    before = promised;
    seen += one.items.length;
    if (one.items.length > 0) yield one;
    if (isLast(promised, { count, seen, empty: one.items.length === 0 })) return;
  }
  throw endless();
}

/** Throws when the answers contradict themselves: an empty page before the last, or another number of items. */
function isLast(
  { pages: wanted, total }: Promised,
  { count, seen, empty }: { readonly count: number; readonly seen: number; readonly empty: boolean },
): boolean {
  if (wanted === undefined && total === undefined) return empty;
  const over = wanted === undefined ? seen >= (total ?? 0) : count >= wanted;
  if (over && total !== undefined && seen !== total) throw new Drifted();
  if (!over && empty) throw new Drifted();
  return over;
}

function counted({ listing, where }: Walk, { answer }: Page, name: 'pages' | 'total'): number | undefined {
  const path = listing.paging.kind === 'page' ? listing.paging[name] : undefined;
  if (path === undefined) return undefined;
  const value = at(answer, path);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
    throw unlike(`${where}.paging.${name}`, { write: false });
  return value;
}

async function page(
  { client, options, where, listing, values }: Walk,
  more: Readonly<Record<string, string | number>>,
): Promise<Page> {
  const { path, query } = listing;
  const answer = await client.json(where, { method: 'GET', path, query, more, values }, options);
  const items = at(answer, listing.items);
  if (!Array.isArray(items)) throw unlike(`${where}.items`, { write: false });
  return { items: items as unknown[], answer };
}

function endless(): ConnectorError {
  return new ConnectorError('unavailable', 'the backend sends pages without end');
}
