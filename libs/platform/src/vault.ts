import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { Vault } from '#application';
import type { MasterKey } from './env.js';

const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';
const MAX_CACHED_KEYS = 4096;

/** Sealed data that cannot be opened. The message never holds content. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
}

/**
 * Encrypts per organization under a ring of master keys: the first seals, all open.
 * Envelope: format (1 byte), length of the key id (1 byte), key id, nonce (12), tag (16), ciphertext.
 */
export class MasterKeyVault extends Vault {
  private readonly derived = new Map<string, KeyObject>();
  private readonly current: MasterKey;

  constructor(private readonly ring: readonly MasterKey[]) {
    super();
    const [current] = ring;
    if (!current) throw new VaultError('the key ring is empty');
    this.current = current;
  }

  seal(organizationId: string, context: string, plain: Buffer): Buffer {
    const id = Buffer.from(this.current.id, 'ascii');
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.keyOf(organizationId, this.current), nonce, {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(associated(organizationId, context, this.current.id));
    const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([Buffer.from([FORMAT, id.length]), id, nonce, cipher.getAuthTag(), ciphertext]);
  }

  /** Throws {@link VaultError} for an unknown key, a torn envelope, or content sealed for another organization or context. */
  open(organizationId: string, context: string, sealed: Buffer): Buffer {
    const { keyId, nonce, tag, ciphertext } = readEnvelope(sealed);
    const master = this.ring.find((key) => key.id === keyId);
    if (!master) throw new VaultError(`sealed with the key "${keyId}", which is not in the key ring`);
    const decipher = createDecipheriv(ALGORITHM, this.keyOf(organizationId, master), nonce, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(associated(organizationId, context, keyId));
    decipher.setAuthTag(tag);
    try {
      return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
    } catch {
      throw new VaultError('sealed data was altered, or belongs to another record');
    }
  }

  /** Under the oldest key of the ring, so that a new first key does not part a patient from his earlier visits. */
  fingerprint(organizationId: string, context: string, text: string): Buffer {
    const key = this.keyOf(organizationId, this.ring.at(-1) ?? this.current);
    return createHmac('sha256', key)
      .update(associated(organizationId, context, text))
      .digest();
  }

  private keyOf(organizationId: string, master: MasterKey): KeyObject {
    const name = `${master.id}|${organizationId}`;
    const known = this.derived.get(name);
    if (known) return known;
    if (this.derived.size >= MAX_CACHED_KEYS) this.derived.clear();
    const key = createSecretKey(Buffer.from(hkdfSync('sha256', master.bytes, organizationId, 'unisson vault 1', 32)));
    this.derived.set(name, key);
    return key;
  }
}

/** Lengths come first, so that no two triples give the same bytes. */
function associated(...parts: readonly string[]): Buffer {
  return Buffer.from(parts.map((part) => `${String(part.length)}|${part}`).join('|'), 'utf8');
}

function readEnvelope(sealed: Buffer): { keyId: string; nonce: Buffer; tag: Buffer; ciphertext: Buffer } {
  const idLength = sealed[1] ?? 0;
  const nonceAt = 2 + idLength;
  const tagAt = nonceAt + NONCE_BYTES;
  if (sealed[0] !== FORMAT || sealed.length < tagAt + TAG_BYTES) throw new VaultError('not a sealed envelope');
  return {
    keyId: sealed.toString('ascii', 2, nonceAt),
    nonce: sealed.subarray(nonceAt, tagAt),
    tag: sealed.subarray(tagAt, tagAt + TAG_BYTES),
    ciphertext: sealed.subarray(tagAt + TAG_BYTES),
  };
}
