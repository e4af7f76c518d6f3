import { ConnectorError, type CallOptions, type PullItem, type PullRequest } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import { proveAgenda } from './access.js';
import type { Client, Condition } from './client.js';
import { AgendaGone, senseless } from './errors.js';
import { earlier, localOf } from './local-time.js';
import { readRecord, type Read, type Understanding } from './mapping.js';
import { identified } from './schemas.js';

const PAGE = 100;
/** Pages of one pull; a collection without end is a fault of the backend, not work to be done. */
const MAX_PAGES = 2_000;
const DAY = 86_400_000;
/**
 * What was changed so long before the latest change is asked for again: `updated_at` is a local time to the second, which
 * goes back an hour each autumn, and a change may be stored a little after its time.
 */
const LAP = 65 * 60_000;
/** Cursor of an agenda in which nothing was ever written. */
const NEVER = '2000-01-01 00:00:00';

interface Reading {
  readonly client: Client;
  readonly email: string;
  readonly understanding: Understanding;
  readonly request: PullRequest;
  readonly options: CallOptions;
}

/** Reads what was changed since the cursor, or everything in the window. */
export async function* pull(reading: Reading): AsyncGenerator<PullItem> {
  const { client, email, request, options } = reading;
  const { agendaId, cursor } = request;
  if (cursor !== null && localOf(cursor) === null)
    throw new ConnectorError('cursor_expired', 'the cursor is not one of this backend');
  try {
    await proveAgenda(client, { email, agendaId }, options);
  } catch (error) {
    if (error instanceof AgendaGone) throw new ConnectorError('not_found', error.message);
    throw error;
  }
  if (cursor === null) yield* complete(reading);
  else yield* delta(reading, cursor);
}

async function* delta(reading: Reading, cursor: string): AsyncGenerator<PullItem> {
  const known = await reading.request.known();
  const rows = await changedSince(reading, cursor);
  const changes = [...rows.values()].map(({ change }) => change).filter((change) => isNews(change, known));
  if (changes.length > 0) yield { type: 'changes', changes };
  yield { type: 'end', cursor: latest([...rows.values()], cursor), complete: null };
}

/** Lists the window, then what was changed since it began: the listing is then complete as of its end. */
async function* complete(reading: Reading): AsyncGenerator<PullItem> {
  const began = await newest(reading);
  const listed = new Map<number, RemoteChange>();
  for (const { id, change } of await inWindow(reading)) listed.set(id, change);
  const meanwhile = await changedSince(reading, began);
  // What was changed long before, beyond the window, is not asked about.
  for (const [id, { change }] of meanwhile) if (listed.has(id) || touches(change, reading)) listed.set(id, change);
  const changes = [...listed.values()].filter(({ kind }) => kind !== 'removed');
  if (changes.length > 0) yield { type: 'changes', changes };
  const present = new Set([...listed].filter(([, { kind }]) => kind !== 'removed').map(([id]) => String(id)));
  const cursor = latest([...meanwhile.values()], began);
  yield { type: 'end', cursor, complete: { window: reading.request.window, present } };
}

function touches(change: RemoteChange, { request: { window } }: Reading): boolean {
  if (change.kind !== 'upsert') return change.kind === 'unreadable';
  const { when } = change.object;
  return when !== null && when.start < window.end && window.start < when.end;
}

/** The time of the latest change in the agenda, by the backend's own clock. */
async function newest({ client, request, options }: Reading): Promise<string> {
  const query = {
    conditions: [],
    calendarId: request.agendaId,
    sort: { by: 'updated_at', dir: 'desc' },
    results: 1,
  } as const;
  const { records } = await client.list('vevents', query, options);
  if (records[0] === undefined) return NEVER;
  const read = identified.safeParse(records[0]);
  return read.success ? read.data.updated_at : unnamed();
}

/** Page by page in the order of ids, which no edit changes: a page boundary can then lose nothing. */
async function inWindow(reading: Reading): Promise<readonly Read[]> {
  const { window } = reading.request;
  const { time } = reading.understanding;
  // A day more on either side: local times are compared as text.
  const conditions: Condition[] = [
    ['start', '<', time.text(window.end + DAY)],
    ['end', '>', time.text(window.start - DAY)],
  ];
  const found: Read[] = [];
  for (let count = 0, after = 0; count < MAX_PAGES; count += 1) {
    const page = await rowsOf(reading, [...conditions, ['id', '>', after]], { by: 'id', results: PAGE });
    found.push(...page.rows);
    if (page.rows.length >= page.total) return found;
    const last = page.rows.at(-1)?.id ?? after;
    if (last <= after) throw senseless(false, 200);
    after = last;
  }
  throw new ConnectorError('unavailable', 'the backend sends pages without end');
}

/**
 * Everything changed since a local time, by id, in the order of changes: what is changed meanwhile comes again at the end,
 * and nothing slips from one page to another. Rows of one second come with the page on which that second begins.
 */
async function changedSince(reading: Reading, since: string): Promise<Map<number, Read>> {
  const found = new Map<number, Read>();
  let from = earlier(since, LAP);
  let results = PAGE;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const page = await rowsOf(reading, [['updated_at', '>=', from]], { by: 'updated_at', results });
    for (const row of page.rows) found.set(row.id, row);
    if (page.rows.length >= page.total) return found;
    const last = latest(page.rows, from);
    // More in one second than fit on a page.
    results = last === from ? results * 2 : PAGE;
    from = last;
  }
  throw new ConnectorError('unavailable', 'the backend sends pages without end');
}

async function rowsOf(
  { client, request, understanding, options }: Reading,
  conditions: readonly Condition[],
  { by, results }: { readonly by: string; readonly results: number },
): Promise<{ readonly rows: readonly Read[]; readonly total: number }> {
  const query = { conditions, calendarId: request.agendaId, sort: { by, dir: 'asc' }, results } as const;
  const { records, total } = await client.list('vevents', query, options);
  const rows = records.map((record) => readRecord(record, understanding, request.window));
  // Passing over a row that cannot even be named would make it look deleted.
  return { rows: rows.map((row) => row ?? unnamed()), total };
}

function unnamed(): never {
  throw senseless(false, 200);
}

/** Not what is known as it stands, nor the removal of what nobody knows. */
function isNews(change: RemoteChange, known: ReadonlyMap<string, string | null>): boolean {
  if (change.kind === 'removed') return known.has(change.remoteId);
  const [id, version] =
    change.kind === 'upsert' ? [change.object.remoteId, change.object.version] : [change.remoteId, null];
  return version === null || known.get(id) !== version;
}

function latest(rows: readonly Read[], since: string): string {
  return rows.reduce(
    (last, { updatedAt }) => (localOf(updatedAt) !== null && updatedAt > last ? updatedAt : last),
    since,
  );
}
