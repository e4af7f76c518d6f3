import type { AgendaRecord } from '#application';
import { z } from 'zod';
import { freshnessFields, freshnessView } from '../shared/freshness.js';
import { idView } from '../shared/ids.js';
import { timeZoneView } from '../shared/instants.js';
import { pageQuery, pageView } from '../shared/paging.js';

export const agendasQuery = z.strictObject(pageQuery);

const agendaView = z
  .object({
    id: idView,
    name: z.string(),
    practitioner: z.object({
      id: idView,
      displayName: z.string(),
      speciality: z.string(),
      rpps: z.string().nullable(),
    }),
    location: z.object({ id: idView, name: z.string(), timeZone: timeZoneView }),
    capacity: z.int().meta({ description: 'Appointments that may stand at one time.' }),
    master: z
      .enum(['hub', 'remote'])
      .meta({ description: 'Who has the last word: the hub, or the practitioner’s own tool.' }),
    active: z.boolean(),
    ...freshnessFields,
  })
  .meta({ id: 'Agenda' });

export const agendaPage = pageView('AgendaPage', agendaView);

export function viewAgenda({ freshness, ...agenda }: AgendaRecord): z.input<typeof agendaView> {
  return { ...agenda, ...freshnessView(freshness, agenda.location.timeZone) };
}
