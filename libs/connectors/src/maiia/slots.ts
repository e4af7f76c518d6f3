import type { CallOptions } from '#connector-sdk';
import type { Interval } from '#domain';
import type { Client } from './client.js';
import { listAll } from './paging.js';
import { slot as schema, type Agenda, type Reason, type Slot } from './schemas.js';

/** What a slot is, whatever its id is today: the vendor makes slots anew from week templates, under new ids. */
export function naturalKey(slot: Omit<Slot, 'id' | 'endDateTime'>): string {
  return [slot.practitionerId, slot.centerId, slot.consultationReasonId, slot.startDateTime].join(' ');
}

/** The free slot that a visit fills exactly, under the id it has now; `null` when it fills none. */
export async function slotFor(
  client: Client,
  { agenda, motif, when }: { readonly agenda: Agenda; readonly motif: Reason; readonly when: Interval },
  options: CallOptions,
): Promise<Slot | null> {
  const { practitionerId, centerId } = agenda;
  const wanted = naturalKey({ practitionerId, centerId, consultationReasonId: motif.id, startDateTime: when.start });
  const query = {
    centerId,
    consultationReasonName: motif.name,
    from: new Date(when.start).toISOString(),
    to: new Date(when.end).toISOString(),
  };
  const { items } = await listAll(client, { path: ['availabilities'], query }, JSON.stringify, options);
  const slots = items.map((item) => schema.safeParse(item)).flatMap(({ data }) => data ?? []);
  return slots.find((slot) => naturalKey(slot) === wanted && slot.endDateTime === when.end) ?? null;
}
