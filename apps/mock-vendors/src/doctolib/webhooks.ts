import { createHmac, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Deliveries, postTo } from '../core/deliveries.js';
import type { Faults } from '../core/faults.js';
import { leadsToLoopback } from '../core/loopback.js';
import type { Appointment, Client } from './model.js';
import type { Setup } from './practice.js';
import { HardRefusal } from './refusal.js';

/** Five repetitions. */
const RETRY_MS = [1_000, 5_000, 30_000, 120_000, 600_000];

export const webhookInput = z.object({ url: z.url(), secret: z.string().min(32), agenda_id: z.int() });
type Input = z.output<typeof webhookInput>;

export interface Webhook {
  readonly id: string;
  readonly clientId: string;
  readonly agendaKey: string;
  readonly url: string;
  readonly secret: string;
}

/** Tells partners that a row changed: numbers only, nothing about it. */
export class Webhooks {
  #registered = new Map<string, Webhook>();
  readonly #deliveries: Deliveries;

  constructor(
    private readonly setup: Setup,
    faults: Faults,
    private readonly now: () => number,
  ) {
    this.#deliveries = new Deliveries(faults, RETRY_MS);
  }

  reset(): void {
    this.#registered.clear();
    this.#deliveries.stop();
  }

  stop(): void {
    this.#deliveries.stop();
  }

  list(): readonly Webhook[] {
    return [...this.#registered.values()];
  }

  restore(webhooks: readonly Webhook[]): void {
    this.#registered = new Map(webhooks.map((one) => [one.id, one]));
  }

  put(client: Client, id: string | null, { url, secret, agenda_id: agendaId }: Input): Webhook {
    if (!leadsToLoopback(url)) throw new HardRefusal(422, { errors: ['url: must lead to this machine'] });
    const { key: agendaKey } = this.setup.numbered(agendaId);
    const known = id === null ? `wh_${randomUUID()}` : this.#own(client, id).id;
    const webhook = { id: known, clientId: client.id, agendaKey, url, secret };
    this.#registered.set(known, webhook);
    return webhook;
  }

  remove(client: Client, id: string): void {
    this.#registered.delete(this.#own(client, id).id);
  }

  changed({ id, agendaKey }: Appointment): void {
    for (const webhook of this.#registered.values()) {
      if (webhook.agendaKey !== agendaKey) continue;
      const event = {
        id: `evt_${randomUUID()}`,
        type: 'appointment.changed',
        agenda_id: this.setup.agenda(agendaKey).id,
        appointment_id: id,
      };
      this.#deliveries.dispatch((forged) => this.#post(webhook, JSON.stringify(event), forged));
    }
  }

  /** `X-Signature: t=<seconds>,v1=<hex HMAC-SHA256 of "t.body">`. */
  async #post({ url, secret }: Webhook, body: string, forged: boolean): Promise<boolean> {
    const t = String(Math.floor(this.now() / 1000));
    const key = forged ? 'not the secret' : secret;
    const v1 = createHmac('sha256', key).update(`${t}.${body}`).digest('hex');
    const status = await postTo(url, { 'content-type': 'application/json', 'x-signature': `t=${t},v1=${v1}` }, body);
    return status >= 200 && status < 300;
  }

  #own(client: Client, id: string): Webhook {
    const found = this.#registered.get(id);
    if (found?.clientId !== client.id) throw new HardRefusal(404, { error: 'webhook_not_found' });
    return found;
  }
}
