import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SimulatorClock } from '../core/clock.js';
import { Faults } from '../core/faults.js';
import { persist } from '../core/persistence.js';
import { parsed } from '../core/refusal.js';
import { RequestLog } from '../core/request-log.js';
import { registerSimulator } from '../core/simulator.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { registerApi } from './api.js';
import { InHouseDiary } from './diary.js';
import { Pushes } from './pushes.js';
import { AgendaStore } from './store.js';

/** Key of the demonstration agendas. */
const DEMO_KEY = 'demo-in-house-key';
const DEMO_AGENDAS = [
  { id: 'agenda-martin', name: 'Dr Anne Martin, médecin généraliste', zone: 'Europe/Paris', apiKey: DEMO_KEY },
  { id: 'agenda-leroy', name: 'Dr Paul Leroy, dermatologue', zone: 'Europe/Paris', apiKey: DEMO_KEY },
];

const expireInput = z.strictObject({ agendaId: z.string().optional() }).default({});

/** « Agenda maison »: the well-behaved backend. */
export const inHouse: Vendor = {
  name: 'in-house',
  register(scope: FastifyInstance, context: VendorContext): void {
    const clock = new SimulatorClock(context.now);
    const faults = new Faults();
    const store = new AgendaStore(clock.now);
    const diary = new InHouseDiary(store);
    const pushes = new Pushes(store, faults, clock.now);
    store.onChange = (entry) => {
      pushes.changed(entry);
    };
    if (context.data !== null) persist(scope, store, context.data);
    if (context.demo) diary.seed({ agendas: DEMO_AGENDAS });
    scope.addHook('onClose', () => {
      pushes.stop();
    });
    registerSimulator(scope, {
      ...{ diary, faults, clock },
      title: 'Agenda maison',
      log: new RequestLog(),
      actions: {
        'expire-cursors': (body) => {
          const { agendaId } = parsed(expireInput, body);
          for (const { id } of agendaId === undefined ? store.agendas() : [store.agenda(agendaId)])
            store.expireCursors(id);
        },
      },
      apis: [
        {
          prefix: '/api',
          register: (api) => {
            registerApi(api, { store, faults });
          },
        },
      ],
    });
  },
};
