import type { CallOptions, CreateRequest } from '#connector-sdk';
import type { Client } from './client.js';
import type { Directory } from './directory.js';
import { MotifRefused, SlotGone } from './errors.js';
import type { Motifs } from './motifs.js';
import { identified } from './schemas.js';
import { slotFor } from './slots.js';

/** Books under names and slot ids that the vendor may have changed a moment ago; both refusals are certain. */
export class Booking {
  readonly #client: Client;
  readonly #directory: Directory;
  readonly #motifs: Motifs;

  constructor(client: Client, directory: Directory, motifs: Motifs) {
    this.#client = client;
    this.#directory = directory;
    this.#motifs = motifs;
  }

  /** The id of what the vendor says it stored, now or under the same reference before. */
  async book(request: CreateRequest, options: CallOptions): Promise<{ readonly id: string }> {
    try {
      return await this.#inSlot(request, options);
    } catch (error) {
      if (!(error instanceof MotifRefused)) throw error;
      // The motif is called something else by now, or its agenda is.
      this.#directory.forget();
      return this.#inSlot(request, options);
    }
  }

  async #inSlot(request: CreateRequest, options: CallOptions): Promise<{ readonly id: string }> {
    try {
      return await this.#once(request, options);
    } catch (error) {
      if (!(error instanceof SlotGone)) throw error;
      // Slots were made anew between the look and the booking: the same slot has another id.
      return this.#once(request, options);
    }
  }

  async #once({ agendaId, reference, content }: CreateRequest, options: CallOptions): Promise<{ readonly id: string }> {
    const agenda = await this.#directory.agenda(agendaId, options);
    const motif = await this.#motifs.required(agendaId, options);
    const { start, end, summary } = content;
    const slot = await slotFor(this.#client, { agenda, motif, when: { start, end } }, options);
    const body = {
      agendaId,
      externalId: reference,
      consultationReasonName: motif.name,
      startDateTime: new Date(start).toISOString(),
      endDateTime: new Date(end).toISOString(),
      title: summary,
      ...(slot === null ? { outOfAvailability: true } : { availabilityId: slot.id }),
    };
    return this.#client.json(identified, { method: 'POST', path: ['appointments'], body }, options);
  }
}
