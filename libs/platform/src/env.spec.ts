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

  test('takes a key service by https only, or on this machine, with one way to sign in', () => {
    const login = { UNISSON_KMS_ROLE_ID: 'role', UNISSON_KMS_SECRET_ID: 'hunter2' };
    const told = (kms: Record<string, string>) => () => parseEnvironment({ ...good, ...kms });
    expect(told({ UNISSON_KMS_URL: 'http://127.0.0.1:8200', ...login })()).toMatchObject({
      UNISSON_KMS_KEY: 'unisson',
    });
    expect(
      told({ UNISSON_KMS_URL: 'https://vault:8200', UNISSON_KMS_TOKEN: 'hvs.x' })().UNISSON_KMS_CACHE_MINUTES,
    ).toBe(60);
    for (const url of ['http://vault:8200', 'http://127.0.0.1.example', 'http://10.0.0.1'])
      expect(told({ UNISSON_KMS_URL: url, ...login })).toThrow('UNISSON_KMS_URL: must be https');
    const both = { ...login, UNISSON_KMS_TOKEN: 'hvs.x' };
    for (const wrong of [{}, both, { UNISSON_KMS_ROLE_ID: 'role' }])
      expect(told({ UNISSON_KMS_URL: 'https://vault:8200', ...wrong, PORT: 'x' })).toThrow(
        /PORT: [\s\S]*UNISSON_KMS_URL: needs UNISSON_KMS_TOKEN, or UNISSON_KMS_ROLE_ID and UNISSON_KMS_SECRET_ID, and not both/,
      );
    expect(told({ UNISSON_KMS_URL: 'https://vault:8200', ...login, UNISSON_KMS_KEY: '../sys' })).toThrow(
      'UNISSON_KMS_KEY:',
    );
  });

  test('says which variables are not set', () => {
    expect(() => parseEnvironment({})).toThrow(/DATABASE_URL: is not set[\s\S]*UNISSON_KEYS: is not set/);
  });
});
