import { describe, expect, test } from '@jest/globals';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SessionCookie } from './session-cookie.js';

function sent(publicUrl: string): string[] {
  const cookies: string[] = [];
  const reply = {
    getHeader: () => undefined,
    removeHeader: () => reply,
    header: (_: string, value: string[]) => {
      cookies.push(...value);
      return reply;
    },
  };
  new SessionCookie(publicUrl).keepSession(reply as unknown as FastifyReply, 'secret');
  return cookies;
}

describe('the cookie of a session', () => {
  test('is bound to this host over https, and plain on this machine alone', () => {
    expect(sent('https://unisson.example')).toEqual([
      '__Host-unisson-session=secret; SameSite=Strict; Max-Age=43200; Path=/; HttpOnly; Secure',
    ]);
    expect(sent('http://127.0.0.1:3000')).toEqual([
      'unisson-session=secret; SameSite=Strict; Max-Age=43200; Path=/; HttpOnly',
    ]);
  });

  test.each([
    ['https://unisson.example', true],
    ['http://localhost:3000', true],
    ['http://127.0.0.1:3000', true],
    ['http://[::1]:3000', true],
    ['http://unisson.example', false],
    ['http://127.0.0.1.evil.example', false],
    [null, false],
  ])('signing in at %s: %s', (url, usable) => {
    expect(new SessionCookie(url).usable).toBe(usable);
  });

  test('is read by its whole name', () => {
    const cookie = new SessionCookie('https://unisson.example');
    const show = (text: string) =>
      cookie.session({ headers: { cookie: text }, method: 'GET' } as unknown as FastifyRequest);
    expect(show('a=b; __Host-unisson-session=x')).toBe('x');
    for (const other of [
      'unisson-session=x',
      'x__Host-unisson-session=x',
      '__Host-unisson-session',
      '__Host-unisson-session=',
    ])
      expect(show(other)).toBeNull();
  });
});
