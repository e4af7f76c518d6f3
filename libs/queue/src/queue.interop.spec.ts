import { afterAll, beforeAll } from '@jest/globals';
import { RedisServer } from '../../../test/support/redis.js';
import { describeQueue } from './queue.suite.js';

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(async () => {
  await server.stop();
});

describeQueue('Redis', {
  // Nothing listens there: on Redis the database must not be asked.
  options: () => ({ databaseUrl: 'postgres://unisson_app@127.0.0.1:1/none', redisUrl: server.url }),
  down: () => server.down('SIGKILL'),
  up: () => server.up(),
  freeze: () => server.signal('SIGSTOP'),
  thaw: () => server.signal('SIGCONT'),
});
