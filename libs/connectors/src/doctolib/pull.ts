import { ConnectorError, type CallOptions, type PullItem, type PullRequest } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import type { Client } from './client.js';
import { AgendaGone } from './errors.js';
import { toChange } from './mapping.js';
import type { Practice } from './practice.js';
import { listing } from './schemas.js';
import { daysAround, walk } from './windows.js';

export const LISTING = '/partner/v1/appointments';
/** Appointments asked for by number in one request. */
const BY_NUMBER = 100;

/** Where rows come from. */
export interface Source {
  readonly client: Client;
  readonly practice: Practice;
  readonly options: CallOptions;
}

interface Reading extends Source {
  readonly request: PullRequest;
}

/** Reads the whole window; there is no delta, and deletions are rows with a status. */
export async function* pull(reading: Reading): AsyncGenerator<PullItem> {
  try {
    yield* complete(reading);
  } catch (error) {
    if (error instanceof AgendaGone) throw new ConnectorError('not_found', error.message);
    throw error;
  }
}

async function* complete(reading: Reading): AsyncGenerator<PullItem> {
  const { practice, request, options } = reading;
  // What the practice has set up is read anew before each walk: agendas may have other numbers by now.
  await practice.read(options);
  const known = await request.known();
  const present = new Set<string>();
  const told = (changes: readonly RemoteChange[]): RemoteChange[] =>
    changes.filter((change) => {
      if (change.kind !== 'removed') present.add(idOf(change));
      return known.has(idOf(change)) || concerns(change);
    });
  for await (const rows of listed(reading, request)) {
    const changes = told(rows);
    if (changes.length > 0) yield { type: 'changes', changes };
  }
  for await (const rows of elsewhere(
    reading,
    [...known.keys()].filter((id) => !present.has(id)),
  )) {
    const changes = told(rows);
    if (changes.length > 0) yield { type: 'changes', changes };
  }
  yield { type: 'end', cursor: null, complete: { window: request.window, present } };
}

/** Whether what was not known before is worth telling: windows hold whole days, and more of them than were asked for. */
function concerns(change: RemoteChange): boolean {
  return change.kind === 'upsert' ? change.object.busy.length > 0 : change.kind === 'unreadable';
}

/** The rows of an agenda, window by window; those of the days around as well. */
export function listed(
  { client, practice, options }: Source,
  { agendaId, window }: Pick<PullRequest, 'agendaId' | 'window'>,
): AsyncGenerator<readonly RemoteChange[]> {
  return walk(daysAround(window), (start_date, limit) =>
    practice.on(agendaId, options, async (_directory, agenda) => {
      const query = { agenda_ids: agenda.id, start_date, limit };
      const page = await client.json(listing, { method: 'GET', path: LISTING, query }, options);
      const rows = page.appointments.flatMap((item) => toChange(item, window) ?? []);
      return { rows, isEmpty: page.appointments.length === 0, next: page.next_appointment ?? null };
    }),
  );
}

/**
 * What the hub knows and the windows did not hold: moved out of them, or moved from one to another while they were being
 * read. Only the vendor's own word, by number, makes it a deletion.
 */
async function* elsewhere(
  { client, practice, request, options }: Reading,
  missing: readonly string[],
): AsyncGenerator<RemoteChange[]> {
  const numbers = missing.filter((id) => /^\d{1,15}$/.test(id));
  for (let at = 0; at < numbers.length; at += BY_NUMBER) {
    const query = { ids: numbers.slice(at, at + BY_NUMBER).join('-') };
    const page = await client.json(listing, { method: 'GET', path: LISTING, query }, options);
    const agenda = await practice.on(request.agendaId, options, (_directory, it) => Promise.resolve(it));
    yield page.appointments.flatMap((item) => toChange(item, request.window, agenda.id) ?? []);
  }
}

function idOf(change: RemoteChange): string {
  return change.kind === 'upsert' ? change.object.remoteId : change.remoteId;
}
