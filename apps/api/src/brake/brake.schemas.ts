import type { BrakeRecord, HeldDeletion } from '#application';
import { z } from 'zod';
import { idView } from '../shared/ids.js';
import { formatInstant, instantView } from '../shared/instants.js';
import { pageQuery } from '../shared/paging.js';

export const brakeQuery = z.strictObject(pageQuery);

const heldView = z.object({
  remoteId: z.string().meta({ description: 'Id of the object in the practitioner’s tool.' }),
  appointment: idView.nullable().meta({ description: 'Would be cancelled; null: the practitioner’s own time.' }),
  start: instantView.nullable(),
  end: instantView.nullable(),
});

export const brakeView = z
  .object({
    link: idView,
    agenda: idView,
    engaged: z.boolean().meta({ description: 'Deletions wait for a person, because they were so many.' }),
    since: instantView.nullable(),
    deletions: z.int(),
    appointments: z.int().meta({ description: 'Appointments among what would be deleted.' }),
    known: z.int().meta({ description: 'Objects known of this agenda.' }),
    released: z.boolean().meta({ description: 'Released, and about to be carried out.' }),
    items: z.array(heldView),
    nextCursor: z.string().nullable().meta({ description: 'Where the next page begins; null on the last one.' }),
  })
  .meta({ id: 'LinkBrake' });

const NOTHING = { since: null, deletions: 0, appointments: 0, known: 0, released: false };

export function viewBrake(
  { linkId, agendaId, held }: BrakeRecord,
  page: { readonly items: readonly HeldDeletion[]; readonly nextCursor: string | null },
  timeZone: string,
): z.input<typeof brakeView> {
  const at = (value: number | null): string | null => (value === null ? null : formatInstant(value, timeZone));
  return {
    link: linkId,
    agenda: agendaId,
    engaged: held !== null,
    ...(held === null ? NOTHING : { ...held, since: at(held.since) }),
    items: page.items.map(({ remoteId, appointmentId, start, end }) => {
      return { remoteId, appointment: appointmentId, start: at(start), end: at(end) };
    }),
    nextCursor: page.nextCursor,
  };
}
