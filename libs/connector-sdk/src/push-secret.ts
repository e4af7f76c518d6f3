import { createHash, timingSafeEqual } from 'node:crypto';

/** What the hub keeps of a push secret that is only compared: its SHA-256, base64url. */
export function hashPushToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** True when a token that came with a push is the one whose hash was kept. Takes the same time for every wrong one. */
export function isPushToken(token: string | undefined, hash: string): boolean {
  if (token === undefined) return false;
  const [given, kept] = [Buffer.from(hashPushToken(token)), Buffer.from(hash)];
  return given.length === kept.length && timingSafeEqual(given, kept);
}
