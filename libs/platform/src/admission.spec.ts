import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { issueApiKey } from './api-key.js';
import { busy, headers, organizationId, revoked, startNotes, writer } from './http-server.suite.js';
import type { Answered, NotesApp } from './http-server.suite.js';

let notes: NotesApp;
let ask: NotesApp['ask'];

beforeAll(async () => {
  notes = await startNotes();
  ({ ask } = notes);
});

afterAll(() => notes.app.close());

describe('access', () => {
  test('every bad key gets the same answer', async () => {
    const unknown = issueApiKey(organizationId, randomUUID()).text;
    const wrong = writer.text.slice(0, -43) + unknown.slice(-43);
    const answers = await Promise.all(
      [unknown, wrong, revoked.text, 'unisson_x', 'a'.repeat(2000)].map((text) =>
        ask('GET', '/notes', { headers: { authorization: `Bearer ${text}` } }),
      ),
    );
    const none = await ask('GET', '/notes', { headers: {} });
    const basic = await ask('GET', '/notes', { headers: { authorization: 'Basic eDp5' } });
    const seen = [...answers, none, basic].map((answer) =>
      JSON.stringify([answer.status, answer.headers['www-authenticate'], { ...answer.json(), requestId: '' }]),
    );
    expect(new Set(seen).size).toBe(1);
    expect(seen[0]).toMatch(/^\[401,"Bearer/);
  });

  test('a bad key is refused before its body is read', async () => {
    expect(
      (await ask('POST', '/notes', { payload: '{', headers: { 'content-type': 'application/json' } })).status,
    ).toBe(401);
  });

  test('a write names an active collaborator', async () => {
    const as = (collaborator: string | undefined): Promise<Answered> =>
      ask('POST', '/notes', {
        payload: { text: 'a' },
        headers: {
          authorization: headers.authorization,
          ...(collaborator === undefined ? {} : { 'unisson-collaborator': collaborator }),
        },
      });
    expect((await as(undefined)).json()['type']).toContain('collaborator-required');
    expect((await as('Jeanne')).json()['errors']).toEqual([
      expect.objectContaining({ path: 'header.unisson-collaborator' }),
    ]);
    expect((await as(randomUUID())).json()).toMatchObject({ status: 403, code: 'RIGHT' });
  });

  test('a route that declares no right is refused', async () => {
    expect((await ask('GET', '/notes/undeclared')).status).toBe(500);
  });

  test('a caller beyond his budget waits', async () => {
    const asBusy = { headers: { authorization: `Bearer ${busy.text}` } };
    for (let n = 0; n < 200; n++) await ask('GET', '/notes', asBusy);
    const answer = await ask('GET', '/notes', asBusy);
    expect([answer.status, answer.headers['retry-after'], answer.headers['ratelimit-remaining']]).toEqual([
      429,
      '1',
      '0',
    ]);
  });
});

test('a signed route gets its bytes, whatever their type', async () => {
  const post = (type: string): Promise<Answered> =>
    ask('POST', '/notes/raw', { payload: '{ not json', headers: { 'content-type': type } });
  expect((await post('application/json')).json()).toEqual({ bytes: 10 });
  expect((await post('text/plain')).json()).toEqual({ bytes: 10 });
});

test('health, metrics and documents are for anyone', async () => {
  const open = (url: string): Promise<Answered> => ask('GET', url, { headers: {} });
  expect((await open('/health/live')).json()).toEqual({ status: 'live' });
  expect((await open('/health/ready')).json()).toEqual({
    status: 'ready',
    checks: { database: true, accepting: true },
  });
  expect((await open('/metrics')).text).toMatch(/http_request_duration_seconds_bucket\{.*route="\/notes"/);
  expect((await open('/docs')).text).toContain('swagger-ui');
  expect((await open('/docs/swagger-ui-bundle.js')).status).toBe(200);
  const document = (await open('/openapi.json')).json() as unknown as {
    openapi: string;
    paths: Record<
      string,
      Record<
        string,
        { security: unknown; responses: object; requestBody?: unknown; parameters?: { name: string; in: string }[] }
      >
    >;
    components: { schemas: Record<string, object> };
  };
  expect(document.openapi).toBe('3.1.0');
  expect(document.paths['/notes']?.['post']).toMatchObject({
    security: [{ apiKey: ['appointment:write'] }],
    requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/NewNote' } } } },
  });
  expect(Object.keys(document.paths['/notes']?.['post']?.responses ?? {})).toEqual(
    expect.arrayContaining(['201', '400', '401', '403', '429', '503']),
  );
  expect(document.paths['/notes']?.['get']?.parameters).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: 'limit', in: 'query' })]),
  );
  expect(document.components.schemas).toHaveProperty('Problem');
  expect(document.components.schemas['Note']).toMatchObject({ properties: { text: { type: 'string' } } });
});
