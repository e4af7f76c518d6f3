import type { CallOptions, PullItem, PullRequest } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import { noExport } from './errors.js';
import { identified, versionOf, type Identified } from './identity.js';
import { toRemoteObject, type Reader } from './reader.js';

/** Reads the latest export; what is in it and not known as it is, is told. */
export async function* pull(reader: Reader, request: PullRequest, options: CallOptions): AsyncGenerator<PullItem> {
  const { agendaId, window } = request;
  const snapshot = await reader.snapshot(agendaId, window, options);
  const listed = {
    start: Math.max(window.start, snapshot.window.start),
    end: Math.min(window.end, snapshot.window.end),
  };
  if (listed.start >= listed.end) throw noExport('the export covers none of the time that is wanted');
  const known = await request.known();
  const rows = identified(snapshot.rows, known);
  const changes = rows.flatMap((row) => news(row, known, request) ?? []);
  if (changes.length > 0) yield { type: 'changes', changes };
  yield { type: 'end', cursor: null, complete: { window: listed, present: new Set(rows.map(({ id }) => id)) } };
}

function news(
  identity: Identified,
  known: ReadonlyMap<string, string | null>,
  { window }: PullRequest,
): RemoteChange | null {
  const { id, row } = identity;
  const version = versionOf(row);
  if (row.kind === 'unreadable')
    return { kind: 'unreadable', remoteId: id, version: null, reason: row.reason, raw: row.raw };
  const object = toRemoteObject(identity, window);
  if (object === null) return null;
  const { when } = object;
  const whole = when !== null && when.start >= window.start && when.end <= window.end && !row.recurring;
  // What the window cuts may be cut elsewhere today.
  return whole && known.get(id) === version ? null : { kind: 'upsert', object };
}
