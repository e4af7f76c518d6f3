import { createServer as createHttp } from 'node:http';
import { createServer as createHttps, type ServerOptions as TlsServerOptions } from 'node:https';
import { fastify, type FastifyInstance } from 'fastify';
import { part } from './core/part.js';
import { Refusal } from './core/refusal.js';
import type { VendorContext } from './vendor.js';
import { VENDORS } from './vendors.js';

const BODY_LIMIT = 8 * 1024 * 1024;

/** Builds the server with every vendor; the caller listens and closes. With `tls` it listens for TLS alone. */
export function createMockVendors(context: Partial<VendorContext> = {}, tls?: TlsServerOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: true,
    serverFactory: (handler) => (tls === undefined ? createHttp(handler) : createHttps(tls, handler)),
  });
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof Refusal)
      return reply.code(error.status).send({ error: { code: error.code, ...error.details } });
    const status = statusOf(error);
    return reply.code(status).send({ error: { code: status < 500 ? 'invalid' : 'internal' } });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: { code: 'route_unknown' } }));
  app.get('/health', () => ({ status: 'ok', vendors: VENDORS.map(({ name }) => name) }));
  const full: VendorContext = { now: Date.now, demo: false, data: null, ...context };
  for (const vendor of VENDORS) {
    const simulator = part(vendor.name, (scope) => {
      vendor.register(scope, full);
    });
    app.register(simulator, { prefix: `/${vendor.name}` });
  }
  return app;
}

function statusOf(error: unknown): number {
  return typeof error === 'object' && error !== null && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : 500;
}
