import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Caller } from './access.js';
import type { Authentication } from './authentication.js';
import type { Metrics } from './metrics.js';
import { originOf } from './origin.js';
import { watchConnections } from './open-connections.js';
import { isDocumentRoute } from './openapi.js';
import { problemBody } from './problem-body.js';
import { Problem } from './problems.js';
import type { RateLimiter } from './rate-limit.js';
import { faultsOf } from './validation.js';

const BODY_LIMIT = 64 * 1024;
/** A request that has not arrived whole by then is dropped: nobody keeps a connection by dripping. */
const ARRIVAL_LIMIT_MS = 15_000;
/** Longer than the usual idle time of a load balancer, so that it never writes into a closing connection. */
const KEEP_ALIVE_MS = 65_000;
/** More open requests than this only make all of them late. */
const MAX_OPEN_REQUESTS = 1000;
const SANE_REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

const API_POLICY = "default-src 'none'; frame-ancestors 'none'";
const DOCUMENT_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/** What the server needs to apply the conventions. Without `authentication` every route must be public. */
export interface HttpConventions {
  readonly metrics: Metrics;
  readonly authentication?: Authentication;
  readonly rateLimiter?: RateLimiter;
  /** Whose X-Forwarded-For is believed; nobody's when left out. */
  readonly trustedProxies?: string | undefined;
}

/** The HTTP server with every convention that does not depend on the route: give it to `NestFactory.create` with `bodyParser: false`. */
export function createHttpAdapter(conventions: HttpConventions): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    requestTimeout: ARRIVAL_LIMIT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestIdHeader: false,
    genReqId: (request: IncomingMessage) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : randomUUID();
    },
    // While closing, requests on open connections are still answered; RFC 9112 `Connection: close` ends those.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    skipMiddie: true,
    // A path is never refused by its length alone, which Fastify would answer in its own words: what is no id is told so.
    routerOptions: { maxParamLength: 16_384 },
    trustProxy: conventions.trustedProxies ?? false,
    clientErrorHandler: answerUnreadable,
  });
  const server = adapter.getInstance();
  server.setSerializerCompiler(({ schema }) => {
    const answer = schema as z.ZodType;
    return (data) => JSON.stringify(answer.parse(data));
  });
  watchConnections(server.server);
  acceptJson(server);
  server.decorateRequest('caller', null);
  server.addHook('onRoute', (route) => {
    if (isDocumentRoute(route.url)) route.config = { ...route.config, access: 'public' };
  });
  server.addHook('onRequest', admission(conventions));
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    conventions.metrics.requestAnswered({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime);
    done();
  });
  return adapter;
}

/** Request id and headers for every answer; then who asks, whether he may, and whether not too often. */
function admission({
  authentication,
  rateLimiter,
}: HttpConventions): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  let open = 0;
  return async (request, reply) => {
    open += 1;
    reply.raw.once('close', () => {
      open -= 1;
    });
    const { url = '', config } = request.routeOptions;
    void reply.headers({
      'X-Request-Id': request.id,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
      'Content-Security-Policy': isDocumentRoute(url) ? DOCUMENT_POLICY : API_POLICY,
    });
    if (request.is404 || config.access === 'public') return;
    if (open > MAX_OPEN_REQUESTS) throw new Problem('temporarily-unavailable', { retryAfterMs: 1000 });
    if (config.access === undefined || config.need === undefined || !authentication)
      throw new Error(`the route ${url} declares no right`);
    const caller = await authentication.authenticate(request, config.access);
    request.caller = { ...caller, origin: { ...originOf(request), ...behalfOf(caller) } };
    if (rateLimiter) applyRateLimit(rateLimiter, request.caller.keyId, reply);
    if (!config.query) refuseQuery(request);
  };
}

/** An application acts in the name of whom it names; a person who signed in, for himself. */
function behalfOf({ via, collaboratorId }: Caller): { readonly behalf?: string } {
  return collaboratorId !== null && (via === 'key' || via === 'token') ? { behalf: collaboratorId } : {};
}

function refuseQuery({ query }: FastifyRequest): void {
  const names = Object.keys(query as object);
  if (names.length === 0) return;
  throw new Problem('bad-input', {
    errors: faultsOf('query', [{ code: 'unrecognized_keys', message: '', keys: names }]),
  });
}

function applyRateLimit(limiter: RateLimiter, keyId: string, reply: FastifyReply): void {
  const { allowed, limit, remaining, resetSeconds, retryAfterMs } = limiter.take(keyId);
  void reply.headers({
    'RateLimit-Limit': String(limit),
    'RateLimit-Remaining': String(remaining),
    'RateLimit-Reset': String(resetSeconds),
  });
  if (!allowed) throw new Problem('rate-limited', { retryAfterMs });
}

/** JSON in strict UTF-8 is the only body there is; routes that check signatures get any body as bytes. */
function acceptJson(server: FastifyInstance): void {
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (request: FastifyRequest, body: Buffer, done) => {
      if (request.routeOptions.config.rawBody) {
        done(null, body);
        return;
      }
      if (!isUtf8(body)) {
        done(new Problem('malformed-body'));
        return;
      }
      // The default parser answers through `done` alone.
      void parseJson(request, body.toString('utf8'), done);
    },
  );
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (request: FastifyRequest, body: Buffer, done) => {
    if (request.routeOptions.config.rawBody) done(null, body);
    else done(new Problem('unsupported-media-type'));
  });
}

/** What Node could not read as HTTP at all. */
function answerUnreadable(this: FastifyInstance, error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const slugs: Readonly<Record<string, 'headers-too-large' | 'request-timeout'>> = {
    HPE_HEADER_OVERFLOW: 'headers-too-large',
    ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
  };
  const problem = new Problem(slugs[error.code ?? ''] ?? 'bad-input');
  const body = JSON.stringify(problemBody(problem, randomUUID(), undefined));
  const head = `HTTP/1.1 ${String(problem.status)} Error\r\nContent-Type: application/problem+json; charset=utf-8\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\nConnection: close\r\n\r\n`;
  if (socket.writable) socket.write(head + body);
  socket.destroySoon();
}
