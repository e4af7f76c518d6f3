import { ConnectorError, retryAfterMs, type ConnectorErrorKind, type HttpAnswer } from '#connector-sdk';

/** What is waited after a 429 that does not say how long, in milliseconds. */
const DEFAULT_WAIT_MS = 60_000;

const KINDS: Partial<Record<number, ConnectorErrorKind>> = {
  401: 'auth',
  403: 'forbidden',
  404: 'not_found',
  410: 'not_found',
};

/** An answer that is no feed, as an error. */
export function errorOf({ status, headers }: Pick<HttpAnswer, 'status' | 'headers'>, now: number): ConnectorError {
  const asked = retryAfterMs(headers['retry-after'], now);
  if (status === 429) {
    return new ConnectorError('rate_limited', 'the server asks to slow down', {
      status,
      retryAfterMs: asked ?? DEFAULT_WAIT_MS,
    });
  }
  const kind = KINDS[status] ?? 'unavailable';
  const wait = kind === 'unavailable' && asked !== undefined ? { retryAfterMs: asked } : {};
  return new ConnectorError(kind, `the server answered ${String(status)}`, { status, ...wait });
}

/** What came instead of a whole calendar says nothing about the agenda: least of all that it is empty. */
export function noCalendar(why: string): ConnectorError {
  return new ConnectorError('unavailable', why, { status: 200 });
}
