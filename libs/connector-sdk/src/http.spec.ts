import http from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHttp, type Http } from './http.js';

/** A server that closes each connection after its first answer, without having said so. */
describe('a server that closes connections without a word', () => {
  let server: http.Server;
  let client: Http;
  let url = '';
  const seen = new WeakSet<object>();

  beforeAll(async () => {
    server = http.createServer((request, response) => {
      if (seen.has(request.socket)) return void request.socket.destroy();
      seen.add(request.socket);
      response.end('fine');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `http://127.0.0.1:${String(typeof address === 'object' && address !== null ? address.port : 0)}/`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const open = (): Http => createHttp({ timeoutMs: 5000, allowPrivateNetworks: true, now: Date.now });
  const send = (method: string, write: boolean) =>
    client.send({ method, url, signal: new AbortController().signal, write });

  it('is asked again where that only reads, and from then on by a connection each', async () => {
    client = open();
    for (let count = 0; count < 4; count += 1) expect(await send('GET', false)).toMatchObject({ status: 200 });
    expect(await send('PUT', true)).toMatchObject({ status: 200 });
    client.close();
  });

  it('is not asked again to write: nobody knows whether it did', async () => {
    client = open();
    await send('GET', false);
    await expect(send('PUT', true)).rejects.toMatchObject({ kind: 'unknown' });
    expect(await send('PUT', true)).toMatchObject({ status: 200 });
    client.close();
  });
});
