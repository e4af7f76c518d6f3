import type { Asked, Audience, OpenTime } from './types.js';

/** Whether a list of audiences (`null` = everybody) has the one that asks. */
export function admits(audiences: readonly Audience[] | null, asked: Asked): boolean {
  return audiences === null || audiences.includes(asked.audience);
}

/** Whether an opening is meant for the motif that is asked for. */
export function servesMotif({ motifIds }: OpenTime, asked: Asked): boolean {
  return motifIds === null || motifIds.includes(asked.motifId);
}

/** Whether the patient may come, new or known as he is. What is not known does not fit. */
export function fitsNewPatients({ rules, patient }: Asked): boolean {
  if (patient.isNew === undefined || rules.newPatients === 'accepted') return true;
  return patient.isNew === (rules.newPatients === 'only');
}

/** Whether the patient has the age that the motif asks for. What is not known does not fit. */
export function fitsAge({ rules, patient }: Asked): boolean {
  const minYears = rules.age?.minYears ?? null;
  const maxYears = rules.age?.maxYears ?? null;
  const { ageYears } = patient;
  if (ageYears === undefined || (minYears === null && maxYears === null)) return true;
  return ageYears !== null && ageYears >= (minYears ?? -Infinity) && ageYears <= (maxYears ?? Infinity);
}
