import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { MasterKeyVault, VaultError } from './vault.js';

const old = { id: 'k0', bytes: randomBytes(32) };
const current = { id: 'k1', bytes: randomBytes(32) };
const plain = Buffer.from('Lefèvre, 0612345678');

describe('the vault', () => {
  const vault = new MasterKeyVault([current, old]);

  test('opens what it sealed, with another envelope each time', () => {
    const sealed = vault.seal('org-a', 'patient|1', plain);
    expect(sealed.includes(plain)).toBe(false);
    expect(vault.open('org-a', 'patient|1', sealed)).toEqual(plain);
    expect(vault.seal('org-a', 'patient|1', plain).equals(sealed)).toBe(false);
    expect(vault.open('org-a', 'c', vault.seal('org-a', 'c', Buffer.alloc(0)))).toHaveLength(0);
  });

  test('refuses an envelope moved to another record or organization', () => {
    const sealed = vault.seal('org-a', 'patient|1', plain);
    expect(() => vault.open('org-a', 'patient|2', sealed)).toThrow(VaultError);
    expect(() => vault.open('org-b', 'patient|1', sealed)).toThrow(VaultError);
    expect(() => vault.open('org-a|p', 'atient|1', sealed)).toThrow(VaultError);
  });

  test('refuses a tag cut to 4 bytes, and every changed byte', () => {
    const sealed = vault.seal('org-a', 'c', plain);
    const tagAt = 2 + 2 + 12;
    const cut = Buffer.concat([sealed.subarray(0, tagAt + 4), sealed.subarray(tagAt + 16)]);
    expect(() => vault.open('org-a', 'c', cut)).toThrow(VaultError);
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => vault.open('org-a', 'c', changed)).toThrow(VaultError);
    }
    for (let length = 0; length < tagAt + 16; length++)
      expect(() => vault.open('org-a', 'c', sealed.subarray(0, length))).toThrow(VaultError);
  });

  test('reads under an old key after a rotation, and names a key it does not have', () => {
    const before = new MasterKeyVault([old]).seal('org-a', 'c', plain);
    expect(vault.open('org-a', 'c', before)).toEqual(plain);
    const after = vault.seal('org-a', 'c', plain);
    expect(() => new MasterKeyVault([old]).open('org-a', 'c', after)).toThrow('"k1"');
  });

  test('another key of the same name opens nothing', () => {
    const sealed = vault.seal('org-a', 'c', plain);
    expect(() => new MasterKeyVault([{ id: 'k1', bytes: randomBytes(32) }]).open('org-a', 'c', sealed)).toThrow(
      VaultError,
    );
  });
});
