import { AUDIENCES, expandOpening, isTimeZone, PRIORITIES, RecurrenceError, type Opening } from '#domain';
import { z } from 'zod';
import { idInput, idView } from './ids.js';
import { timeZoneView } from './instants.js';

/** The path of one rule of an agenda. */
export const rulePath = z.strictObject({ id: idInput, item: idInput });
export type RulePath = z.output<typeof rulePath>;

const unique = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

/** A list in which nothing comes twice. */
export function listOf<T extends z.ZodType>(item: T, max: number): z.ZodArray<T> {
  return z.array(item).max(max).refine(unique, { message: 'names something twice' });
}

export const audience = z.enum(AUDIENCES);
export const priority = z.enum(PRIORITIES);
export const audiencesInput = listOf(audience, AUDIENCES.length).min(1);
export const motifsInput = listOf(idInput, 200);
export const dateInput = z.iso.date({ error: 'must be a date, such as 2027-05-14' });
export const localTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a local time, such as 10:00');

export const versionView = z.int().meta({ description: 'Also the ETag.' });

const rrule = z.string().meta({
  description: 'RFC 5545: FREQ=DAILY or WEEKLY, with INTERVAL, BYDAY, COUNT or UNTIL, WKST.',
  examples: ['FREQ=WEEKLY;BYDAY=MO,TU,TH'],
});
const start = z.string().meta({
  description: 'Local start of the first occurrence; it is one only where the rule says so.',
  examples: ['2027-01-04T08:30'],
});
const except = 'Local dates on which no occurrence starts.';

/** What recurs, as input; see {@link recurrenceFault}. */
export const recurrenceInput = {
  rrule: rrule.max(500),
  start: start.max(16),
  durationMinutes: z.int().min(5).max(1440),
  timeZone: z
    .string()
    .max(60)
    .refine(isTimeZone, { message: 'is not an IANA time zone' })
    .optional()
    .meta({ description: 'IANA zone; that of the place of consultation when absent.' }),
  except: listOf(dateInput, 400).default([]).meta({ description: except }),
};

export const recurrenceView = {
  rrule,
  start,
  durationMinutes: z.int(),
  timeZone: timeZoneView,
  except: z.array(z.string()).meta({ description: except }),
};

export const ruleHead = { id: idView, agenda: idView, version: versionView };

interface GivenRecurrence extends Omit<Opening, 'timeZone'> {
  readonly timeZone?: string | undefined;
}

/** Says of every fault that only expanding shows where it is. */
export function checkRecurrence(given: GivenRecurrence, context: z.core.$RefinementCtx): void {
  try {
    expandOpening(recurrenceOf({ ...given, timeZone: undefined }, 'UTC'), { start: 0, end: 1 });
  } catch (error) {
    if (!(error instanceof RecurrenceError)) throw error;
    const [field = '', ...rest] = error.path.split('.');
    const part = rest.length === 0 ? '' : `${rest.join('.')}: `;
    const path = field === 'except' ? [field, Number(rest[0])] : [field];
    const message = { syntax: 'cannot be read', unsupported: 'is not supported here', range: 'is out of range' }[
      error.code
    ];
    context.addIssue({
      code: 'custom',
      path,
      message: field === 'except' ? message : `${part}${message}`,
      input: given,
    });
  }
}

/** What recurs, in its own zone or else that of the place. */
export function recurrenceOf({ rrule: rule, timeZone, ...given }: GivenRecurrence, zone: string): Opening {
  const { start: first, durationMinutes, except: dates } = given;
  return { rrule: rule, start: first, durationMinutes, except: dates, timeZone: timeZone ?? zone };
}
