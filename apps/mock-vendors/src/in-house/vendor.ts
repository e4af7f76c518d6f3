import type { FastifyInstance } from 'fastify';
import { installFaults } from '../core/fault-hooks.js';
import { Faults } from '../core/faults.js';
import { onlyLoopback } from '../core/loopback.js';
import { RequestLog } from '../core/request-log.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { registerApi } from './api.js';
import { registerControl } from './control.js';
import { registerPage } from './page.js';
import { persist } from './persistence.js';
import { Pushes } from './pushes.js';
import { AgendaStore } from './store.js';

/** Key of the demonstration agendas. */
const DEMO_KEY = 'demo-in-house-key';
const DEMO_AGENDAS = [
  { id: 'agenda-martin', name: 'Dr Anne Martin, médecin généraliste', zone: 'Europe/Paris', apiKey: DEMO_KEY },
  { id: 'agenda-leroy', name: 'Dr Paul Leroy, dermatologue', zone: 'Europe/Paris', apiKey: DEMO_KEY },
];

/** « Agenda maison »: the well-behaved backend. */
export const inHouse: Vendor = {
  name: 'in-house',
  register(scope: FastifyInstance, { now, demo, data }: VendorContext): void {
    const store = new AgendaStore(now);
    const faults = new Faults();
    const log = new RequestLog();
    const pushes = new Pushes(store, faults, now);
    store.onChange = (entry) => {
      pushes.changed(entry);
    };
    if (data !== null) persist(scope, store, data);
    if (demo) for (const agenda of DEMO_AGENDAS) store.putAgenda(agenda);
    scope.addHook('onClose', () => {
      pushes.stop();
    });

    scope.register(
      (api, _options, done) => {
        log.watch(api);
        installFaults(api, faults);
        registerApi(api, { store, faults });
        done();
      },
      { prefix: '/api' },
    );
    scope.register(
      (control, _options, done) => {
        onlyLoopback(control);
        registerControl(control, { store, faults, log });
        done();
      },
      { prefix: '/__control' },
    );
    scope.register((page, _options, done) => {
      onlyLoopback(page);
      registerPage(page, store, now);
      done();
    });
  },
};
