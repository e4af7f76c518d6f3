import type { AppointmentRecord, Holder, Refusal } from '#application';
import type { RuleRefusal } from '#domain';
import { explainReason, Problem, type InputFault, type ProblemSlug } from '#platform';
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
  const { problem, code, retryAfterMs, alternatives, record, heldBy, doubles, questions } = refusal;
  const refusals = refusal.refusals ?? (heldBy && [{ code: 'HELD' as const }]);
  const { slug, path } = PROBLEMS_OF[problem];
  const unknown: InputFault[] = path === undefined ? [] : [{ path, message: 'is not known' }];
  const unanswered = questions?.map(({ id }) => ({ path: `body.answers.${id}`, message: 'is required' }));
  const faults = unanswered ?? unknown;
  const errors = faults.length === 0 ? undefined : faults;
  const extra = {
    ...(refusals === undefined ? {} : { reasons: refusals.map((one) => viewRuleRefusal(one, heldBy)) }),
    ...(doubles === undefined ? {} : { doubles: doubles.map(viewDouble) }),
    ...(questions === undefined ? {} : { questions }),
    ...(alternatives === undefined ? {} : { alternatives: alternatives.map(viewAlternative) }),
    ...(record === undefined ? {} : { appointment: { id: record.id, status: record.status, version: record.version } }),
  };
  return new Problem(slug, { code, errors, retryAfterMs, extra });
}

/**
 * A rule that refuses, in both languages, and from when on it no longer does, if time alone decides. A hold says who
 * keeps the slot, too, and until when.
 */
export function viewRuleRefusal(
  { code, bookableFrom }: RuleRefusal,
  heldBy?: Holder,
): { code: string; messages: { fr: string; en: string }; bookableFrom: string | null; heldBy?: string } {
  const holder = code === 'HELD' ? heldBy : undefined;
  const at = bookableFrom ?? holder?.until;
  const from = at === undefined ? null : new Date(at).toISOString();
  return { code, messages: explainReason(code), bookableFrom: from, ...(holder && { heldBy: holder.name }) };
}

function viewDouble({ id, agendaId, motifId, start, status }: AppointmentRecord): object {
  return { id, agenda: agendaId, motif: motifId, start: new Date(start).toISOString(), status };
}
