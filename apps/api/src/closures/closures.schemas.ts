import { wallClock } from '#domain';
import type { AgendaRules, ClosureRule, Kept } from '#application';
import { line } from '#platform';
import { z } from 'zod';
import { formatInstant, instantInput, instantView } from '../shared/instants.js';
import { pageView } from '../shared/paging.js';
import { dateInput, ruleHead } from '../shared/rule-fields.js';

const DAY = 86_400_000;
/** Just below what the table takes: local days may be an hour longer than theirs. */
const MAX_DAYS = 399;

/** Whole local days, one half of a day, or two instants. */
type ClosureRequest = { readonly label: string } & (
  | { readonly start: number; readonly end: number }
  | { readonly from: string; readonly to: string; readonly half: 'morning' | 'afternoon' | null }
);

type Fault = (path: string, message: string) => void;

const closureFields = z.strictObject({
  label: line(200).meta({ examples: ['Congés'] }),
  from: dateInput.optional().meta({ description: 'First local day.' }),
  to: dateInput.optional().meta({ description: 'Last local day, included; the first when absent.' }),
  half: z.enum(['morning', 'afternoon']).optional().meta({ description: 'Of a single day: noon divides it.' }),
  start: instantInput.optional(),
  end: instantInput.optional(),
});
type ClosureFields = z.output<typeof closureFields>;

export const closureInput = closureFields
  .transform((given, context): ClosureRequest => {
    const fault: Fault = (path, message) => context.addIssue({ code: 'custom', path: [path], message });
    const { from } = given;
    return from === undefined ? instants(given, fault) : localDays({ ...given, from }, fault);
  })
  .meta({
    id: 'NewClosure',
    description: 'Either `from` (and `to`, or `half`), local days, or `start` and `end`, instants.',
  });

function localDays(given: ClosureFields & { readonly from: string }, fault: Fault): ClosureRequest {
  const { label, from, to = from, half = null, start, end } = given;
  if (start !== undefined) fault('start', 'is given by from');
  if (end !== undefined) fault('end', 'is given by to');
  if (to < from) fault('to', 'must not be before from');
  if (Date.parse(to) - Date.parse(from) >= MAX_DAYS * DAY) fault('to', `must be within ${String(MAX_DAYS)} days`);
  if (half !== null && from !== to) fault('half', 'is of a single day');
  return { label, from, to, half };
}

function instants({ label, to, half, start, end }: ClosureFields, fault: Fault): ClosureRequest {
  if (to !== undefined) fault('from', 'is required with to');
  if (half !== undefined) fault('half', 'is of a single day');
  if (start === undefined || end === undefined) {
    fault(start === undefined ? 'start' : 'end', 'is required without from');
    return z.NEVER;
  }
  if (end <= start) fault('end', 'must be after start');
  if (end - start > MAX_DAYS * DAY) fault('end', `must be within ${String(MAX_DAYS)} days`);
  return { label, start, end };
}

export const closureView = z
  .object({
    ...ruleHead,
    start: instantView,
    end: instantView,
    label: z.string().meta({ description: 'Of a public holiday: its name.' }),
    source: z.enum(['typed', 'holiday', 'backend']).meta({
      description:
        '`holiday`: computed from the agenda’s holiday calendar; `backend`: hours that the linked agenda keeps closed. Neither is changed here.',
    }),
  })
  .meta({ id: 'Closure' });
export const closurePage = pageView('ClosurePage', closureView);

export function toClosure(given: z.output<typeof closureInput>, { timeZone }: AgendaRules): ClosureRule {
  const { label } = given;
  if ('start' in given) return { start: given.start, end: given.end, label, source: 'typed' };
  const [first, last] = [Date.parse(given.from), Date.parse(given.to) + DAY];
  const instant = wallClock(timeZone, { start: first - 2 * DAY, end: last + 2 * DAY });
  const start = instant(given.half === 'afternoon' ? first + DAY / 2 : first);
  return { start, end: instant(given.half === 'morning' ? first + DAY / 2 : last), label, source: 'typed' };
}

export const CLOSURES = {
  kind: 'closure' as const,
  name: 'closures',
  input: closureInput,
  shown: closureView,
  page: closurePage,
  read: toClosure,
  view: ({ id, version, rule }: Kept<'closure'>, { agendaId, timeZone }: AgendaRules): z.input<typeof closureView> => ({
    ...{ id, agenda: agendaId, version, label: rule.label, source: rule.source },
    start: formatInstant(rule.start, timeZone),
    end: formatInstant(rule.end, timeZone),
  }),
};
