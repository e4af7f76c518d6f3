import { z } from 'zod';

/** What the API answers, as far as it is used: collections with `records`, errors in a body that says so. */

export const failure = z.object({ error: z.unknown() }).refine(({ error }) => error != null);

const total = z.int().min(0);

/** A collection of anything that at least has an id. */
export const collection = z.object({ totalRecords: total, records: z.array(z.unknown()) });

const text = z.string().nullish();
const flag = z
  .union([z.boolean(), z.number(), z.enum(['0', '1', 'true', 'false'])])
  .nullish()
  .transform((value) => value === true || value === 1 || value === '1' || value === 'true');

export const pro = z.object({ email: text });
export const calendar = z.object({ id: z.int(), name: text, deleted: flag });
export const named = z.object({ id: z.int(), deleted: flag });

/** A row that at least says which one it is, and when it was changed. */
export const identified = z.object({ id: z.int(), updated_at: z.string() });

export const vevent = identified.extend({
  calendar_id: z.int(),
  start: z.string(),
  end: z.string(),
  fiche_id: z.number().nullish(),
  intervention_id: z.number().nullish(),
  text,
  comments: text,
  taker: text,
  type: text,
  note: flag,
  deleted: flag,
  /** Plages may be repeated; how is not published, so none of these is understood. */
  recurrence: z.unknown().optional(),
  rrule: z.unknown().optional(),
});

export type Vevent = z.output<typeof vevent>;

/** A write answers something in JSON; what was written is read back all the same. */
export const anything = z.unknown();
