import type { MotifRecord } from '#application';
import { z } from 'zod';
import { idInput, idView } from '../shared/ids.js';
import { pageQuery, pageView } from '../shared/paging.js';

export const motifsQuery = z.strictObject({
  ...pageQuery,
  agenda: idInput.optional().meta({ description: 'Only motifs that this agenda offers.' }),
});

const motifView = z
  .object({
    id: idView,
    label: z.object({ fr: z.string(), en: z.string() }),
    durationMinutes: z.int(),
    bufferBeforeMinutes: z.int(),
    bufferAfterMinutes: z.int(),
    granularityMinutes: z.int().meta({ description: 'Starts lie at multiples of this from the start of an opening.' }),
    agendas: z.array(idView).meta({ description: 'Agendas on which it may be booked.' }),
  })
  .meta({ id: 'Motif' });

export const motifPage = pageView('MotifPage', motifView);

export function viewMotif({ labelFr, labelEn, agendaIds, ...motif }: MotifRecord): z.input<typeof motifView> {
  return { ...motif, label: { fr: labelFr, en: labelEn }, agendas: [...agendaIds] };
}
