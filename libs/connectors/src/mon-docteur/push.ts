import { createHash } from 'node:crypto';
import { ConnectorError, isPushToken, type PushHint, type PushRequest } from '#connector-sdk';
import { parseXml } from './xml.js';

/** Nothing before the declaration and nothing after the end: what was added by somebody is not the vendor's. */
const WHOLE = /^<\?xml version="1\.0" encoding="UTF-8"\?>\s*<Notification [^>]*>[^]*<\/Notification>$/;

/**
 * Nothing is signed: all that tells the vendor from anybody is the label, which we made up when we subscribed. What the
 * message says happened is not even looked at; the agenda is read instead.
 */
export function parsePush({ headers, rawBody, secret }: PushRequest): PushHint {
  const text = rawBody.toString('utf8');
  const isXml = headers['content-type']?.includes('xml') === true;
  const root = isXml && WHOLE.test(text) ? parseXml(text) : null;
  const { agenda, etiquette } = root?.attributes ?? {};
  if (agenda === undefined || !isPushToken(etiquette, secret))
    throw new ConnectorError('auth', 'the push is not authentic');
  return { id: createHash('sha256').update(rawBody).digest('base64url'), agendaIds: [agenda] };
}
