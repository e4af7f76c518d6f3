import { ConnectorError, type CallOptions, type PullItem, type PullRequest } from '#connector-sdk';
import type { Interval, RemoteChange } from '#domain';
import type { Client } from './client.js';
import { isKind, senseless } from './errors.js';
import { idOf, placeOf, toChange } from './mapping.js';
import { identified, listing } from './schemas.js';
import { parisTime } from './signing.js';

/** Less than two months, whichever they are. */
const PART_MS = 59 * 86_400_000;

/** What is read of which agenda. */
export interface Reading {
  readonly client: Client;
  readonly request: Pick<PullRequest, 'agendaId' | 'window'>;
  readonly options: CallOptions;
}

/**
 * Lists the window, two months at a time. What the hub knows inside of it that did not turn up is asked for by itself: it may
 * have been moved from a part that was still to be read to one that had been.
 */
export async function* pull(reading: Reading & { readonly request: PullRequest }): AsyncGenerator<PullItem> {
  const { window } = reading.request;
  const found = new Map<string, RemoteChange>();
  for (const part of parts(window)) for (const change of await listed(reading, part)) found.set(idOf(change), change);
  for (const change of await missing(reading, found)) found.set(idOf(change), change);
  const changes = [...found.values()].filter(({ kind }) => kind !== 'removed');
  if (changes.length > 0) yield { type: 'changes', changes };
  yield { type: 'end', cursor: null, complete: { window, present: new Set(changes.map(idOf)) } };
}

/** Windows that may be asked for at once. */
export function parts({ start, end }: Interval): Interval[] {
  const found: Interval[] = [];
  for (let at = start; at < end; at += PART_MS) found.push({ start: at, end: Math.min(end, at + PART_MS) });
  return found;
}

/** The appointments that touch one of them. */
export async function listed({ client, request, options }: Reading, part: Interval): Promise<RemoteChange[]> {
  const query = { agenda_id: request.agendaId, start_date: parisTime(part.start), end_date: parisTime(part.end) };
  try {
    const { appointments } = await client.json(listing, { method: 'GET', path: ['appointments'], query }, options);
    return appointments.map((item) => named(item, request));
  } catch (error) {
    // A listing is not found when its agenda is not.
    if (isKind(error, 'not_found')) throw new ConnectorError('not_found', 'the backend does not know this agenda');
    throw error;
  }
}

async function missing(
  { client, request, options }: Reading & { readonly request: PullRequest },
  found: ReadonlyMap<string, RemoteChange>,
): Promise<RemoteChange[]> {
  const changes: RemoteChange[] = [];
  for (const [id, version] of await request.known()) {
    if (found.has(id) || !mayStandIn(request.window, version)) continue;
    try {
      const item = await client.json(identified.loose(), { method: 'GET', path: ['appointments', id] }, options);
      changes.push(named(item, request));
    } catch (error) {
      if (!isKind(error, 'not_found')) throw error;
    }
  }
  return changes;
}

function mayStandIn({ start, end }: Interval, version: string | null): boolean {
  const place = placeOf(version);
  return place === null || (place.start < end && start < place.end);
}

/** Passing over an appointment that cannot even be named would make it look deleted. */
function named(item: unknown, { window }: Pick<PullRequest, 'window'>): RemoteChange {
  const change = toChange(item, window);
  if (change === null) throw senseless(false, 200);
  return change;
}
