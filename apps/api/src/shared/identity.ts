import { sightOf, type Patient } from '#application';
import { z } from 'zod';

export const patientView = z
  .object({
    lastName: z.string(),
    firstName: z.string(),
    phone: z.string().optional(),
    email: z.string().optional(),
    birthDate: z.string().optional(),
    newPatient: z.boolean().optional(),
    answers: z.record(z.string(), z.string()).optional(),
  })
  .meta({ id: 'Patient' });

export function viewPatient({ isNew, ...patient }: Patient): z.input<typeof patientView> {
  return isNew === undefined ? patient : { ...patient, newPatient: isNew };
}

/** Who the patient is, for those who may see it; for others the field is not there at all. */
export function identity(
  patient: Patient | null,
  { agendaIds, motifIds }: { readonly agendaIds: readonly string[]; readonly motifIds: readonly string[] },
): { readonly patient?: z.input<typeof patientView> | null } {
  const sight = sightOf();
  const sees = agendaIds.some((agendaId) => motifIds.every((motifId) => sight?.identity(agendaId, motifId) !== false));
  return sees ? { patient: patient === null ? null : viewPatient(patient) } : {};
}
