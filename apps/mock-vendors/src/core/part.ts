import type { FastifyInstance, FastifyPluginCallback } from 'fastify';

const DISPLAY_NAME = Symbol.for('fastify.display-name');

/**
 * A part of the server, with a name. For one without, Fastify looks through all that was ever loaded, which costs every
 * test that starts the simulators a second.
 */
export function part(name: string, register: (scope: FastifyInstance) => void): FastifyPluginCallback {
  const plugin: FastifyPluginCallback = (scope, _options, done) => {
    register(scope);
    done();
  };
  return Object.assign(plugin, { [DISPLAY_NAME]: name });
}
