import { Deliveries, postTo } from '../core/deliveries.js';
import type { Faults } from '../core/faults.js';
import { stamp, type Appointment } from './model.js';
import type { Event, KeldocStore } from './store.js';

const RETRY_MS = [1_000, 5_000];

/** Tells every URL of every account that opens the agenda, unsigned. */
export class Webhooks {
  readonly #deliveries: Deliveries;

  constructor(
    private readonly store: KeldocStore,
    faults: Faults,
    private readonly now: () => number,
  ) {
    this.#deliveries = new Deliveries(faults, RETRY_MS);
  }

  changed(event: Event, { id, agendaId }: Appointment): void {
    const occurred = { event: `appointment.${event}`, appointment_id: id, agenda_id: agendaId, at: stamp(this.now()) };
    const body = JSON.stringify(occurred);
    const accounts = this.store.accounts().filter(({ agendaIds }) => agendaIds.includes(agendaId));
    for (const url of accounts.flatMap(({ accessKeyId }) => [...this.store.webhooks(accessKeyId)]))
      this.#deliveries.dispatch(async (forged) => {
        // Whoever has not seen the URL knows its path at most.
        const target = forged ? url.replace(/\?.*$/, '') : url;
        const status = await postTo(target, { 'content-type': 'application/json' }, body);
        return status >= 200 && status < 300;
      });
  }

  stop(): void {
    this.#deliveries.stop();
  }
}
