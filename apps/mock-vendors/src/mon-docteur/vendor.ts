import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SimulatorClock } from '../core/clock.js';
import { Faults } from '../core/faults.js';
import { parsed } from '../core/refusal.js';
import { RequestLog } from '../core/request-log.js';
import { registerSimulator } from '../core/simulator.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { registerApi } from './api.js';
import { agendaInput, entryInput, migrateInput } from './model.js';
import { MonDocteurStore } from './store.js';
import { Webhooks } from './webhooks.js';

const DEMO = {
  accounts: [{ login: 'demo', password: 'demo-mon-docteur' }],
  agendas: [
    { id: 801, name: 'Dr Hélène Garnier, médecin généraliste' },
    { id: 802, name: 'Dr Luc Perrin, cardiologue', waiting: [{ title: 'Patient en liste d’attente', minutes: 20 }] },
  ],
};
const addressesInput = z.strictObject({ addresses: z.array(z.string()) });
const nightsInput = z.strictObject({ on: z.boolean() });

/** In the style of a legacy agenda whose vendor was bought. */
export const monDocteur: Vendor = {
  name: 'mon-docteur',
  register(scope: FastifyInstance, { now, demo }: VendorContext): void {
    const clock = new SimulatorClock(now);
    const store = new MonDocteurStore();
    const faults = new Faults();
    const webhooks = new Webhooks(store, faults, clock.now);
    let nights = false;
    store.onChange = (happening) => {
      webhooks.happened(happening);
    };
    if (demo) store.seed(DEMO);
    scope.addHook('onClose', () => {
      webhooks.stop();
    });
    registerSimulator(scope, {
      title: 'MonDocteur (simulateur)',
      ...{ diary: store, faults, log: new RequestLog(), clock },
      onReset: () => {
        nights = false;
        webhooks.stop();
      },
      actions: {
        addresses: (body) => {
          store.addresses = parsed(addressesInput, body).addresses;
        },
        nights: (body) => {
          nights = parsed(nightsInput, body).on;
        },
        break: (body) => {
          store.break(parsed(entryInput, body).id);
        },
        freeze: (body) => {
          store.freeze(parsed(agendaInput, body).agendaId);
        },
        migrate: (body) => {
          const { agendaId, successor } = parsed(migrateInput, body);
          return { entries: store.migrate(agendaId, successor) };
        },
      },
      apis: [
        {
          prefix: '/ws',
          register: (api) => {
            registerApi(api, { store, faults, now: clock.now, nights: () => nights });
          },
        },
      ],
    });
  },
};
