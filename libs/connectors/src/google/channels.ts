import { randomUUID } from 'node:crypto';
import {
  ConnectorError,
  isPushToken,
  type CallOptions,
  type PushHint,
  type PushRequest,
  type SubscribeRequest,
  type Subscription,
} from '#connector-sdk';
import { z } from 'zod';
import type { Client } from './client.js';
import { calendarGone, isKind } from './errors.js';
import { channel } from './schemas.js';

/** Asked for; Google may grant less, and says so. */
const TTL_S = 7 * 86_400;

/** Opens a channel. Its secret is the token that comes with every message; both its ids are needed to stop it. */
export async function watch(
  client: Client,
  { agendaId: calendarId, callbackUrl: address, secret }: SubscribeRequest,
  options: CallOptions,
): Promise<Subscription> {
  const id = randomUUID();
  const requestBody = { id, type: 'web_hook', address, token: secret, params: { ttl: String(TTL_S) } };
  try {
    const made = await client.write(channel, (api, via) => api.events.watch({ calendarId, requestBody }, via), options);
    const expiresAt = made.expiration == null ? null : Number(made.expiration);
    return { id: `${id} ${made.resourceId}`, expiresAt };
  } catch (error) {
    throw isKind(error, 'not_found') ? calendarGone() : error;
  }
}

/** A channel cannot be prolonged: another takes its place, and only then it is stopped. Twice told is better than once missed. */
export async function replace(
  client: Client,
  request: SubscribeRequest & { readonly subscriptionId: string },
  options: CallOptions,
): Promise<Subscription> {
  const made = await watch(client, request, options);
  await stop(client, request.subscriptionId, options).catch((error: unknown) => {
    // The old one ends by itself; losing the new one over it would end both.
    if (!ConnectorError.is(error)) throw error;
  });
  return made;
}

/** Stopping what is stopped or was never known succeeds. */
export async function stop(client: Client, subscriptionId: string, options: CallOptions): Promise<void> {
  const [id, resourceId] = subscriptionId.split(' ');
  const requestBody = { id: id ?? '', resourceId: resourceId ?? '' };
  try {
    await client.write(z.unknown(), (api, via) => api.channels.stop({ requestBody }, via), options);
  } catch (error) {
    if (!isKind(error, 'not_found')) throw error;
  }
}

/** Checks a message: the channel's token, in constant time; it has no body and says nothing but that something changed. */
export function parsePush({ headers, rawBody, secret }: PushRequest): PushHint {
  const id = headers['x-goog-channel-id'] ?? '';
  const number = headers['x-goog-message-number'] ?? '';
  const complete = id !== '' && /^\d{1,19}$/.test(number) && (headers['x-goog-resource-id'] ?? '') !== '';
  const known = isPushToken(headers['x-goog-channel-token'], secret);
  if (!known || !complete || rawBody.length > 0) throw new ConnectorError('auth', 'the push is not authentic');
  return { id: `${id}:${number}`, agendaIds: [] };
}
