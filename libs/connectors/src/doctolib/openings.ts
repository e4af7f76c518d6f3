import type { BackendRules, Interval } from '#domain';
import { Outdated } from './errors.js';
import { isHold } from './mapping.js';
import { LISTING, listed, type Source } from './pull.js';
import { lookup, type Agenda, type Motif, type Slot } from './schemas.js';
import type { Directory } from './directory.js';
import { slotsOf } from './slots.js';

/** Slots lie closer than this to each other, or nothing is concluded from how far apart they are. */
const LONGEST_STEP_MS = 4 * 3_600_000;

interface Looking extends Source {
  readonly agendaId: string;
  readonly window: Interval;
  readonly directory: Directory;
  readonly agenda: Agenda;
  readonly motif: Motif;
}

/**
 * What may be booked under the motif, and by whom. Slots tell what is free; what is taken may be booked too, once it is
 * free again. A walk that does not come to its end tells nothing: the caller keeps what he knows.
 */
export async function rulesOf(looking: Looking): Promise<BackendRules> {
  const { directory, agenda, motif } = looking;
  const restrictions = directory.restrictions(agenda, motif);
  if (directory.refusal(agenda, motif) !== null) return { ...restrictions, openings: [] };
  const free = offered(await slots(looking));
  if (free === null) return { ...restrictions, openings: null };
  const taken: Interval[] = [];
  for await (const rows of listed(looking, looking))
    for (const change of rows) if (change.kind === 'upsert') taken.push(...change.object.busy);
  // Nobody is offered what is kept for us: it would look closed.
  const kept = await holdsOf(looking);
  return { ...restrictions, openings: merged([...free, ...taken, ...kept], looking.window) };
}

async function holdsOf({ client, options, agenda }: Looking): Promise<Interval[]> {
  const query = { agenda_ids: agenda.id, temporary: 'true' };
  const { appointments } = await client.json(lookup, { method: 'GET', path: LISTING, query }, options);
  return appointments.filter(isHold).map(({ start_date: start, end_date: end }) => ({ start, end }));
}

async function slots({ client, practice, options, directory, agenda, motif, window }: Looking): Promise<Slot[]> {
  const ids = [agenda.id, ...directory.equipment(agenda, motif).map(({ id }) => id)];
  const found: Slot[] = [];
  for await (const page of slotsOf(client, { directory, agenda, motif, ...window }, ids, options)) found.push(...page);
  // Numbers in an order that no longer holds find nothing, and nothing says so.
  if (ids.length > 1 && (await practice.read(options)).joined(ids) !== directory.joined(ids)) throw new Outdated();
  return found;
}

/** The time that slots take; `null` when none tells how long it is. */
export function offered(slots: readonly Slot[]): Interval[] | null {
  const step = stepOf(slots);
  if (step === null && slots.some(({ end }) => end === null)) return null;
  return slots.map(({ start, end }) => ({ start, end: end ?? start + (step ?? 0) }));
}

/** How far apart slots lie most often: here and there one stands off the grid, or others between are taken. */
function stepOf(slots: readonly Slot[]): number | null {
  const starts = [...new Set(slots.map(({ start }) => start))].sort((a, b) => a - b);
  const counts = new Map<number, number>();
  for (const [n, start] of starts.slice(1).entries()) {
    const gap = start - (starts[n] ?? start);
    if (gap <= LONGEST_STEP_MS) counts.set(gap, (counts.get(gap) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([a, often], [b, oftener]) => oftener - often || a - b);
  return most?.[0] ?? null;
}

/** Sorted, what touches joined, cut to the window. */
function merged(intervals: readonly Interval[], window: Interval): Interval[] {
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of [...intervals].sort((a, b) => a.start - b.start)) {
    const [from, to] = [Math.max(start, window.start), Math.min(end, window.end)];
    const last = joined.at(-1);
    if (from >= to) continue;
    if (last && from <= last.end) last.end = Math.max(last.end, to);
    else joined.push({ start: from, end: to });
  }
  return joined;
}
