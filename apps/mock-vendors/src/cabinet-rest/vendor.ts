import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SimulatorClock } from '../core/clock.js';
import { Faults } from '../core/faults.js';
import { parsed } from '../core/refusal.js';
import { RequestLog } from '../core/request-log.js';
import { registerSimulator } from '../core/simulator.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { registerApi } from './api.js';
import { CabinetStore } from './store.js';

const DEMO = { praticiens: [{ code: 'MED1', nom: 'Dr Luce Arnaud, pédiatre', cle: 'demo-cabinet-key' }] };
const spoilInput = z.strictObject({ praticien: z.string() });

/** « Cabinet »: a practice's own REST agenda, in other words than the in-house one. */
export const cabinetRest: Vendor = {
  name: 'cabinet-rest',
  register(scope: FastifyInstance, { now, demo }: VendorContext): void {
    const store = new CabinetStore();
    const faults = new Faults();
    if (demo) store.seed(DEMO);
    registerSimulator(scope, {
      diary: store,
      clock: new SimulatorClock(now),
      faults,
      log: new RequestLog(),
      title: 'Cabinet',
      actions: { spoil: (body) => ({ id: String(store.spoil(parsed(spoilInput, body).praticien).numero) }) },
      apis: [
        {
          prefix: '/v2',
          errorBody: () => ({ succes: false, erreur: 'panne' }),
          register: (api) => {
            registerApi(api, { store, faults });
          },
        },
      ],
    });
  },
};
