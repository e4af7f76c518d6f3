import type { Backends } from '#application';
import type { Session } from '#connector-sdk';
import type { Around } from '../support/hub.js';

/** Hears of every call: `writes.sent:before`, `writes.sent:after`. */
export type Arrive = (point: string) => void;

/** The same port, with every call announced before and after it. */
function announced<Port extends object>(name: string, port: Port, arrive: Arrive): Port {
  return new Proxy(port, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function' || typeof property !== 'string') return value;
      const method = value as (...parameters: unknown[]) => unknown;
      if (property === 'pull')
        return (...parameters: unknown[]) =>
          announcedPull(method.apply(target, parameters) as ReturnType<Session['pull']>, name, arrive);
      return (...parameters: unknown[]) => {
        arrive(`${name}.${property}:before`);
        const result = method.apply(target, parameters);
        if (!(result instanceof Promise)) return result;
        return result.finally(() => arrive(`${name}.${property}:after`));
      };
    },
  });
}

async function* announcedPull(
  pages: ReturnType<Session['pull']>,
  name: string,
  arrive: Arrive,
): ReturnType<Session['pull']> {
  arrive(`${name}.pull:before`);
  try {
    yield* pages;
  } finally {
    arrive(`${name}.pull:after`);
  }
}

function announcedBackends(backends: Backends, settleMs: number, arrive: Arrive): Backends {
  return {
    async open(organizationId, connectionId) {
      const { session, capabilities } = await backends.open(organizationId, connectionId);
      return { session: announced('session', session, arrive), capabilities: { ...capabilities, settleMs } };
    },
  };
}

/** Stands between the use cases and every port that commits or calls. */
export function around(settleMs: number, arrive: Arrive): Around {
  return {
    bookings: (bookings) => announced('bookings', bookings, arrive),
    writes: (writes) => announced('writes', writes, arrive),
    sync: (store) => announced('sync', store, arrive),
    lanes: (lanes) => announced('lanes', lanes, arrive),
    backends: (backends) => announcedBackends(backends, settleMs, arrive),
  };
}
