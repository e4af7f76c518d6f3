import type { FastifyRequest } from 'fastify';
import type { Origin } from '#application';

const KINDS: readonly (readonly [RegExp, Origin['agent']])[] = [
  [/^Mozilla\//, 'browser'],
  [/^(curl|wget|httpie|postmanruntime)\//i, 'command-line'],
];

/** Where a request came from, as the audit log keeps it. */
export function originOf({ id, ip, headers }: FastifyRequest): Origin {
  const name = headers['user-agent'];
  const kind = name === undefined ? 'none' : (KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? 'application');
  return { request: id, address: ip, agent: kind };
}
