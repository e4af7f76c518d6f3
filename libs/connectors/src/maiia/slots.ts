import type { CallOptions } from '#connector-sdk';
import type { Interval } from '#domain';
import type { Client } from './client.js';
import { senseless } from './errors.js';
import { listAll } from './paging.js';
import { slot as schema, type Agenda, type Reason, type Slot } from './schemas.js';

/** Where slots are looked for. */
export interface Wanted {
  readonly agenda: Agenda;
  readonly motif: Reason;
  readonly when: Interval;
}

/** What a slot is, whatever its id is today: the vendor makes slots anew from week templates, under new ids. */
export function naturalKey(slot: Omit<Slot, 'id' | 'endDateTime'>): string {
  return [slot.practitionerId, slot.centerId, slot.consultationReasonId, slot.startDateTime].join(' ');
}

/** The free slots of a motif in one agenda. Those of a motif that is called otherwise by now are none, and nothing says so. */
export async function slotsIn(client: Client, { agenda, motif, when }: Wanted, options: CallOptions): Promise<Slot[]> {
  const { practitionerId, centerId } = agenda;
  const query = {
    centerId,
    consultationReasonName: motif.name,
    from: new Date(when.start).toISOString(),
    to: new Date(when.end).toISOString(),
  };
  const { items } = await listAll(client, { path: ['availabilities'], query }, JSON.stringify, options);
  return items
    .map((item) => {
      const read = schema.safeParse(item);
      if (!read.success) throw senseless(false, 200);
      return read.data;
    })
    .filter((slot) => slot.practitionerId === practitionerId && slot.consultationReasonId === motif.id);
}

/** The free slot that a visit fills exactly, under the id it has now; `null` when it fills none. */
export async function slotFor(client: Client, wanted: Wanted, options: CallOptions): Promise<Slot | null> {
  const { agenda, motif, when } = wanted;
  const { practitionerId, centerId } = agenda;
  const key = naturalKey({ practitionerId, centerId, consultationReasonId: motif.id, startDateTime: when.start });
  const slots = await slotsIn(client, wanted, options);
  return slots.find((slot) => naturalKey(slot) === key && slot.endDateTime === when.end) ?? null;
}
