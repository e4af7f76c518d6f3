import { expandOpening } from '#domain';
import type { Calendar } from './calendar.js';
import type { Bookings, Effects } from './ports.js';

const DAY = 86_400_000;
/** Openings are expanded this far ahead: half a year of bookable time, and a week so that it need not be done daily. */
const HORIZON_DAYS = 190;

/** How long an answer under an Idempotency-Key is given again; the API's description says so too. */
const KEPT_DAYS = 30;
/** Answers forgotten in one transaction, and transactions in one run. */
const FORGET = { limit: 1_000, times: 50 };

/** Answers kept under Idempotency-Keys. */
export abstract class KeptAnswers {
  /** Forgets the oldest of those that are older, `limit` at most; resolves to how many. */
  abstract forget(organizationId: string, olderThan: { days: number; limit: number }): Promise<number>;
}

/** What has to happen now and then, whoever does it: safe to repeat, safe to lose. */
export class Housekeeping {
  constructor(
    private readonly bookings: Bookings,
    private readonly calendar: Calendar,
    private readonly effects: Effects,
    private readonly answers: KeptAnswers,
  ) {}

  /** Frees the holds that have ended; bookings do so for themselves, this makes it visible. */
  expireHolds(organizationId: string, agendaId: string): Promise<number> {
    return this.bookings.expireHolds(organizationId, agendaId);
  }

  /** Forgets answers whose keys may be used anew. What one run leaves, the next takes. Resolves to how many. */
  async forgetAnswers(organizationId: string): Promise<number> {
    let forgotten = 0;
    for (let n = 0; n < FORGET.times; n += 1) {
      const gone = await this.answers.forget(organizationId, { days: KEPT_DAYS, limit: FORGET.limit });
      forgotten += gone;
      if (gone < FORGET.limit) break;
    }
    return forgotten;
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
