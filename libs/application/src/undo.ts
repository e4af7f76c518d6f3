import { isLive } from '#domain';
import type { Booking, BookingAnswer, PlaceRequest } from './booking.js';
import type { Bookings } from './ports.js';

/**
 * Takes a cancellation back while it is fresh: what is dead stays dead, so a successor is booked where it stood, if the
 * time is still free and the rules still allow it.
 */
export class Undo {
  constructor(
    private readonly booking: Booking,
    private readonly bookings: Bookings,
  ) {}

  async undo(
    request: Omit<PlaceRequest, 'agendaId' | 'motifId' | 'start'> & { replaces: string },
  ): Promise<BookingAnswer> {
    const { organizationId, replaces } = request;
    const before = await this.bookings.get({ organizationId, id: replaces });
    const patient = (await this.bookings.patients(organizationId, [replaces])).get(replaces);
    if (before === null) return { outcome: 'refused', status: 404, problem: 'appointment-unknown' };
    if (patient === undefined || (isLive(before.status) && before.status !== 'compensating'))
      return { outcome: 'refused', status: 409, problem: 'appointment-ended', record: before };
    const { agendaId, motifId, start, series } = before;
    const audience = request.terms?.audience ?? 'SECRETARIAT';
    const usesReserved = request.terms?.usesReserved;
    const terms = { audience, usesReserved, acknowledged: true, series, replaces };
    return this.booking.book({ ...request, agendaId, motifId, start, patient, terms });
  }
}
