import type { FastifyInstance } from 'fastify';
import { Refusal } from '../core/refusal.js';
import type { __Name__Store } from './store.js';

/** The vendor's API as its customers see it. */
export function registerApi(scope: FastifyInstance, store: __Name__Store): void {
  scope.setErrorHandler((error, _request, reply) =>
    error instanceof Refusal
      ? reply.code(error.status).send({ error: error.code })
      : reply.code(400).send({ error: 'request_unreadable' }),
  );
  scope.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'route_unknown' }));
  scope.addHook('preHandler', (request, _reply, done) => {
    const allowed = store.apiKey !== null && request.headers.authorization === `Bearer ${store.apiKey}`;
    done(allowed ? undefined : new Refusal(401, 'key_unknown'));
  });

  scope.get('/account', () => ({ name: store.agendas()[0]?.name ?? '' }));
  scope.get('/agendas', () => store.agendas());
  scope.get<{ Params: { agendaId: string } }>('/agendas/:agendaId/entries', (request) => ({
    entries: store.entries(request.params.agendaId).map(({ id, start, end, title }) => ({ id, start, end, title })),
  }));
}
