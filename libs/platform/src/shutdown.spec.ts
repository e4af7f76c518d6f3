import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { headers, startNotes } from './http-server.suite.js';
import { shutDown } from './shutdown.js';

test('a process that cannot work, or is ending, is not ready', async () => {
  const { app, ask, works, drain } = await startNotes();
  works.database = false;
  const away = await ask('GET', '/health/ready');
  expect([away.status, away.json()]).toEqual([
    503,
    { status: 'not-ready', checks: { answering: false, accepting: true } },
  ]);
  works.database = true;
  drain.begin();
  const ending = await ask('GET', '/health/ready');
  expect([ending.status, ending.json()]).toEqual([
    503,
    { status: 'not-ready', checks: { database: true, accepting: false } },
  ]);
  expect((await ask('GET', '/health/live')).status).toBe(200);
  await app.close();
});

test('the end waits for open requests, and for nothing else', async () => {
  const { app, drain } = await startNotes();
  const { port } = app.getHttpServer().address() as AddressInfo;
  const silent = connect(port, '127.0.0.1');
  const kept = await fetch(`http://127.0.0.1:${String(port)}/notes`, { headers });
  await kept.text();
  // The caller's body arrives only while the process is ending already.
  const slow = connect(port, '127.0.0.1');
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  slow.write(
    `POST /notes HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 12\r\n${lines.join('\r\n')}\r\n\r\n{"text"`,
  );
  let answer = '';
  slow.on('data', (data) => (answer += data.toString('utf8')));
  const closed = new Promise((resolve) => slow.once('close', resolve));
  await sleep(100);
  const started = performance.now();
  const ended = shutDown(app, drain, 50);
  await sleep(300);
  slow.write(':"a"}');
  await ended;
  await closed;
  expect(answer).toMatch(/^HTTP\/1.1 201 /);
  expect(performance.now() - started).toBeLessThan(5000);
  silent.destroy();
  await expect(fetch(`http://127.0.0.1:${String(port)}/health/live`)).rejects.toThrow();
});
