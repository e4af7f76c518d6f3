import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type KeyServiceUnavailable, type KeyServiceReason } from '#application';
import { Authority } from '../../../test/support/certificates.js';
import { TransitServer, type Policy } from '../../../test/support/transit-server.js';
import { KeyRing, VaultError } from './key-ring.js';
import { TransitKeys, type TransitSettings } from './transit.js';

const RING = new KeyRing([{ id: 'k1', bytes: Buffer.alloc(32, 1) }]);
const KEY = Buffer.alloc(32, 9);
const HOUR = 3_600_000;
const POLICY: Policy = {
  'transit/keys/unisson': ['read'],
  'transit/encrypt/unisson': ['update'],
  'transit/decrypt/unisson': ['update'],
  'transit/rewrap/unisson': ['update'],
};

let service: TransitServer;
let now: number;

beforeEach(async () => {
  service = await TransitServer.start();
  service.createKey('unisson');
  now = 0;
});
afterEach(() => service.stop());

function open(settings: Partial<TransitSettings> = {}): TransitKeys {
  const given = { url: service.url, mount: 'transit', key: 'unisson', namespace: null, authority: null };
  const login = { token: service.addToken(POLICY) };
  return new TransitKeys({ ...given, login, cacheMs: HOUR, clock: () => now, ...settings }, RING);
}

const refused = (reason: KeyServiceReason): object => ({ name: 'KeyServiceUnavailable', reason });
const asked = (operation: string): number => service.requests.filter(({ path }) => path.includes(operation)).length;

describe('a key of a key management service', () => {
  it('wraps keys, bound to where they belong, and unwraps what the ring wrapped before', async () => {
    const wrapped = await open().wrap('organization_key|a|1', KEY);
    expect(wrapped.toString()).toMatch(/^vault:v1:/);
    expect(wrapped.includes(KEY)).toBe(false);
    expect(await open().unwrap('kms:transit/unisson', 'organization_key|a|1', wrapped)).toEqual(KEY);
    await expect(open().unwrap('kms:transit/unisson', 'organization_key|b|1', wrapped)).rejects.toThrow(VaultError);
    const former = await RING.wrap('organization_key|a|1', KEY);
    expect(await open().unwrap('k1', 'organization_key|a|1', former)).toEqual(KEY);
    const carried = await open().rewrap('k1', 'organization_key|a|1', former);
    expect(await open().unwrap('kms:transit/unisson', 'organization_key|a|1', carried!)).toEqual(KEY);
  });

  it('takes up a new version of the key without seeing what it wraps, and only then', async () => {
    const keys = open();
    const wrapped = await keys.wrap('c', KEY);
    expect(await keys.rewrap(keys.current, 'c', wrapped)).toBeNull();
    service.rotateKey('unisson');
    const again = await keys.rewrap(keys.current, 'c', wrapped);
    expect(again?.toString()).toMatch(/^vault:v2:/);
    service.retireBefore('unisson', 2);
    expect(await open().unwrap(keys.current, 'c', again!)).toEqual(KEY);
    await expect(open().unwrap(keys.current, 'c', wrapped)).rejects.toThrow(VaultError);
    expect(asked('decrypt')).toBe(2);
  });

  it('signs in by AppRole, anew when its token is void, in its namespace', async () => {
    await service.stop();
    service = await TransitServer.start({ namespace: 'cabinets/unisson' });
    service.createKey('unisson');
    const keys = open({ namespace: 'cabinets/unisson', login: service.addRole(POLICY) });
    const wrapped = await keys.wrap('c', KEY);
    service.revokeTokens();
    expect(await keys.rewrap(keys.current, 'c', wrapped)).toBeNull();
    expect(asked('approle/login')).toBe(2);
    expect(service.requests.every(({ namespace }) => namespace === 'cabinets/unisson')).toBe(true);
    await expect(open().wrap('c', KEY)).rejects.toMatchObject(refused('misconfigured'));
  });

  it('is not used where it binds nothing, is not there, or is not for us: the refusal names no secret', async () => {
    service.createKey('plain', { derived: false });
    const all = { token: service.rootToken };
    const { roleId } = service.addRole(POLICY);
    const failures = await Promise.all(
      [
        open({ key: 'plain', login: all }),
        open({ key: 'other', login: all }),
        open({ login: { token: 'hvs.wrong-secret' } }),
        open({ login: service.addRole({ 'transit/keys/unisson': ['read'] }) }),
        open({ login: { roleId, secretId: 'wrong-secret' } }),
      ].map((keys) => keys.wrap('c', KEY).catch((error: unknown) => error)),
    );
    expect(failures.map((error) => (error as KeyServiceUnavailable).reason)).toEqual([
      'misconfigured',
      'misconfigured',
      'denied',
      'denied',
      'denied',
    ]);
    for (const error of failures as Error[]) {
      const told = `${error.message} ${JSON.stringify(error)} ${error.stack ?? ''}`;
      for (const secret of ['wrong-secret', roleId, KEY.toString('base64')]) expect(told).not.toContain(secret);
    }
  });

  it('asks again when it is busy, waits as long as it is told to, and says why it gave up', async () => {
    const told: (KeyServiceReason | null)[] = [];
    const keys = open();
    keys.told = ({ reason }) => told.push(reason);
    service.fail(503, 1);
    service.fail(429, 1, '0');
    const wrapped = await keys.wrap('c', KEY);
    expect(told).toEqual([]);
    service.fail(429, 3, '0');
    await expect(keys.rewrap(keys.current, 'c', wrapped)).rejects.toMatchObject(refused('throttled'));
    // For a moment nobody waits for it.
    const before = service.requests.length;
    await expect(keys.rewrap(keys.current, 'c', wrapped)).rejects.toMatchObject(refused('throttled'));
    expect(service.requests).toHaveLength(before);
    now += 1_000;
    expect(await keys.rewrap(keys.current, 'c', wrapped)).toBeNull();
    service.fail(500, 3);
    await expect(keys.rewrap(keys.current, 'c', wrapped)).rejects.toMatchObject(refused('unreachable'));
    expect(told).toEqual(['throttled', null, 'unreachable']);
    expect(keys.state.reason).toBe('unreachable');
  });

  it('may be down for as long as is said: what is known goes on until then, what is not is refused', async () => {
    const keys = open();
    const [known, unknown] = [await keys.wrap('c', KEY), await open().wrap('d', KEY)];
    service.sealed = true;
    expect(await keys.unwrap(keys.current, 'c', known)).toEqual(KEY);
    expect(asked('decrypt')).toBe(0);
    await expect(keys.unwrap(keys.current, 'd', unknown)).rejects.toMatchObject(refused('sealed'));
    // From half of the time on it is asked; until all of it is over, its silence is borne.
    now = HOUR / 2;
    expect(await keys.unwrap(keys.current, 'c', known)).toEqual(KEY);
    expect(asked('decrypt')).toBeGreaterThan(3);
    now = HOUR;
    await expect(keys.unwrap(keys.current, 'c', known)).rejects.toMatchObject(refused('sealed'));
    service.sealed = false;
    now += 1_000;
    expect(await keys.unwrap(keys.current, 'c', known)).toEqual(KEY);
    expect(keys.state.reason).toBeNull();
    // Nor is a refusal borne any longer.
    service.revokeTokens();
    now += HOUR;
    await expect(keys.unwrap(keys.current, 'c', known)).rejects.toMatchObject(refused('denied'));
  });

  it('is believed by its certificate only, answers in time, and says something that is an answer', async () => {
    const authority = new Authority('Autorité de l’exploitant');
    const { certificate: cert, privateKey: key } = authority.issue({ commonName: '127.0.0.1' });
    const secure = await TransitServer.start({ tls: { cert, key } });
    try {
      secure.createKey('unisson');
      const login = { token: secure.rootToken };
      await expect(open({ url: secure.url, login }).wrap('c', KEY)).rejects.toMatchObject(refused('unreachable'));
      expect(secure.requests).toEqual([]);
      const believed = open({ url: secure.url, login, authority: authority.certificate });
      expect((await believed.wrap('c', KEY)).toString()).toMatch(/^vault:v1:/);
    } finally {
      await secure.stop();
    }
    service.delayMs = 5_000;
    await expect(open({ timeoutMs: 50 }).wrap('c', KEY)).rejects.toMatchObject(refused('unreachable'));
    const page = await listening(createServer((_, response) => response.end('<html>')));
    await expect(open({ url: page.url }).wrap('c', KEY)).rejects.toMatchObject(refused('misconfigured'));
    page.server.close();
    await expect(open({ url: page.url }).wrap('c', KEY)).rejects.toMatchObject(refused('unreachable'));
  });
});

async function listening(server: Server): Promise<{ server: Server; url: string }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { server, url: `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}` };
}
