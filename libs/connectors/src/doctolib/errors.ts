import { ConnectorError, retryAfterMs, type ConnectorErrorKind, type HttpAnswer, parseJson } from '#connector-sdk';
import { refusal } from './schemas.js';

/** How long a banned address stays banned, as far as is known. */
const BAN_MS = 15 * 60_000;
const LONGEST_WAIT_S = 3_600;

/** What a request was, as far as its failures are concerned. */
export interface Asked {
  /** True when it may have changed something. */
  readonly write: boolean;
  /** Epoch milliseconds, to read a `Retry-After` date. */
  readonly now: number;
}

/** The agenda itself is gone: never to be taken for the removal of one of its appointments. */
export class AgendaGone extends ConnectorError {
  constructor() {
    super('invalid', 'the vendor does not know this agenda any more');
  }
}

/** What was read of the practice no longer holds: agendas have other numbers, or another order. */
export class Outdated extends ConnectorError {
  constructor(readonly successor: number | null = null) {
    super('unavailable', 'the practice was reconfigured while it was being asked');
  }
}

/** The appointment was cancelled already. */
export class AlreadyDeleted extends ConnectorError {
  constructor() {
    super('not_found', 'the appointment was cancelled');
  }
}

/** What the vendor says no to, by the word it says it with, and what a person can do about it. */
const RULES: Readonly<Record<string, string>> = {
  agenda_booking_disabled: 'booking is switched off on this agenda (AGENDA_DISABLED)',
  agenda_booking_temporary_disabled: 'booking is switched off on this agenda for the time being (TEMP_DISABLED)',
  visit_motive_not_allowed: 'the motif of the connection is not open on this agenda (MOTIF)',
  visit_motive_only_for_doctors: 'the motif of the connection is kept for doctors on this agenda (AUDIENCE)',
  new_patients_not_accepted: 'the motif is closed to new patients on this agenda (NEW_PATIENT)',
  age_not_accepted: 'the motif depends on the age of the patient on this agenda, which is not told (AGE)',
  appointments_too_close: 'the patient has another appointment too close to this one (GAP)',
  equipment_agenda_required: 'the motif needs equipment that was not found (RESOURCE)',
  custom_field_required: 'the motif asks a question that is not answered here (QUESTION)',
  custom_field_invalid: 'what is answered to a question of the motif is none of its choices (QUESTION)',
  consent_missing: 'the practitioner has not agreed to this client for this agenda (RIGHT)',
};

/** The vendor's answer as an error. Only what speaks its language is believed: a page says that something stands before it. */
export function errorOf(answer: HttpAnswer, asked: Asked): ConnectorError {
  const { status } = answer;
  const retry = retryAfterMs(answer.headers['retry-after'], asked.now);
  if (status === 429)
    return new ConnectorError('rate_limited', 'the vendor asks to slow down', {
      status,
      retryAfterMs: retry ?? 30_000,
    });
  if (isPage(answer)) return blocked(answer, asked);
  const said = refusalIn(answer.body);
  const known = said === null ? undefined : believed(status, said);
  return known ?? lost(asked.write, { status, retryAfterMs: retry });
}

/** A refusal that came as a success: `{ "error": … }` with a status of 200. */
export function softError(code: string, write: boolean): ConnectorError {
  if (!write) return new ConnectorError('unavailable', 'the vendor answered a question with an error');
  if (code === 'stale_object') return new ConnectorError('stale', 'the appointment was changed meanwhile');
  if (code === 'appointment_deleted') return new AlreadyDeleted();
  if (code === 'invalid_agenda_order') return new Outdated();
  const rule = RULES[code];
  if (rule !== undefined) return refused(rule);
  // Whatever word it uses: it certainly was not done, and this place is not to be had.
  return new ConnectorError('taken', 'the vendor no longer offers this time');
}

/** A certain no for a reason that a person can act upon. */
export function refused(reason: string, kind: ConnectorErrorKind = 'forbidden', status?: number): ConnectorError {
  return new ConnectorError(kind, reason, { status });
}

export function refusedBy(code: string): ConnectorError {
  return refused(RULES[code] ?? code);
}

/** An answer that was read but makes no sense. */
export function senseless(write: boolean, status: number): ConnectorError {
  return new ConnectorError(write ? 'unknown' : 'unavailable', 'the vendor sent an answer that cannot be read', {
    status,
  });
}

/** HTML where data was asked for. */
export function isPage({ headers, body }: HttpAnswer): boolean {
  return (headers['content-type'] ?? '').includes('html') || /^\s*</.test(body);
}

/**
 * A wall (403, 400), a waiting room, a cache (5xx): what stands before the API lets nothing through, so that nothing was
 * done; but behind a page with another status anything may have happened to a write.
 */
export function blocked({ status, body, headers }: HttpAnswer, { write, now }: Asked): ConnectorError {
  const wait = /id="wait-time-value"[^>]*value="(\d{1,6})"/.exec(body)?.[1];
  if (wait !== undefined) {
    const seconds = Math.min(LONGEST_WAIT_S, Number(wait));
    return new ConnectorError('unavailable', 'the vendor lets callers wait', { status, retryAfterMs: seconds * 1000 });
  }
  if (status === 403 || status === 400) {
    const retry = retryAfterMs(headers['retry-after'], now) ?? BAN_MS;
    return new ConnectorError('unavailable', 'the vendor’s wall blocks this address', { status, retryAfterMs: retry });
  }
  return lost(write, { status, retryAfterMs: retryAfterMs(headers['retry-after'], now) });
}

type Refusal = ReturnType<typeof refusal.parse>;

function believed(status: number, said: Refusal): ConnectorError | undefined {
  switch (status) {
    case 400:
    case 422:
      // RFC 6749 5.2 lets the token endpoint say this with either status.
      if (/^(invalid|unauthorized)_client$/.test(said.error)) return unauthorized(status);
      return new ConnectorError('invalid', 'the vendor refused the content of the request', { status });
    case 401:
      return unauthorized(status);
    case 403:
      return refused(rightOf(said), 'forbidden', status);
    case 404:
      return absent(said.error, status);
    case 410:
      return said.successor_id == null ? new AgendaGone() : new Outdated(said.successor_id);
    default:
      return undefined;
  }
}

function unauthorized(status: number): ConnectorError {
  return new ConnectorError('auth', 'the vendor refused the client', { status });
}

function rightOf({ error: code, scope }: Refusal): string {
  if (code === 'insufficient_scope') return lacking(scope ?? 'that is needed');
  return RULES[code] ?? 'the client may not do this (RIGHT)';
}

/** What is missing, and who can give it. */
export function lacking(right: string): string {
  return `the client lacks the right ${right}: the vendor has to grant it (RIGHT)`;
}

function absent(code: string, status: number): ConnectorError | undefined {
  if (code === 'agenda_not_found') return new AgendaGone();
  if (code === 'appointment_not_found' || code === 'webhook_not_found')
    return new ConnectorError('not_found', 'the object is gone', { status });
  if (code === 'profile_not_found')
    return refused('the vendor does not know this profile: check the setting "profile"', 'invalid', status);
  return undefined;
}

function lost(write: boolean, options: { status: number; retryAfterMs: number | undefined }): ConnectorError {
  const message = `unusable answer from the vendor (status ${String(options.status)})`;
  return new ConnectorError(write ? 'unknown' : 'unavailable', message, options);
}

function refusalIn(body: string): Refusal | null {
  try {
    const value: unknown = parseJson(body);
    const read = refusal.safeParse(value);
    if (read.success) return read.data;
    return typeof value === 'object' && value !== null && 'errors' in value ? { error: 'invalid' } : null;
  } catch {
    return null;
  }
}
