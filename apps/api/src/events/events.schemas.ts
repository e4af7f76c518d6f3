import type { EventRecord } from '#application';
import { wholeNumber } from '#platform';
import { z } from 'zod';
import { idView } from '../shared/ids.js';
import { formatInstant, instantView } from '../shared/instants.js';

const cursor = z.string().max(200);

export const eventsQuery = z.strictObject({
  after: cursor.optional().meta({
    description: 'Id of the last event that is known; without it from the beginning (JSON) or from now on (stream).',
  }),
  limit: wholeNumber(1, 500).prefault('100').meta({ description: 'Most events of one page; a stream has no limit.' }),
});

export const eventView = z
  .object({
    id: z.string().meta({ description: 'Position in the log; give it as `after` or `Last-Event-ID`.' }),
    type: z.string().meta({ examples: ['appointment-confirmed'] }),
    agenda: idView.nullable(),
    subject: idView.nullable().meta({ description: 'The appointment, link or connection it is about.' }),
    actor: z
      .looseObject({ kind: z.string() })
      .meta({ description: 'Who did it: a collaborator, the practitioner in his own tool, or the hub.' }),
    at: instantView,
    data: z.record(z.string(), z.unknown()).meta({ description: 'What changed; never who the patient is.' }),
  })
  .meta({ id: 'Event' });

export const eventPage = z
  .object({
    items: z.array(eventView),
    nextCursor: z.string().nullable().meta({ description: 'Give it as `after` next, also when the page was empty.' }),
  })
  .meta({ id: 'EventPage' });

const NAMES: Readonly<Record<string, string>> = { agendaId: 'agenda', motifId: 'motif', appointmentId: 'appointment' };
const INSTANTS = new Set(['start', 'end', 'holdUntil']);

/** Fields as the API names and writes them, instead of as the database keeps them. */
function viewData(data: unknown, timeZone: string): Record<string, unknown> {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return {};
  const view = Object.entries(data).map(([name, value]: [string, unknown]) => {
    if (INSTANTS.has(name) && typeof value === 'number') return [name, formatInstant(value, timeZone)];
    if (name === 'from') return [name, viewData(value, timeZone)];
    return [NAMES[name] ?? name, value];
  });
  return Object.fromEntries(view) as Record<string, unknown>;
}

export function viewEvent(event: EventRecord, timeZone: string): z.input<typeof eventView> {
  const { cursor: id, type, agendaId, subjectId, actor, at, data } = event;
  const who =
    typeof actor === 'object' && actor !== null && 'kind' in actor
      ? { ...actor, kind: String(actor.kind) }
      : { kind: 'system' };
  return {
    id,
    type,
    agenda: agendaId,
    subject: subjectId,
    actor: who,
    at: formatInstant(at, timeZone),
    data: viewData(data, timeZone),
  };
}
