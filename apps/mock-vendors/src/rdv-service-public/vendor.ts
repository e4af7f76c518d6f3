import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SimulatorClock } from '../core/clock.js';
import { Faults } from '../core/faults.js';
import { parsed } from '../core/refusal.js';
import { RequestLog } from '../core/request-log.js';
import { registerSimulator } from '../core/simulator.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { Accounts } from './accounts.js';
import { faultBody } from './answers.js';
import { registerApi } from './api.js';
import { STATUSES } from './model.js';
import { RdvStore } from './store.js';
import { Webhooks } from './webhooks.js';

const DEMO = {
  organisations: [{ id: 1, name: 'Maison de santé des Tilleuls' }],
  agents: [
    { id: 11, email: 'anne.morel@exemple.fr', firstName: 'Anne', lastName: 'MOREL', organisationIds: [1] },
    { id: 12, email: 'yves.caron@exemple.fr', firstName: 'Yves', lastName: 'CARON', organisationIds: [1] },
    {
      ...{ id: 13, email: 'secretariat@exemple.fr', password: 'demo-rdv-service-public', organisationIds: [1] },
      ...{ firstName: 'Télésecrétariat', lastName: 'DÉMO', secretary: true, territorialAdmin: true },
    },
  ],
};

const statusInput = z.strictObject({ id: z.int(), status: z.enum(STATUSES) });
const breakInput = z.strictObject({ id: z.int() });
const seriesInput = z.strictObject({
  agentId: z.int(),
  title: z.string(),
  firstDay: z.iso.date(),
  startTime: z.string(),
  endTime: z.string(),
  rrule: z.string(),
});
const leaveInput = z.strictObject({ agentId: z.int(), organisationIds: z.array(z.int()).min(1) });

/** RDV-Service-Public, as its published API is. */
export const rdvServicePublic: Vendor = {
  name: 'rdv-service-public',
  register(scope: FastifyInstance, { now, demo }: VendorContext): void {
    const clock = new SimulatorClock(now);
    const store = new RdvStore();
    const faults = new Faults();
    const accounts = new Accounts(store, clock.now);
    const webhooks = new Webhooks(store, faults, clock.now);
    store.onChange = (happening) => {
      webhooks.happened(happening);
    };
    if (demo) store.seed(DEMO);
    scope.addHook('onClose', () => {
      webhooks.stop();
    });
    registerSimulator(scope, {
      title: 'RDV-Service-Public (simulateur)',
      ...{ diary: store, faults, log: new RequestLog(), clock },
      onReset: () => {
        accounts.forget();
        webhooks.stop();
      },
      actions: {
        'expire-tokens': () => {
          accounts.forget();
        },
        status: (body) => {
          const { id, status } = parsed(statusInput, body);
          store.setStatus(id, status);
        },
        break: (body) => {
          store.breakRdv(parsed(breakInput, body).id);
        },
        series: (body) => {
          const { agentId, firstDay, rrule, ...rest } = parsed(seriesInput, body);
          const { id } = store.addAbsence(agentId, { ...rest, firstDay, endDay: firstDay }, 'practitioner', rrule);
          return { id: `absence_${id}` };
        },
        'change-organisations': (body) => {
          const { agentId, organisationIds } = parsed(leaveInput, body);
          store.agents.set(agentId, { ...store.agent(agentId), organisationIds });
        },
      },
      apis: [
        {
          prefix: '/api/v1',
          errorBody: faultBody,
          register: (api) => {
            registerApi(api, { store, accounts, faults, webhooks, now: clock.now });
          },
        },
      ],
    });
  },
};
