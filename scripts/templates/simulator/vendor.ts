import type { FastifyInstance } from 'fastify';
import { SimulatorClock } from '../core/clock.js';
import { Faults } from '../core/faults.js';
import { RequestLog } from '../core/request-log.js';
import { registerSimulator } from '../core/simulator.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { registerApi } from './api.js';
import { __Name__Store } from './store.js';

const DEMO = {
  apiKey: 'demo-__name__-key',
  agendas: [{ id: 'agenda-1', name: 'Dr Exemple', zone: 'Europe/Paris' }],
};

export const __camel__: Vendor = {
  name: '__name__',
  register(scope: FastifyInstance, { now, demo }: VendorContext): void {
    const store = new __Name__Store();
    const clock = new SimulatorClock(now);
    const faults = new Faults();
    if (demo) store.seed(DEMO);
    registerSimulator(scope, {
      diary: store,
      clock,
      faults,
      log: new RequestLog(),
      title: '__Name__',
      apis: [
        {
          prefix: '/api',
          errorBody: (status) => ({ error: `fault_${String(status)}` }),
          register: (api) => {
            registerApi(api, store);
          },
        },
      ],
    });
  },
};
