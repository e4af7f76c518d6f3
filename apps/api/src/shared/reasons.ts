import type { Objection, Told } from '#application';
import { explainReason, remedyOf } from '#platform';
import { z } from 'zod';
import { formatInstant, instantView } from './instants.js';

const sentences = z.object({ fr: z.string(), en: z.string() });

/** One rule that speaks against a start: the same in an explanation and in a refused booking. */
export const reasonView = z
  .object({
    code: z.string(),
    messages: sentences.meta({ description: 'What speaks against it.' }),
    bookableFrom: instantView.nullable().meta({
      description: 'From then on this rule no longer speaks against it; null when time alone does not decide.',
    }),
    remedy: sentences.meta({ description: 'What would make it bookable, in local time of the agenda.' }),
    heldBy: z.string().nullable().meta({ description: 'The collaborator who holds the time.' }),
  })
  .meta({ id: 'Reason' });

export function viewReason(
  objection: Objection,
  told: Told & { readonly asOf?: number | null },
): z.input<typeof reasonView> {
  const { code, bookableFrom, heldBy = null } = objection;
  return {
    code,
    messages: explainReason(code),
    bookableFrom: bookableFrom === undefined ? null : formatInstant(bookableFrom, told.timeZone),
    remedy: remedyOf(objection, told),
    heldBy,
  };
}
