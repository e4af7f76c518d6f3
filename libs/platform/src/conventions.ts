import { createHash } from 'node:crypto';
import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from './access.js';
import type { Caller } from './access.js';
import { badInput, Problem } from './problems.js';

const DEFAULT_WAIT_SECONDS = 5;
const MAX_WAIT_SECONDS = 10;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;
const VERSION_TAG = /^"(\d{1,9})"$/;

/** Request headers, names in lower case. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** The seconds of `Prefer: wait=N` (RFC 7240 4.3), at most 10; `null` when there is none that can be read. */
export function parsePreferWait(header: string | string[] | undefined): number | null {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  for (const preference of text.split(/[,;]/)) {
    const seconds = /^\s*wait\s*=\s*"?(\d{1,6})"?\s*$/i.exec(preference)?.[1];
    if (seconds !== undefined) return Math.min(MAX_WAIT_SECONDS, Number(seconds));
  }
  return null;
}

/** The version that `If-Match` names. Throws 428 without it, 400 when it cannot be a version of ours. */
export function requiredVersion(headers: Headers): number {
  const header = headers['if-match'];
  if (header === undefined)
    throw new Problem('precondition-required', { errors: [{ path: 'header.if-match', message: 'is required' }] });
  const version = VERSION_TAG.exec(String(header).trim())?.[1];
  if (version === undefined) throw badInput('header.if-match', 'must be one ETag as it was given, such as "3"');
  return Number(version);
}

/** The ETag of a version. */
export function versionTag(version: number): string {
  return `"${String(version)}"`;
}

/** Whether `If-None-Match` names this version, so that 304 says it all (RFC 9110 13.1.2). */
export function isNotModified(headers: Headers, version: number): boolean {
  const header = headers['if-none-match'];
  if (typeof header !== 'string') return false;
  const tag = versionTag(version);
  return header.split(',').some((part) => part.trim().replace(/^W\//, '') === tag || part.trim() === '*');
}

/** What makes a repeated request harmless. */
export interface Idempotency {
  readonly key: string;
  /** SHA-256 over what was asked, not over how it was written. */
  readonly hash: Buffer;
}

/** Reads `Idempotency-Key`; `null` when absent. `asked` is the validated request. */
export function idempotencyOf(headers: Headers, asked: readonly unknown[]): Idempotency | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key))
    throw badInput('header.idempotency-key', 'must be 1 to 255 visible ASCII characters');
  return { key, hash: createHash('sha256').update(JSON.stringify(asked)).digest() };
}

/** The same, for writes that must not be repeated by accident. */
export function requiredIdempotency(headers: Headers, asked: readonly unknown[]): Idempotency {
  const idempotency = idempotencyOf(headers, asked);
  if (idempotency) return idempotency;
  throw new Problem('idempotency-key-required', {
    errors: [{ path: 'header.idempotency-key', message: 'is required' }],
  });
}

/** What a write needs of its request besides body and path. */
export interface Exchange {
  readonly caller: Caller;
  readonly headers: Headers;
  /** For status and headers of the answer; Nest sends what the handler returns. */
  readonly reply: FastifyReply;
  /** How long the caller is ready to wait for the practitioner's agenda, in milliseconds. */
  readonly waitMs: number;
}

/** The {@link Exchange}; says in the answer how much of `Prefer` was applied. */
export const ExchangeParam = createParamDecorator((_: unknown, context: ExecutionContext): Exchange => {
  const http = context.switchToHttp();
  const request = http.getRequest<FastifyRequest>();
  const reply = http.getResponse<FastifyReply>();
  const wait = parsePreferWait(request.headers.prefer);
  if (wait !== null) void reply.header('Preference-Applied', `wait=${String(wait)}`);
  const waitMs = (wait ?? DEFAULT_WAIT_SECONDS) * 1000;
  return { caller: callerOf(request), headers: request.headers, reply, waitMs };
});
