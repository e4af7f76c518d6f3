import { OFFER_STATES, type WaitingOffer } from '#application';
import { repeatable } from '#platform';
import { z } from 'zod';
import { appointmentPath, knownInput } from '../appointments/appointments.schemas.js';
import { actorView } from '../conflicts/conflicts.schemas.js';
import { identity, patientView } from '../shared/identity.js';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantView, timeZoneView } from '../shared/instants.js';
import { pageQuery, pageView } from '../shared/paging.js';
import { entryPath } from './waiting-list.schemas.js';

export const offersQuery = z.strictObject({
  ...pageQuery,
  agenda: repeatable(idInput, 50).optional(),
  state: repeatable(z.enum(OFFER_STATES), OFFER_STATES.length)
    .optional()
    .meta({ description: 'Only open offers when left out.' }),
});

export const acceptInput = z.strictObject(knownInput).meta({ id: 'OfferAcceptanceInput' });

export const offerView = z
  .object({
    id: idView.meta({ description: 'Also the id of the hold, and of the appointment once it is accepted.' }),
    entry: idView,
    agenda: idView,
    motif: idView,
    start: instantView,
    end: instantView,
    timeZone: timeZoneView,
    state: z.enum(OFFER_STATES).meta({
      description:
        '`lapsed`: nobody decided in time. `withdrawn`: the patient was booked otherwise, or the hold was ended.',
    }),
    holdUntil: instantView.nullable().meta({ description: "The slot is kept until then, by the database's clock." }),
    patient: patientView.nullable().optional().meta({ description: 'Not there without `see-identity`.' }),
    madeAt: instantView,
    decidedBy: actorView.nullable(),
    closedAt: instantView.nullable(),
    links: z.object({ entry: z.string(), hold: z.string(), accept: z.string(), refuse: z.string() }),
  })
  .meta({ id: 'WaitingOffer', description: 'A slot that is kept for somebody who waits, for a secretary to decide.' });

export const offerPage = pageView('WaitingOfferPage', offerView);

export function viewOffer(offer: WaitingOffer, timeZone: string): z.input<typeof offerView> {
  const { id, entryId, agendaId, motifId, start, end, state, holdUntil, patient, madeAt, decidedBy, closedAt } = offer;
  const self = `/v1/waiting-list/offers/${id}`;
  return {
    ...{ id, entry: entryId, agenda: agendaId, motif: motifId, timeZone, state },
    start: formatInstant(start, timeZone),
    end: formatInstant(end, timeZone),
    holdUntil: holdUntil === null ? null : formatInstant(holdUntil, timeZone),
    ...identity(patient, { agendaIds: [agendaId], motifIds: [motifId] }),
    madeAt: formatInstant(madeAt, timeZone),
    decidedBy: closedAt === null ? null : decidedBy,
    closedAt: closedAt === null ? null : formatInstant(closedAt, timeZone),
    links: { entry: entryPath(entryId), hold: appointmentPath(id), accept: `${self}/accept`, refuse: `${self}/refuse` },
  };
}
