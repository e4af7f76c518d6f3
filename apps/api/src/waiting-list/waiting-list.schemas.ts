import { ENTRY_STATES, type WaitingEntry } from '#application';
import { DAY_PARTS, PRIORITIES } from '#domain';
import { repeatable } from '#platform';
import { z } from 'zod';
import { appointmentPath, patientInput, toPatient } from '../appointments/appointments.schemas.js';
import { identity, patientView } from '../shared/identity.js';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantInput, instantView } from '../shared/instants.js';
import { pageQuery, pageView } from '../shared/paging.js';

const MOST_MOTIFS = 20;
const MOST_AGENDAS = 50;

const dayInput = z.iso.date({ error: 'must be a date, such as 2027-03-01' });

const availabilityInput = z
  .strictObject({
    weekdays: z.array(z.int().min(1).max(7)).max(7).default([]).meta({ description: '1 = Monday; empty = any day.' }),
    parts: z
      .array(z.enum(DAY_PARTS))
      .max(DAY_PARTS.length)
      .default([])
      .meta({ description: 'By the local start: before 12:00, from 12:00, from 18:00; empty = any.' }),
    from: dayInput.nullable().default(null).meta({ description: 'First local day.' }),
    to: dayInput.nullable().default(null).meta({ description: 'Last local day, included.' }),
  })
  .refine(({ from, to }) => from === null || to === null || from <= to, { path: ['to'], message: 'lies before `from`' })
  .meta({ id: 'AvailabilityInput', description: 'When the patient can come, in local time of the place.' });

const wishInput = {
  patient: patientInput.transform(toPatient),
  motifs: z.array(idInput).min(1).max(MOST_MOTIFS).meta({ description: 'Any of these will do.' }),
  agendas: z.array(idInput).min(1).max(MOST_AGENDAS).meta({ description: 'Any of these will do.' }),
  availability: availabilityInput,
  priority: z.enum(PRIORITIES),
  deadline: instantInput.nullable().meta({ description: 'The visit must start before; the waiting lapses then.' }),
};

export const entryInput = z
  .strictObject({
    ...wishInput,
    availability: availabilityInput.prefault({}),
    priority: wishInput.priority.default('routine'),
    deadline: wishInput.deadline.default(null),
  })
  .meta({ id: 'NewWaitingEntry' });

export const entryChange = z
  .strictObject(wishInput)
  .partial()
  .refine((change) => Object.values(change).some((value) => value !== undefined), { message: 'changes nothing' })
  .meta({ id: 'WaitingEntryChange' });

export const entriesQuery = z.strictObject({
  ...pageQuery,
  agenda: repeatable(idInput, MOST_AGENDAS).optional(),
  state: repeatable(z.enum(ENTRY_STATES), ENTRY_STATES.length).optional(),
});

export const entryView = z
  .object({
    id: idView,
    patient: patientView
      .nullable()
      .optional()
      .meta({ description: 'Forgotten once withdrawn; not there without `see-identity`.' }),
    motifs: z.array(idView),
    agendas: z.array(idView),
    availability: z.object({
      weekdays: z.array(z.int()),
      parts: z.array(z.enum(DAY_PARTS)),
      from: z.string().nullable(),
      to: z.string().nullable(),
    }),
    priority: z.enum(PRIORITIES),
    deadline: instantView.nullable(),
    state: z.enum(ENTRY_STATES),
    appointment: idView.nullable().meta({ description: 'What the patient was booked for, by an offer or otherwise.' }),
    createdBy: idView,
    createdAt: instantView,
    closedAt: instantView.nullable(),
    version: z.int().meta({ description: 'Also the ETag.' }),
    links: z.object({ self: z.string(), appointment: z.string().nullable() }),
  })
  .meta({ id: 'WaitingEntry' });

export const entryPage = pageView('WaitingEntryPage', entryView);

export const entryPath = (id: string): string => `/v1/waiting-list/${id}`;

export function viewEntry(entry: WaitingEntry, timeZone: string): z.input<typeof entryView> {
  const { id, patient, motifIds, agendaIds, availability, priority, deadline, state, appointmentId } = entry;
  const { createdBy, createdAt, closedAt, version } = entry;
  const appointment = appointmentId === null ? null : appointmentPath(appointmentId);
  return {
    ...{ id, priority, state, createdBy, version, appointment: appointmentId },
    availability: { ...availability, weekdays: [...availability.weekdays], parts: [...availability.parts] },
    ...identity(patient, { agendaIds, motifIds }),
    motifs: [...motifIds],
    agendas: [...agendaIds],
    deadline: deadline === null ? null : formatInstant(deadline, timeZone),
    createdAt: formatInstant(createdAt, timeZone),
    closedAt: closedAt === null ? null : formatInstant(closedAt, timeZone),
    links: { self: entryPath(id), appointment },
  };
}
