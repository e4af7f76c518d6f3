import { parseJson } from '#connector-sdk';
import { z } from 'zod';

/** What the last complete read saw. */
const cursor = z.strictObject({
  /** Source, window and zone of that read: another one must read anew. */
  read: z.string(),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  /** Digest of the text, for servers that do not know conditions. */
  body: z.string(),
});

export type Cursor = z.output<typeof cursor>;

export function writeCursor(value: Cursor): string {
  return JSON.stringify(value);
}

/** `null` for none, and for one that makes no sense: reading everything is always right. */
export function readCursor(text: string | null): Cursor | null {
  try {
    return cursor.parse(parseJson(text ?? ''));
  } catch {
    return null;
  }
}
