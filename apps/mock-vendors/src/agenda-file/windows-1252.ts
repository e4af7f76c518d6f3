/** Where windows-1252 differs from Latin-1: the bytes 0x80 to 0x9F. */
const HIGH = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** What the practice's computer writes; what it cannot write becomes a question mark. */
export function encode(text: string): Buffer {
  return Buffer.from(
    Array.from(text, (character) => {
      const high = HIGH.indexOf(character);
      if (high >= 0) return 0x80 + high;
      const code = character.codePointAt(0) ?? 0x3f;
      return code < 0x80 || (code >= 0xa0 && code <= 0xff) ? code : 0x3f;
    }),
  );
}

export function decode(bytes: Buffer): string {
  return Array.from(bytes, (byte) =>
    byte >= 0x80 && byte <= 0x9f ? (HIGH[byte - 0x80] ?? '?') : String.fromCharCode(byte),
  ).join('');
}
