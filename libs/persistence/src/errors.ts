import { DatabaseError } from 'pg';
import { StoreRefused, StoreUnavailable } from '#application';

/** SQLSTATE classes and codes after which the same request may simply be tried again later; UK004: sealed with a retired key. */
const TRANSIENT = /^(08|53|57P0[1-5]|57014|40001|40P01|55P03|25P0[34]|UK004)/;

/**
 * What the store throws instead of the driver's errors: those carry row contents in `detail` and `where`, which must
 * not reach a log.
 */
export function storeError(error: unknown): unknown {
  if (error instanceof DatabaseError) {
    const code = error.code ?? 'unknown';
    return TRANSIENT.test(code)
      ? new StoreUnavailable(code)
      : new StoreRefused(code, error.constraint ?? null, error.message.split('\n')[0] ?? '');
  }
  if (error instanceof AggregateError || isConnectionFailure(error)) return new StoreUnavailable('connection');
  return error;
}

function isConnectionFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return (
    /^E(CONN|PIPE|TIMEDOUT|HOST|NET)/.test(code ?? '') ||
    /timeout|Connection terminated|Client was closed|not queryable/i.test(error.message)
  );
}
