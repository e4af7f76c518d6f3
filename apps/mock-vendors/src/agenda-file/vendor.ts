import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SimulatorClock } from '../core/clock.js';
import { Faults } from '../core/faults.js';
import { parsed } from '../core/refusal.js';
import { RequestLog } from '../core/request-log.js';
import { registerSimulator } from '../core/simulator.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { registerFolder } from './api.js';
import { Inbox } from './inbox.js';
import { Shelf } from './shelf.js';
import { DeskStore } from './store.js';

const DEMO = {
  compte: { identifiant: 'cabinet', motDePasse: 'demo-dossier', cle: 'demo-cle-de-signature' },
  medecins: [{ code: 'PETIT', nom: 'Dr Émile Petit, cardiologue' }],
};
/** A program that looks into its inbox every minute and exports as often. */
const DEMO_PACE_MS = 60_000;

const paceInput = z.strictObject({ inboxMs: z.int().min(0).optional(), exportMs: z.int().min(0).optional() });
const spoilInput = z.strictObject({ agendaId: z.string(), text: z.string().min(1).max(200) });
const shareInput = z.strictObject({ from: z.string(), to: z.string() });
const halfInput = z.strictObject({ on: z.boolean() });

/** « Agenda Bureau »: a desktop program that exchanges files through a shared folder. */
export const agendaFile: Vendor = {
  name: 'agenda-file',
  register(scope: FastifyInstance, context: VendorContext): void {
    const clock = new SimulatorClock(context.now);
    const faults = new Faults();
    const store = new DeskStore();
    const shelf = new Shelf(store, clock.now);
    const inbox = new Inbox(store, { faults, now: clock.now, sign: shelf.sign, nextExport: () => shelf.next() });
    store.catchUp = () => {
      inbox.take();
    };
    if (context.demo) {
      store.seed(DEMO);
      inbox.paceMs = shelf.everyMs = DEMO_PACE_MS;
    }
    registerSimulator(scope, {
      ...{ diary: store, clock, faults },
      log: new RequestLog(),
      title: 'Agenda Bureau',
      onReset: () => {
        inbox.reset();
        shelf.reset();
      },
      actions: {
        pace: (body) => {
          const { inboxMs = inbox.paceMs, exportMs = shelf.everyMs } = parsed(paceInput, body);
          inbox.paceMs = inboxMs;
          shelf.everyMs = exportMs;
        },
        'renew-uids': () => {
          store.renewUids();
        },
        'share-uid': (body) => {
          const { from, to } = parsed(shareInput, body);
          store.shareUid(from, to);
        },
        spoil: (body) => {
          const { agendaId, text } = parsed(spoilInput, body);
          store.spoil(agendaId, text);
        },
        'half-written': (body) => {
          shelf.halfWritten = parsed(halfInput, body).on;
        },
      },
      apis: [
        {
          prefix: '/dossier',
          register: (api) => {
            registerFolder(api, { store, shelf, inbox });
          },
        },
      ],
    });
  },
};
