import { ConnectorError, retryAfterMs, type ConnectorErrorKind, type HttpAnswer, parseJson } from '#connector-sdk';
import { failure } from './schemas.js';

/** What a request was, as far as its failures are concerned. */
export interface Asked {
  /** True when it may have changed something. */
  readonly write: boolean;
  /** Epoch milliseconds, to read a `Retry-After` date. */
  readonly now: number;
}

const AGENDA_UNKNOWN = 21;
const TOKEN_EXPIRED = 13;

/** The vendor's own codes; any other says nothing about what was done. */
const KINDS: Readonly<Record<number, readonly [ConnectorErrorKind, string]>> = {
  10: ['invalid', 'the backend does not accept this software: enter the pms_name that its vendor has registered'],
  11: ['invalid', 'the backend no longer speaks this version of its API'],
  12: ['auth', 'the backend refused the API key'],
  14: ['forbidden', 'the API key may read this agenda and not ask for appointments: its vendor has to add « demande »'],
  22: ['not_found', 'the appointment is gone'],
  31: ['cursor_expired', 'the news no longer reach back to the cursor'],
  40: ['invalid', 'the backend refused the content of the request'],
  42: ['taken', 'the interval is taken in the agenda'],
};

/** Business errors come with status 200, or as bare text with status 500: `ERREUR 42: …`. */
const TEXT = /^ERREUR (\d{1,3}): /;

/** The token ended before anything was done. */
export class TokenExpired extends ConnectorError {
  constructor() {
    super('unavailable', 'the token of the conversation ends at once');
  }
}

/** The agenda itself is gone: never to be taken for the removal of one of its appointments. */
export class AgendaGone extends ConnectorError {
  constructor() {
    super('invalid', 'the backend does not know this agenda');
  }
}

/**
 * The answer as an error, or `null` when it is none. Only the vendor's own codes are believed about agendas and
 * appointments: a page or a bare status of something in between says nothing.
 */
export function errorOf(answer: HttpAnswer, { write, now }: Asked): ConnectorError | null {
  const { status } = answer;
  const retry = retryAfterMs(answer.headers['retry-after'], now);
  if (status === 429)
    return new ConnectorError('rate_limited', 'the backend asks to slow down', { status, retryAfterMs: retry });
  if (status === 401) return new ConnectorError('auth', 'the backend refused the API key', { status });
  const code = codeOf(answer);
  if (code === null && status >= 200 && status < 300) return null;
  const known = code === null ? null : believed(code, status);
  if (known !== null) return known;
  const told = `unusable answer from the backend (status ${String(status)})`;
  return new ConnectorError(write ? 'unknown' : 'unavailable', told, { status, retryAfterMs: retry });
}

/** An answer that was read but makes no sense. */
export function senseless(write: boolean, status: number): ConnectorError {
  const told = 'the backend sent an answer that cannot be read';
  return new ConnectorError(write ? 'unknown' : 'unavailable', told, { status });
}

function believed(code: number, status: number): ConnectorError | null {
  if (code === TOKEN_EXPIRED) return new TokenExpired();
  if (code === AGENDA_UNKNOWN) return new AgendaGone();
  const known = KINDS[code];
  return known === undefined ? null : new ConnectorError(known[0], known[1], { status });
}

function codeOf({ status, body }: HttpAnswer): number | null {
  const text = status === 500 ? TEXT.exec(body)?.[1] : undefined;
  if (text !== undefined) return Number(text);
  try {
    return failure.parse(parseJson(body)).code;
  } catch {
    return null;
  }
}
