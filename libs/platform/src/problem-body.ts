import { z } from 'zod';
import { PROBLEMS, problemType } from './problems.js';
import type { Problem } from './problems.js';
import { explainReason } from './reasons.js';

const sentence = z.object({ fr: z.string(), en: z.string() });

/** The shape of every error answer (RFC 9457), `application/problem+json`. */
export const problemSchema = z
  .looseObject({
    type: z.string().meta({ description: 'Stable identifier of the kind of problem.' }),
    title: z.string().meta({ description: 'The kind of problem, in the language asked for.' }),
    status: z.int(),
    requestId: z.string().meta({ description: 'Also in X-Request-Id and in the logs.' }),
    code: z.string().optional().meta({ description: 'Reason code.' }),
    messages: sentence.meta({ description: 'What to tell the user, in both languages.' }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Every fault of the input.' }),
  })
  .meta({ id: 'Problem' });

/** True when the client would rather read English. French is the house language. */
function prefersEnglish(acceptLanguage: string | undefined): boolean {
  if (acceptLanguage === undefined) return false;
  const french = acceptLanguage.search(/\bfr\b/i);
  const english = acceptLanguage.search(/\ben\b/i);
  return english !== -1 && (french === -1 || english < french);
}

export function problemBody(
  problem: Problem,
  requestId: string,
  acceptLanguage: string | undefined,
): Record<string, unknown> {
  const { code, errors, extra } = problem.options;
  const { status, fr, en } = PROBLEMS[problem.slug];
  return {
    type: problemType(problem.slug),
    title: prefersEnglish(acceptLanguage) ? en : fr,
    status,
    requestId,
    messages: code === undefined ? { fr, en } : explainReason(code),
    ...(code === undefined ? {} : { code }),
    ...(errors === undefined ? {} : { errors }),
    ...extra,
  };
}
