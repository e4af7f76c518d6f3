import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SimulatorClock } from '../core/clock.js';
import type { ControlAction } from '../core/control.js';
import { Faults } from '../core/faults.js';
import { persist } from '../core/persistence.js';
import { parsed, Refusal } from '../core/refusal.js';
import { RequestLog } from '../core/request-log.js';
import { registerSimulator, type ApiPart } from '../core/simulator.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { registerReads, type ApiParts } from './api.js';
import { DEMO } from './demo.js';
import { MaiiaDiary } from './diary.js';
import { objectId } from './model.js';
import { MaiiaStore } from './store.js';
import { Throttle } from './throttle.js';
import { Tokens } from './tokens.js';
import { registerAuth, registerWrites } from './writes.js';

const reasonInput = z.strictObject({ id: objectId });
const renameInput = reasonInput.extend({ name: z.string().min(1) });
const backdateInput = reasonInput.extend({ ms: z.int().min(1) });

/** In the style of Maiia: polling only, UTC, 24-hex ids, motifs by name, short tokens. */
export const maiia: Vendor = {
  name: 'maiia',
  register(scope: FastifyInstance, context: VendorContext): void {
    const clock = new SimulatorClock(context.now);
    const faults = new Faults();
    const authFaults = new Faults();
    const store = new MaiiaStore(clock.now);
    const tokens = new Tokens(store, clock.now);
    const throttle = new Throttle(clock.now);
    const diary = new MaiiaDiary(store, throttle);
    const parts: ApiParts = { store, tokens, throttle, faults };
    if (context.data !== null) persist(scope, store, context.data);
    if (context.demo) diary.seed(DEMO);
    registerSimulator(scope, {
      ...{ diary, faults, clock },
      title: 'Agenda Maiia',
      log: new RequestLog(),
      actions: actionsOf(store, tokens),
      others: { '/auth': authFaults },
      onReset: () => {
        tokens.reset();
      },
      apis: [
        apiPart({ prefix: '/api/partner', faults, clock }, (api) => {
          registerReads(api, parts);
          registerWrites(api, parts);
        }),
        apiPart({ prefix: '/api/partner/auth', faults: authFaults, clock }, (api) => {
          registerAuth(api, parts);
        }),
      ],
    });
  },
};

function apiPart(
  { prefix, faults, clock }: { prefix: string; faults: Faults; clock: SimulatorClock },
  register: (api: FastifyInstance) => void,
): ApiPart {
  return {
    prefix,
    faults,
    errorBody: (status) => ({ code: status === 429 ? 'TOO_MANY_REQUESTS' : 'FAULT' }),
    register: (api) => {
      speak(api, clock);
      register(api);
    },
  };
}

function actionsOf(store: MaiiaStore, tokens: Tokens): Record<string, ControlAction> {
  return {
    'regenerate-slots': () => {
      store.regenerateSlots();
    },
    'rename-reason': (body) => {
      const { id, name } = parsed(renameInput, body);
      store.renameReason(id, name);
    },
    'remove-reason': (body) => {
      store.removeReason(parsed(reasonInput, body).id);
    },
    'expire-access-tokens': () => {
      tokens.expireAccess();
    },
    'expire-refresh-tokens': () => {
      tokens.expireRefresh();
    },
    damage: (body) => {
      store.damage(parsed(reasonInput, body).id);
    },
    backdate: (body) => {
      const { id, ms } = parsed(backdateInput, body);
      store.backdate(id, ms);
    },
  };
}

/** Refusals as `{ code }`, and the date of the simulator's own clock. */
function speak(api: FastifyInstance, clock: SimulatorClock): void {
  api.addHook('onRequest', (_request, reply, done) => {
    reply.header('date', new Date(clock.now()).toUTCString());
    done();
  });
  api.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof Refusal)) throw error;
    const { retryAfterSeconds, ...details } = error.details;
    if (typeof retryAfterSeconds === 'number') reply.header('retry-after', String(retryAfterSeconds));
    return reply.code(error.status).send({ code: error.code, ...details });
  });
}
