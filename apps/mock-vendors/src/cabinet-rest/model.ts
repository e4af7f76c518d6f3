import { z } from 'zod';

/** One visit. Times are kept as instants and told as local times, whole minutes. */
export interface Visit {
  readonly numero: number;
  readonly praticien: string;
  readonly start: number;
  readonly minutes: number;
  readonly objet: string;
  readonly note: string | null;
  readonly statut: 'PREVU' | 'ANNULE';
  readonly revision: number;
  readonly by: 'practitioner' | 'patient' | 'api';
  /** Its times were lost: nobody can read it any more. */
  readonly spoilt: boolean;
}

export interface Practitioner {
  readonly code: string;
  readonly nom: string;
  readonly cle: string;
}

export const seedInput = z.strictObject({
  praticiens: z.array(
    z.strictObject({
      code: z.string().regex(/^[A-Z0-9]{1,12}$/),
      nom: z.string().min(1).max(200),
      cle: z.string().min(8).max(200),
    }),
  ),
});

const debut = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/);
const visit = { debut, duree: z.int().min(1).max(1440), objet: z.string().max(500) };

export const createInput = z.strictObject({
  praticien: z.string(),
  rdv: z.strictObject({ ...visit, note: z.string().max(200).nullable().default(null) }),
});
export const changeInput = z.strictObject({
  praticien: z.string(),
  revision: z.int(),
  rdv: z.strictObject(visit),
});
export const cancelInput = z.strictObject({ praticien: z.string(), revision: z.int() });

const day = z.iso.date();
export const listInput = z.strictObject({
  praticien: z.string(),
  du: day,
  au: day,
  page: z.coerce.number().int().min(1).default(1),
});
