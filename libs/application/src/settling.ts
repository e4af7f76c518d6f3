import type { Capabilities } from '#connector-sdk';
import type { Interval, RemoteObject } from '#domain';
import type { PendingWrite } from './ports.js';

/** Milliseconds until nothing that was sent can land any more; not above 0 when nothing can. */
export function settlingMs(
  { unanswered, sinceSentMs }: Pick<PendingWrite, 'unanswered' | 'sinceSentMs'>,
  { settleMs }: Capabilities,
): number {
  return unanswered > 0 ? settleMs - (sinceSentMs ?? 0) : 0;
}

/** Whether something sent earlier may stand there already, or may still land and undo what is sent now. */
export function isUnsure({ attempts, unanswered }: PendingWrite, { conditionalWrites = true }: Capabilities): boolean {
  return attempts > 0 || (unanswered > 0 && !conditionalWrites);
}

/** Whether the next attempt has to wait until earlier ones can no longer land. */
export function mustSettle(write: PendingWrite, found: RemoteObject | null, capabilities: Capabilities): boolean {
  const { idempotency, conditionalWrites = true } = capabilities;
  // Nothing would refuse an earlier change that lands after this one.
  if (!conditionalWrites) return true;
  // Wanted back where it stands: what was sent before may still take it away, and nothing sent now would show that.
  if (found !== null) return isAt(found, write.when) && isAt(write.mirror, write.when);
  return idempotency === 'none' || idempotency === 'natural';
}

function isAt(object: { readonly when: Interval | null } | null, when: Interval): boolean {
  return object?.when?.start === when.start && object.when.end === when.end;
}
