import { z } from 'zod';
import type { Agenda, Motive } from './model.js';
import { at, dateOf, midnight, plusDays, weekday, written } from './moments.js';
import { HardRefusal } from './refusal.js';
import { refusedMotive } from './rules.js';
import type { AppointmentStore } from './store.js';

const LONGEST_WINDOW = 15;
/** How far ahead a next slot is looked for, in days. */
const HORIZON = 190;

const numbers = z
  .string()
  .regex(/^\d+(-\d+)*$/)
  .transform((text) => text.split('-').map(Number));

export const windowQuery = z.object({
  start_date: z.iso.date(),
  limit: z.coerce.number().int().min(1).default(LONGEST_WINDOW),
});

export const availabilityQuery = windowQuery.extend({
  visit_motive_ids: numbers,
  agenda_ids: numbers,
  practice_ids: numbers.optional(),
  destroy_temporary: z.enum(['true', 'false']).default('false'),
});

interface Slot {
  readonly start: number;
  readonly end: number;
  readonly agenda: Agenda;
  readonly equipment: Agenda | null;
}

/** Refuses windows that are too long, in the vendor's words. */
export function requireWindow(limit: number): void {
  if (limit > LONGEST_WINDOW)
    throw new HardRefusal(400, { error: `limit: must be less than or equal to ${String(LONGEST_WINDOW)}` });
}

/** The answer to a search for slots: by day, and the next one when there is none in the window. */
export function availabilities(store: AppointmentStore, query: z.output<typeof availabilityQuery>): object {
  requireWindow(query.limit);
  const asked = query.agenda_ids.map((id) => store.setup.numbered(id));
  // As listed by the practice, or nothing is found: what callers get wrong, and never learn.
  const order = store.setup.agendas().filter((agenda) => asked.includes(agenda));
  const agendas = order.every((agenda, n) => agenda === asked[n]) ? order : [];
  const motive = store.setup.motives.get(query.visit_motive_ids[0] ?? 0);
  const onDay = (date: string): Slot[] => (motive ? slotsOf(store, { agendas, motive, date }) : []);
  const days = Array.from({ length: query.limit }, (_, n) => plusDays(query.start_date, n));
  const found = days.map((date) => ({ date, slots: onDay(date) }));
  const total = found.reduce((sum, { slots }) => sum + slots.length, 0);
  const zoneOf = ({ agenda }: Slot): string => store.setup.zone(agenda);
  const next = total > 0 ? undefined : firstAfter(plusDays(query.start_date, query.limit), onDay);
  return {
    total,
    ...(total === 0 && next === undefined ? { reason: 'no_availabilities', message: 'Aucune disponibilité' } : {}),
    ...(next ? { next_slot: written(next.start, zoneOf(next)) } : {}),
    availabilities: found.map(({ date, slots }) => ({ date, slots: slots.map((slot) => shown(store, slot, motive)) })),
  };
}

function firstAfter(date: string, onDay: (date: string) => Slot[]): Slot | undefined {
  for (let n = 0; n < HORIZON; n += 1) {
    const [first] = onDay(plusDays(date, n));
    if (first) return first;
  }
  return undefined;
}

function slotsOf(
  store: AppointmentStore,
  { agendas, motive, date }: { agendas: readonly Agenda[]; motive: Motive; date: string },
): Slot[] {
  const bookable = agendas.filter(
    (agenda) => agenda.practitioner_id !== null && refusedMotive(agenda, motive) === null,
  );
  return bookable
    .flatMap((agenda) =>
      openings(store, agenda, date).flatMap((opening) =>
        grid(opening, motive.minutes * 60_000).map((when) => ({ ...when, agenda })),
      ),
    )
    .filter(({ start, end, agenda }) => start >= store.now() && !store.taken(agenda.key, { start, end }))
    .flatMap(({ start, end, agenda }): Slot[] => {
      const possible = agenda.equipment_agendas_required ? store.setup.equipment(agenda, motive.id) : [];
      if (possible.length === 0) return [{ start, end, agenda, equipment: null }];
      const free = possible.find(({ key }) => !store.taken(key, { start, end }));
      return free ? [{ start, end, agenda, equipment: free }] : [];
    })
    .sort((a, b) => a.start - b.start);
}

/** Whether a practice is open for all of an interval; two days that touch are one. */
export function isOpen(store: AppointmentStore, agenda: Agenda, when: { start: number; end: number }): boolean {
  const first = plusDays(dateOf(when.start, store.setup.zone(agenda)), -1);
  const around = [0, 1, 2, 3].flatMap((n) => openings(store, agenda, plusDays(first, n)));
  const reached = around.reduce((at, { start, end }) => (start <= at && at < end ? end : at), when.start);
  return reached >= when.end;
}

function openings(store: AppointmentStore, agenda: Agenda, date: string): { start: number; end: number }[] {
  const zone = store.setup.zone(agenda);
  if (agenda.openings !== null) return agenda.openings.filter(({ start }) => dateOf(start, zone) === date);
  const hours = store.setup.practices.get(agenda.practice_id)?.opening_hours ?? [];
  return hours
    .filter(({ day, enabled }) => enabled && day === weekday(date))
    .flatMap(({ ranges }) => ranges.map(([from, to]) => ({ start: at(date, from, zone), end: at(date, to, zone) })));
}

function grid({ start, end }: { start: number; end: number }, step: number): { start: number; end: number }[] {
  const count = Math.max(0, Math.floor((end - start) / step));
  return Array.from({ length: count }, (_, n) => ({ start: start + n * step, end: start + (n + 1) * step }));
}

/** Three ways of writing the same slot. */
function shown(store: AppointmentStore, slot: Slot, motive: Motive | undefined): unknown {
  const zone = store.setup.zone(slot.agenda);
  const [start_date, end_date] = [written(slot.start, zone), written(slot.end, zone)];
  const form = store.setup.slotForm;
  if (form === 'text' && slot.equipment === null) return start_date;
  if (form === 'pair' && slot.equipment === null) return [start_date, end_date];
  const step = {
    agenda_id: slot.agenda.id,
    practitioner_agenda_id: null,
    start_date,
    end_date,
    visit_motive_id: motive?.id,
  };
  const equipment = slot.equipment
    ? [{ ...step, agenda_id: slot.equipment.id, practitioner_agenda_id: slot.agenda.id }]
    : [];
  return { start_date, end_date, agenda_id: slot.agenda.id, steps: [step, ...equipment] };
}

/** The days of a window, as instants. */
export function spanOf(
  { start_date, limit }: z.output<typeof windowQuery>,
  zone: string,
): { start: number; end: number } {
  return { start: midnight(start_date, zone), end: midnight(plusDays(start_date, limit), zone) };
}
