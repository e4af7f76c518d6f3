import { z } from 'zod';

/** Only what the hub uses of each answer; what the vendor says of patients is not even read. */
const id = z.int();
const text = z.string();

export const organisation = z.object({ organisation: z.object({ id, name: text.nullish() }) });

export const page = z.object({
  meta: z.object({ current_page: z.int(), total_pages: z.int(), total_count: z.int() }),
  absences: z.array(z.unknown()).optional(),
  agents: z.array(z.unknown()).optional(),
  rdvs: z.array(z.unknown()).optional(),
});

export const agent = z.object({ id, first_name: text.nullish(), last_name: text.nullish() });

export const absence = z.object({
  id,
  agent: z.object({ id }).nullish(),
  title: text.nullish(),
  first_day: z.iso.date(),
  start_time: z.iso.time(),
  end_day: z.iso.date(),
  end_time: z.iso.time(),
  rrule: text.nullish(),
  ical: text.nullish(),
});
export type Absence = z.output<typeof absence>;

export const oneAbsence = z.object({ absence });

const stamp = text.transform((value, context) => {
  const instant = Date.parse(value.replace(/^(\S+) (\S+) (\S+)$/, '$1T$2$3'));
  if (!Number.isNaN(instant)) return instant;
  context.addIssue('not an instant');
  return z.NEVER;
});

export const rdv = z
  .object({
    id,
    starts_at: stamp,
    ends_at: stamp,
    status: text,
    motif: z.object({ name: text.nullish() }).nullish(),
  })
  .refine(({ starts_at, ends_at }) => starts_at < ends_at, 'it must end after it starts');
export type Rdv = z.output<typeof rdv>;

/** Whose it is and whether it still takes time: known even of one whose times cannot be read. */
export const glimpse = z.object({ id, agents: z.array(z.object({ id })), status: text.nullish() });

/** As little as an absence must say to be put aside. */
export const absenceGlimpse = z.object({ id, agent: z.object({ id }).nullish() });

export const endpoint = z.object({ webhook_endpoint: z.object({ id }) });
export const endpoints = z.object({ webhook_endpoints: z.array(z.object({ id, target_url: text })) });

export const push = z.object({
  data: z.object({
    agent: z.object({ id }).nullish(),
    agents: z.array(z.object({ id })).nullish(),
  }),
  meta: z.object({ timestamp: stamp }),
});

export const headers = z.object({ token: text.min(1), client: text.min(1), uid: text.min(1), until: z.number() });
export type Headers = z.output<typeof headers>;

export const refusal = z.union([
  z.object({ not_found: z.string() }),
  z.object({ errors: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]) }),
]);
