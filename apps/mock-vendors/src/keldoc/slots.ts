import { Temporal } from 'temporal-polyfill';
import { stamp, ZONE, type Agenda } from './model.js';
import type { KeldocStore } from './store.js';

interface Range {
  readonly start: number;
  readonly end: number;
}

interface Opening extends Range {
  /** None: for all of them. */
  readonly motiveIds: readonly number[];
}

/** What of the openings of an agenda is still free. */
export function freeRanges(store: KeldocStore, agenda: Agenda, { start, end }: Range): Opening[] {
  const busy = store
    .appointments(agenda.id)
    .filter(({ state }) => state === 'confirmed')
    .sort((a, b) => a.start - b.start);
  return openings(agenda, { start, end }).flatMap((opening) => {
    const { motiveIds } = opening;
    const free: Opening[] = [];
    let at = opening.start;
    for (const one of busy.filter((b) => b.start < opening.end && opening.start < b.end)) {
      if (at < one.start) free.push({ start: at, end: one.start, motiveIds });
      at = Math.max(at, one.end);
    }
    return at < opening.end ? [...free, { start: at, end: opening.end, motiveIds }] : free;
  });
}

/** Slots of one length, by day, as the patient front tells them. */
export function slotsByDay(ranges: readonly Range[], lengthMs: number): Record<string, { start_time: string }[]> {
  const days: Record<string, { start_time: string }[]> = {};
  for (const { start, end } of ranges)
    for (let at = start; at + lengthMs <= end; at += lengthMs)
      (days[stamp(at).slice(0, 10)] ??= []).push({ start_time: stamp(at) });
  return days;
}

/** Whether a time lies inside hours opened for a motif; an agenda without any is not kept by hours. */
export function isOpen(agenda: Agenda, when: Range, motiveId: number | null): boolean {
  if (agenda.openings.length === 0) return true;
  let open = when.start;
  // One may go on where another ends.
  for (const { start, end, motiveIds } of openings(agenda, when)) {
    const offered = motiveIds.length === 0 || (motiveId !== null && motiveIds.includes(motiveId));
    if (offered && start <= open) open = Math.max(open, end);
  }
  return open >= when.end;
}

function openings({ openings: all }: Agenda, { start, end }: Range): Opening[] {
  const found: Opening[] = all.flatMap((one) =>
    'start' in one && one.start < end && start < one.end
      ? [{ start: Math.max(start, one.start), end: Math.min(end, one.end), motiveIds: one.motiveIds }]
      : [],
  );
  const dayOf = (ms: number): Temporal.PlainDate =>
    Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(ZONE).toPlainDate();
  const last = dayOf(end);
  for (let day = dayOf(start); Temporal.PlainDate.compare(day, last) <= 0; day = day.add({ days: 1 }))
    for (const opening of all) {
      if (!('day' in opening) || opening.day !== day.dayOfWeek) continue;
      const at = (time: string): number =>
        day.toZonedDateTime({ timeZone: ZONE, plainTime: Temporal.PlainTime.from(time) }).epochMilliseconds;
      const range = { start: Math.max(start, at(opening.from)), end: Math.min(end, at(opening.to)) };
      if (range.start < range.end) found.push({ ...range, motiveIds: opening.motiveIds });
    }
  return found.sort((a, b) => a.start - b.start);
}
