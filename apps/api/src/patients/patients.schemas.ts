import type { ErasureRecord, Portable, Seed, Wanted } from '#application';
import { e164Of } from '#domain';
import { line } from '#platform';
import { z } from 'zod';
import { appointmentView, patientInput } from '../appointments/appointments.schemas.js';
import { patientView, viewPatient } from '../shared/identity.js';
import { idInput, idView } from '../shared/ids.js';
import { instantView } from '../shared/instants.js';

const isNumber = (phone: string): boolean => e164Of(phone) !== null;

export const searchInput = z
  .strictObject({
    phone: patientInput.shape.phone,
    lastName: line(80).optional(),
    firstName: line(80).optional(),
    birthDate: patientInput.shape.birthDate,
  })
  .superRefine(({ phone, ...person }, context) => {
    const named = Object.values(person).filter((value) => value !== undefined).length;
    if (phone === undefined ? named < 3 : named > 0)
      context.addIssue({ code: 'custom', message: 'needs phone, or lastName, firstName and birthDate' });
    if (phone !== undefined && !isNumber(phone))
      context.addIssue({ code: 'custom', path: ['phone'], message: 'must be international (+33…), or French' });
  })
  .transform(({ phone, lastName = '', firstName = '', birthDate = '' }): Wanted => {
    return phone === undefined ? { lastName, firstName, birthDate } : { phone };
  })
  .meta({
    id: 'PatientSearch',
    description:
      'A telephone number, however written; or a name and a birth date. Accents, case and hyphens do not count.',
  });

export const searchView = z
  .object({
    items: z.array(appointmentView),
    more: z.boolean().meta({ description: 'There are more: only the latest are shown.' }),
  })
  .meta({ id: 'PatientSearchResult' });

const seedFields = {
  appointment: idInput.optional().meta({ description: 'One of his appointments.' }),
  waitingEntry: idInput.optional().meta({ description: 'One of his entries in the waiting list.' }),
};

interface SeedGiven {
  readonly appointment?: string | undefined;
  readonly waitingEntry?: string | undefined;
}

const namesOne = ({ appointment, waitingEntry }: SeedGiven): boolean =>
  (appointment === undefined) !== (waitingEntry === undefined);
const NAMES_ONE = { message: 'needs appointment or waitingEntry' };

export function seedOf({ appointment, waitingEntry = '' }: SeedGiven): Seed {
  return appointment === undefined ? { kind: 'entry', id: waitingEntry } : { kind: 'appointment', id: appointment };
}

export const exportInput = z
  .strictObject(seedFields)
  .refine(namesOne, NAMES_ONE)
  .meta({ id: 'PatientNamed', description: 'A patient, named by one of his records.' });

export const rectifyInput = z
  .strictObject({ ...seedFields, patient: patientInput.partial() })
  .refine(namesOne, NAMES_ONE)
  .meta({ id: 'PatientRectification', description: 'What is given replaces what was there, in every record of his.' });

export const eraseInput = z
  .strictObject({
    ...seedFields,
    force: z
      .boolean()
      .default(false)
      .meta({ description: 'Also when appointments are ahead: they stay, without a name.' }),
  })
  .refine(namesOne, NAMES_ONE)
  .meta({ id: 'NewErasure' });

export const rectifiedView = z.object({ records: z.int() }).meta({ id: 'PatientRectified' });

const record = z.record(z.string(), z.unknown());

export const exportView = z
  .object({
    patients: z.array(patientView),
    appointments: z.array(record),
    waiting: z.array(record),
    callbacks: z.array(record),
    events: z.array(record),
    copies: z.array(record).meta({ description: 'What the hub wrote for him into practitioners’ agendas.' }),
  })
  .meta({ id: 'PatientExport', description: 'Everything that is held about a patient, for him to take away.' });

export const erasureView = z
  .object({
    id: idView,
    at: instantView,
    state: z
      .enum(['running', 'done'])
      .meta({ description: '`running`: copies in practitioners’ agendas still follow.' }),
    appointments: z.int(),
    waitingEntries: z.int(),
    quarantined: z.int(),
    copies: z.object({
      total: z.int(),
      due: z.int(),
      left: z.int().meta({ description: 'Refused by the practitioner’s tool: to be done there by hand.' }),
    }),
  })
  .meta({ id: 'Erasure', description: 'The receipt of an erasure: numbers, nobody’s name.' });

export function viewErasure({ at, ...erasure }: ErasureRecord): z.input<typeof erasureView> {
  return { ...erasure, at: new Date(at).toISOString(), state: erasure.copies.due > 0 ? 'running' : 'done' };
}

export function viewExport({ patients, ...rest }: Portable): z.input<typeof exportView> {
  return { ...(rest as unknown as z.input<typeof exportView>), patients: patients.map(viewPatient) };
}
