import { sightOf, type Patient } from '#application';
import { IDENTITY_FIELDS, type IdentityField } from '#domain';
import { z } from 'zod';

export const patientView = z
  .object({
    lastName: z.string().optional(),
    firstName: z.string().optional(),
    phone: z.string().optional(),
    email: z.string().optional(),
    birthDate: z.string().optional(),
    newPatient: z.boolean().optional(),
    answers: z.record(z.string(), z.string()).optional(),
    note: z.string().optional(),
  })
  .meta({ id: 'Patient', description: 'What is held of him and may be seen: each field has a right of its own.' });

export function viewPatient({ isNew, ...patient }: Patient): z.input<typeof patientView> {
  return isNew === undefined ? patient : { ...patient, newPatient: isNew };
}

interface Where {
  readonly agendaIds: readonly string[];
  readonly motifIds: readonly string[];
}

/** What may be seen there: of several agendas in one of them, whichever motif it comes to. */
export function seen({ agendaIds, motifIds }: Where): ReadonlySet<IdentityField> {
  const sight = sightOf();
  if (sight === undefined) return new Set(IDENTITY_FIELDS);
  const fields = agendaIds.flatMap((agendaId) => {
    const [first, ...others] = motifIds.map((motifId) => sight.identity(agendaId, motifId));
    return [...(first ?? [])].filter((field) => others.every((other) => other.has(field)));
  });
  return new Set(fields);
}

/** Who the patient is, as far as it may be seen: what may not is not there at all, and without any of it neither is he. */
export function identity(
  patient: Patient | null,
  where: Where,
): { readonly patient?: z.input<typeof patientView> | null } {
  const fields = seen(where);
  if (fields.size === 0) return {};
  if (patient === null) return { patient };
  const all = Object.entries(viewPatient(patient));
  return { patient: Object.fromEntries(all.filter(([key]) => fields.has(fieldOf(key)))) };
}

const fieldOf = (key: string): IdentityField =>
  key === 'lastName' || key === 'firstName' ? 'name' : (key as IdentityField);
