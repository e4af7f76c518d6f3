import { ConnectorError, type PullItem } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import { isKind, senseless } from './errors.js';
import { cut, hash } from './mapping.js';
import type { Reading } from './requests.js';
import { freeBusy } from './schemas.js';

/** Longest range of one question; more is refused with 400. */
const RANGE_MS = 90 * 86_400_000;
const PREFIX = 'busy:';

/**
 * What is left where only free and busy may be seen: every busy interval of the window as an object of its own, read
 * completely each time. Not for a calendar that was read with more rights before: all its events would look deleted.
 */
export async function* busyOnly(
  { client, request, options }: Reading,
  refused: ConnectorError,
): AsyncGenerator<PullItem> {
  const known = await request.known();
  if ([...known.keys()].some((id) => !id.startsWith(PREFIX))) throw refused;
  const { agendaId, window } = request;
  const changes: RemoteChange[] = [];
  for (let start = window.start; start < window.end; start += RANGE_MS) {
    const end = Math.min(start + RANGE_MS, window.end);
    const requestBody = {
      timeMin: new Date(start).toISOString(),
      timeMax: new Date(end).toISOString(),
      items: [{ id: agendaId }],
    };
    const answer = await client
      .read(freeBusy, (api, via) => api.freebusy.query({ requestBody }, via), options)
      .catch((error: unknown) => {
        throw isKind(error, 'forbidden') ? refused : error;
      });
    const calendar = answer.calendars[agendaId];
    if (calendar === undefined) throw senseless(false, 200);
    const reason = calendar.errors?.[0]?.reason;
    if (reason === 'notFound')
      throw new ConnectorError('not_found', 'Google does not know this calendar', { status: 404 });
    if (calendar.errors?.length) throw refused;
    for (const busy of calendar.busy) changes.push(...asObject(Date.parse(busy.start), Date.parse(busy.end)));
  }
  if (changes.length > 0) yield { type: 'changes', changes };
  const present = new Set(changes.flatMap((change) => (change.kind === 'upsert' ? [change.object.remoteId] : [])));
  yield { type: 'end', cursor: null, complete: { window, present } };
}

function asObject(start: number, end: number): RemoteChange[] {
  return cut({ start, end }, null).map((when) => ({
    kind: 'upsert',
    object: {
      remoteId: `${PREFIX}${String(start)}-${String(end)}`,
      version: null,
      contentHash: hash([start, end]),
      reference: null,
      when,
      recurring: false,
      busy: [when],
      summary: null,
      modifiedAt: null,
    },
  }));
}
