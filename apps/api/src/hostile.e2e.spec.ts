import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { at } from '../../../test/support/practice.js';
import { HOSTILE_TEXTS } from '../../../test/support/openapi-fuzz.js';
import { TestApi, type Client } from './api.suite.js';
import { HostileSituation } from './hostile.suite.js';

let api: TestApi;
let situation: HostileSituation;
let ask: Client;

beforeAll(async () => {
  api = await TestApi.start();
  situation = await HostileSituation.of(api);
  ask = situation.ask;
});

afterAll(() => api.stop());

const filled = (template: string, id: string): string => template.replace(/\{[^}]+\}/g, id);

/** Every operation that takes a body, with one as the document wants it. */
const writes = () =>
  situation.fuzz.targets.flatMap((target) =>
    target.body === null || target.template.startsWith('/v1/push')
      ? []
      : [{ target, body: situation.fuzz.wellFormed(target.body, 7) as object }],
  );

test('requests made from the document: no answer is a fault of ours, each keeps the document', async () => {
  const seen = await situation.flood(600, 11);
  // Not everything is stopped at the door, or the rest proves little.
  expect(Object.keys(seen).filter((status) => Number(status) < 300).length).toBeGreaterThan(0);
});

describe('in every body', () => {
  test('a field that nobody asked for is refused by name: nothing is assigned in passing', async () => {
    const extras = ['organizationId', 'organization_id', 'id', 'version', 'createdBy', 'scopes', 'isAdmin', 'hash'];
    for (const { target, body } of writes()) {
      if (target.body === null || Array.isArray(body) || typeof body !== 'object') continue;
      const known = new Set(situation.fuzz.fieldsOf(target.body));
      const strange = extras.filter((name) => !known.has(name));
      const given = { ...body, ...Object.fromEntries(strange.map((name) => [name, randomUUID()])) };
      const headers = { 'if-match': '"1"' };
      const answer = await ask(target.method, filled(target.template, randomUUID()), { body: given, headers });
      const faults = ((answer.json?.errors ?? []) as { path: string }[]).map(({ path }) => path);
      const missed = strange.filter((name) => !faults.includes(`body.${name}`));
      expect([target.template, answer.status, missed]).toEqual([target.template, 400, []]);
    }
  });

  test('prototypes, depth, length and broken text change nothing and break nothing', async () => {
    const deep = `${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}`;
    const bodies = [
      ...['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}', deep, '['.repeat(30_000)],
      ...[`{"agendas":[${Array.from({ length: 1_500 }, () => `"${randomUUID()}"`).join()}]}`, '{"agenda":"\\ud800"}'],
      ...[
        '{"agenda":"\\u0000"}',
        '{"a":1,"a":2}',
        `{"agenda":"${'x'.repeat(60_000)}"}`,
        '[[[[[[[[[[]]]]]]]]]]',
        '1e400',
      ],
    ];
    for (const { target } of writes())
      for (const body of bodies) {
        const { status } = await ask(target.method, filled(target.template, randomUUID()), {
          body,
          headers: { 'if-match': '"1"' },
        });
        expect([target.template, body.slice(0, 40), status >= 400 && status < 500]).toEqual([
          target.template,
          body.slice(0, 40),
          true,
        ]);
      }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    const large = await ask('POST', '/v1/appointments', { body: `{"agenda":"${'x'.repeat(10 * 1024 * 1024)}"}` }).catch(
      // The answer may be cut together with what is still being sent.
      () => ({ status: 413 }),
    );
    expect(large.status).toBe(413);
  });
});

test('what is another’s and what there is not are told apart by nothing, on any route', async () => {
  const stranger = await api.client(await api.practice());
  for (const target of situation.fuzz.targets) {
    if (!target.template.includes('{') || !target.template.startsWith('/v1/') || target.template.startsWith('/v1/push'))
      continue;
    const body = target.body === null ? {} : { body: situation.fuzz.wellFormed(target.body, 7) };
    const more = { ...body, headers: { 'if-match': '"1"', 'idempotency-key': undefined } };
    const tell = async (id: string): Promise<string> => {
      const headers = target.method === 'POST' ? { ...more.headers, 'idempotency-key': randomUUID() } : more.headers;
      const { status, text, json } = await stranger(target.method, filled(target.template, id), { ...more, headers });
      return json === null
        ? `${String(status)} ${text}`
        : JSON.stringify([status, { ...json, requestId: '' }]).replaceAll(id, '');
    };
    const unknown = await tell(randomUUID());
    for (const id of situation.ids)
      expect([target.method, target.template, await tell(id)]).toEqual([target.method, target.template, unknown]);
  }
});

describe('lines', () => {
  /** The first line of what the server says to these bytes. */
  const raw = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(api.url);
      const socket = connect(Number(port), hostname);
      let text = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
      socket.on('close', () => resolve(text)).on('error', reject);
      socket.write(bytes, 'latin1');
    });

  test('no header that is sent becomes a header of the answer, and no text a line of the log', async () => {
    const split = await raw(
      'GET /v1/agendas HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\rSet-Cookie: x=1\r\nConnection: close\r\n\r\n',
    );
    expect(split).toMatch(/^HTTP\/1\.1 400/);
    const odd = await raw(
      'GET /v1/agendas%0d%0aSet-Cookie:x=1 HTTP/1.1\r\nHost: x\r\nX-Request-Id: a b;c\r\nUser-Agent: a\tb{"level":60}\r\nConnection: close\r\n\r\n',
    );
    expect(odd).toMatch(/^HTTP\/1\.1 404/);
    expect(odd).not.toMatch(/set-cookie/i);
    expect(odd).not.toContain('a b;c');
    const smuggled = await raw(
      'POST /v1/appointments HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/agendas HTTP/1.1\r\n\r\n',
    );
    expect(smuggled).toMatch(/^HTTP\/1\.1 400/);
    for (const line of api.logged().trimEnd().split('\n')) expect(typeof JSON.parse(line)).toBe('object');
  });

  test('hostile words are stored as the text they are, or refused', async () => {
    let hour = 0;
    for (const text of HOSTILE_TEXTS) {
      const start = at(`${String(hour % 24).padStart(2, '0')}:00`, 2 + Math.floor(hour / 24));
      const { agenda, motif } = situation.practice;
      const body = { agenda, motif, start, patient: { lastName: text, firstName: 'Camille' } };
      const answer = await ask('POST', '/v1/appointments', { body });
      expect([201, 400]).toContain(answer.status);
      if (answer.status !== 201) continue;
      hour += 1;
      const read = await ask('GET', `/v1/appointments/${answer.json.id as string}`);
      expect(read.json.patient.lastName).toBe(text.normalize('NFC').trim());
    }
    expect(hour).toBeGreaterThan(10);
  });
});
