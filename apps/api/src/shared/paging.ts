import { z } from 'zod';
import { badInput, wholeNumber } from '#platform';

/** Query parameters of every list. */
export const pageQuery = {
  limit: wholeNumber(1, 200).prefault('50').meta({ description: 'Most items of one page, 1 to 200.' }),
  cursor: z.string().max(500).optional().meta({ description: '`nextCursor` of the page before; opaque.' }),
};

/** A page of items. */
export function pageView<T extends z.ZodType>(
  id: string,
  item: T,
): z.ZodObject<{ items: z.ZodArray<T>; nextCursor: z.ZodNullable<z.ZodString> }> {
  return z
    .object({
      items: z.array(item),
      nextCursor: z.string().nullable().meta({ description: 'Where the next page begins; null on the last one.' }),
    })
    .meta({ id });
}

/** Makes a cursor: what it holds is nobody's business but ours. */
function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** Reads a cursor; throws `bad-input` for anything we did not make. */
export function decodeCursor<T>(cursor: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    throw badInput('query.cursor', 'is not a cursor of this list');
  }
}

/** Cuts one page out of what was found when one more than `limit` was asked for. */
export function cutPage<T>(
  found: readonly T[],
  limit: number,
  positionOf: (last: T) => readonly (string | number)[],
): { page: T[]; nextCursor: string | null } {
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return { page, nextCursor: last !== undefined && found.length > limit ? encodeCursor(positionOf(last)) : null };
}

/** Cuts one page, in order of id, out of a list that is short enough to be read whole. */
export function pageById<T extends { readonly id: string }>(
  all: readonly T[],
  query: { limit: number; cursor?: string | undefined },
): { page: T[]; nextCursor: string | null } {
  const after = query.cursor === undefined ? '' : decodeCursor(query.cursor, z.tuple([z.uuid()]))[0];
  const rest = [...all].sort((a, b) => (a.id < b.id ? -1 : 1)).filter(({ id }) => id > after);
  return cutPage(rest, query.limit, ({ id }) => [id]);
}
