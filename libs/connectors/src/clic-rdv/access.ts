import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { Client } from './client.js';
import { AgendaGone } from './errors.js';
import { calendar, pro } from './schemas.js';

/**
 * Proves that the login is still believed. The API does not refuse one that it has forgotten: it answers as to anybody,
 * with empty collections, and an empty answer must never be taken for an empty agenda.
 */
export async function proveLogin(client: Client, email: string, options: CallOptions): Promise<void> {
  const pros = await client.all('pros', pro, options);
  if (pros.some((one) => one.email?.toLowerCase() === email.toLowerCase())) return;
  throw new ConnectorError(
    'auth',
    'the backend answers, and does not know the login: it is refused, or of another group',
  );
}

/** Proves that the agenda is there, for this login. */
export async function proveAgenda(
  client: Client,
  { email, agendaId }: { readonly email: string; readonly agendaId: string },
  options: CallOptions,
): Promise<void> {
  await proveLogin(client, email, options);
  const calendars = await client.all('calendars', calendar, options);
  if (!calendars.some(({ id, deleted }) => String(id) === agendaId && !deleted)) throw new AgendaGone();
}
