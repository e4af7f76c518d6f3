import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SimulatorClock } from '../core/clock.js';
import { Faults } from '../core/faults.js';
import { persist } from '../core/persistence.js';
import { parsed } from '../core/refusal.js';
import { RequestLog } from '../core/request-log.js';
import { registerSimulator } from '../core/simulator.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { errorBody, registerApi, registerTokenGet } from './api.js';
import { inTheirWords, LibreDiary } from './diary.js';
import { Book } from './store.js';
import { Tokens } from './tokens.js';

const DEMO = {
  agendas: [
    { id: 1, name: 'Dr Inès Garnier, médecin généraliste', zone: 'Europe/Paris', apiKey: 'demo-libre-key' },
    { id: 2, name: 'Dr Hugo Blanc, pédiatre', zone: 'Europe/Paris', apiKey: 'demo-libre-key' },
  ],
};

const answerInput = z.strictObject({ agendaId: z.string(), id: z.string() });
const corruptInput = z.strictObject({ agendaId: z.string() });
const expireInput = z.strictObject({ afterCalls: z.int().min(0).default(0) }).default({ afterCalls: 0 });

/** The archetype of small French agenda software: forms, codes, and a person who answers each request later. */
export const libreRdv: Vendor = {
  name: 'libre-rdv',
  register(scope: FastifyInstance, context: VendorContext): void {
    const clock = new SimulatorClock(context.now);
    const [faults, tokenFaults] = [new Faults(), new Faults()];
    const book = new Book(clock.now);
    const diary = new LibreDiary(book);
    const tokens = new Tokens(clock.now);
    const parts = { book, tokens, faults };
    if (context.data !== null) persist(scope, book, context.data);
    if (context.demo) diary.seed(DEMO);
    registerSimulator(scope, {
      ...{ diary, faults, clock },
      title: 'Agenda façon LibreRDV',
      log: new RequestLog(),
      others: { '/token-get': tokenFaults },
      onReset: () => {
        tokens.reset();
      },
      actions: actionsOf(book, diary, tokens),
      apis: [
        {
          prefix: '/api',
          errorBody,
          register: (api) => {
            registerApi(api, parts);
          },
        },
        {
          ...{ prefix: '/api', faults: tokenFaults, errorBody },
          register: (api) => {
            registerTokenGet(api, parts);
          },
        },
      ],
    });
  },
};

function actionsOf(book: Book, diary: LibreDiary, tokens: Tokens) {
  const answered = (body: unknown, how: 'accept' | 'decline'): object =>
    inTheirWords(() => {
      const { agendaId, id } = parsed(answerInput, body);
      return { status: book[how](diary.row(agendaId, id)).status };
    });
  return {
    accept: (body: unknown) => answered(body, 'accept'),
    decline: (body: unknown) => answered(body, 'decline'),
    corrupt: (body: unknown) => ({ id: String(book.corrupt(Number(parsed(corruptInput, body).agendaId)).id) }),
    purge: () => {
      book.purge();
    },
    'expire-news': () => {
      book.expireNews();
    },
    'expire-tokens': (body: unknown) => {
      tokens.expireAfter(parsed(expireInput, body).afterCalls);
    },
  };
}
