import { z } from 'zod';

/** Only what the hub uses of each answer: whatever the vendor adds is ignored. */
const id = z.string().min(1);
const instant = z.int();
const nextPage = z.string().nullish();

export const account = z.object({ account: z.string() });

export const agendas = z.object({
  items: z.array(z.object({ id, name: z.string(), zone: z.string().nullish(), writable: z.boolean().nullish() })),
  next: nextPage,
});

export const entry = z
  .object({
    id,
    start: instant,
    end: instant,
    title: z.string().nullish(),
    reference: z.string().nullish(),
    version: z.int(),
    updatedAt: z.number().nullish(),
  })
  .refine(({ start, end }) => start < end, 'start must come before end');

export type Entry = z.output<typeof entry>;

/** Items stay unparsed here, so that one unreadable entry does not hide the others. */
export const listing = z.object({ items: z.array(z.unknown()), next: nextPage, seq: z.int() });

export const rules = z.object({
  newPatients: z.enum(['accepted', 'only', 'refused']),
  ages: z.object({ min: z.int().nullable(), max: z.int().nullable() }).nullable(),
  openings: z.array(z.object({ start: instant, end: instant })).nullable(),
});

export const versions = z.object({ items: z.array(z.object({ id, version: z.int() })), next: nextPage });

export const changes = z.object({ items: z.array(z.unknown()), next: z.int(), more: z.boolean() });

/** The least an item must say of itself to be put aside. */
export const identified = z.object({ id, version: z.int().nullish() });

export const changed = z.object({ id, deleted: z.boolean().nullish(), entry: z.unknown().optional() });

/** Until when an interval is kept. */
export const lease = z.object({ until: instant });

export const subscription = z.object({ id, expiresAt: z.number().nullish() });

export const failure = z.object({ error: z.object({ code: z.string() }) });

export const push = z.object({ agendaId: id });
