import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Deliveries, postTo } from '../core/deliveries.js';
import type { Faults } from '../core/faults.js';
import { leadsToLoopback } from '../core/loopback.js';
import { ApiRefusal } from './refusal.js';

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
  readonly #channels = new Map<string, Channel>();
  readonly #deliveries: Deliveries;
  readonly #now: () => number;

  constructor(faults: Faults, now: () => number) {
    this.#deliveries = new Deliveries(faults, RETRY_MS);
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
    this.#deliveries.gather(calendarId, () => {
      for (const channel of this.#channels.values())
        if (channel.calendarId === calendarId && channel.expiration > this.#now()) this.#dispatch(channel, 'exists');
    });
  }

  stop(): void {
    this.#deliveries.stop();
  }

  #dispatch(channel: Channel, state: 'sync' | 'exists'): void {
    channel.number += 1;
    const message = { state, number: channel.number };
    this.#deliveries.dispatch(async (forged) => {
      const status = await this.#post(forged ? { ...channel, token: 'forged' } : channel, message);
      return !RETRIED.has(status);
    });
  }

  #post(channel: Channel, { state, number }: { state: string; number: number }): Promise<number> {
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
    return postTo(address, headers);
  }
}
