import { ConnectorError, retryAfterMs, type ConnectorErrorKind, type HttpAnswer, parseJson } from '#connector-sdk';
import { failure } from './schemas.js';

/** What a request was, as far as its failures are concerned. */
export interface Asked {
  /** True when it may have changed something. */
  readonly write: boolean;
  /** Epoch milliseconds, to read a `Retry-After` date. */
  readonly now: number;
}

/** Believed only in the API's own envelope. A 404 also says "no access": what it means is looked up. */
const KINDS: Readonly<Record<number, readonly [ConnectorErrorKind, string]>> = {
  400: ['invalid', 'the backend refused the content of the request'],
  403: ['forbidden', 'the login may not do this: ask whoever administers the group for the right'],
  404: ['not_found', 'the backend does not know this, or does not show it to this login'],
  405: ['invalid', 'the backend does not have this operation'],
  422: ['taken', 'the interval is taken in the agenda'],
};

/** The agenda itself is gone: never to be taken for the removal of one of its appointments. */
export class AgendaGone extends ConnectorError {
  constructor() {
    super('invalid', 'the backend does not know this agenda');
  }
}

/** The answer as an error; only an answer in the API's own envelope says anything about what was asked for. */
export function errorOf(answer: HttpAnswer, { write, now }: Asked): ConnectorError {
  const { status } = answer;
  const retry = retryAfterMs(answer.headers['retry-after'], now);
  if (status === 429)
    return new ConnectorError('rate_limited', 'the backend asks to slow down', { status, retryAfterMs: retry });
  if (status === 401) return new ConnectorError('auth', 'the backend refused the API key or the login', { status });
  const known = isTheirs(answer) ? KINDS[status] : undefined;
  if (known !== undefined) return new ConnectorError(known[0], known[1], { status });
  const told = `unusable answer from the backend (status ${String(status)})`;
  return new ConnectorError(write ? 'unknown' : 'unavailable', told, { status, retryAfterMs: retry });
}

/** An answer that was read but makes no sense. */
export function senseless(write: boolean, status: number): ConnectorError {
  const told = 'the backend sent an answer that cannot be read';
  return new ConnectorError(write ? 'unknown' : 'unavailable', told, { status });
}

function isTheirs({ body }: HttpAnswer): boolean {
  try {
    return failure.safeParse(parseJson(body)).success;
  } catch {
    return false;
  }
}
