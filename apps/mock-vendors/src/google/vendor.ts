import type { FastifyInstance } from 'fastify';
import { SimulatorClock } from '../core/clock.js';
import { installFaults } from '../core/fault-hooks.js';
import { readForms } from '../core/forms.js';
import { Faults } from '../core/faults.js';
import { onlyLoopback } from '../core/loopback.js';
import { part } from '../core/part.js';
import { Refusal } from '../core/refusal.js';
import { RequestLog } from '../core/request-log.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { Accounts } from './accounts.js';
import { registerApi } from './api.js';
import { Channels } from './channels.js';
import { registerControl, seed, seedInput, type ControlParts, type PlannedRefusal } from './control.js';
import { ApiRefusal, envelope, GrantRefusal } from './refusal.js';
import { CalendarStore } from './store.js';
import { registerTokens } from './token-api.js';

const DEMO_USER = 'anne.martin@example.com';
const DEMO = seedInput.parse({
  clients: [{ id: 'demo-google-client', secret: 'demo-google-secret' }],
  grants: [{ refreshToken: 'demo-google-refresh-token', user: DEMO_USER, clientId: 'demo-google-client' }],
  calendars: [{ id: DEMO_USER, summary: 'Dr Anne Martin', acl: { [DEMO_USER]: 'owner' } }],
});

/** Google Calendar: API, token endpoint and channels, as strict as the documents about them. */
export const google: Vendor = {
  name: 'google',
  register(scope: FastifyInstance, context: VendorContext): void {
    const clock = new SimulatorClock(context.now);
    const { now } = clock;
    const faults = new Faults();
    const oldest = new Map<string, number>();
    const store = new CalendarStore(now);
    const channels = new Channels(faults, now);
    const refusals: PlannedRefusal[] = [];
    const parts: ControlParts = {
      ...{ store, channels, faults, clock, refusals, oldest },
      accounts: new Accounts(now),
      tokenFaults: new Faults(),
      log: new RequestLog(),
    };
    store.onChange = (calendarId) => {
      channels.changed(calendarId);
    };
    if (context.demo) seed(parts, DEMO);
    scope.addHook('onClose', () => {
      channels.stop();
    });
    answerInItsWords(scope);
    registerScopes(scope, parts);
  },
};

function registerScopes(scope: FastifyInstance, parts: ControlParts): void {
  const { store, channels, accounts, faults, oldest } = parts;
  const api = part('api', (routes) => {
    parts.log.watch(routes);
    installFaults(routes, faults, (status) => envelope(status));
    routes.addHook('preHandler', (_request, _reply, next) => {
      next(plannedRefusal(parts.refusals));
    });
    registerApi(routes, { store, channels, accounts, faults, oldestToken: (id) => oldest.get(id) ?? 0 });
  });
  scope.register(api, { prefix: '/calendar/v3' });
  const tokens = part('tokens', (routes) => {
    parts.log.watch(routes);
    readForms(routes);
    installFaults(routes, parts.tokenFaults, () => ({ error: 'internal_failure' }));
    registerTokens(routes, accounts);
  });
  scope.register(tokens);
  const control = part('control', (routes) => {
    onlyLoopback(routes);
    registerControl(routes, parts);
  });
  scope.register(control, { prefix: '/__control' });
}

function answerInItsWords(scope: FastifyInstance): void {
  scope.setErrorHandler((error, _request, reply) => {
    if (error instanceof GrantRefusal) return reply.code(error.status).send({ error: error.code });
    if (error instanceof ApiRefusal) {
      if (error.retryAfterSeconds !== null) reply.header('retry-after', String(error.retryAfterSeconds));
      return reply.code(error.status).send(envelope(error.status, error.reason));
    }
    if (error instanceof Refusal)
      return reply.code(error.status).send({ error: { code: error.code, ...error.details } });
    const { statusCode = 500 } = error as { statusCode?: number };
    return reply.code(statusCode).send(envelope(statusCode));
  });
}

function plannedRefusal(refusals: PlannedRefusal[]): ApiRefusal | undefined {
  const [planned] = refusals;
  if (planned === undefined) return undefined;
  planned.times -= 1;
  if (planned.times === 0) refusals.shift();
  return new ApiRefusal(planned.status, planned.reason, planned.retryAfterSeconds);
}
