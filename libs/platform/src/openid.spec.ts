import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ProviderUnavailable, type IdentityProvider } from '#application';
import { GuardedOpenIdProviders } from './openid.js';

let server: Server;
let port: number;
let asked = 0;
/** What the provider says of itself. */
let answer: (path: string) => { status?: number; headers?: Record<string, string>; body?: string } | null = () => ({});

beforeAll(async () => {
  server = createServer((request, response) => {
    asked += 1;
    const said = answer(request.url ?? '');
    if (said === null) return;
    response
      .writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers })
      .end(said.body ?? '{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const provider = (issuer: string): IdentityProvider => ({
  organizationId: '00000000-0000-7000-8000-000000000001',
  id: '00000000-0000-7000-8000-000000000002',
  label: 'Annuaire',
  kind: 'oidc',
  issuer,
  clientId: 'unisson',
  clientSecret: null,
  audience: 'api',
});
const secrets = { state: 's', nonce: 'n', verifier: 'v'.repeat(43), redirectUri: 'https://unisson.example/back' };

async function tryIssuer(issuer: string, allowPrivateNetworks: boolean): Promise<unknown> {
  const providers = new GuardedOpenIdProviders({ timeoutMs: 300, allowPrivateNetworks, now: Date.now });
  try {
    return await providers.authorizationUrl(provider(issuer), secrets).catch((error: unknown) => error);
  } finally {
    providers.close();
  }
}

describe('an issuer', () => {
  test('in a private network is never connected to', async () => {
    asked = 0;
    const at = String(port);
    const hosts = [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '127.1',
      '2130706433',
      '0x7f000001',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
    ];
    for (const host of hosts)
      for (const scheme of ['http', 'https'])
        expect(await tryIssuer(`${scheme}://${host}:${at}`, false)).toBeInstanceOf(ProviderUnavailable);
    expect(asked).toBe(0);
  });

  test.each([
    ['sends elsewhere', () => ({ status: 302, headers: { location: 'http://127.0.0.1:9/' } })],
    ['says it is another', () => ({ body: JSON.stringify({ issuer: 'https://other.example' }) })],
    ['answers a page', () => ({ headers: { 'content-type': 'text/html' }, body: '<html>' })],
    ['answers too much', () => ({ body: JSON.stringify({ issuer: 'x'.repeat(600_000) }) })],
    ['does not answer', () => null],
    [
      'names keys in no network of its own',
      () => ({
        body: JSON.stringify({
          issuer: `http://127.0.0.1:${String(port)}`,
          authorization_endpoint: 'https://id.example/auth',
        }),
      }),
    ],
  ])('that %s is unavailable', async (_, said) => {
    answer = said;
    expect(await tryIssuer(`http://127.0.0.1:${String(port)}`, true)).toBeInstanceOf(ProviderUnavailable);
  });
});
