import { z } from 'zod';

/** Only what the hub uses of each answer: whatever the vendor adds is ignored. */
const id = z.int();

/** `2021-04-20T16:53:00.000000+0200`, with or without colon and fraction. */
export const moment = z.string().transform((text, context) => {
  const [, date = '', time = '', offset = '', hours = '', minutes = ''] =
    /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(Z|([+-]\d\d):?(\d\d))$/.exec(text) ?? [];
  const ms = Date.parse(`${date}T${time}${offset === 'Z' ? 'Z' : `${hours}:${minutes}`}`);
  if (!Number.isNaN(ms)) return ms;
  context.addIssue('not a time with an offset');
  return z.NEVER;
});

const named = z.object({ id, name: z.string() });
export const config = z.object({ agendas: z.array(named), motives: z.array(named) });

/** The least an appointment must say of itself to be put aside. */
export const identified = z.object({ id, state: z.string().nullish() });

export const appointment = identified.extend({
  agenda_id: id,
  start_at: moment,
  /** Seconds. */
  duration: z.number().positive(),
  state: z.string(),
  patient_comment: z.string().nullish(),
  patient_attributes: z.object({ last_name: z.string().nullish() }).nullish(),
  updated_at: z.string().nullish(),
});

/** Items stay unparsed here, so that one unreadable item does not hide the others. */
export const listing = z.object({ appointments: z.array(z.unknown()) });

export const availableSlots = z.array(
  z.object({
    availabilities: z.array(
      z.object({
        start_time: moment,
        end_time: moment,
        /** None: for all of them. */
        motive_ids: z.array(id),
      }),
    ),
  }),
);

export const webhooks = z.object({ webhooks: z.array(z.object({ url: z.string() })) });

export const failure = z.object({ error: z.string() });
export const refusal = z.object({ errors: z.record(z.string(), z.array(z.string())) });

export const push = z.object({ event: z.string(), appointment_id: id, agenda_id: id });

export type Appointment = z.output<typeof appointment>;
export type Config = z.output<typeof config>;
