/**
 * The closed set of ways a backend can fail. The hub's behaviour follows the kind, never a message or a status.
 *
 * - `auth`: credential refused or expired; the link stops, its writes are kept.
 * - `forbidden`: the vendor's right is narrower than what was asked; a certain no.
 * - `taken`: the interval is no longer free at the backend; a certain no (unless an earlier attempt of ours landed).
 * - `stale`: a version precondition failed; pull, reconcile, try again.
 * - `not_found`: the object (not its calendar) is gone.
 * - `cursor_expired`: a delta is no longer possible; full reconcile.
 * - `rate_limited`: carries `retryAfterMs`; the whole connection slows down.
 * - `unavailable`: certainly not done: refused connection, maintenance, bot wall, HTML instead of data; also every failed read.
 * - `unknown`: a write was sent and its outcome is not known (timeout, reset, 5xx, torn or nonsensical answer); look before retrying.
 * - `moved`: the agenda has gone to another backend for good; carries `movedTo`.
 * - `invalid`: the payload is refused or unreadable; a person looks.
 */
export const ERROR_KINDS = [
  'auth',
  'forbidden',
  'taken',
  'stale',
  'not_found',
  'cursor_expired',
  'rate_limited',
  'unavailable',
  'unknown',
  'moved',
  'invalid',
] as const;

export type ConnectorErrorKind = (typeof ERROR_KINDS)[number];

const MARK = Symbol.for('unisson.connector-error');

/** Where an agenda has gone for good. */
export interface Successor {
  /** Id of the connector that reads it now. */
  readonly connectorId: string;
  /** Its id there. */
  readonly agendaId: string;
}

/** Options of a {@link ConnectorError}. */
export interface ConnectorErrorOptions {
  /** Milliseconds to wait at least before the next call on this connection; only with `rate_limited`, `unavailable` and `unknown`. */
  readonly retryAfterMs?: number | undefined;
  /** HTTP status the backend answered, when it answered. */
  readonly status?: number | undefined;
  /** With `moved`, always. */
  readonly movedTo?: Successor | undefined;
  /** The failure beneath; never shown to callers of the API. */
  readonly cause?: unknown;
}

/**
 * The only error a connector throws. The message is for operators: it must never hold a secret, a URL with
 * credentials, or anything about a patient.
 */
export class ConnectorError extends Error {
  readonly [MARK] = true;
  readonly kind: ConnectorErrorKind;
  readonly retryAfterMs: number | undefined;
  readonly status: number | undefined;
  readonly movedTo: Successor | undefined;

  constructor(kind: ConnectorErrorKind, message: string, options: ConnectorErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ConnectorError';
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
    this.movedTo = options.movedTo;
  }

  /** True for a ConnectorError of any copy of this package. */
  static is(error: unknown): error is ConnectorError {
    return typeof error === 'object' && error !== null && MARK in error;
  }
}

/** `unknown`: a write was accepted, and whatever went wrong after it leaves its outcome unproven. */
export function unproven(message: string, error?: unknown): ConnectorError {
  const beneath = ConnectorError.is(error) ? { cause: error, retryAfterMs: error.retryAfterMs } : {};
  return new ConnectorError('unknown', message, beneath);
}

/** What a look at an accepted write finds. Throws `unknown` for whatever prevents it: the outcome is then unproven. */
export async function proven<T>(message: string, look: Promise<T>): Promise<T> {
  try {
    return await look;
  } catch (error) {
    throw unproven(message, error);
  }
}

/** `null` where what is asked for is gone (`not_found`). */
export async function orGone<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (ConnectorError.is(error) && error.kind === 'not_found') return null;
    throw error;
  }
}
