import { createHmac } from 'node:crypto';
import type { Secrets } from './config.js';

const ZONE = 'Europe/Paris';
/** Made when first asked for: it brings the time zones of ICU into memory. */
let offset: Intl.DateTimeFormat | null = null;

/** The content type is part of what is signed, of requests without a body, too. */
export const CONTENT_TYPE = 'application/json';

/** An instant as the platform writes it: local time of Paris with its offset, to the second. */
export function parisTime(ms: number): string {
  offset ??= new Intl.DateTimeFormat('en-US', { timeZone: ZONE, timeZoneName: 'longOffset' });
  const name = offset.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign = '+', hours = '00', minutes = '00'] = /GMT([+-])(\d\d):(\d\d)/.exec(name) ?? [];
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  return `${new Date(ms + offsetMs).toISOString().slice(0, 19)}${sign}${hours}:${minutes}`;
}

/**
 * The headers that prove who calls, for one request: HMAC-SHA256 over date and content type, base64, and of the whole
 * header only letters, digits, `=`, `:` and white space are kept, so that `+` and `/` of the base64 vanish.
 */
export function signed({ accessKeyId, secretAccessKey }: Secrets, now: number): Record<string, string> {
  const date = parisTime(now);
  const signature = createHmac('sha256', secretAccessKey).update(`${date},${CONTENT_TYPE}`).digest('base64');
  return {
    authorization: `Bearer ${accessKeyId}:${signature}`.replace(/[^A-Za-z0-9=:\s]/g, ''),
    accept: 'application/vnd.keldoc-v1+json',
    'content-type': CONTENT_TYPE,
    date,
  };
}
