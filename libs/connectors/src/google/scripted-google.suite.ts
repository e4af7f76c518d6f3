import { afterAll, afterEach, beforeEach } from '@jest/globals';
import nock from 'nock';
import {
  ConnectorError,
  type ConnectorContext,
  type ConnectorErrorKind,
  type PullItem,
  type Session,
} from '#connector-sdk';
import type { RemoteChange } from '#domain';
import connector from './connector.js';

export const API = 'https://www.googleapis.com';
export const TOKENS = 'https://oauth2.googleapis.com';
export const CALENDAR = 'anne@example.com';
export const EVENTS = `/calendar/v3/calendars/${encodeURIComponent(CALENDAR)}/events`;
export const NOW = Date.parse('2027-06-01T00:00:00Z');
export const WINDOW = { start: Date.parse('2027-06-01T00:00:00Z'), end: Date.parse('2027-12-01T00:00:00Z') };
export const SECRET = 'GOCSPX-client-secret';
export const REFRESH = '1//refresh-token';

export const at = (text: string): number => Date.parse(text);
export const call = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(5_000) });

/** The shape of an error of the API. */
export const refusal = (code: number, reason: string): object => ({
  error: { code, message: 'm', errors: [{ message: 'm', domain: 'global', reason }] },
});

/** The shape of an event as the API answers it. */
export const event = (id: string, more: object = {}): Record<string, unknown> => ({
  kind: 'calendar#event',
  etag: `"${id}-1"`,
  id,
  status: 'confirmed',
  summary: 'Réunion',
  start: { dateTime: '2027-06-07T09:00:00+02:00', timeZone: 'Europe/Paris' },
  end: { dateTime: '2027-06-07T09:30:00+02:00', timeZone: 'Europe/Paris' },
  updated: '2027-06-01T08:00:00.000Z',
  eventType: 'default',
  ...more,
});

export const page = (items: readonly object[], more: object = { nextSyncToken: 'next' }): object => ({
  kind: 'calendar#events',
  items,
  ...more,
});

export function openSession(context: Partial<ConnectorContext> = {}, settings: object = {}): Session {
  return connector.open(
    {
      settings: connector.config.settings.parse(settings),
      secrets: { auth: { type: 'oauth', clientId: 'client', clientSecret: SECRET, refreshToken: REFRESH } },
    },
    { timeoutMs: 2_000, allowPrivateNetworks: true, now: () => NOW, ...context },
  );
}

/** Nothing but what a test scripts is reached. */
export function scripted(): void {
  beforeEach(() => {
    nock.disableNetConnect();
  });
  afterEach(() => {
    nock.cleanAll();
    nock.enableNetConnect();
  });
  // Each spec file has a nock of its own, and those of earlier ones would still listen.
  afterAll(() => {
    nock.restore();
  });
}

/** The token endpoint gives an access token, this many times. */
export function grantTokens(times = 1): void {
  nock(TOKENS)
    .post('/token', { client_id: 'client', client_secret: SECRET, refresh_token: REFRESH, grant_type: 'refresh_token' })
    .times(times)
    .reply(200, { access_token: 'ya29.access', expires_in: 3599, token_type: 'Bearer' });
}

export async function failureOf(attempt: Promise<unknown>): Promise<ConnectorError> {
  try {
    await attempt;
  } catch (error) {
    if (ConnectorError.is(error)) return error;
    throw error;
  }
  throw new Error('it succeeded');
}

export async function kindOf(attempt: Promise<unknown>): Promise<ConnectorErrorKind> {
  return (await failureOf(attempt)).kind;
}

export async function pulled(
  session: Session,
  cursor: string | null,
  known: readonly string[] = [],
): Promise<{ changes: RemoteChange[]; end: Extract<PullItem, { type: 'end' }> }> {
  const changes: RemoteChange[] = [];
  const request = {
    agendaId: CALENDAR,
    cursor,
    window: WINDOW,
    timeZone: 'Europe/Paris',
    known: () => Promise.resolve(new Map(known.map((id) => [id, null]))),
  };
  for await (const item of session.pull(request, call())) {
    if (item.type === 'end') return { changes, end: item };
    changes.push(...item.changes);
  }
  throw new Error('no end');
}
