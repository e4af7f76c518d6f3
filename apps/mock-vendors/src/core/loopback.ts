import type { FastifyInstance } from 'fastify';
import { Refusal } from './refusal.js';

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/;
const LOOPBACK_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

/** Control and pages need no password, so they answer only this machine, and no name that a web site could rebind to it. */
export function onlyLoopback(scope: FastifyInstance): void {
  scope.addHook('onRequest', (request, _reply, done) => {
    const ours = LOOPBACK.test(request.ip) && LOOPBACK_HOST.test(request.headers.host ?? '');
    done(ours ? undefined : new Refusal(403, 'loopback_only'));
  });
}

/** True for a URL that leads to this machine. */
export function leadsToLoopback(url: string): boolean {
  try {
    const { protocol, host } = new URL(url);
    return protocol === 'http:' && LOOPBACK_HOST.test(host);
  } catch {
    return false;
  }
}
