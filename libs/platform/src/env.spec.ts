import { describe, expect, test } from '@jest/globals';
import { parseEnvironment } from './env.js';

const key = (fill: number): string => Buffer.alloc(32, fill).toString('base64');
const good = { DATABASE_URL: 'postgres://unisson_app:x@127.0.0.1/unisson', UNISSON_KEYS: `k2:${key(2)}, k1:${key(1)}` };

describe('the environment', () => {
  test('needs two variables; everything else has a default', () => {
    const environment = parseEnvironment({ ...good, REDIS_URL: '' });
    expect(environment).toMatchObject({
      HOST: '127.0.0.1',
      PORT: 3000,
      WORKER_PORT: 3001,
      POOL_SIZE: 10,
      ALLOW_PRIVATE_NETWORKS: false,
      VENDOR_TIMEOUT_MS: 3000,
    });
    expect(environment.REDIS_URL).toBeUndefined();
    expect(environment.UNISSON_KEYS.map(({ id, bytes }) => [id, bytes[0]])).toEqual([
      ['k2', 2],
      ['k1', 1],
    ]);
  });

  test('tells every problem at once, and no value', () => {
    const bad = {
      DATABASE_URL: 'mysql://root:hunter2@db',
      PORT: '70000',
      LOG_LEVEL: 'loud',
      ALLOW_PRIVATE_NETWORKS: 'yes',
      UNISSON_KEYS: `k1:${key(1)},k1:${key(2)},K9:x,k3:short`,
    };
    const message = ((): string => {
      try {
        parseEnvironment(bad);
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    })();
    for (const name of ['DATABASE_URL', 'PORT', 'LOG_LEVEL', 'ALLOW_PRIVATE_NETWORKS', 'UNISSON_KEYS'])
      expect(message).toContain(`${name}:`);
    expect(message).toContain('key "k1" is there twice');
    expect(message).toContain('key "k3" must be 32 bytes');
    expect(message).not.toContain('hunter2');
  });

  test('says which variables are not set', () => {
    expect(() => parseEnvironment({})).toThrow(/DATABASE_URL: is not set[\s\S]*UNISSON_KEYS: is not set/);
  });
});
