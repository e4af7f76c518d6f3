import {
  ConnectorError,
  retryAfterMs,
  type ConnectorContext,
  type Http,
  type HttpAnswer,
  parseJson,
} from '#connector-sdk';
import type { Settings } from './config.js';
import { token as tokenSchema, tokenFailure } from './schemas.js';

/** Least rights that reading, writing, listing and free/busy need; the domain's administrator delegates exactly these. */
export const SCOPES = [
  'https://www.googleapis.com/auth/calendar.events',
  'https://www.googleapis.com/auth/calendar.calendarlist.readonly',
  'https://www.googleapis.com/auth/calendar.events.freebusy',
] as const;

/** What a question to the authorization server is asked with. */
export interface Endpoint {
  readonly settings: Settings;
  readonly http: Http;
  readonly context: ConnectorContext;
}

export interface Token {
  readonly value: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** What was granted. */
export interface Granted {
  readonly token: Token;
  readonly refreshToken: string | null;
  /** `null`: what was asked for (RFC 6749 5.1). */
  readonly scopes: readonly string[] | null;
}

/** The grant itself was refused: nothing but a new consent helps. */
export class GrantRefused extends ConnectorError {
  constructor(status: number) {
    super('auth', 'Google refused the grant: access was withdrawn or ran out', { status });
  }
}

/** Exchanges a grant. Throws `auth`, `rate_limited`, `unavailable`; never `unknown`: nothing of an agenda was touched. */
export async function exchangeGrant(
  { settings, http, context }: Endpoint,
  form: Readonly<Record<string, string>>,
  signal = AbortSignal.timeout(context.timeoutMs),
): Promise<Granted> {
  const answer = await post(http, settings.tokenUrl, { form, signal });
  const read = tokenSchema.safeParse(json(answer.body));
  if (answer.status !== 200 || !read.success) throw refusal(answer, context.now());
  const { access_token: value, expires_in: seconds, refresh_token: refreshToken, scope } = read.data;
  return {
    token: { value, expiresAt: context.now() + seconds * 1000 },
    refreshToken: refreshToken ?? null,
    scopes: scope?.split(' ') ?? null,
  };
}

/** Withdraws a grant by any of its tokens; one that is withdrawn already is. */
export async function revokeGrant(
  { settings, http, context }: Endpoint,
  token: string,
  signal: AbortSignal,
): Promise<void> {
  const answer = await post(http, settings.revokeUrl, { form: { token }, signal });
  if (answer.status === 200) return;
  const said = tokenFailure.safeParse(json(answer.body));
  if (said.success && said.data.error === 'invalid_token') return;
  throw refusal(answer, context.now());
}

export function json(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

function post(
  http: Http,
  url: string,
  { form, signal }: { readonly form: Readonly<Record<string, string>>; readonly signal: AbortSignal },
): Promise<HttpAnswer> {
  const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
  return http.send({ method: 'POST', url, headers, body: new URLSearchParams(form).toString(), signal, write: false });
}

function refusal({ status, headers, body }: HttpAnswer, now: number): ConnectorError {
  const retry = retryAfterMs(headers['retry-after'], now);
  if (status === 429)
    return new ConnectorError('rate_limited', 'Google asks to slow down', { status, retryAfterMs: retry ?? 10_000 });
  const read = tokenFailure.safeParse(json(body));
  const said = read.success && status >= 400 && status < 500 ? read.data.error : null;
  if (said === 'invalid_grant') return new GrantRefused(status);
  if (said !== null) return new ConnectorError('auth', 'Google refused the client or its rights', { status });
  return new ConnectorError('unavailable', 'no access token to be had from Google', { status, retryAfterMs: retry });
}
