import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Reading } from '#application';
import { actorOf } from './access.js';

/** Where readings are put on record. */
export interface Readings {
  note(reading: Reading): Promise<void>;
}

const DEEPEST = 6;

/**
 * Puts on record every answer in which somebody is named: one line a request, with the objects he is named in, before the
 * answer leaves. It looks at what is answered, so that no route can forget it. `changes`: routes whose writes are on
 * record as such, on the very objects that they answer; what these show of the patient again is not noted twice.
 */
export function recordReadings(server: FastifyInstance, readings: Readings, changes: RegExp): void {
  server.addHook('preSerialization', async (request: FastifyRequest, _reply, payload: unknown) => {
    const { caller, method, routeOptions } = request;
    if (caller === null || (method !== 'GET' && changes.test(routeOptions.url ?? ''))) return payload;
    const objects = namedIn(payload);
    if (objects.length === 0) return payload;
    const { organizationId } = caller;
    await readings.note({ organizationId, action: 'identity-read', entityId: null, objects, actor: actorOf(caller) });
    return payload;
  });
}

/** Ids of the objects of an answer that carry somebody's name. */
export function namedIn(payload: unknown): string[] {
  const found = new Set<string>();
  const look = (value: unknown, owner: string, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > DEEPEST) return;
    if (Array.isArray(value)) {
      for (const item of value) look(item, owner, depth);
      return;
    }
    const { id, lastName, patient } = value as { id?: unknown; lastName?: unknown; patient?: unknown };
    const own = typeof id === 'string' ? id : owner;
    // What of a patient may be shown need not be his name.
    const some = typeof patient === 'object' && patient !== null && Object.keys(patient).length > 0;
    if (some || typeof lastName === 'string') found.add(own);
    for (const inner of Object.values(value)) look(inner, own, depth + 1);
  };
  look(payload, NOBODY, 0);
  return [...found];
}

/** Stands for an object without an id. */
const NOBODY = '00000000-0000-0000-0000-000000000000';
