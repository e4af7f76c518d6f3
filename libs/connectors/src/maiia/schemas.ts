import { z } from 'zod';

/** Only what the hub uses of each answer: whatever the vendor adds is ignored. */
const id = z.string().min(1);
const moment = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

/** Items stay unparsed here, so that one unreadable item does not hide the others. */
export const page = z.object({ items: z.array(z.unknown()), total: z.int().min(0) });

export const tokenPair = z.object({
  accessToken: z.string().min(1),
  refreshToken: z.string().min(1),
  /** Seconds. */
  expiresIn: z.number().positive(),
});

export const account = z.object({ account: z.string(), scopes: z.array(z.string()).nullish() });

export const agenda = z.object({
  agendaSettingsId: id,
  name: z.string(),
  timeZone: z.string().nullish(),
  practitionerId: id,
  centerId: id,
  isOnlineAppointment: z.boolean().nullish(),
  /** Days from now for which slots are shown. */
  onlineAvailabilityVisibilityLimit: z.number().positive().nullish(),
});

export const reason = z.object({
  id,
  name: z.string().min(1),
  agendaSettingsIds: z.array(id),
  minimumAge: z.number().nullish(),
});

export const slot = z.object({
  id,
  practitionerId: id,
  centerId: id,
  consultationReasonId: id,
  startDateTime: moment,
  endDateTime: moment,
});

/** The least an appointment must say of itself to be put aside. */
export const identified = z.object({
  id,
  updateDate: z.string().nullish(),
  status: z.string().nullish(),
});

export const appointment = identified
  .extend({
    agendaSettingsId: id,
    updateDate: z.iso.datetime({ offset: true }),
    status: z.string(),
    externalId: z.string().nullish(),
    startDateTime: moment,
    endDateTime: moment,
    title: z.string().nullish(),
  })
  .refine(({ startDateTime: start, endDateTime: end }) => start < end, 'startDateTime must come before endDateTime');

export const failure = z.object({ code: z.string() });

/** What the sessions of one connection share. */
export const shared = z.object({
  tokens: z.object({ accessToken: z.string(), refreshToken: z.string(), expiresAt: z.number() }).nullable(),
  /** By agenda: the motif that was asked for, and the id it then had. */
  motifs: z.record(z.string(), z.object({ asked: z.string(), id: z.string() })),
});

export type Agenda = z.output<typeof agenda>;
export type Reason = z.output<typeof reason>;
export type Slot = z.output<typeof slot>;
export type Appointment = z.output<typeof appointment>;
export type Shared = z.output<typeof shared>;
