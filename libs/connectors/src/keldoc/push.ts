import { createHash } from 'node:crypto';
import {
  ConnectorError,
  hashPushToken,
  isPushToken,
  type CallOptions,
  type PushHint,
  type PushRequest,
  type SubscribeRequest,
  type Subscription,
} from '#connector-sdk';
import { z } from 'zod';
import type { Client } from './client.js';
import { isKind, json } from './errors.js';
import { push as schema, webhooks } from './schemas.js';

const TOKEN = 'token';
const PATH = ['config', 'webhooks'] as const;

/**
 * The vendor is given a URL and signs nothing, so the URL carries the token. Others that lead to the same place are ours of
 * before: they are taken back once the new one stands.
 */
export async function subscribe(
  client: Client,
  { callbackUrl, secret }: SubscribeRequest,
  options: CallOptions,
): Promise<Subscription> {
  const url = new URL(callbackUrl);
  url.searchParams.set(TOKEN, secret);
  await client.json(z.unknown(), { method: 'POST', path: PATH, body: { url: url.href } }, options);
  const standing = await registered(client, options);
  if (!standing.includes(url.href))
    throw new ConnectorError('unknown', 'the webhook was accepted, but is not registered');
  for (const other of standing)
    if (other !== url.href && placeOf(other) === placeOf(url.href)) await remove(client, other, options);
  return { id: hashPushToken(secret), expiresAt: null };
}

/** `subscriptionId`: the hash of the token, by which its URL is told from the others. */
export async function unsubscribe(client: Client, subscriptionId: string, options: CallOptions): Promise<void> {
  for (const url of await registered(client, options))
    if (isPushToken(tokenOf(url) ?? undefined, subscriptionId)) await remove(client, url, options);
}

/**
 * A push proves that its sender knows the URL, and nothing about its body: it is a hint. What is of another length than its
 * sender said was tampered with.
 */
export function parsePush({ headers, query = {}, rawBody, secret }: PushRequest): PushHint {
  const read = schema.safeParse(json(rawBody.toString('utf8')));
  const length = headers['content-length'];
  const whole = length === undefined || Number(length) === rawBody.length;
  if (!isPushToken(query[TOKEN], secret) || !whole || !read.success)
    throw new ConnectorError('auth', 'the push is not authentic');
  const id = createHash('sha256').update(rawBody).digest('base64url');
  return { id, agendaIds: [String(read.data.agenda_id)] };
}

async function registered(client: Client, options: CallOptions): Promise<string[]> {
  const { webhooks: standing } = await client.json(webhooks, { method: 'GET', path: PATH }, options);
  return standing.map(({ url }) => url);
}

async function remove(client: Client, url: string, options: CallOptions): Promise<void> {
  try {
    await client.json(z.unknown(), { method: 'DELETE', path: PATH, body: { url } }, options);
  } catch (error) {
    if (!isKind(error, 'not_found')) throw error;
  }
}

function tokenOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).searchParams.get(TOKEN) : null;
}

function placeOf(url: string): string {
  return url.replace(/\?.*$/, '');
}
