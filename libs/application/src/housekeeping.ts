import type { BackendHolds } from './backend-holds.js';
import type { Calendar } from './calendar.js';
import type { Bookings } from './ports.js';

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
    private readonly answers: KeptAnswers,
    /** `null`: no tool of a practitioner keeps anything for us. */
    private readonly holds: BackendHolds | null = null,
  ) {}

  /**
   * Frees the holds that have ended; bookings do so for themselves, this makes it visible. What is still kept in the
   * practitioner's own tool is given back; what ended there first is asked for again, and freed where somebody else has it.
   */
  async expireHolds(organizationId: string, agendaId: string): Promise<number> {
    const expired = await this.bookings.expireHolds(organizationId, agendaId);
    await this.holds?.letGoEnded({ organizationId, agendaId });
    const taken = (await this.holds?.renewLapsed({ organizationId, agendaId })) ?? [];
    for (const id of taken) await this.bookings.release({ organizationId, id }, { kind: 'system' });
    return expired;
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

  /** Expands the agenda's openings, reserves and public holidays to its horizon. */
  extendOpenings(organizationId: string, agendaId: string): Promise<void> {
    return this.calendar.expandRules(organizationId, agendaId);
  }
}
