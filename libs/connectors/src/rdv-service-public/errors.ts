import { ConnectorError, retryAfterMs, type HttpAnswer, parseJson } from '#connector-sdk';
import { refusal } from './schemas.js';

/** What a request was, as far as its failures are concerned. */
export interface Asked {
  /** True when it may have changed something. */
  readonly write: boolean;
  /** Epoch milliseconds, to read a `Retry-After` date. */
  readonly now: number;
}

/**
 * The vendor's answer as an error. Only what comes in one of the vendor's own envelopes is believed about objects: an
 * HTML page or a bare 404 of something in between says nothing, and must never look like a deletion.
 */
export function errorOf(answer: HttpAnswer, { write, now }: Asked): ConnectorError {
  const { status } = answer;
  const retry = retryAfterMs(answer.headers['retry-after'], now);
  if (status === 429)
    return new ConnectorError('rate_limited', 'the backend asks to slow down', { status, retryAfterMs: retry });
  if (status === 401) return new ConnectorError('auth', 'the backend refused the address or the password', { status });
  const said = refusal.safeParse(jsonOf(answer.body));
  if (said.success) {
    if (status === 404 && 'not_found' in said.data && said.data.not_found === 'absence')
      return new ConnectorError('not_found', 'the absence is gone', { status });
    const known = believed(status);
    if (known) return known;
  }
  return new ConnectorError(write ? 'unknown' : 'unavailable', `unusable answer from the backend (status ${status})`, {
    status,
    retryAfterMs: retry,
  });
}

/** An answer that was read but makes no sense. */
export function senseless(write: boolean, status: number): ConnectorError {
  return new ConnectorError(write ? 'unknown' : 'unavailable', 'the backend sent an answer that cannot be read', {
    status,
  });
}

export function isKind(error: unknown, ...kinds: readonly ConnectorError['kind'][]): error is ConnectorError {
  return ConnectorError.is(error) && kinds.includes(error.kind);
}

function believed(status: number): ConnectorError | undefined {
  switch (status) {
    case 400:
    case 404:
    case 422:
      return new ConnectorError('invalid', 'the backend refused the content of the request', { status });
    case 403:
      return new ConnectorError('forbidden', 'the agent’s account has no such right', { status });
    default:
      return undefined;
  }
}

function jsonOf(body: string): unknown {
  try {
    return parseJson(body);
  } catch {
    return null;
  }
}
