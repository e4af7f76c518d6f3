import type { FastifyInstance } from 'fastify';
import { registerControl, type ControlParts } from './control.js';
import { installFaults, type ErrorBody } from './fault-hooks.js';
import type { Faults } from './faults.js';
import { onlyLoopback } from './loopback.js';
import { part } from './part.js';
import { registerWeekPage } from './week-page.js';

/** Routes that callers of the vendor use. */
export interface ApiPart {
  /** For instance `/api`; left out: right under the vendor's name. */
  readonly prefix?: string;
  /** Left out: the simulator's. */
  readonly faults?: Faults;
  /** What the vendor says when a fault makes it fail. */
  readonly errorBody?: ErrorBody;
  /** May set an error handler of its own, to refuse in the vendor's words. */
  readonly register: (scope: FastifyInstance) => void;
}

/** All that makes up a simulator. */
export interface Simulator extends ControlParts {
  /** The software's name on the practitioner's page. */
  readonly title: string;
  readonly apis: readonly ApiPart[];
}

/** API under its prefixes, `/__control` and the practitioner's page, the latter two for this machine only. */
export function registerSimulator(scope: FastifyInstance, simulator: Simulator): void {
  for (const { prefix = '', faults = simulator.faults, errorBody, register } of simulator.apis) {
    const api = part('api', (routes) => {
      simulator.log.watch(routes);
      installFaults(routes, faults, errorBody);
      register(routes);
    });
    scope.register(api, { prefix });
  }
  const control = part('control', (routes) => {
    onlyLoopback(routes);
    registerControl(routes, simulator);
  });
  scope.register(control, { prefix: '/__control' });
  const page = part('page', (routes) => {
    onlyLoopback(routes);
    registerWeekPage(routes, simulator);
  });
  scope.register(page);
}
