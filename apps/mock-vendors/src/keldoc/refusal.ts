import type { FastifyInstance } from 'fastify';
import { Refusal } from '../core/refusal.js';

export const notFound = (): Refusal => new Refusal(404, 'not_found');
export const badRequest = (): Refusal => new Refusal(400, 'bad_request');

/** A validation error, by field. */
export function invalid(field: string, message: string): Refusal {
  return new Refusal(422, 'invalid', { errors: { [field]: [message] } });
}

export const taken = (): Refusal => invalid('start_at', 'is already taken');

/** Refusals in the vendor's words: `{ errors: { field: [message] } }` for what does not validate, else `{ error }`. */
export function speakLikeIt(api: FastifyInstance, now: () => number): void {
  // Requests without a body declare JSON all the same: the type is part of what is signed.
  api.removeContentTypeParser('application/json');
  api.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(String(body)));
    } catch {
      done(badRequest());
    }
  });
  api.addHook('onRequest', (_request, reply, done) => {
    reply.header('date', new Date(now()).toUTCString());
    done();
  });
  api.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof Refusal)) throw error;
    const { errors } = error.details;
    return reply.code(error.status).send(errors === undefined ? { error: error.code } : { errors });
  });
}
