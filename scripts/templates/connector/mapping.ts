import { createHash } from 'node:crypto';
import type { Interval, RemoteChange } from '#domain';
import { z } from 'zod';

const MAX_RAW = 64 * 1024;

const id = z.string().min(1);
const entry = z
  .object({ id, start: z.int(), end: z.int(), title: z.string().nullish() })
  .refine(({ start, end }) => start < end, 'start must come before end');
const identified = z.object({ id });

/**
 * A vendor's entry as a change; busy only inside `window`.
 * `null` when it does not even say which entry it is: passing over it would make it look deleted.
 */
export function toChange(item: unknown, window: Interval): RemoteChange | null {
  const read = entry.safeParse(item);
  if (!read.success) return toUnreadable(item, read.error);
  const { start, end, title } = read.data;
  const contentHash = createHash('sha256')
    .update(JSON.stringify([start, end, title ?? null]))
    .digest('hex');
  const inside = start < window.end && window.start < end;
  const busy = inside ? [{ start: Math.max(start, window.start), end: Math.min(end, window.end) }] : [];
  return {
    kind: 'upsert',
    object: {
      remoteId: read.data.id,
      version: contentHash,
      contentHash,
      reference: null,
      when: { start, end },
      recurring: false,
      busy,
      summary: title ?? null,
      modifiedAt: null,
    },
  };
}

function toUnreadable(item: unknown, error: z.ZodError): RemoteChange | null {
  const known = identified.safeParse(item);
  if (!known.success) return null;
  return {
    kind: 'unreadable',
    remoteId: known.data.id,
    version: null,
    reason: `unreadable: ${error.issues.map(({ path }) => path.join('.')).join(', ')}`,
    raw: JSON.stringify(item).slice(0, MAX_RAW),
  };
}
