import { ConnectorError, retryAfterMs, type HttpAnswer, parseJson } from '#connector-sdk';
import { parisTime } from './signing.js';
import { failure, refusal } from './schemas.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const SOON_MS = 60_000;

/** What a request was, as far as its failures are concerned. */
export interface Asked {
  /** True when it may have changed something. */
  readonly write: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

/**
 * The vendor's answer as an error. Only an answer in the vendor's own envelope (`{ error }`, `{ errors }`) is believed
 * about objects: an HTML page or a bare 404 of something in between says nothing, and must never look like a deletion.
 */
export function errorOf(answer: HttpAnswer, { write, now }: Asked): ConnectorError {
  const { status } = answer;
  const retry = retryAfterMs(answer.headers['retry-after'], now);
  if (status === 402)
    return new ConnectorError('rate_limited', 'the daily quota of the API is used up', {
      status,
      retryAfterMs: retry ?? untilQuota(now),
    });
  if (status === 429)
    return new ConnectorError('rate_limited', 'the backend asks to slow down', {
      status,
      retryAfterMs: retry ?? SOON_MS,
    });
  if (status === 401)
    return new ConnectorError('auth', 'the backend refused the access key or its signature', { status });
  return certain(answer) ?? unusable(answer, { write, retry });
}

function certain({ status, body }: HttpAnswer): ConnectorError | null {
  const content = json(body);
  const fields = refusal.safeParse(content).data?.errors;
  if (status === 422 && fields !== undefined) {
    const taken = fields['start_at']?.some((message) => /taken|not available/.test(message)) ?? false;
    if (taken) return new ConnectorError('taken', 'the interval is taken in the agenda, or not open', { status });
    const names = Object.keys(fields).join(', ');
    return new ConnectorError('invalid', `the backend refused the content of the request: ${names.slice(0, 200)}`, {
      status,
    });
  }
  if (!failure.safeParse(content).success) return null;
  if (status === 404) return new ConnectorError('not_found', 'the object is gone', { status });
  if (status === 403) return new ConnectorError('forbidden', 'the access key lacks the right to do this', { status });
  if (status === 400 || status === 406)
    return new ConnectorError('invalid', 'the backend refused the form of the request', { status });
  return null;
}

function unusable(
  { status }: HttpAnswer,
  { write, retry }: { write: boolean; retry: number | undefined },
): ConnectorError {
  const message = `unusable answer from the backend (status ${String(status)})`;
  return new ConnectorError(write ? 'unknown' : 'unavailable', message, { status, retryAfterMs: retry });
}

/** The quota is counted by days of Paris; an hour at most, since somebody may have bought another one meanwhile. */
function untilQuota(now: number): number {
  const [hours = 0, minutes = 0, seconds = 0] = parisTime(now).slice(11, 19).split(':').map(Number);
  const untilMidnight = DAY_MS - ((hours * 60 + minutes) * 60 + seconds) * 1000;
  return Math.max(SOON_MS, Math.min(HOUR_MS, untilMidnight));
}

/** An answer that was read but makes no sense. */
export function senseless(write: boolean, status: number): ConnectorError {
  return new ConnectorError(write ? 'unknown' : 'unavailable', 'the backend sent an answer that cannot be read', {
    status,
  });
}

export function isKind(error: unknown, kind: ConnectorError['kind']): boolean {
  return ConnectorError.is(error) && error.kind === kind;
}

export function json(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
