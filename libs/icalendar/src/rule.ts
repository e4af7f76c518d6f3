export type Frequency = 'SECONDLY' | 'MINUTELY' | 'HOURLY' | 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY';

/** A weekday (0 = Monday) with the number in front of it (`-1SU`: -1), 0 when there is none. */
export interface NthWeekday {
  readonly weekday: number;
  readonly nth: number;
}

/** Left out, or the last day of the month instead, or the first day of the next one. */
export type Skip = 'OMIT' | 'BACKWARD' | 'FORWARD';

/** A recurrence rule (RFC 5545 3.3.10), checked. An empty list means that the part is absent. */
export interface Rule {
  readonly frequency: Frequency;
  readonly interval: number;
  readonly count: number | null;
  /** First day of the week, 0 = Monday. */
  readonly weekStart: number;
  readonly byMonth: readonly number[];
  readonly byWeek: readonly number[];
  readonly byYearDay: readonly number[];
  readonly byMonthDay: readonly number[];
  readonly byDay: readonly NthWeekday[];
  readonly byHour: readonly number[];
  readonly byMinute: readonly number[];
  readonly bySecond: readonly number[];
  readonly byPosition: readonly number[];
  /** What becomes of the 30th of February and its like (RFC 7529 4.1). */
  readonly skip: Skip;
}
