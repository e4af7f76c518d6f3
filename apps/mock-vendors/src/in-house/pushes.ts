import { createHmac, randomUUID } from 'node:crypto';
import { Deliveries, postTo } from '../core/deliveries.js';
import type { Faults } from '../core/faults.js';
import type { Entry, Subscription } from './model.js';
import type { AgendaStore } from './store.js';

const RETRY_MS = [1_000, 5_000, 20_000];

/** Tells subscribers that an agenda changed: which entries, never what is in them. */
export class Pushes {
  readonly #deliveries: Deliveries;
  /** Changed entry ids by agenda, gathered for a moment into one push. */
  readonly #gathered = new Map<string, Set<string>>();

  constructor(
    private readonly store: AgendaStore,
    faults: Faults,
    private readonly now: () => number,
  ) {
    this.#deliveries = new Deliveries(faults, RETRY_MS);
  }

  changed({ id, agendaId }: Entry): void {
    const ids = this.#gathered.get(agendaId) ?? new Set<string>();
    this.#gathered.set(agendaId, ids.add(id));
    this.#deliveries.gather(agendaId, () => {
      this.#flush(agendaId);
    });
  }

  stop(): void {
    this.#deliveries.stop();
  }

  #flush(agendaId: string): void {
    const ids = [...(this.#gathered.get(agendaId) ?? [])];
    this.#gathered.delete(agendaId);
    const body = JSON.stringify({ type: 'agenda.changed', agendaId, entryIds: ids });
    for (const subscription of this.store.subscribers(agendaId)) {
      const message = { id: `msg_${randomUUID()}`, subscription, body };
      this.#deliveries.dispatch((forged) => this.#post(message, forged));
    }
  }

  /** Headers and signature of Standard Webhooks 1.0 (symmetric, `v1`). */
  async #post(message: { id: string; subscription: Subscription; body: string }, forged: boolean): Promise<boolean> {
    const { subscription, body } = message;
    const id = forged ? `msg_${randomUUID()}` : message.id;
    const key = forged ? Buffer.from('not the secret') : Buffer.from(subscription.secret, 'base64url');
    const timestamp = String(Math.floor(this.now() / 1000));
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    const status = await postTo(
      subscription.url,
      {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${signature}`,
      },
      body,
    );
    return status >= 200 && status < 300;
  }
}
