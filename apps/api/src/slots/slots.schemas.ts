import { MODALITIES, type Explanation, type FoundSlot, type SlotsFound, type Suggestions } from '#application';
import { DAY_PARTS, RANKING_REASONS, WEEKDAYS } from '#domain';
import { line, RANKING_SENTENCES, repeatable, wholeNumber } from '#platform';
import { z } from 'zod';
import { freshnessFields, freshnessView } from '../shared/freshness.js';
import type { Consultants } from '../shared/consultants.js';
import { consultantView } from '../shared/consultants.js';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantInput, instantView, timeZoneView } from '../shared/instants.js';
import { reasonView, viewReason } from '../shared/reasons.js';

const MAX_NAMED = 50;
const MAX_WINDOW_DAYS = 62;
const DAY_MS = 86_400_000;

/** A yes or no written in a query. */
const yesOrNo = z.enum(['true', 'false']).transform((value) => value === 'true');

const patientClass = {
  newPatient: yesOrNo.optional().meta({ description: 'Whether the practitioner has never seen the patient.' }),
  age: wholeNumber(0, 130).optional().meta({ description: 'Completed years.' }),
  patientOf: idInput.optional().meta({
    description: 'An appointment: its patient is meant. His other visits count where the rules look at them.',
  }),
};

const what = {
  motif: idInput,
  agenda: repeatable(idInput, MAX_NAMED)
    .optional()
    .meta({ description: 'Repeatable. Without this and any other choice, every agenda that offers the motif.' }),
  practitioner: repeatable(idInput, MAX_NAMED).optional().meta({ description: 'Repeatable: any of them.' }),
  location: repeatable(idInput, MAX_NAMED).optional().meta({ description: 'Repeatable: any of them.' }),
  speciality: repeatable(line(80), MAX_NAMED)
    .optional()
    .meta({ description: 'Repeatable, as agendas tell it; case and accents do not count.' }),
  q: line(120).optional().meta({
    description:
      "Free text, such as `généraliste Tilleuls`: every word begins a word of the practitioner's name, the speciality, the place or the agenda's name.",
  }),
  modality: z.enum(MODALITIES).optional(),
  ...patientClass,
  weekday: repeatable(z.enum(WEEKDAYS), WEEKDAYS.length)
    .optional()
    .meta({ description: 'Repeatable; local days of the agenda.' }),
  partOfDay: repeatable(z.enum(DAY_PARTS), DAY_PARTS.length)
    .optional()
    .meta({ description: 'Repeatable; local time of the agenda: before 12:00, from 12:00, from 18:00.' }),
};

const isInOrder = { path: ['to'], message: 'must be after from', abort: true };
const isShort = { path: ['to'], message: `must be at most ${String(MAX_WINDOW_DAYS)} days after from` };

export const slotsQuery = z
  .strictObject({
    ...what,
    from: instantInput,
    to: instantInput,
    limit: wholeNumber(1, 500).prefault('100').meta({ description: 'Most slots per agenda.' }),
  })
  .refine(({ from, to }) => from < to, isInOrder)
  .refine(({ from, to }) => to - from <= MAX_WINDOW_DAYS * DAY_MS, isShort);

export const nextSlotsQuery = z.strictObject({
  ...what,
  from: instantInput.optional().meta({ description: 'Earliest start; now when absent.' }),
  limit: wholeNumber(1, 50).prefault('3'),
});

const SUGGESTED_DAYS = 14;

export const suggestionsQuery = z
  .strictObject({
    ...what,
    from: instantInput.optional().meta({ description: 'Earliest start; now when absent.' }),
    to: instantInput.optional().meta({ description: 'Starts before; two weeks after `from` when absent.' }),
    limit: wholeNumber(1, 50).prefault('5'),
  })
  .transform((query) => {
    const from = query.from ?? Date.now();
    return { ...query, from, to: query.to ?? from + SUGGESTED_DAYS * DAY_MS };
  })
  .refine(({ from, to }) => from < to, isInOrder)
  .refine(({ from, to }) => to - from <= MAX_WINDOW_DAYS * DAY_MS, isShort);

export const explainQuery = z.strictObject({
  agenda: idInput,
  motif: idInput,
  start: instantInput,
  ...patientClass,
  moving: idInput.optional().meta({
    description: 'An appointment that is to go there: it does not stand in its own way, and its patient is meant.',
  }),
});

const place = { agenda: idView, motif: idView, start: instantView, end: instantView, timeZone: timeZoneView };

/** A free slot beside a refusal. */
export const alternativeView = z.object(place).meta({ id: 'Alternative' });

const slotView = z.object({ ...place, practitioner: consultantView, ...freshnessFields }).meta({ id: 'Slot' });

const agendasView = z.array(z.object({ agenda: idView, timeZone: timeZoneView, ...freshnessFields })).meta({
  description: 'Every agenda that was searched. One that is `unreachable` has no slots here, and is not full.',
});

export const slotsView = z
  .object({
    items: z.array(slotView),
    agendas: agendasView,
    notOffered: z.array(idView).meta({
      description: 'Agendas named one by one that do not exist, or do not offer the motif, or not in this modality.',
    }),
    cutAt: instantView
      .nullable()
      .meta({ description: 'There is more from here on than one answer holds: ask again from then, or for less.' }),
  })
  .meta({ id: 'Slots' });

const rankingView = z
  .object({ code: z.enum(RANKING_REASONS), messages: z.object({ fr: z.string(), en: z.string() }) })
  .meta({ id: 'RankingReason' });

export const suggestionsView = z
  .object({
    items: z
      .array(
        z
          .object({
            ...slotView.shape,
            score: z.number().meta({ description: 'Sum of what speaks for it.' }),
            reasons: z.array(rankingView),
          })
          .meta({ id: 'Suggestion' }),
      )
      .meta({ description: 'Best first.' }),
    agendas: agendasView,
  })
  .meta({ id: 'Suggestions' });

export const explanationView = z
  .object({
    ...place,
    bookable: z.boolean().meta({ description: 'Nothing speaks against it.' }),
    ...freshnessFields,
    reasons: z.array(reasonView).meta({ description: 'Everything that speaks against it, in order.' }),
  })
  .meta({ id: 'Explanation' });

export function viewAlternative({
  agendaId,
  motifId,
  start,
  end,
  timeZone,
}: FoundSlot): z.input<typeof alternativeView> {
  return {
    agenda: agendaId,
    motif: motifId,
    start: formatInstant(start, timeZone),
    end: formatInstant(end, timeZone),
    timeZone,
  };
}

/** Most slots of one answer, in order of their start. */
const MAX_SLOTS = 5000;

type Consultant = Awaited<ReturnType<Consultants['of']>>;

export function viewSlots(
  found: SlotsFound,
  named: readonly string[],
  consultant: Consultant,
): z.input<typeof slotsView> {
  const known = new Set(found.agendas.map(({ agendaId }) => agendaId));
  const cut = found.slots[MAX_SLOTS];
  return {
    items: viewFresh(
      found,
      cut === undefined ? found.slots : found.slots.filter(({ start }) => start < cut.start),
      consultant,
    ),
    agendas: viewAgendas(found),
    notOffered: named.filter((id) => !known.has(id)),
    cutAt: cut === undefined ? null : formatInstant(cut.start, cut.timeZone),
  };
}

export function viewSuggestions(found: Suggestions, consultant: Consultant): z.input<typeof suggestionsView> {
  const slots = viewFresh(found, found.slots, consultant);
  return {
    items: slots.map((slot, index) => ({
      ...slot,
      score: found.slots[index]?.score ?? 0,
      reasons: (found.slots[index]?.reasons ?? []).map((code) => ({ code, messages: RANKING_SENTENCES[code] })),
    })),
    agendas: viewAgendas(found),
  };
}

export function viewExplanation(
  { agenda, motif, start }: z.output<typeof explainQuery>,
  { objections, freshness, now, end, timeZone }: Explanation,
): z.input<typeof explanationView> {
  const told = { now, timeZone, asOf: freshness.asOf };
  return {
    ...viewAlternative({ agendaId: agenda, motifId: motif, start, end, timeZone }),
    bookable: objections.length === 0,
    ...freshnessView(freshness, timeZone),
    reasons: objections.map((objection) => viewReason(objection, told)),
  };
}

type Searched = Pick<SlotsFound, 'agendas'>;

function viewFresh(
  { agendas }: Searched,
  slots: readonly FoundSlot[],
  consultant: Consultant,
): z.input<typeof slotView>[] {
  const freshness = new Map(agendas.map((agenda) => [agenda.agendaId, freshnessView(agenda, agenda.timeZone)]));
  return slots.map((slot) => ({
    ...viewAlternative(slot),
    practitioner: consultant(slot),
    ...(freshness.get(slot.agendaId) ?? { certainty: 'unreachable', asOf: null }),
  }));
}

function viewAgendas({ agendas }: Searched): z.input<typeof agendasView> {
  return agendas.map((agenda) => ({
    agenda: agenda.agendaId,
    timeZone: agenda.timeZone,
    ...freshnessView(agenda, agenda.timeZone),
  }));
}
