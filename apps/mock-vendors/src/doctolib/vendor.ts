import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SimulatorClock } from '../core/clock.js';
import type { ControlAction } from '../core/control.js';
import { Faults } from '../core/faults.js';
import { persist, type Keepable } from '../core/persistence.js';
import { parsed } from '../core/refusal.js';
import { RequestLog } from '../core/request-log.js';
import { registerSimulator } from '../core/simulator.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { answerInItsWords, registerFront, registerPartner, type ApiParts } from './api.js';
import { Booking } from './booking.js';
import { DEMO } from './demo.js';
import type { Appointment } from './model.js';
import { Setup } from './practice.js';
import { AppointmentStore } from './store.js';
import { Tokens } from './tokens.js';
import { Wall } from './wall.js';
import { Webhooks, type Webhook } from './webhooks.js';

const agendaInput = z.strictObject({ agendaId: z.string() });
const changeInput = z.strictObject({
  agendaId: z.string(),
  booking_disabled: z.boolean().optional(),
  booking_temporary_disabled: z.boolean().optional(),
});
const spoilInput = agendaInput.extend({ start: z.int(), end: z.int() });
const openInput = agendaInput.extend({
  openings: z.array(z.strictObject({ start: z.int(), end: z.int() })).nullable(),
});
const banInput = z.strictObject({ address: z.string().default('127.0.0.1') }).default({ address: '127.0.0.1' });
const waitingInput = z.strictObject({ seconds: z.int().min(0).nullable() });

interface Parts extends ApiParts {
  readonly wall: Wall;
}

/** In the style of the market leader: hold, fill, confirm, behind a wall that counts. */
export const doctolib: Vendor = {
  name: 'doctolib',
  register(scope: FastifyInstance, context: VendorContext): void {
    const clock = new SimulatorClock(context.now);
    const [faults, tokenFaults] = [new Faults(), new Faults()];
    const setup = new Setup();
    const store = new AppointmentStore(setup, clock.now);
    const wall = new Wall(clock.now, () => setup.quota);
    const tokens = new Tokens(setup, clock.now);
    const webhooks = new Webhooks(setup, faults, clock.now);
    const parts: Parts = { store, booking: new Booking(store), tokens, webhooks, faults, wall };
    store.onChange = (row) => {
      webhooks.changed(row);
    };
    if (context.demo) store.seed(DEMO);
    if (context.data !== null) persist(scope, keepable(parts), context.data);
    scope.addHook('onClose', () => {
      webhooks.stop();
    });
    registerSimulator(scope, {
      diary: store,
      ...{ faults, clock },
      title: 'Agenda en ligne (style Doctolib)',
      log: new RequestLog(),
      others: { '/oauth/token': tokenFaults },
      onReset: () => {
        for (const part of [wall, webhooks]) part.reset();
        tokens.clear();
      },
      actions: actions(parts),
      apis: [
        { faults: tokenFaults, register: guarded(parts, (api) => tokens.register(api)) },
        { errorBody, register: guarded(parts, (api) => registerFront(api, parts)) },
        { prefix: '/partner/v1', errorBody, register: guarded(parts, (api) => registerPartner(api, parts)) },
      ],
    });
  },
};

function errorBody(status: number): object {
  return { error: status === 429 ? 'too_many_requests' : 'fault' };
}

function guarded({ wall }: Parts, register: (api: FastifyInstance) => void): (api: FastifyInstance) => void {
  return (api) => {
    answerInItsWords(api);
    wall.guard(api);
    register(api);
  };
}

interface Kept {
  readonly rows: readonly Appointment[];
  readonly webhooks: readonly Webhook[];
}

function keepable({ store, webhooks }: Parts): Keepable<Kept> {
  return {
    snapshot: () => ({ rows: store.snapshot(), webhooks: webhooks.list() }),
    restore: (kept) => {
      store.restore(kept.rows);
      webhooks.restore(kept.webhooks);
    },
  };
}

function actions({ store, wall, tokens }: Parts): Readonly<Record<string, ControlAction>> {
  const { setup } = store;
  return {
    /** Adds a row whose beginning cannot be read. */
    spoil: (body) => {
      const { agendaId, start, end } = parsed(spoilInput, body);
      const entry = store.put('practitioner', agendaId, { start, end, title: '', force: true });
      store.spoilt.add(Number(entry.id));
      return { entry };
    },
    /** The practice is reconfigured: other numbers, another order. */
    'rotate-ids': () => setup.rotate(),
    rearrange: () => setup.rearrange(),
    'remove-agenda': (body) => setup.remove(parsed(agendaInput, body).agendaId),
    'change-agenda': (body) => {
      const { agendaId, ...change } = parsed(changeInput, body);
      setup.change(agendaId, Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)));
    },
    /** The practitioner opens these hours, and no others. */
    'open-only': (body) => {
      const { agendaId, openings } = parsed(openInput, body);
      setup.change(agendaId, { openings });
    },
    ban: (body) => wall.ban(parsed(banInput, body).address),
    'waiting-room': (body) => {
      wall.waiting = parsed(waitingInput, body).seconds;
    },
    'expire-tokens': () => tokens.clear(),
  };
}
