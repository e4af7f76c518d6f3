import type { AgendaRules, Kept, OpeningRule } from '#application';
import { z } from 'zod';
import { idView } from '../shared/ids.js';
import { pageView } from '../shared/paging.js';
import {
  audience,
  audiencesInput,
  checkRecurrence,
  motifsInput,
  recurrenceInput,
  recurrenceOf,
  recurrenceView,
  ruleHead,
} from '../shared/rule-fields.js';

const what = {
  motifs: 'What can be booked there; null: every motif of the agenda.',
  audiences: 'Who may book there; null: everybody.',
  capacity: 'Visits at once; null: as many as the agenda has seats.',
};

export const openingInput = z
  .strictObject({
    ...recurrenceInput,
    motifs: motifsInput.min(1).nullable().default(null).meta({ description: what.motifs }),
    audiences: audiencesInput.nullable().default(null).meta({ description: what.audiences }),
    capacity: z.int().min(1).max(50).nullable().default(null).meta({ description: what.capacity }),
  })
  .superRefine(checkRecurrence)
  .meta({ id: 'NewOpening' });

export const openingView = z
  .object({
    ...ruleHead,
    ...recurrenceView,
    motifs: z.array(idView).nullable().meta({ description: what.motifs }),
    audiences: z.array(audience).nullable().meta({ description: what.audiences }),
    capacity: z.int().nullable().meta({ description: what.capacity }),
  })
  .meta({ id: 'Opening' });

export const openingPage = pageView('OpeningPage', openingView);

export function toOpening(
  { motifs, audiences, capacity, ...given }: z.output<typeof openingInput>,
  { timeZone }: AgendaRules,
): OpeningRule {
  return { ...recurrenceOf(given, timeZone), motifIds: motifs, audiences, capacity };
}

export const OPENINGS = {
  kind: 'opening' as const,
  name: 'openings',
  input: openingInput,
  shown: openingView,
  page: openingPage,
  read: toOpening,
  view: ({ id, version, rule }: Kept<'opening'>, { agendaId }: AgendaRules): z.input<typeof openingView> => {
    const { motifIds, audiences, except, ...rest } = rule;
    return {
      ...{ id, agenda: agendaId, version, ...rest },
      except: [...except],
      motifs: motifIds && [...motifIds],
      audiences: audiences && [...audiences],
    };
  },
};
