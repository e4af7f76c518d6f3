import type { Action } from '#domain';

/** Rows per transaction: the agenda is locked meanwhile. */
const CHUNK_ROWS = 1_000;

/** One of ours that is not where it was; what else becomes of it, the policy has said. */
export function isMissing(
  action: Action,
): action is Extract<Action, { type: 'follow-cancel' | 'recreate' | 'conflict' }> {
  const { type } = action;
  return (type === 'follow-cancel' || type === 'recreate' || type === 'conflict') && action.object === null;
}

/** Rows that an action writes: a mirror and its busy intervals. */
export function rowsOf(action: Action): number {
  return 'object' in action ? 1 + (action.object?.busy.length ?? 0) : 1;
}

/** At least one chunk, so that the end of a pull without changes is stored too. */
export function chunksOf(actions: readonly Action[]): Action[][] {
  const chunks: Action[][] = [[]];
  let rows = 0;
  for (const action of actions) {
    const weight = rowsOf(action);
    if (rows > 0 && rows + weight > CHUNK_ROWS) {
      chunks.push([]);
      rows = 0;
    }
    chunks.at(-1)?.push(action);
    rows += weight;
  }
  return chunks;
}
