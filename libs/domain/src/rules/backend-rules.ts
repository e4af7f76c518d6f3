import type { Interval } from '../interval.js';
import type { MotifRules } from './types.js';

/** For whom a backend lets be booked. */
export type BackendRestrictions = Pick<MotifRules, 'newPatients' | 'age'>;

/** What a backend lets be booked in one agenda, under the motif that the hub books there. */
export interface BackendRules extends BackendRestrictions {
  /** Hours that may be booked there, taken or not, inside the window that was asked for; `null` = it does not say. */
  readonly openings: readonly Interval[] | null;
}

/** The practitioner's rules in the hub and those of his own tool together: what either refuses is refused. */
export function narrowed(rules: MotifRules, { newPatients, age }: BackendRestrictions): MotifRules {
  const both = [rules.newPatients, newPatients];
  // Known patients alone here, new ones alone there: nobody is left.
  if (both.includes('only') && both.includes('refused')) return { ...rules, audiences: [] };
  return {
    ...rules,
    newPatients: both.find((one) => one !== 'accepted') ?? 'accepted',
    age:
      age === null
        ? rules.age
        : {
            minYears: stricter(Math.max, rules.age?.minYears, age.minYears),
            maxYears: stricter(Math.min, rules.age?.maxYears, age.maxYears),
          },
  };
}

function stricter(
  of: (...years: number[]) => number,
  here: number | null | undefined,
  there: number | null,
): number | null {
  const said = [here, there].filter((one) => one != null);
  return said.length === 0 ? null : of(...said);
}
