import { APPOINTMENT_STATUSES } from '#domain';
import { CAUSES, type AppointmentRecord, type Cause, type Patient, type Reason } from '#application';
import { explainReason, line, repeatable } from '#platform';
import { z } from 'zod';
import { consultantView, type Consultant } from '../shared/consultants.js';
import { identity, patientView } from '../shared/identity.js';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantInput, instantView, timeZoneView } from '../shared/instants.js';
import { pageQuery, pageView } from '../shared/paging.js';

export const patientInput = z
  .strictObject({
    lastName: line(80),
    firstName: line(80),
    phone: z
      .string()
      .regex(/^\+?[0-9][0-9 .()-]{4,22}[0-9]$/, 'must be a telephone number')
      .optional(),
    email: z.email({ error: 'must be an e-mail address' }).max(254).optional(),
    birthDate: z.iso.date({ error: 'must be a date, such as 1980-05-31' }).optional(),
    newPatient: z.boolean().optional().meta({ description: 'Whether the practitioner has never seen the patient.' }),
    note: line(500)
      .optional()
      .meta({ description: 'Only where the organization keeps notes, by whom a grant lets see them.' }),
  })
  .meta({ id: 'PatientInput', description: 'What the visit needs, and no more: never anything about health.' });

/** Books although the time is taken or against the rules. */
export const overbookInput = z
  .strictObject({ reason: line(200) })
  .meta({ id: 'Overbooking', description: 'Needs `appointment:overbook`. The practitioner is told, with the reason.' });

/** What the secretary adds once she knows the patient. */
export const knownInput = {
  answers: z
    .record(z.string().regex(/^[a-z0-9-]{1,40}$/), line(500))
    .optional()
    .meta({ description: "Answers to the motif's questions, by the question's id." }),
  acknowledgeDouble: z
    .boolean()
    .default(false)
    .meta({ description: 'The patient has such an appointment already, and this one is meant all the same.' }),
};

/** Who it is for, and what a booking needs besides its place. */
export const bookingFields = { patient: patientInput, ...knownInput };

/** Where and when: of a hold, or of an appointment without one. */
export const placeInput = { agenda: idInput, motif: idInput, start: instantInput };

const PLACE_FIELDS = ['agenda', 'motif', 'start'] as const;

/** A hold, or a place, or a place with any one of several practitioners. */
export type BookRequest = {
  readonly patient: Patient;
  readonly acknowledged: boolean;
  readonly overbooking: string | undefined;
} & (
  | { readonly hold: string }
  | { readonly agenda: string; readonly motif: string; readonly start: number }
  | { readonly agendas: readonly string[]; readonly motif: string; readonly start: number }
);

export const bookInput = z
  .strictObject({
    hold: idInput.optional(),
    agenda: idInput.optional(),
    agendas: z
      .array(idInput)
      .min(2)
      .max(20)
      .optional()
      .meta({ description: 'Any one of these, instead of `agenda`: whoever is free and has the fewest that day.' }),
    motif: idInput.optional(),
    start: instantInput.optional(),
    ...bookingFields,
    overbook: overbookInput.optional(),
  })
  .superRefine(({ hold, agenda, agendas, motif, start }, context) => {
    const given = { agenda: agendas ?? agenda, motif, start };
    if (agenda !== undefined && agendas !== undefined)
      context.addIssue({ code: 'custom', path: ['agendas'], message: 'is given instead of agenda' });
    for (const field of PLACE_FIELDS) {
      if ((given[field] === undefined) === (hold !== undefined)) continue;
      const message = hold === undefined ? 'is required without a hold' : 'is given by the hold';
      context.addIssue({ code: 'custom', path: [field], message });
    }
  })
  .transform(({ hold, agenda, agendas, motif, start, ...brought }): BookRequest => {
    const common = {
      patient: patientOf(brought),
      acknowledged: brought.acknowledgeDouble,
      overbooking: brought.overbook?.reason,
    };
    if (hold !== undefined) return { hold, ...common };
    if (motif === undefined || start === undefined) return z.NEVER;
    if (agendas !== undefined) return { agendas, motif, start, ...common };
    return agenda === undefined ? z.NEVER : { agenda, motif, start, ...common };
  })
  .meta({ id: 'NewAppointment', description: 'Either `hold`, or `agenda` (or `agendas`), `motif` and `start`.' });

export const moveInput = z
  .strictObject({
    start: instantInput.optional(),
    motif: idInput.optional(),
    agenda: idInput.optional().meta({
      description: 'Another agenda: the answer is the appointment there, which replaces this one once it is confirmed.',
    }),
    overbook: overbookInput.optional(),
  })
  .refine(({ start, motif, agenda }) => [start, motif, agenda].some((value) => value !== undefined), {
    message: 'needs start, motif or agenda',
  })
  .meta({ id: 'AppointmentChange' });

/** Whose doing, and words; one of both at least, and words for what is none of the first three. */
export const cancellationFields = {
  cause: z.enum(CAUSES).optional().meta({ description: 'Whose doing it is; `other` needs words.' }),
  reason: line(200).optional().meta({ description: 'Words the practitioner may read: never anything about health.' }),
};

interface CancellationGiven {
  readonly cause?: Cause | undefined;
  readonly reason?: string | undefined;
}

/** Fails where neither a cause nor words say why. */
export const saysWhy = ({ cause, reason }: CancellationGiven): boolean =>
  reason !== undefined || (cause !== undefined && cause !== 'other');
export const WHY_MISSING = { path: ['reason'], message: 'is required where the cause does not say why' };

/** The reason as the appointment keeps it. */
export function cancellationOf({ cause, reason }: CancellationGiven): Reason {
  return { code: 'CANCELLED', ...(cause && { cause }), ...(reason !== undefined && { text: reason }) };
}

export const cancelInput = z
  .strictObject(cancellationFields)
  .refine(saysWhy, WHY_MISSING)
  .meta({ id: 'Cancellation', description: 'Why it does not take place.' });

export const appointmentsQuery = z.strictObject({
  ...pageQuery,
  agenda: repeatable(idInput, 50).optional(),
  status: repeatable(z.enum(APPOINTMENT_STATUSES), APPOINTMENT_STATUSES.length).optional(),
  from: instantInput.optional().meta({ description: 'Starts at or after.' }),
  to: instantInput.optional().meta({ description: 'Starts before.' }),
});

export const appointmentView = z
  .object({
    id: idView,
    agenda: idView,
    motif: idView,
    status: z.enum(APPOINTMENT_STATUSES).meta({ description: 'Only `confirmed` may be promised to the patient.' }),
    start: instantView,
    end: instantView,
    timeZone: timeZoneView,
    version: z.int().meta({ description: 'Also the ETag.' }),
    holdUntil: instantView.nullable().meta({ description: "End of a hold, by the database's clock." }),
    heldThereUntil: instantView.nullable().meta({
      description: "Of a hold: until when the practitioner's own tool keeps the slot as well. `null`: only held here.",
    }),
    renewalsLeft: z.int().nullable().meta({ description: 'How often a hold can still be renewed.' }),
    reason: z
      .object({
        code: z.string(),
        messages: z.object({ fr: z.string(), en: z.string() }),
        cause: z.enum(CAUSES).optional(),
        text: z.string().optional(),
      })
      .nullable()
      .meta({ description: 'Why it is in this state.' }),
    overbooked: z.boolean().meta({ description: 'It stands beside others, or outside the rules, by decision.' }),
    overbooking: z.string().nullable().meta({ description: 'Why it was overbooked.' }),
    series: idView.nullable().meta({ description: 'The series it belongs to.' }),
    replaces: idView.nullable().meta({ description: 'The appointment on another agenda that this one replaces.' }),
    replacedBy: idView.nullable(),
    createdBy: idView,
    practitioner: consultantView,
    patient: patientView.nullable().optional().meta({ description: 'Not there without `see-identity`.' }),
    links: z.object({ self: z.string(), status: z.string() }),
  })
  .meta({ id: 'Appointment' });

export type AppointmentView = z.input<typeof appointmentView>;

export const appointmentPage = pageView('AppointmentPage', appointmentView);

/** The patient of a booking, with what he answered. */
export function patientOf(brought: {
  readonly patient: z.output<typeof patientInput>;
  readonly answers?: Readonly<Record<string, string>> | undefined;
}): Patient {
  return { ...toPatient(brought.patient), ...(brought.answers && { answers: brought.answers }) };
}

export function toPatient({ newPatient, ...patient }: z.output<typeof patientInput>): Patient {
  return newPatient === undefined ? patient : { ...patient, isNew: newPatient };
}

export function appointmentPath(id: string): string {
  return `/v1/appointments/${id}`;
}

export function viewAppointment(
  record: AppointmentRecord,
  { timeZone, practitioner }: { readonly timeZone: string; readonly practitioner: Consultant },
  patient: Patient | null,
): AppointmentView {
  const { id, agendaId, motifId, reason, start, end, holdUntil, status, version, overbooked, createdBy } = record;
  const self = appointmentPath(id);
  return {
    ...{ id, agenda: agendaId, motif: motifId, status, version, overbooked, createdBy, timeZone, practitioner },
    start: formatInstant(start, timeZone),
    end: formatInstant(end, timeZone),
    overbooking: record.overbooking ?? null,
    series: record.series ?? null,
    renewalsLeft: record.renewalsLeft ?? null,
    heldThereUntil: record.heldThereUntil === undefined ? null : formatInstant(record.heldThereUntil, timeZone),
    replaces: record.replaces ?? null,
    replacedBy: record.replacedBy ?? null,
    holdUntil: holdUntil === null ? null : formatInstant(holdUntil, timeZone),
    reason: reason === null ? null : { ...reason, messages: explainReason(reason.code) },
    ...identity(patient, { agendaIds: [agendaId], motifIds: [motifId] }),
    links: { self, status: self },
  };
}
