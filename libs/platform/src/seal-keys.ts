import { createPrivateKey, createPublicKey, hkdfSync, sign, verify, type KeyObject } from 'node:crypto';
import { SealKeys } from '#application';
import type { MasterKey } from './env.js';

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 7). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Ed25519 keys made from the key ring: the first signs, all verify. Whoever has the database alone has none of them. */
export class KeyRingSealKeys extends SealKeys {
  private readonly pairs: ReadonlyMap<string, { readonly secret: KeyObject; readonly open: KeyObject }>;
  private readonly current: string;

  constructor(ring: readonly MasterKey[]) {
    super();
    const [current] = ring;
    if (!current) throw new Error('the key ring is empty');
    this.current = current.id;
    this.pairs = new Map(ring.map(({ id, bytes }) => [id, pairOf(bytes)]));
  }

  sign(text: string): { keyId: string; signature: Buffer } {
    const pair = this.pairs.get(this.current);
    if (!pair) throw new Error('the key ring lost its first key');
    return { keyId: this.current, signature: sign(null, Buffer.from(text, 'utf8'), pair.secret) };
  }

  verify(text: string, keyId: string, signature: Buffer): boolean | null {
    const pair = this.pairs.get(keyId);
    return pair ? verify(null, Buffer.from(text, 'utf8'), pair.open, signature) : null;
  }
}

function pairOf(master: Buffer): { secret: KeyObject; open: KeyObject } {
  const seed = Buffer.from(hkdfSync('sha256', master, '', 'unisson audit seal 1', 32));
  const secret = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
  return { secret, open: createPublicKey(secret) };
}
