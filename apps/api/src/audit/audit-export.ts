import type { AuditEntry, AuditLog, AuditQuery } from '#application';
import { viewEntry } from './audit.schemas.js';

const PAGE = 1_000;

const COLUMNS = [
  ...(['seq', 'at', 'action', 'actorKind', 'actorId', 'keyId', 'behalfId', 'grantIds', 'requestId'] as const),
  ...([
    'address',
    'agent',
    'agendaId',
    'entityId',
    'objects',
    'patients',
    'reason',
    'before',
    'after',
    'hash',
  ] as const),
] as const;

/** The log as text, a page at a time: whoever reads slowly is not waited for with the whole of it in memory. */
export async function* exportText(
  log: AuditLog,
  query: Omit<AuditQuery, 'after' | 'limit'>,
  format: 'csv' | 'jsonl',
): AsyncGenerator<string> {
  if (format === 'csv') yield `${COLUMNS.join(',')}\r\n`;
  let after = 0;
  for (;;) {
    const page = await log.list({ ...query, after, limit: PAGE });
    if (page.length > 0) yield page.map(format === 'csv' ? csvLine : jsonLine).join('');
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.seq;
  }
}

const jsonLine = (entry: AuditEntry): string => `${JSON.stringify(viewEntry(entry))}\n`;

const csvLine = (entry: AuditEntry): string =>
  `${COLUMNS.map((name) => {
    const value = entry[name];
    return csvCell(Array.isArray(value) ? value.join(' ') : String((value as string | number | null) ?? ''));
  }).join(',')}\r\n`;

/** RFC 4180; and no spreadsheet takes the cell for a formula (OWASP, CSV injection). */
export function csvCell(text: string): string {
  const neutral = /^[=+\-@\t\r\n|%]/.test(text) ? `'${text}` : text;
  return /[",\r\n;\t']/.test(neutral) ? `"${neutral.replaceAll('"', '""')}"` : neutral;
}
