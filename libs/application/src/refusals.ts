import type { Objection, Told } from './explain.js';
import type { AppointmentRecord, ReasonCode, Slot } from './model.js';
import type { PlaceResult } from './ports.js';
import type { Question } from './rules.js';

/** Why nothing was done. `status` is the HTTP status that says so. */
export interface Refusal {
  readonly outcome: 'refused';
  readonly status: 404 | 409 | 412 | 422 | 503;
  readonly problem:
    | 'taken'
    | 'rule'
    | 'double'
    | 'unanswered'
    | 'agenda-unreachable'
    | 'agenda-unknown'
    | 'motif-unknown'
    | 'appointment-unknown'
    | 'hold-unknown'
    | 'hold-ended'
    | 'version-stale'
    | 'write-in-progress'
    | 'appointment-ended'
    | 'idempotency-key-reused'
    | 'idempotency-in-progress';
  readonly code?: ReasonCode;
  /** Every rule that speaks against it, where the agenda has rules of its own. */
  readonly refusals?: readonly Objection[];
  readonly told?: Told;
  /** The patient's other appointments that have to be acknowledged. */
  readonly doubles?: readonly AppointmentRecord[];
  readonly questions?: readonly Question[];
  readonly retryAfterMs?: number;
  readonly alternatives?: readonly (Slot & { readonly timeZone: string })[];
  /** The appointment as it stands, when there is one. */
  readonly record?: AppointmentRecord;
}

const REFUSALS = {
  'agenda-unknown': { status: 404, problem: 'agenda-unknown' },
  'motif-unknown': { status: 404, problem: 'motif-unknown' },
  unknown: { status: 404, problem: 'appointment-unknown' },
  'hold-unknown': { status: 404, problem: 'hold-unknown' },
  'hold-ended': { status: 409, problem: 'hold-ended' },
  reused: { status: 422, problem: 'idempotency-key-reused' },
  unlinked: { status: 503, problem: 'agenda-unreachable', code: 'AGENDA_UNREACHABLE', retryAfterMs: 60_000 },
} as const;

/** What is answered where nothing was placed and no other time would help. */
export function refusalOf(result: PlaceResult): Refusal {
  if (result.outcome in REFUSALS) return { outcome: 'refused', ...REFUSALS[result.outcome as keyof typeof REFUSALS] };
  return refusalWithState(result);
}

/** Refusals that carry something of what was found. */
function refusalWithState(result: PlaceResult): Refusal {
  switch (result.outcome) {
    case 'unreachable':
      return unreachable('AGENDA_UNREACHABLE', result.retryAfterMs);
    case 'stale-copy':
      return unreachable('AGENDA_STALE', 5000);
    case 'stale':
      return { outcome: 'refused', status: 412, problem: 'version-stale', record: result.record };
    case 'ended':
      return { outcome: 'refused', status: 409, problem: 'appointment-ended', record: result.record };
    case 'double':
      return { outcome: 'refused', status: 409, problem: 'double', doubles: result.doubles };
    case 'unanswered':
      return { outcome: 'refused', status: 422, problem: 'unanswered', questions: result.questions };
    case 'busy': {
      const { record } = result;
      return { outcome: 'refused', status: 409, problem: 'write-in-progress', retryAfterMs: 2000, record };
    }
    default:
      return { outcome: 'refused', status: 409, problem: 'idempotency-in-progress', retryAfterMs: 1000 };
  }
}

function unreachable(code: ReasonCode, retryAfterMs: number): Refusal {
  return { outcome: 'refused', status: 503, problem: 'agenda-unreachable', code, retryAfterMs };
}
