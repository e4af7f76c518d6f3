import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { collaboratorId, headers, startNotes } from './http-server.suite.js';
import type { Answered, NotesApp } from './http-server.suite.js';

let notes: NotesApp;
let ask: NotesApp['ask'];

beforeAll(async () => {
  notes = await startNotes();
  ({ ask } = notes);
});

afterAll(() => notes.app.close());

const write = (payload: string | Buffer | object, more: Record<string, string> = {}): Promise<Answered> =>
  ask('POST', '/notes', { payload, headers: { ...headers, 'content-type': 'application/json', ...more } });

describe('an answer', () => {
  test('shows what its schema names and nothing else', async () => {
    const answer = await write({ text: '  Élise ' });
    expect([answer.status, answer.json()]).toEqual([201, { text: 'Élise', by: collaboratorId }]);
  });

  test('carries a request id, security headers and the rate budget', async () => {
    const answer = await ask('GET', '/notes', { headers: { ...headers, 'x-request-id': 'caller-7' } });
    expect(answer.headers).toMatchObject({
      'x-request-id': 'caller-7',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'ratelimit-limit': '200',
    });
    expect(
      (await ask('GET', '/notes', { headers: { ...headers, 'x-request-id': 'a b;c' } })).headers['x-request-id'],
    ).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('bad input', () => {
  test('every fault is told with its path, unknown fields among them', async () => {
    const answer = await write({ text: '', tags: ['ok', ''], at: { place: 'x', more: 1 }, admin: true, __x: 1 });
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    const { errors, type, requestId } = answer.json() as {
      errors: { path: string }[];
      type: string;
      requestId: string;
    };
    expect(errors.map(({ path }) => path).sort()).toEqual([
      'body.__x',
      'body.admin',
      'body.at.more',
      'body.tags.1',
      'body.text',
    ]);
    expect([type, requestId]).toEqual(['https://unisson.example/problems/bad-input', answer.headers['x-request-id']]);
  });

  test.each([
    ['NUL', '{"text":"a\\u0000b"}'],
    ['a lone surrogate', '{"text":"a\\ud800b"}'],
    ['a line break', '{"text":"a\\nb"}'],
    ['a bidirectional override', '{"text":"a\\u202eb"}'],
    ['no JSON', '{"text":'],
    ['nothing', ''],
    ['a prototype', '{"text":"a","__proto__":{"x":1}}'],
    ['a constructor', '{"text":"a","constructor":{"prototype":{"x":1}}}'],
    ['a depth of 10000 arrays', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['a depth of 10000 objects', `${'{"text":'.repeat(7000)}1${'}'.repeat(7000)}`],
    ['deep tags', `{"text":"a","tags":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['too many items', JSON.stringify({ text: 'a', tags: Array.from({ length: 10_000 }, () => 'x') })],
    ['an array', '[]'],
    ['null', 'null'],
    ['wrong UTF-8', Buffer.from([0x7b, 0x22, 0x74, 0x65, 0x78, 0x74, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
  ])('%s is refused', async (_, payload) => {
    expect((await write(payload)).status).toBe(400);
  });

  test('a body over 64 KiB is 413, another type 415', async () => {
    expect((await write(JSON.stringify({ text: 'x'.repeat(65_536) }))).status).toBe(413);
    expect((await write('text=a', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415);
    expect((await write('<a/>', { 'content-type': 'text/xml' })).json()['type']).toContain('unsupported-media-type');
  });

  test('queries and paths are judged alike', async () => {
    const bad = await ask('GET', '/notes?limit=0&tag=a&tag=b&tag=c&x=1');
    expect((bad.json()['errors'] as { path: string }[]).map(({ path }) => path).sort()).toEqual([
      'query.limit',
      'query.tag',
      'query.x',
    ]);
    expect((await ask('GET', '/notes?limit=5&limit=6')).status).toBe(400);
    expect((await ask('GET', '/notes?limit=7&tag=a')).json()).toEqual({ query: { limit: 7, tag: ['a'] } });
    expect((await ask('GET', '/notes/17')).json()['errors']).toEqual([expect.objectContaining({ path: 'path.id' })]);
    expect((await ask('GET', '/notes/%ff')).status).toBe(400);
    expect((await ask('GET', `/notes/${'a'.repeat(500)}`)).status).toBeGreaterThanOrEqual(400);
  });

  test('an unknown address is a problem too', async () => {
    const answer = await ask('GET', '/nowhere', { headers: { 'accept-language': 'en' } });
    expect(answer.json()).toMatchObject({
      status: 404,
      title: 'Not found.',
      messages: { fr: 'Introuvable.', en: 'Not found.' },
    });
  });

  test('what is not HTTP is answered and cut', async () => {
    const { port } = notes.app.getHttpServer().address() as AddressInfo;
    const sendRaw = (bytes: string): Promise<string> =>
      new Promise((resolve, reject) => {
        let text = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
        socket.on('data', (data) => (text += data.toString('utf8')));
        socket.on('close', () => {
          resolve(text);
        });
        socket.on('error', reject);
      });
    expect(await sendRaw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [\s\S]*problem\+json/);
    expect(await sendRaw('GET /notes HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\r\n b: c\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400 /,
    );
    expect(await sendRaw(`GET /notes HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 /,
    );
  });
});

test('a fault of ours is logged with its request id and told without detail', async () => {
  const answer = await ask('GET', '/notes/fault');
  expect(answer.status).toBe(500);
  expect(answer.text).not.toContain('CANARY');
  expect(notes.logged()).toContain(answer.headers['x-request-id']);
});
