import { Deliveries, postTo } from '../core/deliveries.js';
import type { Faults } from '../core/faults.js';
import { appointment } from './api.js';
import { localOf } from './local-time.js';
import type { MonDocteurStore, Happening } from './store.js';
import { writeXml } from './xml.js';

const RETRY_MS = [2_000, 10_000];

/** Messages with the whole appointment in them and no signature; the label of the subscription comes back in each. */
export class Webhooks {
  readonly #deliveries: Deliveries;

  constructor(
    private readonly store: MonDocteurStore,
    faults: Faults,
    private readonly now: () => number,
  ) {
    this.#deliveries = new Deliveries(faults, RETRY_MS);
  }

  happened({ what, appointment: one }: Happening): void {
    const agenda = this.store.agenda(one.agendaId);
    for (const { agendaId, url, label } of this.store.subscriptions.values()) {
      if (agendaId !== one.agendaId) continue;
      const horodatage = localOf(this.now(), agenda.zone);
      const told = (etiquette: string): string =>
        writeXml({
          name: 'Notification',
          attributes: { type: what, agenda: agendaId, horodatage, etiquette },
          content: [appointment(agenda, one)],
        });
      this.#deliveries.dispatch(async (forged) => {
        const body = told(forged ? 'not the label' : label);
        const status = await postTo(url, { 'content-type': 'text/xml; charset=utf-8' }, body);
        return status >= 200 && status < 300;
      });
    }
  }

  stop(): void {
    this.#deliveries.stop();
  }
}
