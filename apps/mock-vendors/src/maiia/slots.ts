import { Temporal } from 'temporal-polyfill';
import { derivedId } from './ids.js';
import { iso, type Agenda, type Reason } from './model.js';
import type { MaiiaStore } from './store.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export interface Slot {
  readonly id: string;
  readonly agenda: Agenda;
  readonly reason: Reason;
  readonly start: number;
  readonly end: number;
}

/** The free slots of one motif that begin in a range, in order of time. */
export function slotsOf(
  store: MaiiaStore,
  agenda: Agenda,
  reason: Reason,
  range: { from: number; to: number },
): Slot[] {
  const busy = store.living(agenda.id);
  // Beyond these days nothing is shown, and nothing says so.
  const to = Math.min(range.to, store.now() + agenda.onlineAvailabilityVisibilityLimit * DAY_MS);
  return openings(agenda, { from: range.from, to })
    .flatMap((opening) => cut(opening, reason.minutes * MINUTE_MS))
    .filter(({ start, end }) => start >= range.from && start < to && !busy.some((b) => b.start < end && start < b.end))
    .map(({ start, end }) => ({
      // Made anew with every generation: the id of a slot outlives nothing.
      id: derivedId('slot', store.generation, agenda.id, reason.id, start),
      agenda,
      reason,
      start,
      end,
    }));
}

export function slotView({ id, agenda, reason, start, end }: Slot, generation: number): object {
  const week = derivedId('week', generation, agenda.id);
  return {
    id,
    practitionerId: agenda.practitionerId,
    centerId: agenda.centerId,
    timeSlotId: derivedId('time-slot', generation, agenda.id, start),
    weekId: week,
    weekTemplateCycleId: derivedId('cycle', generation, agenda.id),
    consultationReasonId: reason.id,
    startDateTime: iso(start),
    endDateTime: iso(end),
    percentageNewPatient: 50,
    usedResource: [],
    substitute: {},
  };
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Whether a time lies inside the opened hours; an agenda without any is not kept by hours. */
export function isOpen(agenda: Agenda, { start, end }: Range): boolean {
  if (agenda.openings.length === 0) return true;
  let open = start;
  // One may go on where another ends, at midnight for instance.
  for (const opening of openings(agenda, { from: start, to: end }))
    if (opening.start <= open) open = Math.max(open, opening.end);
  return open >= end;
}

function openings({ zone, openings: all }: Agenda, { from, to }: { from: number; to: number }): Range[] {
  const found: Range[] = all.flatMap((one) => ('start' in one && one.start < to && from < one.end ? [one] : []));
  let day = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(zone).toPlainDate();
  const last = Temporal.Instant.fromEpochMilliseconds(to).toZonedDateTimeISO(zone).toPlainDate();
  for (; Temporal.PlainDate.compare(day, last) <= 0; day = day.add({ days: 1 })) {
    for (const opening of all)
      if ('day' in opening && opening.day === day.dayOfWeek)
        found.push({ start: at(day, opening.from, zone), end: at(day, opening.to, zone) });
  }
  return found.sort((a, b) => a.start - b.start);
}

function at(day: Temporal.PlainDate, time: string, zone: string): number {
  const [date, clock] = time === '24:00' ? [day.add({ days: 1 }), '00:00'] : [day, time];
  return date.toZonedDateTime({ timeZone: zone, plainTime: Temporal.PlainTime.from(clock) }).epochMilliseconds;
}

function cut({ start, end }: Range, length: number): Range[] {
  const slots: Range[] = [];
  for (let at = start; at + length <= end; at += length) slots.push({ start: at, end: at + length });
  return slots;
}
