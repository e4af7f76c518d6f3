import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { Client } from './client.js';
import type { Directory } from './directory.js';
import { Outdated } from './errors.js';
import { availabilities, type Agenda, type Motif } from './schemas.js';
import { daysAround, walk } from './windows.js';

/** For so long what was read of a practice is taken for what is. */
const JUST_READ_MS = 1_000;

/** What is to be booked, where, and when: a visit, or any in a range. */
export interface Wanted {
  readonly directory: Directory;
  readonly agenda: Agenda;
  readonly motif: Motif;
  readonly start: number;
  readonly end: number;
}

/**
 * The agendas that a visit takes: the practitioner's, and a piece of equipment where the motif needs one. Which piece is
 * free is only told by the slot that stands there.
 */
export async function agendasFor(
  client: Client,
  wanted: Wanted & { readonly now: number },
  options: CallOptions,
): Promise<readonly number[]> {
  const { directory, agenda, motif, start, now } = wanted;
  const equipment = directory.equipment(agenda, motif).map(({ id }) => id);
  if (equipment.length === 0) return [agenda.id];
  for await (const slots of slotsOf(client, wanted, [agenda.id, ...equipment], options)) {
    const slot = slots.find((one) => one.start === start && one.agendas.some((id) => equipment.includes(id)));
    if (slot) return [agenda.id, ...slot.agendas.filter((id) => equipment.includes(id)).slice(0, 1)];
  }
  // In another order than that of the moment nothing is found, and nothing says so: asked again with what is read now.
  if (now - directory.readAt > JUST_READ_MS) throw new Outdated();
  throw new ConnectorError('taken', 'no equipment that the motif needs is free at this time');
}

/** What the vendor offers, window by window. */
export function slotsOf(
  client: Client,
  { directory, agenda, motif, start, end }: Wanted,
  ids: readonly number[],
  options: CallOptions,
) {
  return walk(daysAround({ start, end }), async (start_date, limit) => {
    const query = {
      ...{ start_date, limit, visit_motive_ids: motif.id, agenda_ids: directory.joined(ids) },
      practice_ids: agenda.practice_id ?? undefined,
      // Anything else would release the holds that other visits are being booked with.
      destroy_temporary: 'false',
    };
    const page = await client.json(availabilities, { method: 'GET', path: '/availabilities.json', query }, options);
    const rows = page.availabilities.flatMap(({ slots }) => slots);
    return { rows, isEmpty: rows.length === 0, next: page.next_slot ?? null };
  });
}
