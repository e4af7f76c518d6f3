import { createCipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { keyContext, KeyStore, wrapKey, type WrappedKey } from '#application';
import { bind, KeyRing, VaultError } from './key-ring.js';
import { EnvelopeVault } from './vault.js';

const old = { id: 'k0', bytes: randomBytes(32) };
const current = { id: 'k1', bytes: randomBytes(32) };
const plain = Buffer.from('Lefèvre, 0612345678');
const place = { column: 'patient_identity.sealed', row: '1' };

class Kept extends KeyStore {
  early = false;
  readonly kept = new Map<string, WrappedKey[]>();

  async load(organizationId: string): Promise<readonly WrappedKey[]> {
    return this.kept.get(organizationId) ?? [];
  }

  async found(organizationId: string, keys: readonly WrappedKey[]): Promise<void> {
    if (!this.kept.has(organizationId)) this.kept.set(organizationId, [...keys]);
  }

  async precedesKeys(): Promise<boolean> {
    return this.early;
  }
}

describe('the vault', () => {
  let kept: Kept;
  let vault: EnvelopeVault;
  const vaultOf = (...ring: (typeof old)[]): EnvelopeVault => new EnvelopeVault(new KeyRing(ring), kept);

  beforeEach(() => {
    kept = new Kept();
    vault = vaultOf(current, old);
  });

  test.each(['seal', 'sealApart'] as const)('opens what %s made, with another envelope each time', async (how) => {
    const sealed = await vault[how]('org-a', place, plain);
    expect(sealed.includes(plain)).toBe(false);
    expect(await vault.open('org-a', place, sealed)).toEqual(plain);
    expect((await vault[how]('org-a', place, plain)).equals(sealed)).toBe(false);
    expect(await vault.open('org-a', place, await vault[how]('org-a', place, Buffer.alloc(0)))).toHaveLength(0);
  });

  test.each(['seal', 'sealApart'] as const)('refuses what %s made for another record or organization', async (how) => {
    const sealed = await vault[how]('org-a', place, plain);
    await expect(vault.open('org-a', { ...place, row: '2' }, sealed)).rejects.toThrow(VaultError);
    await expect(vault.open('org-a', { ...place, column: 'waiting_entry.sealed' }, sealed)).rejects.toThrow(VaultError);
    await vault.seal('org-b', place, plain);
    await expect(vault.open('org-b', place, sealed)).rejects.toThrow(VaultError);
  });

  test.each(['seal', 'sealApart'] as const)(
    'refuses a tag cut to 4 bytes, every change, and every cut of %s',
    async (how) => {
      const sealed = await vault[how]('org-a', place, plain);
      const tagAt = sealed.length - plain.length - 16;
      const cut = Buffer.concat([sealed.subarray(0, tagAt + 4), sealed.subarray(tagAt + 16)]);
      await expect(vault.open('org-a', place, cut)).rejects.toThrow(VaultError);
      for (let at = 0; at < sealed.length; at++) {
        const changed = Buffer.from(sealed);
        changed[at] = (changed[at] ?? 0) ^ 1;
        await expect(vault.open('org-a', place, changed)).rejects.toThrow(VaultError);
        await expect(vault.open('org-a', place, sealed.subarray(0, at))).rejects.toThrow(VaultError);
      }
    },
  );

  test('keeps no key in clear, and opens under an older master key', async () => {
    const sealed = await vaultOf(old).seal('org-a', place, plain);
    for (const { wrapped, wrappedBy } of kept.kept.get('org-a') ?? []) {
      expect(wrapped).toHaveLength(60);
      expect(wrappedBy).toBe('k0');
    }
    expect(await vault.open('org-a', place, sealed)).toEqual(plain);
    await expect(vaultOf(current).open('org-a', place, sealed)).rejects.toThrow('"k0"');
    const another = { id: 'k0', bytes: randomBytes(32) };
    await expect(vaultOf(another).open('org-a', place, sealed)).rejects.toThrow(VaultError);
  });

  test('seals with the newest key that is not retired, and finds one that another process made', async () => {
    const ring = new KeyRing([current, old]);
    const first = await vault.seal('org-a', place, plain);
    const next = await wrapKey(ring, 'org-a', { version: 2, key: randomBytes(32) });
    kept.kept.get('org-a')?.push(next);
    const elsewhere = await vaultOf(current).seal('org-a', place, plain);
    expect(elsewhere.readUInt32BE(1)).toBe(2);
    expect(await vault.open('org-a', place, elsewhere)).toEqual(plain);
    const [index, one] = kept.kept.get('org-a') ?? [];
    expect(index && one).toBeDefined();
    kept.kept.set('org-a', [index as WrappedKey, next]);
    await vault.renew('org-a');
    await expect(vault.open('org-a', place, first)).rejects.toThrow('gone');
    await expect(ring.unwrap('k1', keyContext('org-b', 2), next.wrapped)).rejects.toThrow(VaultError);
  });

  test('reads what was sealed before organizations had keys, and gives the same fingerprints', async () => {
    const key = Buffer.from(hkdfSync('sha256', old.bytes, 'org-a', 'unisson vault 1', 32));
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
    cipher.setAAD(bind('org-a', 'patient_identity.sealed', 'k0'));
    const text = Buffer.concat([cipher.update(plain), cipher.final()]);
    const sealed = Buffer.concat([Buffer.from([1, 2]), Buffer.from('k0'), nonce, cipher.getAuthTag(), text]);
    const before = { ...place, formerly: 'patient_identity.sealed' };
    expect(await vault.open('org-a', before, sealed)).toEqual(plain);
    kept.early = true;
    const known = await vault.fingerprint('org-a', 'patient_identity.sealed', 'DURAND|ZOE|1980-01-01');
    const again = await vaultOf(current, old).fingerprint('org-a', 'patient_identity.sealed', 'DURAND|ZOE|1980-01-01');
    expect(again).toEqual(known);
    const expected = createHmac('sha256', key).update(
      bind('org-a', 'patient_identity.sealed', 'DURAND|ZOE|1980-01-01'),
    );
    expect(known).toEqual(expected.digest());
  });
});
