const MAX_QUOTED_BYTES = 64 * 1024;

/** A copy that does not keep the document alive it was cut from. */
export function detached(text: string): string {
  return Buffer.from(text).toString();
}

/** What is kept of an object that could not be read, at most 64 KiB, for a person to look at. */
export function quoted(body: string): string {
  if (Buffer.byteLength(body) <= MAX_QUOTED_BYTES) return detached(body);
  const bytes = Buffer.from(body.slice(0, MAX_QUOTED_BYTES)).subarray(0, MAX_QUOTED_BYTES);
  // A character cut in two would grow into a replacement character of three bytes.
  return bytes.toString().replace(/\uFFFD$/, '');
}
