import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const FORM = /^unisson_([A-Za-z0-9_-]{43})_([A-Za-z0-9_-]{43})$/;
const TOKEN_FORM = /^unisson_at_([A-Za-z0-9_-]{43})_([A-Za-z0-9_-]{43})$/;
const FEED_FORM = /^([A-Za-z0-9_-]{43})_([A-Za-z0-9_-]{43})$/;
const UUID_BYTES = 16;

/** No organization and no credential has this id. */
export const NOBODY = '00000000-0000-0000-0000-000000000000';

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

/** A secret that names its row. The text is shown once and never stored. */
interface Issued {
  readonly text: string;
  readonly secretHash: Buffer;
}

/** Makes a key for an organization. */
export function issueApiKey(organizationId: string, keyId: string): Issued {
  const { text, secretHash } = issueFeedToken(organizationId, keyId);
  return { text: `unisson_${text}`, secretHash };
}

/** Makes a token for an application: what it says of itself is the same, and it is never to be taken for a key. */
export function issueAccessToken(organizationId: string, tokenId: string): Issued {
  const { text, secretHash } = issueFeedToken(organizationId, tokenId);
  return { text: `unisson_at_${text}`, secretHash };
}

/** Makes the secret part of a feed's address: short enough for a path, and never to be taken for a key. */
export function issueFeedToken(organizationId: string, feedId: string): Issued {
  const names = Buffer.concat([fromUuid(organizationId), fromUuid(feedId)]);
  if (names.length !== 2 * UUID_BYTES) throw new RangeError('a secret is named by two UUIDs');
  const secret = randomBytes(32).toString('base64url');
  return { text: `${names.toString('base64url')}_${secret}`, secretHash: hashOf(secret) };
}

/** Reads a key; `null` when it cannot be one. */
export function parseApiKey(text: string): ApiKeyText | null {
  return parse(FORM.exec(text));
}

/** Reads an application's token, `keyId` being the token's; `null` when it cannot be one. */
export function parseAccessToken(text: string): ApiKeyText | null {
  return parse(TOKEN_FORM.exec(text));
}

/** Reads the secret part of a feed's address, `keyId` being the feed's; `null` when it cannot be one. */
export function parseFeedToken(text: string): ApiKeyText | null {
  return parse(FEED_FORM.exec(text));
}

function parse(match: RegExpExecArray | null): ApiKeyText | null {
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
