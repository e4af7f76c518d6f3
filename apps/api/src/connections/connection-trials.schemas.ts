import type { Trial } from '#application';
import { line } from '#platform';
import { z } from 'zod';
import { formatInstant, instantView } from '../shared/instants.js';
import { connectionInput } from './connections.schemas.js';
import { stepSentence } from './trial-sentences.js';

const wanted = {
  agenda: line(500)
    .nullable()
    .default(null)
    .meta({ description: 'Remote agenda to try; the first one when left out.' }),
  write: z
    .boolean()
    .default(false)
    .meta({ description: 'Also create a visit on a far date, read it back and cancel it.' }),
};

export const trialInput = z.strictObject(wanted).meta({ id: 'TrialInput' });

/** An account that is tried and not kept. */
export const unkeptTrialInput = connectionInput
  .pick({ connector: true, settings: true, secrets: true })
  .extend(wanted)
  .meta({ id: 'UnkeptTrialInput' });

const sentence = z.object({ fr: z.string(), en: z.string() });

export const trialView = z
  .object({
    works: z.boolean(),
    steps: z.array(
      z.object({
        step: z.enum(['credentials', 'agendas', 'entries', 'create', 'read-back', 'cancel']),
        outcome: z.enum(['passed', 'failed', 'skipped']),
        says: sentence.meta({ description: 'What works, or what is missing, for people.' }),
        detail: z.string().nullable().meta({ description: 'What the connector says of the failure, for experts.' }),
      }),
    ),
    leftBehind: z
      .object({ agenda: z.string(), start: instantView, end: instantView })
      .nullable()
      .meta({ description: 'A visit of the trial that may still stand: look in the agenda itself.' }),
  })
  .meta({ id: 'ConnectionTrial' });

export function viewTrial({ works, steps, leftBehind }: Trial): z.input<typeof trialView> {
  return {
    works,
    steps: steps.map((step) => ({
      step: step.step,
      outcome: step.outcome,
      says: stepSentence(step),
      detail: step.failure?.message ?? null,
    })),
    leftBehind: leftBehind && {
      agenda: leftBehind.agendaId,
      start: formatInstant(leftBehind.start, 'UTC'),
      end: formatInstant(leftBehind.end, 'UTC'),
    },
  };
}
