import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { ConnectorError, type PushHint, type PushRequest, parseJson } from '#connector-sdk';
import { push } from './schemas.js';

/** Failed deliveries are repeated, as they were first written, for days; after this a read has long passed. */
const MAX_AGE_MS = 30 * 60_000;

/**
 * Checks a push: hex HMAC-SHA256 of the body. It has no id, so a repeated one is known by its body, and no order. All of the
 * rendez-vous comes with it, patient included; only whose agenda it is about is read.
 */
export function parsePush({ headers, rawBody, secret, now }: PushRequest): PushHint {
  const given = Buffer.from(headers['x-lapin-signature'] ?? '', 'hex');
  const expected = createHmac('sha256', secret).update(rawBody).digest();
  const signed = given.length === expected.length && timingSafeEqual(given, expected);
  const said = signed ? read(rawBody) : null;
  if (said === null || Math.abs(now - said.meta.timestamp) > MAX_AGE_MS)
    throw new ConnectorError('auth', 'the push is not authentic');
  const agents = [...(said.data.agents ?? []), ...(said.data.agent ? [said.data.agent] : [])];
  const id = createHash('sha256').update(rawBody).digest('base64url');
  return { id, agendaIds: agents.map((agent) => String(agent.id)) };
}

function read(rawBody: Buffer): ReturnType<typeof push.parse> | null {
  try {
    return push.parse(parseJson(rawBody.toString('utf8')));
  } catch {
    return null;
  }
}
