import { describe, expect, it } from '@jest/globals';
import { parsePush } from './push.js';

/** Computed once with `openssl dgst -sha256 -mac HMAC`, so that both ends are not wrong in the same way. */
const push = {
  secret: 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3',
  now: 1_800_000_010_000,
  rawBody: Buffer.from('{"type":"agenda.changed","agendaId":"a1","entryIds":["e1"]}'),
  headers: {
    'webhook-id': 'msg_1',
    'webhook-timestamp': '1800000000',
    'webhook-signature': 'v1,iWbLXtAUjf3fj+IiGElLQDxp9hnu8znoml52F9lSq30=',
  } as Record<string, string | undefined>,
};

const signed = (signature: string): typeof push => ({
  ...push,
  headers: { ...push.headers, 'webhook-signature': signature },
});

describe('parsePush', () => {
  it('reduces an authentic push to a hint', () => {
    expect(parsePush(push)).toEqual({ id: 'msg_1', agendaIds: ['a1'] });
  });

  it('accepts one good signature among several', () => {
    expect(parsePush(signed(`v1,AAAA v2,whatever ${push.headers['webhook-signature'] ?? ''}`)).id).toBe('msg_1');
  });

  it.each([
    ['another secret', { ...push, secret: 'YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAx' }],
    ['another body', { ...push, rawBody: Buffer.from('{"agendaId":"a2"}') }],
    ['a short signature', signed('v1,AAAA')],
    ['no signature', signed('')],
    ['no headers', { ...push, headers: {} }],
    ['an old push', { ...push, now: push.now + 300_000 }],
    ['a push from the future', { ...push, now: push.now - 320_000 }],
    ['a timestamp that is none', { ...push, headers: { ...push.headers, 'webhook-timestamp': 'NaN' } }],
  ])('refuses %s', (_what, request) => {
    expect(() => parsePush(request)).toThrow(
      expect.objectContaining({ kind: 'auth', message: 'the push is not authentic' }),
    );
  });
});
