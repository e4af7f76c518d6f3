import { ConnectorError, type CallOptions } from '#connector-sdk';
import { union, type BackendRules, type Interval } from '#domain';
import type { Client } from './client.js';
import type { Directory } from './directory.js';
import { isCancelled } from './mapping.js';
import type { Motifs } from './motifs.js';
import { listAll } from './paging.js';
import { appointment, type Agenda, type Reason } from './schemas.js';
import { slotsIn } from './slots.js';

const DAY_MS = 86_400_000;
/** Slots are many, and their pages shift with every booking: they are read a fortnight at a time. */
const PART_MS = 14 * DAY_MS;
const TRIES = 3;

export interface RulesParts {
  readonly client: Client;
  readonly directory: Directory;
  readonly motifs: Motifs;
  readonly now: () => number;
}

interface Asked {
  readonly agendaId: string;
  readonly window: Interval;
}

/**
 * What the agenda offers under the motif of the connection: its free slots, and what is taken already. Throws `unavailable` when
 * the motif is renamed again and again while its slots are read.
 */
export async function rules(parts: RulesParts, asked: Asked, options: CallOptions): Promise<BackendRules> {
  const { directory, motifs } = parts;
  for (let count = 0; count < TRIES; count += 1) {
    // A name of before would have no slots, and everything would look closed.
    directory.forget();
    const motif = await motifs.required(asked.agendaId, options);
    const agenda = await directory.agenda(asked.agendaId, options);
    const openings = await openingsOf(parts, { ...asked, agenda, motif }, options);
    directory.forget();
    const after = await motifs.required(asked.agendaId, options);
    const age = motif.minimumAge == null ? null : { minYears: motif.minimumAge, maxYears: null };
    if (after.id === motif.id && after.name === motif.name) return { openings, newPatients: 'accepted', age };
  }
  throw new ConnectorError('unavailable', 'the motif changes while its slots are being read');
}

/**
 * `null` where no slots are offered to anybody: nothing can be told then from there being none. What lies beyond the days for
 * which slots are shown is not closed either.
 */
async function openingsOf(
  { client, now }: RulesParts,
  { agendaId, window, agenda, motif }: Asked & { readonly agenda: Agenda; readonly motif: Reason },
  options: CallOptions,
): Promise<Interval[] | null> {
  if (agenda.isOnlineAppointment === false) return null;
  const { start } = window;
  const shownDays = agenda.onlineAvailabilityVisibilityLimit ?? Infinity;
  const end = Math.max(start, Math.min(window.end, now() + shownDays * DAY_MS));
  const free: Interval[] = [];
  for (let at = start; at < end; at += PART_MS) {
    const when = { start: at, end: Math.min(end, at + PART_MS) };
    const slots = await slotsIn(client, { agenda, motif, when }, options);
    free.push(...slots.map((slot) => ({ start: slot.startDateTime, end: slot.endDateTime })));
  }
  if (free.length === 0) return null;
  return union([
    { start: end, end: window.end },
    ...free,
    ...(await taken(client, { agendaId, window: { start, end } }, options)),
  ]);
}

async function taken(client: Client, { agendaId, window }: Asked, options: CallOptions): Promise<Interval[]> {
  const query = {
    agendaSettingsId: agendaId,
    from: new Date(window.start).toISOString(),
    to: new Date(window.end).toISOString(),
  };
  const { items } = await listAll(client, { path: ['appointments'], query }, JSON.stringify, options);
  return items
    .flatMap((item) => appointment.safeParse(item).data ?? [])
    .filter((one) => !isCancelled(one))
    .map((one) => ({ start: one.startDateTime, end: one.endDateTime }));
}
