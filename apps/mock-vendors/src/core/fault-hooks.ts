import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Fault, Faults, Occasion } from './faults.js';

const REQUEST_KINDS = ['error', 'html', 'body', 'rate-limit', 'reset', 'close', 'hang'] as const;
const ANSWER_KINDS = ['error', 'html', 'body', 'rate-limit', 'reset', 'close', 'hang', 'torn'] as const;

/** Faults of the line, whatever is said on it. */
const LINE_KINDS: ReadonlySet<Fault['kind']> = new Set(['reset', 'close', 'hang', 'torn']);

const HTML = '<!doctype html><title>Maintenance</title><p>Le service est momentanément indisponible.</p>';

/** An error in a vendor's own words. */
export type ErrorBody = (status: number) => object;

const PLAIN: ErrorBody = (status) => ({ error: { code: status === 429 ? 'too_many_requests' : 'fault' } });

/** Lets the faults act on every route of this scope: before the handler, or on its answer. */
export function installFaults(scope: FastifyInstance, faults: Faults, body: ErrorBody = PLAIN): void {
  const untouchable = new WeakSet<FastifyRequest>();

  scope.addHook('preHandler', async (request, reply) => {
    const occasion = occasionOf(request);
    const slow = faults.take(['latency'], occasion);
    // The request goes on even if the caller hung up meanwhile: this is how a write lands late.
    if (slow) await new Promise((resolve) => setTimeout(resolve, slow.ms));
    const fault = faults.take(REQUEST_KINDS, occasion);
    if (!fault) return undefined;
    untouchable.add(request);
    return fail(fault, request, reply, body);
  });

  scope.addHook('onSend', async (request, reply, sent: unknown) => {
    if (untouchable.has(request)) return sent;
    const occasion = occasionOf(request);
    const payload = faults.take(['drift'], occasion) ? drifted(sent) : sent;
    const slow = faults.take(['latency'], occasion, true);
    if (slow) await new Promise((resolve) => setTimeout(resolve, slow.ms));
    const torn = faults.take(['torn'], occasion);
    if (torn && isText(payload)) return begun(payload, torn);
    const fault = faults.take(ANSWER_KINDS, occasion, true);
    return fault ? spoil(fault, { request, reply, payload, body }) : payload;
  });
}

function occasionOf(request: FastifyRequest): Occasion {
  const route = request.routeOptions.url;
  return route === undefined ? { method: request.method } : { method: request.method, route };
}

function fail(fault: Fault, request: FastifyRequest, reply: FastifyReply, body: ErrorBody): unknown {
  if (fault.kind === 'reset' || fault.kind === 'close' || fault.kind === 'hang') {
    reply.hijack();
    cut(fault, request);
    return reply;
  }
  return reply.send(describe(fault, reply, body));
}

interface Answered {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly payload: unknown;
  readonly body: ErrorBody;
}

async function spoil(fault: Fault, { request, reply, payload, body }: Answered): Promise<unknown> {
  cut(fault, request);
  if (fault.kind === 'hang') await new Promise((resolve) => request.raw.socket.once('close', resolve));
  if (fault.kind === 'torn' && isText(payload)) return begun(payload, fault);
  if (LINE_KINDS.has(fault.kind)) return payload;
  const spoilt = describe(fault, reply, body);
  return typeof spoilt === 'string' ? spoilt : JSON.stringify(spoilt);
}

/** `reset`: as a machine that went down (RST). `close`: as a process that ended (FIN). */
function cut({ kind }: Fault, { raw }: FastifyRequest): void {
  if (kind === 'reset') raw.socket.resetAndDestroy();
  if (kind === 'close') raw.socket.destroy();
}

function isText(payload: unknown): payload is string | Buffer {
  return typeof payload === 'string' || Buffer.isBuffer(payload);
}

/** As the next version of the software answers: whatever has an `id` says more of itself than anybody asked for. */
function drifted(payload: unknown): unknown {
  if (!isText(payload) || !/^\s*[[{]/.test(payload.toString())) return payload;
  return JSON.stringify(JSON.parse(payload.toString()), (_name, value: unknown) =>
    typeof value === 'object' && value !== null && 'id' in value && !('futur' in value)
      ? { ...value, futur: { depuis: 2 }, ancien: null }
      : value,
  );
}

function begun(payload: string | Buffer, { bytes }: Fault): string | Buffer {
  const to = bytes ?? Math.floor(payload.length / 2);
  return typeof payload === 'string' ? payload.slice(0, to) : payload.subarray(0, to);
}

function describe(fault: Fault, reply: FastifyReply, body: ErrorBody): string | object {
  if (fault.kind === 'html') {
    reply.code(200).type('text/html; charset=utf-8');
    return HTML;
  }
  if (fault.kind === 'body') {
    reply.code(200).type('application/json');
    return fault.body;
  }
  if (fault.kind === 'rate-limit') {
    reply
      .code(429)
      .header('retry-after', String(fault.retryAfterSeconds ?? 2))
      .type('application/json');
    return body(429);
  }
  if (fault.retryAfterSeconds !== undefined) reply.header('retry-after', String(fault.retryAfterSeconds));
  reply.code(fault.status).type('application/json');
  return body(fault.status);
}
