import { createHmac, timingSafeEqual } from 'node:crypto';
import { ConnectorError, type PushHint, type PushRequest, parseJson } from '#connector-sdk';
import { push } from './schemas.js';

const MAX_AGE_S = 5 * 60;

/**
 * Checks a push as Standard Webhooks 1.0 says: HMAC-SHA256 over `id.timestamp.body`, base64, `v1,` before it, several
 * signatures separated by spaces while a secret is being changed.
 */
export function parsePush({ headers, rawBody, secret, now }: PushRequest): PushHint {
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  const given = (headers['webhook-signature'] ?? '').split(' ').filter((one) => one.startsWith('v1,'));
  const key = Buffer.from(secret, 'base64url');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(rawBody).digest();
  const signed = given.some((one) => equal(Buffer.from(one.slice(3), 'base64'), expected));
  const age = Math.abs(now / 1000 - Number(timestamp));
  const fresh = /^\d{1,12}$/.test(timestamp) && age <= MAX_AGE_S;
  const agendaId = agendaOf(rawBody);
  if (!signed || !fresh || id === '' || agendaId === null)
    throw new ConnectorError('auth', 'the push is not authentic');
  return { id, agendaIds: [agendaId] };
}

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function agendaOf(rawBody: Buffer): string | null {
  try {
    return push.parse(parseJson(rawBody.toString('utf8'))).agendaId;
  } catch {
    return null;
  }
}
