import { ConnectorError, retryAfterMs, type ConnectorErrorKind, type HttpAnswer } from '#connector-sdk';
import { CALDAV, DAV } from './multistatus.js';

/** What a refused request was. */
export interface Asked {
  /** True when it may have changed something. */
  readonly write: boolean;
  /** Epoch milliseconds, to read a `Retry-After` date. */
  readonly now: number;
  /** Preconditions named in the answer. */
  readonly conditions?: readonly string[];
}

/** Wait after a 429 that says nothing. */
const DEFAULT_WAIT_MS = 60_000;

/** Refusals of the calendar data itself (RFC 4791 5.3.2.1): a person must look. */
const DATA_CONDITIONS = new Set(
  [
    'supported-calendar-data',
    'valid-calendar-data',
    'valid-calendar-object-resource',
    'supported-calendar-component',
    'max-resource-size',
    'min-date-time',
    'max-date-time',
    'max-instances',
    'max-attendees-per-instance',
  ].map((name) => `{${CALDAV}}${name}`),
);

const QUOTA_CONDITIONS = [`{${DAV}}quota-not-exceeded`, `{${DAV}}sufficient-disk-space`];

/** An answer that was not the one hoped for, as an error. */
export function errorOf(answer: Pick<HttpAnswer, 'status' | 'headers'>, asked: Asked): ConnectorError {
  const { status } = answer;
  const retry = retryAfterMs(answer.headers['retry-after'], asked.now);
  if (status === 429) {
    return new ConnectorError('rate_limited', 'the server asks to slow down', {
      status,
      retryAfterMs: retry ?? DEFAULT_WAIT_MS,
    });
  }
  // A server that says when to come back refused on purpose; any other 5xx may have come after the write.
  if (status === 503 && retry !== undefined) {
    return new ConnectorError('unavailable', 'the server is down for a while', { status, retryAfterMs: retry });
  }
  const kind = asked.write ? refusedWrite(status, asked.conditions ?? []) : refusedRead(status);
  return new ConnectorError(kind, `the server answered ${String(status)}${reasonOf(asked.conditions ?? [])}`, {
    status,
  });
}

/** Precondition names are fixed words of the standards, never content. */
function reasonOf(conditions: readonly string[]): string {
  const known = conditions
    .map((name) => /^\{[^}]*\}([a-z-]{1,60})$/.exec(name)?.[1])
    .filter((name) => name !== undefined);
  return known.length > 0 ? ` (${known.slice(0, 3).join(', ')})` : '';
}

const READ: Partial<Record<number, ConnectorErrorKind>> = {
  401: 'auth',
  403: 'forbidden',
  404: 'not_found',
  410: 'not_found',
};

function refusedRead(status: number): ConnectorErrorKind {
  return READ[status] ?? 'unavailable';
}

const WRITE: Partial<Record<number, ConnectorErrorKind>> = {
  ...READ,
  405: 'forbidden',
  408: 'unknown',
  409: 'stale',
  412: 'stale',
  423: 'unavailable',
  425: 'unavailable',
  501: 'forbidden',
  // The quota of the account: certainly not stored, and no retry helps until a person makes room.
  507: 'invalid',
};

function refusedWrite(status: number, conditions: readonly string[]): ConnectorErrorKind {
  if (status >= 400 && status < 500 && conditions.some((name) => DATA_CONDITIONS.has(name))) return 'invalid';
  if (QUOTA_CONDITIONS.some((name) => conditions.includes(name))) return 'invalid';
  return WRITE[status] ?? (status >= 400 && status < 500 ? 'invalid' : 'unknown');
}
