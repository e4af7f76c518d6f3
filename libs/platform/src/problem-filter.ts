import { Catch, HttpException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KeyServiceUnavailable, StoreUnavailable } from '#application';
import { ConnectorError } from '#connector-sdk';
import type { ConnectorErrorKind } from '#connector-sdk';
import type { Logger } from './logging.js';
import { problemBody } from './problem-body.js';
import { badInput, Problem } from './problems.js';
import type { ProblemSlug } from './problems.js';

const RETRY_SOON_MS = 1000;

/** What Fastify and Node say before a handler runs, by error code. */
const TRANSPORT_PROBLEMS: Readonly<Record<string, ProblemSlug>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed-body',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed-body',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed-body',
  FST_ERR_CTP_EMPTY_TYPE: 'unsupported-media-type',
  FST_ERR_NOT_FOUND: 'not-found',
  FST_ERR_BAD_URL: 'bad-input',
  FST_ERR_MAX_PARAM_LENGTH: 'not-found',
  FST_ERR_ASYNC_CONSTRAINT: 'bad-input',
};

const STATUS_PROBLEMS: Readonly<Record<number, ProblemSlug>> = {
  401: 'unauthenticated',
  403: 'right-missing',
  404: 'not-found',
  405: 'method-not-allowed',
  406: 'not-acceptable',
  408: 'request-timeout',
  409: 'appointment-busy',
  413: 'body-too-large',
  414: 'uri-too-long',
  415: 'unsupported-media-type',
  429: 'rate-limited',
  431: 'headers-too-large',
  503: 'temporarily-unavailable',
};

/** What a backend's failure means to the caller; by kind alone, never by message or status. */
const BACKEND_PROBLEMS: Readonly<Record<ConnectorErrorKind, { slug: ProblemSlug; code?: string }>> = {
  auth: { slug: 'backend-refused', code: 'CREDENTIAL_REFUSED' },
  forbidden: { slug: 'backend-refused', code: 'VENDOR_RIGHT' },
  taken: { slug: 'slot-taken', code: 'BUSY' },
  stale: { slug: 'appointment-busy' },
  not_found: { slug: 'backend-refused', code: 'REMOTE_REFUSED' },
  cursor_expired: { slug: 'agenda-unreachable', code: 'AGENDA_STALE' },
  rate_limited: { slug: 'agenda-unreachable', code: 'AGENDA_UNREACHABLE' },
  unavailable: { slug: 'agenda-unreachable', code: 'AGENDA_UNREACHABLE' },
  unknown: { slug: 'agenda-unreachable', code: 'AGENDA_UNREACHABLE' },
  moved: { slug: 'backend-refused', code: 'REMOTE_REFUSED' },
  invalid: { slug: 'backend-refused', code: 'REMOTE_REFUSED' },
};

/** Any failure, as the problem the caller is told. `internal` when it is a fault of ours. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof StoreUnavailable) return new Problem('temporarily-unavailable', { retryAfterMs: RETRY_SOON_MS });
  if (error instanceof KeyServiceUnavailable)
    return new Problem('key-service-unavailable', { retryAfterMs: RETRY_SOON_MS });
  if (ConnectorError.is(error)) return backendProblem(error);
  if (error instanceof HttpException) return fromStatus(error.getStatus());
  return error instanceof Error ? fromTransport(error) : new Problem('internal');
}

/** A backend's failure, as the caller is told; `extra` are members of the answer beside the common ones. */
export function backendProblem(
  {
    kind,
    retryAfterMs = RETRY_SOON_MS,
  }: { readonly kind: ConnectorErrorKind; readonly retryAfterMs: number | undefined },
  extra: Readonly<Record<string, unknown>> = {},
): Problem {
  const { slug, code } = BACKEND_PROBLEMS[kind];
  return new Problem(slug, { code, extra, retryAfterMs: slug === 'agenda-unreachable' ? retryAfterMs : undefined });
}

function fromTransport(error: Error & { code?: unknown; statusCode?: unknown }): Problem {
  const slug = TRANSPORT_PROBLEMS[String(error.code)];
  if (slug) return slug === 'bad-input' ? badInput('path', 'is not a valid URL') : new Problem(slug);
  if (typeof error.statusCode !== 'number') return new Problem('internal');
  // Fastify's JSON parser throws a bare SyntaxError with a status.
  return error instanceof SyntaxError ? new Problem('malformed-body') : fromStatus(error.statusCode);
}

function fromStatus(status: number): Problem {
  const slug = STATUS_PROBLEMS[status];
  if (slug) return new Problem(slug, slug === 'temporarily-unavailable' ? { retryAfterMs: RETRY_SOON_MS } : {});
  return status >= 400 && status < 500 ? badInput('request', 'was refused') : new Problem('internal');
}

/** Answers every failure as problem details; what is our fault is logged with the request id and told without detail. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const problem = toProblem(error);
    if (problem.status >= 500) {
      const route = request.routeOptions.url ?? 'none';
      this.logger[problem.slug === 'internal' ? 'error' : 'warn'](
        { err: error, requestId: request.id, route },
        'request failed',
      );
    }
    if (reply.sent) return;
    const { retryAfterMs } = problem.options;
    if (retryAfterMs !== undefined)
      void reply.header('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
    if (problem.slug === 'unauthenticated') void reply.header('WWW-Authenticate', 'Bearer realm="unisson"');
    const body = problemBody(problem, request.id, request.headers['accept-language']);
    void reply
      .code(problem.status)
      .header('Content-Type', 'application/problem+json; charset=utf-8')
      .send(JSON.stringify(body));
  }
}
