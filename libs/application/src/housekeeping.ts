import type { Calendar } from './calendar.js';
import type { Bookings } from './ports.js';

/** What has to happen now and then, whoever does it: safe to repeat, safe to lose. */
export class Housekeeping {
  constructor(
    private readonly bookings: Bookings,
    private readonly calendar: Calendar,
  ) {}

  /** Frees the holds that have ended; bookings do so for themselves, this makes it visible. */
  expireHolds(organizationId: string, agendaId: string): Promise<number> {
    return this.bookings.expireHolds(organizationId, agendaId);
  }

  /** Expands the agenda's openings, reserves and public holidays to its horizon. */
  extendOpenings(organizationId: string, agendaId: string): Promise<void> {
    return this.calendar.expandRules(organizationId, agendaId);
  }
}
