import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SimulatorClock } from '../core/clock.js';
import { Faults } from '../core/faults.js';
import { persist } from '../core/persistence.js';
import { parsed } from '../core/refusal.js';
import { RequestLog } from '../core/request-log.js';
import { registerSimulator } from '../core/simulator.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { Access } from './access.js';
import { registerReads, registerWebhooks, type ApiParts } from './api.js';
import { DEMO } from './demo.js';
import { KeldocDiary } from './diary.js';
import { speakLikeIt } from './refusal.js';
import { KeldocStore } from './store.js';
import { Webhooks } from './webhooks.js';
import { registerWrites } from './writes.js';

const idInput = z.strictObject({ id: z.coerce.number().int() });

/** In the style of Keldoc's partner API: signed dates, daily quota, unsigned webhooks. */
export const keldoc: Vendor = {
  name: 'keldoc',
  register(scope: FastifyInstance, context: VendorContext): void {
    const clock = new SimulatorClock(context.now);
    const faults = new Faults();
    const store = new KeldocStore(clock.now);
    const access = new Access(store, clock.now);
    const webhooks = new Webhooks(store, faults, clock.now);
    const diary = new KeldocDiary(store, () => {
      access.reset();
    });
    store.onChange = (event, appointment) => {
      webhooks.changed(event, appointment);
    };
    if (context.data !== null) persist(scope, store, context.data);
    if (context.demo) diary.seed(DEMO);
    scope.addHook('onClose', () => {
      webhooks.stop();
    });
    const parts: ApiParts = { store, access, faults, now: clock.now };
    registerSimulator(scope, {
      ...{ diary, faults, clock },
      title: 'Agenda Keldoc',
      log: new RequestLog(),
      onReset: () => {
        webhooks.stop();
      },
      actions: {
        damage: (body) => {
          store.damage(parsed(idInput, body).id);
        },
        cancel: (body) => {
          store.update(store.appointment(parsed(idInput, body).id), { state: 'canceled' });
        },
      },
      apis: [
        {
          prefix: '/partners',
          errorBody: (status) => ({ error: status === 402 ? 'over_quota' : 'fault' }),
          register: (api) => {
            speakLikeIt(api, clock.now);
            registerReads(api, parts);
            registerWrites(api, parts);
            registerWebhooks(api, parts);
          },
        },
      ],
    });
  },
};
