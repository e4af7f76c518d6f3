import { ConnectorError, retryAfterMs } from '#connector-sdk';
import { failure } from './schemas.js';

/** An answer of the API; `data` is parsed JSON when it was JSON. */
export interface Answer {
  readonly status: number;
  readonly data: unknown;
  readonly retryAfter: string | undefined;
}

/** What a request was, as far as its failures are concerned. */
export interface Asked {
  /** True when it may have changed something. */
  readonly write: boolean;
  /** Epoch milliseconds, to read a `Retry-After` date. */
  readonly now: number;
}

/** Quotas come as 403 or 429; without `Retry-After` the wait is ours: a per-minute quota slides, the others do not. */
const QUOTA_MS: Readonly<Record<string, number>> = {
  rateLimitExceeded: 10_000,
  userRateLimitExceeded: 10_000,
  quotaExceeded: 60_000,
  dailyLimitExceeded: 15 * 60_000,
};
const DEFAULT_QUOTA_MS = 10_000;

/**
 * The answer as an error. Only what comes in the API's own envelope is believed about objects: an HTML page or a bare
 * 404 of something in between says nothing, and must never look like a deletion.
 */
export function errorOf({ status, data, retryAfter }: Answer, { write, now }: Asked): ConnectorError {
  const asked = retryAfterMs(retryAfter, now);
  const reason = reasonOf(data);
  const quota = quotaMs(status, reason);
  if (quota !== null)
    return new ConnectorError('rate_limited', 'Google asks to slow down', { status, retryAfterMs: asked ?? quota });
  if (status === 401) return new ConnectorError('auth', 'Google refused the access token', { status });
  const known = reason === null ? undefined : believed(status, reason);
  if (known) return known;
  return new ConnectorError(write ? 'unknown' : 'unavailable', `unusable answer from Google (status ${status})`, {
    status,
    retryAfterMs: asked,
  });
}

/** An answer that was read but makes no sense. */
export function senseless(write: boolean, status: number): ConnectorError {
  return new ConnectorError(write ? 'unknown' : 'unavailable', 'Google sent an answer that cannot be read', { status });
}

/** Google answers 404 for a missing event and for a missing calendar alike; this one is certainly the calendar. */
export function calendarGone(): ConnectorError {
  return new ConnectorError('invalid', 'Google does not know this calendar, or shows it no longer', { status: 404 });
}

export function isKind(error: unknown, ...kinds: readonly ConnectorError['kind'][]): error is ConnectorError {
  return ConnectorError.is(error) && kinds.includes(error.kind);
}

function quotaMs(status: number, reason: string | null): number | null {
  const known = status === 403 || status === 429 ? QUOTA_MS[reason ?? ''] : undefined;
  return known ?? (status === 429 ? DEFAULT_QUOTA_MS : null);
}

function believed(status: number, reason: string): ConnectorError | undefined {
  switch (status) {
    case 400:
    case 413:
    case 422:
      return new ConnectorError('invalid', 'Google refused the content of the request', { status });
    case 403:
      return new ConnectorError('forbidden', 'the account has no such right on this calendar', { status });
    case 404:
      return new ConnectorError('not_found', 'Google does not know this event, or not this calendar', { status });
    case 409:
      return new ConnectorError('stale', 'the event’s id is taken', { status });
    case 410:
      return reason === 'deleted'
        ? new ConnectorError('not_found', 'the event was deleted already', { status })
        : new ConnectorError('cursor_expired', 'a full synchronisation is required', { status });
    case 412:
      return new ConnectorError('stale', 'the event has another version by now', { status });
    default:
      return undefined;
  }
}

/** The first reason in the API's envelope; the status's name when there is only that; `null` for anything else. */
function reasonOf(data: unknown): string | null {
  const read = failure.safeParse(data);
  if (!read.success) return null;
  return read.data.error.errors?.[0]?.reason ?? read.data.error.status ?? null;
}
