import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Faults } from '../core/faults.js';
import { leadsToLoopback } from '../core/loopback.js';
import { ApiRefusal } from './refusal.js';

const GATHER_MS = 25;
const SEND_TIMEOUT_MS = 5_000;
const RETRY_MS = [1_000, 5_000];
const RETRIED = new Set([500, 502, 503, 504]);
const DEFAULT_TTL_S = 604_800;

export const channelInput = z.object({
  id: z.string().regex(/^[A-Za-z0-9\-_+/=]{1,64}$/),
  type: z.literal('web_hook'),
  address: z.url(),
  token: z.string().max(256).optional(),
  params: z.object({ ttl: z.coerce.number().int().min(1).optional() }).optional(),
});

interface Channel {
  readonly id: string;
  readonly calendarId: string;
  readonly user: string;
  readonly address: string;
  readonly token: string | undefined;
  readonly resourceId: string;
  readonly expiration: number;
  number: number;
}

/** Channels and their messages: headers alone, never a word about what changed. */
export class Channels {
  #channels = new Map<string, Channel>();
  #gathered = new Set<string>();
  #timers = new Set<NodeJS.Timeout>();
  #heldBack: (() => void) | undefined;
  readonly #faults: Faults;
  readonly #now: () => number;

  constructor(faults: Faults, now: () => number) {
    this.#faults = faults;
    this.#now = now;
  }

  reset(): void {
    this.#channels.clear();
  }

  list(): readonly Pick<Channel, 'id' | 'calendarId' | 'resourceId' | 'expiration'>[] {
    return [...this.#channels.values()].map(({ id, calendarId, resourceId, expiration }) => {
      return { id, calendarId, resourceId, expiration };
    });
  }

  /** The first message, `sync`, sets out before the answer does. */
  watch(calendarId: string, user: string, input: z.output<typeof channelInput>): object {
    const { id, address, token, params } = input;
    if (!address.startsWith('https://') && !leadsToLoopback(address))
      throw new ApiRefusal(400, 'push.webhookUrlNotHttps');
    if (this.#channels.has(id)) throw new ApiRefusal(400, 'channelIdNotUnique');
    const expiration = this.#now() + Math.min(params?.ttl ?? DEFAULT_TTL_S, DEFAULT_TTL_S) * 1000;
    const channel = { id, calendarId, user, address, token, resourceId: randomUUID(), expiration, number: 0 };
    this.#channels.set(id, channel);
    this.#dispatch(channel, 'sync');
    const { resourceId } = channel;
    return { kind: 'api#channel', id, resourceId, token, expiration: String(expiration) };
  }

  close(user: string, id: string, resourceId: string): void {
    const channel = this.#channels.get(id);
    if (channel === undefined || channel.resourceId !== resourceId || channel.user !== user)
      throw new ApiRefusal(404, 'notFound');
    this.#channels.delete(id);
  }

  changed(calendarId: string): void {
    if (this.#gathered.has(calendarId)) return;
    this.#gathered.add(calendarId);
    this.#later(GATHER_MS, () => {
      this.#gathered.delete(calendarId);
      for (const channel of this.#channels.values())
        if (channel.calendarId === calendarId && channel.expiration > this.#now()) this.#dispatch(channel, 'exists');
    });
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #dispatch(channel: Channel, state: 'sync' | 'exists'): void {
    channel.number += 1;
    const { number } = channel;
    const send = (): void => void this.#send(channel, { state, number }, 0);
    if (this.#faults.take(['push-lose'], {})) return;
    if (this.#faults.take(['push-reorder'], {}) && this.#heldBack === undefined) {
      this.#heldBack = send;
      return;
    }
    if (this.#faults.take(['push-forge'], {})) void this.#post({ ...channel, token: 'forged' }, { state, number });
    send();
    if (this.#faults.take(['push-duplicate'], {})) send();
    const late = this.#heldBack;
    this.#heldBack = undefined;
    if (late) this.#later(GATHER_MS, late);
  }

  async #send(channel: Channel, message: { state: string; number: number }, attempt: number): Promise<void> {
    const status = await this.#post(channel, message);
    const wait = RETRY_MS[attempt];
    if (RETRIED.has(status) && wait !== undefined)
      this.#later(wait, () => void this.#send(channel, message, attempt + 1));
  }

  async #post(channel: Channel, { state, number }: { state: string; number: number }): Promise<number> {
    const { id, calendarId, token, resourceId, expiration, address } = channel;
    const headers = {
      'x-goog-channel-id': id,
      'x-goog-message-number': String(number),
      'x-goog-resource-id': resourceId,
      'x-goog-resource-state': state,
      'x-goog-resource-uri': `https://www.googleapis.com/calendar/v3/calendars/${encodeURIComponent(calendarId)}/events?alt=json`,
      'x-goog-channel-expiration': new Date(expiration).toUTCString(),
      ...(token === undefined ? {} : { 'x-goog-channel-token': token }),
    };
    const signal = AbortSignal.timeout(SEND_TIMEOUT_MS);
    try {
      return (await fetch(address, { method: 'POST', redirect: 'manual', signal, headers })).status;
    } catch {
      return 0;
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
