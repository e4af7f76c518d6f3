import type { ProblemSlug } from '#platform';

/** What a write with a body may be refused for, before its content matters. */
export const WRITE_PROBLEMS = [
  'collaborator-required',
  'collaborator-unknown',
  'body-too-large',
  'unsupported-media-type',
] as const satisfies readonly ProblemSlug[];

const KEYED = [
  ...WRITE_PROBLEMS,
  'idempotency-key-required',
  'idempotency-key-reused',
  'idempotency-in-progress',
] as const;

/** What the practitioner's rules and agenda may refuse. */
const PLACED = ['not-found', 'slot-taken', 'rule-refused', 'agenda-unreachable'] as const;

export const BOOKING_PROBLEMS = [...KEYED, ...PLACED, 'patient-double', 'answers-required'] as const;

export const MOVE_PROBLEMS = [
  ...WRITE_PROBLEMS,
  ...PLACED,
  ...(['patient-double', 'answers-required'] as const),
  ...(['appointment-busy', 'appointment-ended', 'stale-version', 'precondition-required'] as const),
] as const;

export const CANCEL_PROBLEMS = [
  ...KEYED,
  'not-found',
  'appointment-busy',
  'appointment-ended',
  'stale-version',
  'agenda-unreachable',
] as const;
