import { ConnectorError, retryAfterMs, type ConnectorErrorKind, type HttpAnswer } from '#connector-sdk';

/** What a request was, as far as its failures are concerned. */
export interface Asked {
  /** True when it may have changed something. */
  readonly write: boolean;
  /** Epoch milliseconds, to read a `Retry-After` date. */
  readonly now: number;
}

const KINDS: Partial<Record<number, readonly [ConnectorErrorKind, string]>> = {
  401: ['auth', 'the shared folder refused the account'],
  403: ['forbidden', 'the account may not do this in the shared folder'],
  429: ['rate_limited', 'the shared folder asks to slow down'],
};

/** An answer of the folder that is neither a file nor its absence. */
export function errorOf({ status, headers }: HttpAnswer, { write, now }: Asked): ConnectorError {
  const [kind, said] = KINDS[status] ?? [
    write ? 'unknown' : 'unavailable',
    `unusable answer from the shared folder (status ${String(status)})`,
  ];
  return new ConnectorError(kind, said, { status, retryAfterMs: retryAfterMs(headers['retry-after'], now) });
}

/** A file that is not whole says nothing: least of all that something was deleted. */
export function noExport(why: string): ConnectorError {
  return new ConnectorError('unavailable', why);
}

/**
 * The program has not answered yet, or not shown yet what it did. No time to wait is named: it would hold for the whole
 * connection, which can be read meanwhile.
 */
export function pending(kind: 'unknown' | 'unavailable', why: string): ConnectorError {
  return new ConnectorError(kind, why);
}
