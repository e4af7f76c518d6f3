import type { Refusal } from '#application';
import { Problem, type InputFault, type ProblemSlug } from '#platform';
import { viewAlternative } from '../slots/slots.schemas.js';

/** How each refusal is answered; `path` names the field that named what is not known. */
const PROBLEMS_OF: Readonly<Record<Refusal['problem'], { slug: ProblemSlug; path?: string }>> = {
  taken: { slug: 'slot-taken' },
  rule: { slug: 'rule-refused' },
  'agenda-unreachable': { slug: 'agenda-unreachable' },
  'agenda-unknown': { slug: 'not-found', path: 'body.agenda' },
  'motif-unknown': { slug: 'not-found', path: 'body.motif' },
  'appointment-unknown': { slug: 'not-found' },
  'hold-unknown': { slug: 'not-found', path: 'body.hold' },
  'hold-ended': { slug: 'hold-ended' },
  'version-stale': { slug: 'stale-version' },
  'write-in-progress': { slug: 'appointment-busy' },
  'appointment-ended': { slug: 'appointment-ended' },
  'idempotency-key-reused': { slug: 'idempotency-key-reused' },
  'idempotency-in-progress': { slug: 'idempotency-in-progress' },
};

/** A refusal as the problem it is answered with. */
export function toProblem({ problem, code, retryAfterMs, alternatives, record }: Refusal): Problem {
  const { slug, path } = PROBLEMS_OF[problem];
  const errors: InputFault[] | undefined = path === undefined ? undefined : [{ path, message: 'is not known' }];
  const extra = {
    ...(alternatives === undefined ? {} : { alternatives: alternatives.map(viewAlternative) }),
    ...(record === undefined ? {} : { appointment: { id: record.id, status: record.status, version: record.version } }),
  };
  return new Problem(slug, { code, errors, retryAfterMs, extra });
}
