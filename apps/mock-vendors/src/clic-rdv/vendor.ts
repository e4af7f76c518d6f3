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
import { ClicDiary, inTheirWords } from './diary.js';
import { errorBody } from './refusal.js';
import { VeventStore } from './store.js';

const DEMO = {
  groups: [
    {
      ...{ id: 4, name: 'Cabinet de la Gare', apikey: 'demo-clic-key' },
      pro: { email: 'secretariat@cabinet.example', password: 'demo-clic-password' },
      interventions: [{ id: 21, name: 'Consultation' }],
      fiches: [{ id: 1, lastname: 'SECRETARIAT' }],
      calendars: [
        { id: 338, name: 'Dr Salomé Petit, sage-femme', zone: 'Europe/Paris' },
        { id: 339, name: 'Dr Karim Haddad, ORL', zone: 'Europe/Paris' },
      ],
    },
  ],
};

const target = z.strictObject({ agendaId: z.string(), id: z.string() });
const login = z.strictObject({ email: z.string() });

/** ClicRDV, as its published API says, and as far as it does not, as it may be. */
export const clicRdv: Vendor = {
  name: 'clic-rdv',
  register(scope: FastifyInstance, context: VendorContext): void {
    const clock = new SimulatorClock(context.now);
    const faults = new Faults();
    const store = new VeventStore(clock.now);
    const diary = new ClicDiary(store);
    const forgotten = new Set<string>();
    if (context.data !== null) persist(scope, store, context.data);
    if (context.demo) diary.seed(DEMO);
    registerSimulator(scope, {
      ...{ diary, faults, clock },
      title: 'ClicRDV (simulateur)',
      log: new RequestLog(),
      onReset: () => {
        forgotten.clear();
      },
      actions: {
        restore: (body) => {
          const { agendaId, id } = parsed(target, body);
          inTheirWords(() => store.change(diary.vevent(agendaId, id, true), { deleted: false }, true));
        },
        corrupt: (body) => {
          const { agendaId, id } = parsed(target, body);
          store.change(diary.vevent(agendaId, id), { corrupt: true });
        },
        'forget-login': (body) => {
          forgotten.add(parsed(login, body).email);
        },
      },
      apis: [
        {
          prefix: '/api/v1',
          errorBody,
          register: (api) => {
            registerApi(api, { store, faults, forgotten });
          },
        },
      ],
    });
  },
};
