import { createHmac } from 'node:crypto';
import { Deliveries, postTo } from '../core/deliveries.js';
import type { Faults } from '../core/faults.js';
import type { Endpoint, Event, Happening } from './model.js';
import { stampOf } from './paris.js';
import type { RdvStore } from './store.js';
import { absenceView, rdvView } from './views.js';

const RETRY_MS = [3_000, 18_000, 83_000];

/** One POST for each event: signed, without an id, in no order that anybody promises. */
export class Webhooks {
  readonly #deliveries: Deliveries;

  constructor(
    private readonly store: RdvStore,
    faults: Faults,
    private readonly now: () => number,
  ) {
    this.#deliveries = new Deliveries(faults, RETRY_MS);
  }

  happened(happening: Happening): void {
    const { agentId } = happening.model === 'Rdv' ? happening.rdv : happening.absence;
    const organisationIds = this.store.agents.get(agentId)?.organisationIds ?? [];
    for (const endpoint of this.store.endpoints.values())
      if (organisationIds.includes(endpoint.organisationId)) this.#tell(endpoint, happening);
  }

  /** A new or changed endpoint is told of everything there is, as if it had just been made. */
  replay(endpoint: Endpoint): void {
    const event = 'created';
    for (const rdv of this.store.rdvs.values())
      if (rdv.organisationId === endpoint.organisationId) this.#tell(endpoint, { model: 'Rdv', event, rdv });
    for (const absence of this.store.absences.values()) {
      const known = this.store.agents.get(absence.agentId)?.organisationIds.includes(endpoint.organisationId) ?? false;
      if (known && !absence.deleted) this.#tell(endpoint, { model: 'Absence', event, absence });
    }
  }

  stop(): void {
    this.#deliveries.stop();
  }

  #tell(endpoint: Endpoint, happening: Happening): void {
    if (!endpoint.subscriptions.includes(happening.model === 'Rdv' ? 'rdv' : 'absence')) return;
    // Written once: what is tried again later says what was true now.
    const body = this.#bodyOf(happening);
    const signed = createHmac('sha256', endpoint.secret).update(body).digest('hex');
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    this.#deliveries.dispatch(async (forged) => {
      const signature = forged ? createHmac('sha256', 'not the secret').update(body).digest('hex') : signed;
      const status = await postTo(endpoint.targetUrl, { ...headers, 'x-lapin-signature': signature }, body);
      return status >= 200 && status < 300;
    });
  }

  #bodyOf(happening: Happening): string {
    const { model, event } = happening;
    const data =
      happening.model === 'Rdv' ? rdvView(this.store, happening.rdv) : absenceView(this.store, happening.absence);
    const meta: { model: string; event: Event; webhook_reason: null; timestamp: string } = {
      model,
      event,
      webhook_reason: null,
      timestamp: stampOf(this.now()),
    };
    return JSON.stringify({ data, meta });
  }
}
