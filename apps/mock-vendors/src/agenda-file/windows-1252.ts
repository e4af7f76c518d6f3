/** Where windows-1252 differs from Latin-1: the bytes 0x80 to 0x9F. */
const HIGH = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** What the practice's computer writes: UTF-8 only where it cannot help it. */
export function encode(text: string): Buffer {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const high = HIGH.indexOf(character);
    if (high >= 0) bytes.push(0x80 + high);
    else if (code < 0x80 || (code >= 0xa0 && code <= 0xff)) bytes.push(code);
    else return Buffer.from(text, 'utf8');
  }
  return Buffer.from(bytes);
}

export function decode(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\uFFFD')) return text;
  return Array.from(bytes, (byte) =>
    byte >= 0x80 && byte <= 0x9f ? (HIGH[byte - 0x80] ?? '?') : String.fromCharCode(byte),
  ).join('');
}
