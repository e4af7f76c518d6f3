import type { Disconnection } from '#application';
import { z } from 'zod';
import { idView } from '../shared/ids.js';
import { formatInstant, instantView } from '../shared/instants.js';

const count = z.int();

export const disconnectionView = z
  .object({
    link: idView,
    agenda: idView,
    connection: idView,
    remoteAgenda: z.string(),
    remote: z.enum(['keep', 'remove']),
    state: z.enum(['removing', 'done']),
    at: instantView,
    endedAt: instantView.nullable(),
    nextAt: instantView.nullable(),
    lastError: z.object({ kind: z.string(), message: z.string() }).nullable(),
    counts: z
      .object({ due: count, removed: count, kept: count, left: count })
      .meta({ description: '`kept`: as was asked, or over. `left`: could not be removed.' }),
    staying: z
      .array(
        z.object({
          appointment: idView,
          remoteId: z.string().nullable().meta({ description: 'null: it may never have arrived there.' }),
          start: instantView,
          end: instantView,
          state: z.enum(['kept', 'left']),
        }),
      )
      .meta({ description: 'What stays in the practitioner’s agenda; the first 500 in order of time.' }),
  })
  .meta({ id: 'Disconnection' });

export function viewDisconnection(stands: Disconnection, timeZone: string): z.input<typeof disconnectionView> {
  const at = (value: number | null): string | null => (value === null ? null : formatInstant(value, timeZone));
  const { linkId, agendaId, connectionId, remoteAgendaId, staying, ...rest } = stands;
  return {
    ...rest,
    link: linkId,
    agenda: agendaId,
    connection: connectionId,
    remoteAgenda: remoteAgendaId,
    at: formatInstant(stands.at, timeZone),
    endedAt: at(stands.endedAt),
    nextAt: at(stands.nextAt),
    staying: staying.map(({ appointmentId, remoteId, start, end, state }) => ({
      appointment: appointmentId,
      remoteId,
      start: formatInstant(start, timeZone),
      end: formatInstant(end, timeZone),
      state: state === 'kept' ? 'kept' : 'left',
    })),
  };
}
