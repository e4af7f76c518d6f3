import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const FORM = /^unisson_([A-Za-z0-9_-]{43})_([A-Za-z0-9_-]{43})$/;
const UUID_BYTES = 16;

/** What an API key says of itself. */
export interface ApiKeyText {
  readonly organizationId: string;
  readonly keyId: string;
  /** SHA-256 of the secret part; only this is stored. */
  readonly secretHash: Buffer;
}

const toUuid = (bytes: Buffer): string =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const fromUuid = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex');

const hashOf = (secret: string): Buffer => createHash('sha256').update(secret, 'ascii').digest();

/** Makes a key for an organization. The text is shown once and never stored. */
export function issueApiKey(
  organizationId: string,
  keyId: string,
): { readonly text: string; readonly secretHash: Buffer } {
  const names = Buffer.concat([fromUuid(organizationId), fromUuid(keyId)]);
  if (names.length !== 2 * UUID_BYTES) throw new RangeError('an API key needs two UUIDs');
  const secret = randomBytes(32).toString('base64url');
  return { text: `unisson_${names.toString('base64url')}_${secret}`, secretHash: hashOf(secret) };
}

/** Reads a key; `null` when it cannot be one. */
export function parseApiKey(text: string): ApiKeyText | null {
  const match = FORM.exec(text);
  if (!match?.[1] || !match[2]) return null;
  const names = Buffer.from(match[1], 'base64url');
  return {
    organizationId: toUuid(names.subarray(0, UUID_BYTES)),
    keyId: toUuid(names.subarray(UUID_BYTES)),
    secretHash: hashOf(match[2]),
  };
}

/** Compares in a time that does not depend on where the two differ. */
export function sameHash(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
