import type { BookingAnswer, Booking } from './booking.js';
import type { Actor, RequestKey } from './model.js';
import type { AppointmentRef, BookingTerms } from './ports.js';
import type { WaitingEntries, WaitingOffer, WaitingOffers } from './waiting-ports.js';

/** What a secretary does with an offer. */
export class WaitingList {
  constructor(
    private readonly parts: {
      readonly entries: WaitingEntries;
      readonly offers: WaitingOffers;
      readonly booking: Booking;
    },
  ) {}

  /**
   * Books the hold by the usual way with the patient of the entry; the same transaction closes the entry. `null`: there
   * is no such offer; `ended`: it is open no more. A repetition under the same key is told the first answer.
   */
  async accept(
    request: AppointmentRef & {
      readonly actor: Extract<Actor, { kind: 'collaborator' }>;
      readonly waitMs: number;
      readonly key: RequestKey;
      readonly terms: BookingTerms;
      readonly answers?: Readonly<Record<string, string>> | undefined;
    },
  ): Promise<BookingAnswer | 'ended' | null> {
    const { organizationId, id, actor, waitMs, key, terms, answers } = request;
    const { entries, offers, booking } = this.parts;
    const offer = await offers.get(request);
    if (offer === null) return null;
    const entry = await entries.get({ organizationId, id: offer.entryId });
    if (entry?.patient == null || (offer.state !== 'open' && offer.state !== 'accepted')) return 'ended';
    await offers.deciding(request, actor);
    const patient = answers === undefined ? entry.patient : { ...entry.patient, answers };
    const answer = await booking.bookHold({ organizationId, actor, waitMs, key, terms, holdId: id, patient });
    if (answer.outcome === 'refused') await offers.deciding(request, null);
    return answer;
  }

  /** Refusing again changes nothing and succeeds. */
  async refuse(ref: AppointmentRef, actor: Actor): Promise<WaitingOffer | 'ended' | null> {
    const { offers } = this.parts;
    const done = await offers.refuse(ref, actor);
    const offer = await offers.get(ref);
    return offer === null || done || offer.state === 'refused' ? offer : 'ended';
  }
}
