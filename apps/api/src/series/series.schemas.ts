import { expandOpening, RecurrenceError, zoneClock } from '#domain';
import type { Occurrence, OccurrenceAnswer, SeriesRecord } from '#application';
import { badInput, explainReason, line } from '#platform';
import { z } from 'zod';
import {
  appointmentPath,
  bookingFields,
  cancellationFields,
  saysWhy,
  WHY_MISSING,
} from '../appointments/appointments.schemas.js';
import { toProblem } from '../appointments/refusals.js';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantInput, instantView, timeZoneView } from '../shared/instants.js';
import { viewReason } from '../shared/reasons.js';

const MOST = 52;
const DAY = 86_400_000;
/** A series ends within three years of its first day. */
const MAX_SPAN = 3 * 366 * DAY;

const localInput = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/, 'must be a local date and time such as 2027-03-01T09:00')
  .meta({ description: "On the wall clock of the agenda's location." });

export const seriesInput = z
  .strictObject({
    agenda: idInput,
    motif: idInput,
    starts: z.array(localInput).min(1).max(MOST).optional(),
    start: localInput.optional().meta({ description: 'First possible occurrence of `rrule`.' }),
    rrule: line(200).optional().meta({ description: 'RFC 5545, DAILY or WEEKLY, with COUNT or UNTIL.' }),
    mode: z
      .enum(['all-or-nothing', 'report'])
      .default('all-or-nothing')
      .meta({ description: 'Whether nothing is booked when one occurrence cannot, or what can be is, with a report.' }),
    ...bookingFields,
  })
  .refine(({ starts, start, rrule }) => (starts === undefined) === (start !== undefined && rrule !== undefined), {
    message: 'needs either starts, or start and rrule',
  })
  .meta({ id: 'NewSeries', description: `1 to ${String(MOST)} visits of one patient, by their local times.` });

/** The instants of a series, sorted. Throws a problem that names the field at fault. */
export function startsOf({ starts, start, rrule }: z.output<typeof seriesInput>, timeZone: string): number[] {
  const local = (text: string, path: string): number => {
    const at = Date.parse(`${text}:00Z`);
    if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 16) !== text) throw badInput(path, 'is no such day');
    return at;
  };
  if (starts !== undefined) {
    const locals = starts.map((text, n) => local(text, `body.starts.${String(n)}`)).sort((a, b) => a - b);
    if (new Set(locals).size < locals.length) throw badInput('body.starts', 'names one time twice');
    const [first = 0, last = 0] = [locals[0], locals.at(-1)];
    if (last - first > MAX_SPAN) throw badInput('body.starts', 'must lie within three years');
    const clock = zoneClock(timeZone, { start: first - 2 * DAY, end: last + 2 * DAY });
    return locals.map((at) => clock.instant(at));
  }
  const first = local(start ?? '', 'body.start');
  const opening = { rrule: rrule ?? '', start: start ?? '', durationMinutes: 5, timeZone, except: [] };
  const found = expand(opening, { start: first - 2 * DAY, end: first + MAX_SPAN });
  if (found.length === 0 || found.length > MOST)
    throw badInput('body.rrule', `must give 1 to ${String(MOST)} occurrences within three years`);
  return found;
}

function expand(opening: Parameters<typeof expandOpening>[0], window: { start: number; end: number }): number[] {
  try {
    return expandOpening(opening, window).map(({ start }) => start);
  } catch (error) {
    if (error instanceof RecurrenceError) throw badInput(`body.${error.path}`, `is refused (${error.code})`);
    throw error;
  }
}

const selection = {
  appointment: idInput.optional(),
  following: z.boolean().default(false).meta({ description: 'Also those after it.' }),
};

export const moveSeriesInput = z
  .strictObject({ ...selection, appointment: idInput, start: instantInput })
  .meta({ id: 'SeriesChange', description: 'The rest of the series moves by as much on the wall clock.' });

export const cancelSeriesInput = z
  .strictObject({ ...cancellationFields, ...selection })
  .refine(saysWhy, WHY_MISSING)
  .meta({ id: 'SeriesCancellation', description: 'Without `appointment`: every visit that is still to come.' });

const messages = z.object({ fr: z.string(), en: z.string() });

export const seriesView = z
  .object({
    id: idView,
    agenda: idView,
    motif: idView,
    mode: z.enum(['all-or-nothing', 'report']),
    state: z.enum(['settling', 'done', 'undoing', 'undone']).meta({
      description:
        '`settling`: being carried to the practitioner. `undoing`: his agenda refused one, the others are taken back.',
    }),
    timeZone: timeZoneView,
    occurrences: z.array(
      z.object({
        start: instantView,
        appointment: idView.nullable(),
        status: z.string().nullable(),
        code: z.string().nullable(),
        messages: messages.nullable(),
      }),
    ),
    links: z.object({ self: z.string() }),
  })
  .meta({ id: 'Series' });

export const seriesReport = z
  .object({
    items: z.array(
      z.object({
        appointment: idView,
        status: z.int().meta({ description: 'As the same request for this visit alone would be answered.' }),
        start: instantView.nullable(),
        problem: z.string().nullable(),
        code: z.string().nullable(),
        messages: messages.nullable(),
        links: z.object({ appointment: z.string() }),
      }),
    ),
  })
  .meta({ id: 'SeriesReport' });

export function seriesPath(id: string): string {
  return `/v1/series/${id}`;
}

export function viewSeries(series: SeriesRecord, timeZone: string): z.input<typeof seriesView> {
  const { id, agendaId, motifId, mode, state, appointments, refused } = series;
  const booked = appointments.map((one) => ({
    at: one.start,
    appointment: one.id,
    status: one.status,
    code: one.reason?.code ?? null,
  }));
  const others = refused.map(({ start, code }) => ({ at: start, appointment: null, status: null, code }));
  const occurrences = [...booked, ...others]
    .sort((a, b) => a.at - b.at)
    .map(({ at, ...one }) => ({
      ...one,
      start: formatInstant(at, timeZone),
      messages: one.code === null ? null : explainReason(one.code),
    }));
  return { id, agenda: agendaId, motif: motifId, mode, state, timeZone, occurrences, links: { self: seriesPath(id) } };
}

/** What stands against each occurrence, beside a refusal of the whole. */
export function viewOccurrence({ start, outcome, result }: Occurrence, timeZone: string): object {
  const refused = result.outcome === 'taken' || result.outcome === 'rule' ? result : null;
  const { code = null, refusals = [], told } = refused ?? {};
  return {
    start: formatInstant(start, timeZone),
    outcome,
    code,
    messages: code === null ? null : explainReason(code),
    reasons: told === undefined ? [] : refusals.map((one) => viewReason(one, told)),
  };
}

export function viewReport(answers: readonly OccurrenceAnswer[], timeZone: string): z.input<typeof seriesReport> {
  return {
    items: answers.map(({ appointmentId, answer }) => {
      const record = answer.record;
      const problem = answer.outcome === 'refused' ? toProblem(answer) : null;
      const code = problem?.options.code ?? null;
      return {
        appointment: appointmentId,
        status: answer.status,
        start: record === undefined ? null : formatInstant(record.start, timeZone),
        problem: problem?.slug ?? null,
        code,
        messages: code === null ? null : explainReason(code),
        links: { appointment: appointmentPath(appointmentId) },
      };
    }),
  };
}
