import { createHash } from 'node:crypto';
import { ConnectorError, parseJson } from '#connector-sdk';
import type { AgendaDocument } from './parts.js';

/** Part of a document on which the meaning of a cursor depends: with another one, everything is read anew. */
function fingerprint({ reading, entry, times }: AgendaDocument): string {
  return createHash('sha256')
    .update(JSON.stringify([reading, entry, times]))
    .digest('base64url')
    .slice(0, 12);
}

/** Throws `unavailable` for what is no cursor. */
export function writeCursor(document: AgendaDocument, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new ConnectorError('unavailable', 'the answer has no cursor where the document says');
  return JSON.stringify([fingerprint(document), value]);
}

/** Throws `cursor_expired` for one of another document, and for what is no cursor. */
export function readCursor(document: AgendaDocument, text: string): string | number {
  try {
    const [from, value] = parseJson(text) as unknown[];
    if (from === fingerprint(document) && (typeof value === 'string' || typeof value === 'number')) return value;
  } catch {
    // Not one of ours.
  }
  throw new ConnectorError('cursor_expired', 'the cursor is not one of this connection');
}
