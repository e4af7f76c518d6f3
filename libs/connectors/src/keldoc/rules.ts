import type { CallOptions } from '#connector-sdk';
import { union, type BackendRules, type Interval } from '#domain';
import type { Client } from './client.js';
import { listed, parts, type Reading } from './pull.js';
import { availableSlots } from './schemas.js';
import { parisTime } from './signing.js';

export interface Asked extends Reading {
  readonly motive: number;
}

/**
 * The hours in which the motif may be booked, taken or not: what is still free, and what is taken already. `null` where nothing at
 * all is free: nothing can be told then from slots that are not used.
 */
export async function rules({ motive, ...reading }: Asked): Promise<BackendRules> {
  const { window } = reading.request;
  const free: Interval[] = [];
  const taken: Interval[] = [];
  for (const part of parts(window)) {
    free.push(...(await freeIn(reading.client, { agendaId: reading.request.agendaId, motive, part }, reading.options)));
    for (const change of await listed(reading, part)) if (change.kind === 'upsert') taken.push(...change.object.busy);
  }
  const openings = free.length === 0 ? null : union([...free, ...taken]);
  return { openings, newPatients: 'accepted', age: null };
}

async function freeIn(
  client: Client,
  { agendaId, motive, part }: { readonly agendaId: string; readonly motive: number; readonly part: Interval },
  options: CallOptions,
): Promise<Interval[]> {
  const query = { agenda_id: agendaId, start_date: parisTime(part.start), end_date: parisTime(part.end) };
  const told = await client.json(availableSlots, { method: 'GET', path: ['available_slots'], query }, options);
  return told
    .flatMap(({ availabilities }) => availabilities)
    .filter(({ motive_ids: motives }) => motives.length === 0 || motives.includes(motive))
    .map(({ start_time: start, end_time: end }) => ({ start, end }));
}
