import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { RedisServer } from '../../../test/support/redis.js';
import { describeWorker, until } from './worker.suite.js';

let redis: RedisServer;

beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(async () => {
  await redis.stop();
});

describeWorker('Redis', () => ({ REDIS_URL: redis.url }), {
  jobs: () => redis.written(),
  more: (worker) => {
    it('carries bookings on without Redis, and with an empty one that came back', async () => {
      await redis.down('SIGKILL');
      const without = await worker.book(worker.nextStart());
      await until(async () => (await worker.status(without)) === 'confirmed');
      const ready = await worker.app.getHttpAdapter().getInstance().inject('/health/ready');
      expect(ready.statusCode).toBe(200);
      await redis.up();
      await redis.flush();
      const after = await worker.book(worker.nextStart());
      await until(async () => (await worker.status(after)) === 'confirmed');
    });
  },
});
