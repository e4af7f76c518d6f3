import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { KeyEncryption } from '#application';
import type { MasterKey } from './env.js';

const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';

/** Sealed data that cannot be opened. The message never holds content. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
}

/** Nonce (12 bytes), tag (16), ciphertext. */
export function encrypt(key: KeyObject, bound: Buffer, plain: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(bound);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
}

/** Throws {@link VaultError} for whatever {@link encrypt} did not make with this key and these bound bytes. */
export function decrypt(key: KeyObject, bound: Buffer, box: Buffer): Buffer {
  if (box.length < NONCE_BYTES + TAG_BYTES) throw new VaultError('not a sealed envelope');
  const decipher = createDecipheriv(ALGORITHM, key, box.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(bound);
  decipher.setAuthTag(box.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(box.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    throw new VaultError('sealed data was altered, or belongs to another record');
  }
}

/** Lengths come first, so that no two lists give the same bytes. */
export function bind(...parts: readonly string[]): Buffer {
  return Buffer.from(parts.map((part) => `${String(part.length)}|${part}`).join('|'), 'utf8');
}

/** Master keys in this process: the first wraps, all unwrap. */
export class KeyRing extends KeyEncryption {
  readonly current: string;
  private readonly keys: ReadonlyMap<string, KeyObject>;

  constructor(private readonly ring: readonly MasterKey[]) {
    super();
    const [current] = ring;
    if (!current) throw new VaultError('the key ring is empty');
    this.current = current.id;
    this.keys = new Map(ring.map(({ id, bytes }) => [id, createSecretKey(bytes)]));
  }

  override async wrap(context: string, key: Buffer): Promise<Buffer> {
    return encrypt(this.named(this.current), bind('wrap', context), key);
  }

  override async unwrap(by: string, context: string, wrapped: Buffer): Promise<Buffer> {
    return decrypt(this.named(by), bind('wrap', context), wrapped);
  }

  override async rewrap(by: string, context: string, wrapped: Buffer): Promise<Buffer | null> {
    return by === this.current ? null : this.wrap(context, await this.unwrap(by, context, wrapped));
  }

  /** The key of an organization in values of the first format; under the oldest master key when none is named. */
  derived(organizationId: string, by = this.ring.at(-1)?.id): Buffer {
    const master = this.ring.find(({ id }) => id === by);
    if (!master) throw new VaultError(`sealed with the key "${by ?? ''}", which is not in the key ring`);
    return Buffer.from(hkdfSync('sha256', master.bytes, organizationId, 'unisson vault 1', 32));
  }

  private named(id: string): KeyObject {
    const key = this.keys.get(id);
    if (!key) throw new VaultError(`sealed with the key "${id}", which is not in the key ring`);
    return key;
  }
}
