import { z } from 'zod';

/** Only what the hub uses of each answer: whatever the vendor adds is ignored. */
const number = z.int();
const numbers = z.array(number);

export const token = z.object({ access_token: z.string().min(1), expires_in: z.number().nullish() });

export const account = z.object({
  organization: z.object({ name: z.string().min(1) }),
  scopes: z.array(z.string()),
  agenda_ids: numbers,
});

const restriction = z.object({ agenda_ids: numbers });
const ageRestriction = restriction.extend({
  age: z.object({ operator: z.string(), age: z.number(), unit: z.string().nullish() }),
});

const motif = z.object({
  id: number,
  name: z.string(),
  new_patient_restrictions: z.array(restriction).nullish(),
  age_referral_restrictions: z.array(ageRestriction).nullish(),
});

const agenda = z.object({
  id: number,
  practice_id: number.nullish(),
  /** None: a piece of equipment. */
  practitioner_id: number.nullish(),
  booking_disabled: z.boolean().nullish(),
  booking_temporary_disabled: z.boolean().nullish(),
  visit_motive_ids: numbers.nullish(),
  visit_motive_ids_by_practice_id: z.record(z.string(), numbers).nullish(),
  visit_motive_ids_only_for_doctors: numbers.nullish(),
  equipment_agendas_required: z.boolean().nullish(),
});

export const info = z.object({
  data: z.object({
    profile: z.object({ id: number, name_with_title: z.string().nullish() }),
    visit_motives: z.array(motif),
    agendas: z.array(agenda),
    places: z.array(z.object({ practice_ids: numbers, name: z.string().nullish() })).nullish(),
    practitioners: z.array(z.object({ id: number, name_with_title: z.string() })).nullish(),
  }),
});

export type Info = z.output<typeof info>['data'];
export type Motif = z.output<typeof motif>;
export type Agenda = z.output<typeof agenda>;
export type AgeRestriction = z.output<typeof ageRestriction>;

const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

export const appointment = z
  .object({
    id: number,
    agenda_id: number.nullish(),
    start_date: instant,
    end_date: instant,
    title: z.string().nullish(),
    status: z.string(),
    partner_reference: z.string().nullish(),
    lock_version: number,
    updated_at: instant.nullish(),
    /** Of a hold. */
    expires_at: instant.nullish(),
  })
  .refine(({ start_date, end_date }) => start_date < end_date, 'start_date must come before end_date');

export type Appointment = z.output<typeof appointment>;

/** The least a row must say of itself to be put aside. */
export const identified = z.object({ id: number, lock_version: number.nullish() });

/** Two ways of writing it: with its time, or the day alone. */
const next = z.string().regex(/^\d{4}-\d{2}-\d{2}/);

/** Rows stay unparsed here, so that one unreadable row does not hide the others. */
export const listing = z.object({ appointments: z.array(z.unknown()), next_appointment: next.nullish() });

export const lookup = z.object({ appointments: z.array(appointment) });

const step = z.object({ agenda_id: number.nullish() });
const slotObject = z.object({ start_date: instant, end_date: instant.nullish(), steps: z.array(step).nullish() });

/** A time that is offered; where it ends is not always told. */
export interface Slot {
  readonly start: number;
  readonly end: number | null;
  /** Agendas that it takes, where it tells. */
  readonly agendas: readonly number[];
}

/** The same slot in three spellings: a time, a pair of times, or an object with steps. */
export const slot = z.union([
  instant.transform((start): Slot => ({ start, end: null, agendas: [] })),
  z.tuple([instant, instant]).transform(([start, end]): Slot => ({ start, end, agendas: [] })),
  slotObject.transform(({ start_date: start, end_date: end, steps }): Slot => ({
    start,
    end: end ?? null,
    agendas: (steps ?? []).flatMap(({ agenda_id: id }) => (id == null ? [] : [id])),
  })),
]);

export const availabilities = z.object({
  availabilities: z.array(z.object({ slots: z.array(slot) })),
  next_slot: next.nullish(),
});

export const held = z.object({ id: number, expires_at: instant.nullish() });

export const fill = z.object({
  appointment: z.object({
    custom_fields: z
      .array(
        z.object({
          id: z.string(),
          label: z.string().nullish(),
          required: z.boolean().nullish(),
          options: z.array(z.tuple([z.string(), z.string()])).nullish(),
        }),
      )
      .nullish(),
  }),
});

/** What a change of an appointment is answered with; where it leads is of no use here. */
export const done = z.object({ redirection: z.string() });

export const agendaHere = z.object({ id: number });

export const webhook = z.object({ id: z.string().min(1) });

/** A refusal, whatever the status it came with. */
export const refusal = z.object({
  error: z.string(),
  successor_id: number.nullish(),
  scope: z.string().nullish(),
});

export const push = z.object({ id: z.string().min(1), agenda_id: number });
