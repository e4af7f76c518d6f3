import { KeyServiceUnavailable, StoreUnavailable } from '#application';
import { ConnectorError } from '#connector-sdk';
import { describe, expect, test } from '@jest/globals';
import { toProblem } from './problem-filter.js';

const failure = (message: string, fields: object): Error => Object.assign(new Error(message), fields);

describe('failures become problems', () => {
  test('a database that cannot answer: later', () => {
    const sealed = toProblem(new KeyServiceUnavailable('sealed'));
    expect(sealed).toMatchObject({ slug: 'key-service-unavailable', status: 503 });
    expect(sealed.options.retryAfterMs).toBeGreaterThan(0);
    expect(toProblem(new StoreUnavailable('57P01'))).toMatchObject({ slug: 'temporarily-unavailable', status: 503 });
  });

  test.each([failure('duplicate', { code: '23505' }), failure('bug', {}), 'text', null, new TypeError('x')])(
    '%s: our fault',
    (error) => {
      expect(toProblem(error).slug).toBe('internal');
    },
  );

  test('a backend is told by its kind', () => {
    expect(toProblem(new ConnectorError('auth', 'x'))).toMatchObject({
      slug: 'backend-refused',
      options: { code: 'CREDENTIAL_REFUSED' },
    });
    expect(toProblem(new ConnectorError('rate_limited', 'x', { retryAfterMs: 7000 }))).toMatchObject({
      status: 503,
      options: { retryAfterMs: 7000 },
    });
  });
});
