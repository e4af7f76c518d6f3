import { ConnectorError, retryAfterMs, type HttpAnswer, parseJson } from '#connector-sdk';
import { failure } from './schemas.js';

/** What a request was, as far as its failures are concerned. */
export interface Asked {
  /** True when it may have changed something. */
  readonly write: boolean;
  /** Epoch milliseconds, to read a `Retry-After` date. */
  readonly now: number;
}

/** Why a caller is not let in, where it is not for his key. */
const REFUSED: Readonly<Record<string, string>> = {
  certificate_required: 'the backend wants a client certificate',
  certificate_unknown: 'the backend opens no agenda to this client certificate',
};

/**
 * The vendor's answer as an error. Only an answer in the vendor's own envelope is believed about objects: an HTML page
 * or a bare 404 of something in between says nothing, and must never look like a deletion.
 */
export function errorOf(answer: HttpAnswer, { write, now }: Asked): ConnectorError {
  const { status } = answer;
  const retry = retryAfterMs(answer.headers['retry-after'], now);
  if (status === 429)
    return new ConnectorError('rate_limited', 'the backend asks to slow down', { status, retryAfterMs: retry });
  const code = codeOf(answer);
  if (status === 401)
    return new ConnectorError('auth', REFUSED[code ?? ''] ?? 'the backend refused the API key', { status });
  const known = code === null ? undefined : believed(status, code);
  if (known) return known;
  const cause = `unusable answer from the backend (status ${String(status)})`;
  return new ConnectorError(write ? 'unknown' : 'unavailable', cause, {
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

function believed(status: number, code: string): ConnectorError | undefined {
  switch (status) {
    case 400:
    case 422:
    case 428:
      return new ConnectorError('invalid', 'the backend refused the content of the request', { status });
    case 403:
      return new ConnectorError('forbidden', 'the API key does not open this agenda', { status });
    case 404:
      return absent(status, code);
    case 409:
      return conflict(status, code);
    case 410:
      return code === 'cursor_expired'
        ? new ConnectorError('cursor_expired', 'the change log no longer reaches back to the cursor', { status })
        : undefined;
    case 412:
      return new ConnectorError('stale', 'the entry has another version by now', { status });
    default:
      return undefined;
  }
}

function absent(status: number, code: string): ConnectorError | undefined {
  if (code === 'entry_unknown' || code === 'subscription_unknown' || code === 'lease_unknown')
    return new ConnectorError('not_found', 'the object is gone', { status });
  if (code === 'agenda_unknown') return new AgendaGone(status);
  return undefined;
}

/** The agenda itself is gone: never to be taken for the removal of one of its entries. */
export class AgendaGone extends ConnectorError {
  constructor(status: number) {
    super('invalid', 'the backend does not know this agenda', { status });
  }
}

function conflict(status: number, code: string): ConnectorError | undefined {
  if (code === 'overlap') return new ConnectorError('taken', 'the interval is taken in the agenda', { status });
  if (code === 'closed') return new ConnectorError('taken', 'the practitioner keeps this time closed', { status });
  if (code === 'key_spent')
    return new ConnectorError('stale', 'the entry made under this reference was deleted', { status });
  return undefined;
}

function codeOf({ body }: HttpAnswer): string | null {
  try {
    return failure.parse(parseJson(body)).error.code;
  } catch {
    return null;
  }
}
