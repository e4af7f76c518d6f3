/** Where a calendar of public holidays holds. */
export const HOLIDAY_CALENDARS = [
  'metropole',
  'alsace-moselle',
  'guadeloupe',
  'martinique',
  'guyane',
  'reunion',
  'mayotte',
  'saint-barthelemy',
  'saint-martin',
] as const;
export type HolidayCalendar = (typeof HOLIDAY_CALENDARS)[number];

/** A public holiday; a date on which two fall has both names. */
export interface PublicHoliday {
  /** Local date, `YYYY-MM-DD`. */
  readonly date: string;
  readonly fr: string;
  readonly en: string;
}

/** A day by its month and day, or by its distance in days from Easter Sunday. */
type When = readonly [month: number, day: number] | number;
type Rule = readonly [when: When, fr: string, en: string];

/** Code du travail, article L3133-1. */
const EVERYWHERE: readonly Rule[] = [
  [[1, 1], 'Jour de l’an', 'New Year’s Day'],
  [1, 'Lundi de Pâques', 'Easter Monday'],
  [[5, 1], 'Fête du Travail', 'Labour Day'],
  [[5, 8], 'Victoire 1945', 'Victory in Europe Day'],
  [39, 'Ascension', 'Ascension Day'],
  [50, 'Lundi de Pentecôte', 'Whit Monday'],
  [[7, 14], 'Fête nationale', 'Bastille Day'],
  [[8, 15], 'Assomption', 'Assumption Day'],
  [[11, 1], 'Toussaint', 'All Saints’ Day'],
  [[11, 11], 'Armistice 1918', 'Armistice Day'],
  [[12, 25], 'Noël', 'Christmas Day'],
];

const abolition = (month: number, day: number): readonly Rule[] => [
  [[month, day], 'Abolition de l’esclavage', 'Abolition of Slavery Day'],
];

/** What the places add. Overseas: Code du travail, article L3422-2. */
const LOCAL: Record<HolidayCalendar, readonly Rule[]> = {
  metropole: [],
  /** Article L3134-13. Good Friday holds where there is a Protestant or a shared church; a practice elsewhere opens that day. */
  'alsace-moselle': [
    [-2, 'Vendredi saint', 'Good Friday'],
    [[12, 26], 'Saint-Étienne', 'Saint Stephen’s Day'],
  ],
  guadeloupe: abolition(5, 27),
  martinique: abolition(5, 22),
  guyane: abolition(6, 10),
  reunion: abolition(12, 20),
  mayotte: abolition(4, 27),
  'saint-barthelemy': abolition(10, 9),
  /** Observed on the 28th since the circular of 4 May 2018, although the article still names Guadeloupe's day. */
  'saint-martin': abolition(5, 28),
};

const DAY = 86_400_000;

/**
 * Easter Sunday of a year of the Gregorian calendar, at midnight as if it were UTC (Meeus, Jones, Butcher: the
 * anonymous algorithm of Nature, 20 April 1876).
 */
function easter(year: number): number {
  const golden = year % 19;
  const century = Math.floor(year / 100);
  const ofCentury = year % 100;
  const correction = Math.floor((century - Math.floor((century + 8) / 25) + 1) / 3);
  const epact = (19 * golden + century - Math.floor(century / 4) - correction + 15) % 30;
  const weekday = (32 + 2 * (century % 4) + 2 * Math.floor(ofCentury / 4) - epact - (ofCentury % 4)) % 7;
  const late = Math.floor((golden + 11 * epact + 22 * weekday) / 451);
  const days = epact + weekday - 7 * late + 114;
  return Date.UTC(year, Math.floor(days / 31) - 1, (days % 31) + 1);
}

/**
 * The public holidays of a year, sorted, each date once, as the law stands today whatever the year. Throws RangeError
 * for a year outside 1583 to 9999.
 */
export function publicHolidays(calendar: HolidayCalendar, year: number): PublicHoliday[] {
  if (!Number.isInteger(year) || year < 1583 || year > 9999)
    throw new RangeError('not a year of the Gregorian calendar');
  const byDate = new Map<string, PublicHoliday>();
  for (const [when, fr, en] of [...EVERYWHERE, ...LOCAL[calendar]]) {
    const midnight = typeof when === 'number' ? easter(year) + when * DAY : Date.UTC(year, when[0] - 1, when[1]);
    const date = new Date(midnight).toISOString().slice(0, 10);
    const other = byDate.get(date);
    byDate.set(date, other ? { date, fr: `${other.fr} et ${fr}`, en: `${other.en} and ${en}` } : { date, fr, en });
  }
  return [...byDate.values()].sort((a, b) => (a.date < b.date ? -1 : 1));
}
