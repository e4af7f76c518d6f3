import type { AppointmentRecord, Refusal } from '#application';
import { Problem, type InputFault, type ProblemSlug } from '#platform';
import { viewReason } from '../shared/reasons.js';
import { viewAlternative } from '../slots/slots.schemas.js';

/** How each refusal is answered; `path` names the field that named what is not known. */
const PROBLEMS_OF: Readonly<Record<Refusal['problem'], { slug: ProblemSlug; path?: string }>> = {
  taken: { slug: 'slot-taken' },
  rule: { slug: 'rule-refused' },
  double: { slug: 'patient-double' },
  unanswered: { slug: 'answers-required' },
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
export function toProblem(refusal: Refusal): Problem {
  const { problem, code, retryAfterMs, alternatives, record, refusals, told, doubles, questions } = refusal;
  const { slug, path } = PROBLEMS_OF[problem];
  const unknown: InputFault[] = path === undefined ? [] : [{ path, message: 'is not known' }];
  const unanswered = questions?.map(({ id }) => ({ path: `body.answers.${id}`, message: 'is required' }));
  const faults = unanswered ?? unknown;
  const errors = faults.length === 0 ? undefined : faults;
  const extra = {
    ...(refusals && told ? { reasons: refusals.map((one) => viewReason(one, told)) } : {}),
    ...(doubles === undefined ? {} : { doubles: doubles.map(viewDouble) }),
    ...(questions === undefined ? {} : { questions }),
    ...(alternatives === undefined ? {} : { alternatives: alternatives.map(viewAlternative) }),
    ...(record === undefined ? {} : { appointment: { id: record.id, status: record.status, version: record.version } }),
  };
  return new Problem(slug, { code, errors, retryAfterMs, extra });
}

function viewDouble({ id, agendaId, motifId, start, status }: AppointmentRecord): object {
  return { id, agenda: agendaId, motif: motifId, start: new Date(start).toISOString(), status };
}
