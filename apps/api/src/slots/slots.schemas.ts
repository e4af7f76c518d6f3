import type { Slot, SlotsFound } from '#application';
import { repeatable, wholeNumber } from '#platform';
import { z } from 'zod';
import { freshnessFields, freshnessView } from '../shared/freshness.js';
import type { Consultants } from '../shared/consultants.js';
import { consultantView } from '../shared/consultants.js';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantInput, instantView, timeZoneView } from '../shared/instants.js';

const MAX_AGENDAS = 50;
const MAX_WINDOW_DAYS = 62;
const DAY_MS = 86_400_000;

const what = {
  motif: idInput,
  agenda: repeatable(idInput, MAX_AGENDAS)
    .optional()
    .meta({ description: 'Repeatable; without it every agenda that offers the motif.' }),
};

export const slotsQuery = z
  .strictObject({
    ...what,
    from: instantInput,
    to: instantInput,
    limit: wholeNumber(1, 500).prefault('100').meta({ description: 'Most slots per agenda.' }),
  })
  .refine(({ from, to }) => from < to, { path: ['to'], message: 'must be after from', abort: true })
  .refine(({ from, to }) => to - from <= MAX_WINDOW_DAYS * DAY_MS, {
    path: ['to'],
    message: `must be at most ${String(MAX_WINDOW_DAYS)} days after from`,
  });

export const nextSlotsQuery = z.strictObject({
  ...what,
  from: instantInput.optional().meta({ description: 'Earliest start; now when absent.' }),
  limit: wholeNumber(1, 50).prefault('3'),
});

const place = { agenda: idView, motif: idView, start: instantView, end: instantView, timeZone: timeZoneView };

/** A free slot beside a refusal. */
export const alternativeView = z.object(place).meta({ id: 'Alternative' });

const slotView = z.object({ ...place, practitioner: consultantView, ...freshnessFields }).meta({ id: 'Slot' });

export const slotsView = z
  .object({
    items: z.array(slotView),
    agendas: z.array(z.object({ agenda: idView, timeZone: timeZoneView, ...freshnessFields })).meta({
      description: 'Every agenda that was searched. One that is `unreachable` has no slots here, and is not full.',
    }),
    notOffered: z.array(idView).meta({ description: 'Agendas asked for that do not exist or do not offer the motif.' }),
  })
  .meta({ id: 'Slots' });

export function viewAlternative({
  agendaId,
  motifId,
  start,
  end,
  timeZone,
}: Slot & { readonly timeZone: string }): z.input<typeof alternativeView> {
  return {
    agenda: agendaId,
    motif: motifId,
    start: formatInstant(start, timeZone),
    end: formatInstant(end, timeZone),
    timeZone,
  };
}

export function viewSlots(
  found: SlotsFound,
  asked: readonly string[],
  consultant: Awaited<ReturnType<Consultants['of']>>,
): z.input<typeof slotsView> {
  const freshness = new Map(found.agendas.map((agenda) => [agenda.agendaId, freshnessView(agenda, agenda.timeZone)]));
  return {
    items: found.slots.map((slot) => ({
      ...viewAlternative(slot),
      practitioner: consultant(slot),
      ...(freshness.get(slot.agendaId) ?? { certainty: 'unreachable', asOf: null }),
    })),
    agendas: found.agendas.map(({ agendaId, timeZone, ...rest }) => ({
      agenda: agendaId,
      timeZone,
      ...freshnessView({ agendaId, ...rest }, timeZone),
    })),
    notOffered: asked.filter((id) => !freshness.has(id)),
  };
}
