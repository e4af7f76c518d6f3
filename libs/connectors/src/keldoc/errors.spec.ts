import { describe, expect, it } from '@jest/globals';
import { errorOf } from './errors.js';

const NOON = Date.parse('2026-11-22T11:00:00Z');

describe('what an answer of the vendor says', () => {
  const kindOf = (status: number, body: string, write = false) =>
    errorOf({ status, headers: {}, content: new Uint8Array(), body }, { write, now: NOON }).kind;

  it.each([
    [400, '{"error":"bad_request"}', 'invalid', 'invalid'],
    [401, '{"error":"unauthorized"}', 'auth', 'auth'],
    [402, '{"error":"over_quota"}', 'rate_limited', 'rate_limited'],
    [404, '{"error":"not_found"}', 'not_found', 'not_found'],
    [404, '<html>Not Found</html>', 'unavailable', 'unknown'],
    [406, '{"error":"not_acceptable"}', 'invalid', 'invalid'],
    [422, '{"errors":{"start_at":["is already taken"]}}', 'taken', 'taken'],
    [422, '{"errors":{"duration":["must be greater than 0"]}}', 'invalid', 'invalid'],
    [422, '<html></html>', 'unavailable', 'unknown'],
    [500, '{"error":"internal_error"}', 'unavailable', 'unknown'],
  ])('%i %s is %s to a read, %s to a write', (status, body, read, written) => {
    expect([kindOf(status, body), kindOf(status, body, true)]).toEqual([read, written]);
  });
});
