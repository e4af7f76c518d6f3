import { createHmac, randomUUID } from 'node:crypto';
import type { Faults } from '../core/faults.js';
import type { Entry, Subscription } from './model.js';
import type { AgendaStore } from './store.js';

const GATHER_MS = 25;
const RETRY_MS = [1_000, 5_000, 20_000];
const SEND_TIMEOUT_MS = 5_000;

/** One notification on its way. */
interface Push {
  readonly id: string;
  readonly subscription: Subscription;
  readonly body: string;
}

/** Tells subscribers that an agenda changed: which entries, never what is in them. */
export class Pushes {
  readonly #store: AgendaStore;
  readonly #faults: Faults;
  readonly #now: () => number;
  /** Changed entry ids by agenda, gathered for a moment into one push. */
  #gathered = new Map<string, Set<string>>();
  #timers = new Set<NodeJS.Timeout>();
  /** A push held back until the next one has gone. */
  #heldBack: Push | undefined;

  constructor(store: AgendaStore, faults: Faults, now: () => number) {
    this.#store = store;
    this.#faults = faults;
    this.#now = now;
  }

  changed(entry: Entry): void {
    const ids = this.#gathered.get(entry.agendaId);
    if (ids) {
      ids.add(entry.id);
      return;
    }
    this.#gathered.set(entry.agendaId, new Set([entry.id]));
    this.#later(GATHER_MS, () => {
      this.#flush(entry.agendaId);
    });
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #flush(agendaId: string): void {
    const ids = [...(this.#gathered.get(agendaId) ?? [])];
    this.#gathered.delete(agendaId);
    const body = JSON.stringify({ type: 'agenda.changed', agendaId, entryIds: ids });
    for (const subscription of this.#store.subscribers(agendaId))
      this.#dispatch({ id: `msg_${randomUUID()}`, subscription, body });
  }

  #dispatch(push: Push): void {
    if (this.#faults.take(['push-lose'], {})) return;
    if (this.#faults.take(['push-reorder'], {}) && !this.#heldBack) {
      this.#heldBack = push;
      return;
    }
    if (this.#faults.take(['push-forge'], {}))
      void this.#post({ ...push, id: `msg_${randomUUID()}` }, Buffer.from('not the secret'));
    void this.#send(push, 0);
    if (this.#faults.take(['push-duplicate'], {})) void this.#send(push, 0);
    const late = this.#heldBack;
    this.#heldBack = undefined;
    if (late) this.#later(GATHER_MS, () => void this.#send(late, 0));
  }

  async #send(push: Push, attempt: number): Promise<void> {
    const delivered = await this.#post(push, Buffer.from(push.subscription.secret, 'base64url'));
    const wait = RETRY_MS[attempt];
    if (!delivered && wait !== undefined) this.#later(wait, () => void this.#send(push, attempt + 1));
  }

  /** Headers and signature of Standard Webhooks 1.0 (symmetric, `v1`). */
  async #post({ id, subscription, body }: Push, key: Buffer): Promise<boolean> {
    const timestamp = String(Math.floor(this.#now() / 1000));
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    try {
      const answer = await fetch(subscription.url, {
        method: 'POST',
        redirect: 'manual',
        signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': `v1,${signature}`,
        },
        body,
      });
      return answer.ok;
    } catch {
      return false;
    }
  }

  #later(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    timer.unref();
    this.#timers.add(timer);
  }
}
