import type { FastifyInstance } from 'fastify';
import type { ApiParts } from './parts.js';
import { Answer } from './answers.js';

const MAX_A_MINUTE = 50;
const MINUTE_MS = 60_000;

/** The one route without a signature, and the only one that slows its callers down. */
export function registerPublicLinks(scope: FastifyInstance, { now }: ApiParts): void {
  let minute = 0;
  let calls = 0;
  scope.get<{ Querystring: { territory?: string } }>('/public_links', (request, reply) => {
    const current = Math.floor(now() / MINUTE_MS);
    calls = current === minute ? calls + 1 : 1;
    minute = current;
    if (calls > MAX_A_MINUTE) {
      const left = Math.ceil((MINUTE_MS - (now() % MINUTE_MS)) / 1000);
      void reply.headers({
        'ratelimit-limit': String(MAX_A_MINUTE),
        'ratelimit-remaining': '0',
        'retry-after': String(left),
      });
      throw new Answer(429, { errors: ["Limite d'appels API atteinte. Merci de patienter.\n"] });
    }
    if (request.query.territory === undefined) throw new Answer(400, { missing: 'territory' });
    return { public_links: [] };
  });
}
