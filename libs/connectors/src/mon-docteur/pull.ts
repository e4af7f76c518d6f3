import { ConnectorError, type CallOptions, type PullItem, type PullRequest } from '#connector-sdk';
import { overlaps, type RemoteChange } from '#domain';
import type { Client } from './client.js';
import type { Settings } from './config.js';
import { isAgendaGone, senseless } from './errors.js';
import { toChange } from './mapping.js';
import { lengthOf, spansOf } from './times.js';
import type { Element } from './xml.js';

/** Days that one dump may hold. */
export const MAX_DAYS = 31;

interface Reading {
  readonly client: Client;
  readonly settings: Settings;
  readonly request: PullRequest;
  readonly options: CallOptions;
}

/** Dumps every day that the window touches. What is deleted is simply not there: each day tells how much it holds. */
export async function* pull(reading: Reading): AsyncGenerator<PullItem> {
  const { settings, request } = reading;
  const { window } = request;
  const present = new Set<string>();
  for (const span of spansOf(window, settings.timeZone, MAX_DAYS)) {
    const changes: RemoteChange[] = [];
    for (const change of await dumped(reading, span)) {
      const id = change.kind === 'upsert' ? change.object.remoteId : change.remoteId;
      // One that lasts past midnight stands in both days.
      if (present.has(id) || !reaches(change, window)) continue;
      present.add(id);
      changes.push(change);
    }
    if (changes.length > 0) yield { type: 'changes', changes };
  }
  yield { type: 'end', cursor: null, complete: { window, present } };
}

async function dumped(
  { client, settings, request, options }: Reading,
  span: readonly [string, string],
): Promise<RemoteChange[]> {
  const { agendaId: Agenda, window } = request;
  const [Du, Au] = span;
  const days = await client.ask('journees', { Agenda, Du, Au }, options).catch((error: unknown) => {
    throw isAgendaGone(error) ? new ConnectorError('not_found', error.message) : error;
  });
  const dates = new Set(days.map(({ attributes }) => attributes['date']));
  if (dates.size !== lengthOf(span) || !dates.has(Du) || !dates.has(Au)) throw senseless(false);
  return days.flatMap((day) => {
    refuseOtherZone(day, settings);
    if (day.name !== 'Journee' || day.attributes['nombre'] !== String(day.children.length)) throw senseless(false);
    return day.children.map((element) => {
      const change = toChange(element, settings.timeZone, window);
      // Passing over an appointment that cannot even be named would make it look deleted.
      if (element.name !== 'Rdv' || change === null) throw senseless(false);
      return change;
    });
  });
}

/** Local times of another zone than the one in the settings would all be wrong, and look right. */
function refuseOtherZone({ attributes }: Element, { timeZone }: Settings): void {
  const told = attributes['fuseau'];
  if (told === undefined || told === timeZone) return;
  throw new ConnectorError('invalid', 'the agenda has another time zone than the settings say: correct it there');
}

function reaches(change: RemoteChange, window: PullRequest['window']): boolean {
  return change.kind !== 'upsert' || (change.object.when !== null && overlaps(change.object.when, window));
}
