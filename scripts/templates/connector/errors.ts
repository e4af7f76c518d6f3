import { ConnectorError, retryAfterMs, type HttpAnswer } from '#connector-sdk';
import { z } from 'zod';

const failure = z.object({ error: z.string() });

/** The vendor's answer to a read as an error. `now` is epoch milliseconds, to read a `Retry-After` date. */
export function errorOf(answer: HttpAnswer, now: number): ConnectorError {
  const { status } = answer;
  const retry = retryAfterMs(answer.headers['retry-after'], now);
  if (status === 401) return new ConnectorError('auth', 'the backend refused the API key', { status });
  if (status === 429) {
    return new ConnectorError('rate_limited', 'the backend asks to slow down', { status, retryAfterMs: retry });
  }
  // A bare 403 or 404 may come from something in between: only the vendor's own envelope is believed.
  if (status === 403 && saysWhy(answer))
    return new ConnectorError('forbidden', 'the key does not open this', { status });
  if (status === 404 && saysWhy(answer)) return new ConnectorError('not_found', 'the agenda is gone', { status });
  return new ConnectorError('unavailable', `no usable answer (status ${String(status)})`, {
    status,
    retryAfterMs: retry,
  });
}

/** A success that cannot be read: half an answer, HTML, another shape. */
export function unreadable(status: number): ConnectorError {
  return new ConnectorError('unavailable', 'the backend sent an answer that cannot be read', { status });
}

function saysWhy({ body }: HttpAnswer): boolean {
  try {
    return failure.safeParse(JSON.parse(body)).success;
  } catch {
    return false;
  }
}
