import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A file as it came: one character a byte. */
export type Bytes = string;

const WINDOWS = new TextDecoder('windows-1252');
/** Bytes of the characters that Latin-1 does not have. */
const HIGH = new Map(
  Array.from({ length: 32 }, (_, at) => [WINDOWS.decode(Uint8Array.of(0x80 + at)), 0x80 + at] as const),
);

/** UTF-8 where it is valid UTF-8, else windows-1252: programs change their mind with an update. */
export function textOf(bytes: Bytes): string {
  const raw = Buffer.from(bytes, 'latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(raw);
  } catch {
    return WINDOWS.decode(raw);
  }
}

/** Windows-1252, or UTF-8 where it holds what windows-1252 has no place for. */
export function bytesOf(text: string): Bytes {
  const composed = text.normalize('NFC');
  const codes = Array.from(composed, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x80 || (code >= 0xa0 && code <= 0xff) ? code : HIGH.get(character);
  });
  const known = codes.filter((code) => code !== undefined);
  return (known.length === codes.length ? Buffer.from(known) : Buffer.from(composed, 'utf8')).toString('latin1');
}

export function signatureOf(bytes: Bytes, key: string): string {
  return createHmac('sha256', key).update(Buffer.from(bytes, 'latin1')).digest('hex');
}

export function isSignature(given: string, bytes: Bytes, key: string): boolean {
  const [one, other] = [Buffer.from(given.trim().toLowerCase()), Buffer.from(signatureOf(bytes, key))];
  return one.length === other.length && timingSafeEqual(one, other);
}

export function digestOf(bytes: Bytes): string {
  return createHash('sha256').update(Buffer.from(bytes, 'latin1')).digest('hex');
}

/** A short name for a text. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
