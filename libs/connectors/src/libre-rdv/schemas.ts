import { z } from 'zod';

/** What the API answers, as far as it is used. Empty is `null` here: a list, a text, and where nothing is new the whole answer. */

export const failure = z.object({ status: z.literal('error'), code: z.number() });

const ok = { status: z.literal('ok') };
const text = z.string().nullish();

export const token = z.object({ ...ok, token: z.string().min(1) });

export const account = z.object({ ...ok, name: z.string(), rights: z.array(z.string()).nullish() });

export const agendas = z.object({
  ...ok,
  agendas: z.array(z.object({ id: z.number(), name: text, writable: z.number().nullish() })).nullable(),
});

const id = z.int().min(1);

/** A row that at least says which one it is. */
export const identified = z.object({ id, creationDate: text });

export const row = identified.extend({
  startDate: z.string(),
  /** Minutes. */
  duration: z.int().min(1),
  status: z.string(),
  title: text,
  reference: text,
  origin: text,
  deleted: z.number().nullish(),
});

export type Row = z.output<typeof row>;

const rows = z.array(z.unknown()).nullable();

export const one = z.object({ ...ok, appointment: row });
export const some = z.object({ ...ok, appointments: z.array(row).nullable() });
export const listing = z.object({
  ...ok,
  total: z.int().min(0),
  pages: z.int().min(1),
  news: z.string(),
  appointments: rows,
});
export const news = z.object({ ...ok, news: z.string(), more: z.number().nullish(), appointments: rows }).nullable();
export const written = z.object({ ...ok, id: z.number() });
