import { ConnectorError, retryAfterMs, type HttpAnswer, parseJson } from '#connector-sdk';
import { failure } from './schemas.js';

const SLOW_DOWN_MS = 10_000;

/** What a request was, as far as its failures are concerned. */
export interface Asked {
  /** True when it may have changed something. */
  readonly write: boolean;
  /** Epoch milliseconds, to read a `Retry-After` date. */
  readonly now: number;
}

/** The agenda itself is gone: never to be taken for the removal of one of its appointments. */
export class AgendaGone extends ConnectorError {
  constructor(status: number) {
    super('invalid', 'the backend does not know this agenda', { status });
  }
}

/** The motif is not known under this name (any more), or not on this agenda. */
export class MotifRefused extends ConnectorError {
  constructor(status: number) {
    super('invalid', 'the backend does not know the motif under its name, or not on this agenda', { status });
  }
}

/** The slot has another id by now, or is none any more: nothing was booked, and nothing is said about the interval. */
export class SlotGone extends ConnectorError {
  constructor(status: number) {
    super('unavailable', 'the slot is no longer offered under its id', { status });
  }
}

/** The vendor's certain answers, by status and code; `null` stands for every other code. */
const CERTAIN: Readonly<Record<string, (status: number) => ConnectorError>> = {
  '404 AGENDA_UNKNOWN': (status) => new AgendaGone(status),
  '404 APPOINTMENT_UNKNOWN': gone,
  '409 APPOINTMENT_CANCELLED': gone,
  '409 SLOT_TAKEN': (status) => new ConnectorError('taken', 'the interval is taken in the agenda', { status }),
  '409 OUTSIDE_OPENINGS': (status) => new ConnectorError('taken', 'the interval is not open in the agenda', { status }),
  '409 AVAILABILITY_UNKNOWN': (status) => new SlotGone(status),
  '409 UPDATE_DATE_STALE': (status) => new ConnectorError('stale', 'the appointment was changed since', { status }),
  '410 UPDATED_SINCE_TOO_OLD': (status) =>
    new ConnectorError('cursor_expired', 'the backend no longer tells changes of that time', { status }),
  '422 CONSULTATION_REASON_UNKNOWN': (status) => new MotifRefused(status),
  '422 CONSULTATION_REASON_NOT_ALLOWED': (status) => new MotifRefused(status),
  '403 SCOPE_MISSING': (status) =>
    new ConnectorError('forbidden', 'the API key lacks a right: ask the vendor for writing, also outside of slots', {
      status,
    }),
  '403 AGENDA_NOT_ALLOWED': (status) =>
    new ConnectorError('forbidden', 'the API key does not open this agenda', { status }),
};

/**
 * The vendor's answer as an error. Only an answer in the vendor's own envelope (`{ code }`) is believed about objects: an
 * HTML page or a bare 404 of something in between says nothing, and must never look like a deletion.
 */
export function errorOf(answer: HttpAnswer, { write, now }: Asked): ConnectorError {
  const { status } = answer;
  const retry = retryAfterMs(answer.headers['retry-after'], now);
  if (status === 429)
    return new ConnectorError('rate_limited', 'the backend asks to slow down', {
      status,
      retryAfterMs: retry ?? SLOW_DOWN_MS,
    });
  if (status === 401) return new ConnectorError('auth', 'the backend refused the API key or its token', { status });
  const code = codeOf(answer);
  if (code !== null) {
    const certain = CERTAIN[`${String(status)} ${code}`];
    if (certain) return certain(status);
    if (status === 403) return new ConnectorError('forbidden', 'the API key lacks the right to do this', { status });
    if (status === 400 || status === 422)
      return new ConnectorError('invalid', 'the backend refused the content of the request', { status });
  }
  const message = `unusable answer from the backend (status ${String(status)})`;
  return new ConnectorError(write ? 'unknown' : 'unavailable', message, { status, retryAfterMs: retry });
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

function gone(status: number): ConnectorError {
  return new ConnectorError('not_found', 'the appointment is gone', { status });
}

function codeOf({ body }: HttpAnswer): string | null {
  try {
    return failure.parse(parseJson(body)).code;
  } catch {
    return null;
  }
}
