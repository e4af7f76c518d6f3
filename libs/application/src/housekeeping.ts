import { expandOpening } from '#domain';
import type { Calendar } from './calendar.js';
import type { Bookings, Effects } from './ports.js';

const DAY = 86_400_000;
/** Openings are expanded this far ahead: half a year of bookable time, and a week so that it need not be done daily. */
const HORIZON_DAYS = 190;

/** What has to happen now and then, whoever does it: safe to repeat, safe to lose. */
export class Housekeeping {
  constructor(
    private readonly bookings: Bookings,
    private readonly calendar: Calendar,
    private readonly effects: Effects,
  ) {}

  /** Frees the holds that have ended; bookings do so for themselves, this makes it visible. */
  expireHolds(organizationId: string, agendaId: string): Promise<number> {
    return this.bookings.expireHolds(organizationId, agendaId);
  }

  /** Expands the agenda's openings from yesterday to the horizon. */
  async extendOpenings(organizationId: string, agendaId: string): Promise<void> {
    const now = this.effects.now();
    const today = now - (now % DAY);
    const window = { start: today - DAY, end: today + HORIZON_DAYS * DAY };
    const openings = await this.calendar.openings(organizationId, agendaId);
    const occurrences = openings.flatMap((opening) =>
      expandOpening(opening, window).map((interval) => ({ ...interval, openingId: opening.id })),
    );
    await this.calendar.putOccurrences({ organizationId, agendaId }, window, occurrences);
  }
}
