import { createHmac, timingSafeEqual } from 'node:crypto';
import { ConnectorError, type PushHint, type PushRequest, parseJson } from '#connector-sdk';
import { push } from './schemas.js';

const MAX_AGE_S = 5 * 60;

/**
 * Checks `X-Signature: t=<seconds>,v1=<hex>`, the HMAC-SHA256 of `t.body`. The numbers in it are those of the moment, so
 * that nothing more is taken from it than that something changed.
 */
export function parsePush({ headers, rawBody, secret, now }: PushRequest): PushHint {
  const parts = (headers['x-signature'] ?? '').split(',').map((part) => part.trim());
  const t = parts.find((part) => part.startsWith('t='))?.slice(2) ?? '';
  const expected = createHmac('sha256', secret).update(`${t}.`).update(rawBody).digest();
  const signed = parts.some((part) => part.startsWith('v1=') && isEqual(Buffer.from(part.slice(3), 'hex'), expected));
  const fresh = /^\d{1,12}$/.test(t) && Math.abs(now / 1000 - Number(t)) <= MAX_AGE_S;
  const id = idIn(rawBody);
  if (!signed || !fresh || id === null) throw new ConnectorError('auth', 'the push is not authentic');
  return { id, agendaIds: [] };
}

function isEqual(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function idIn(rawBody: Buffer): string | null {
  try {
    return push.parse(parseJson(rawBody.toString('utf8'))).id;
  } catch {
    return null;
  }
}
