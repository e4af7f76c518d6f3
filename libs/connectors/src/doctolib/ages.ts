import type { BackendRestrictions } from '#domain';
import type { Agenda, AgeRestriction, Motif } from './schemas.js';

type Age = BackendRestrictions['age'];

const MONTHS = 12;

/**
 * The ages that a motif is for on an agenda: those that no restriction refers elsewhere. Months are cut to whole years, so
 * that nobody is let in whom the vendor refuses; what is written in another way is `unclear`.
 */
export function ageOf({ id }: Agenda, { age_referral_restrictions: all }: Motif): Age | 'unclear' {
  let age = null as Age;
  for (const restriction of all ?? []) {
    if (!restriction.agenda_ids.includes(id)) continue;
    const left = rangeOf(restriction);
    if (left === null) return 'unclear';
    age = {
      minYears: larger(age?.minYears ?? null, left.minYears),
      maxYears: smaller(age?.maxYears ?? null, left.maxYears),
    };
  }
  return age;
}

/** Completed years, both ends included, of those who are not referred elsewhere. */
function rangeOf({ age: { operator, age, unit } }: AgeRestriction): NonNullable<Age> | null {
  const inYears = unit == null || unit === 'years';
  if (!inYears && unit !== 'months') return null;
  const [low, high] = inYears
    ? [Math.ceil(age), Math.floor(age)]
    : [Math.ceil(age / MONTHS), Math.floor(age / MONTHS) - 1];
  switch (operator) {
    case 'lt':
      return { minYears: low, maxYears: null };
    case 'le':
    case 'lte':
      return { minYears: low + 1, maxYears: null };
    case 'gt':
      return { minYears: null, maxYears: high };
    case 'ge':
    case 'gte':
      return { minYears: null, maxYears: inYears ? high - 1 : high };
    default:
      return null;
  }
}

function larger(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

function smaller(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}
