import { createHmac, createSecretKey, randomBytes, randomUUID, type KeyObject } from 'node:crypto';
import {
  INDEX_KEY,
  keyContext,
  Vault,
  wrapKey,
  type KeyEncryption,
  type KeyStore,
  type SealedPlace,
  type WrappedKey,
} from '#application';
import { bind, decrypt, encrypt, type KeyRing, TAG_BYTES, VaultError } from './key-ring.js';

/** First byte of an envelope. */
const FORMAT = { derived: 1, direct: 2, apart: 3, body: 4 } as const;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const VERSION_BYTES = 4;
const UUID_BYTES = 16;
/** Format, version, nonce, tag and a key: what the database keeps apart of {@link FORMAT.apart}, after its first byte. */
const WRAPPED_BYTES = 1 + VERSION_BYTES + NONCE_BYTES + TAG_BYTES + KEY_BYTES;
const MAX_ORGANIZATIONS = 4096;
/** How long keys are known before they are looked up again; used for twice as long at most (milliseconds). */
export const KEYS_KNOWN_MS = 30_000;

interface Keys {
  readonly index: KeyObject;
  readonly data: ReadonlyMap<number, KeyObject>;
  readonly current: number;
}

/**
 * Envelope encryption: master keys encrypt the keys of each organization, and these its values. Formats, by first byte:
 * 1 (no longer made): length and name of the master key, nonce, tag, ciphertext. 2: version of the organization's key
 * (4 bytes), nonce (12), tag (16), ciphertext. 3: a key of its own in format 2, then 4, the name of that key (16), nonce,
 * tag, ciphertext.
 */
export class EnvelopeVault extends Vault {
  private readonly known = new Map<string, { keys: Promise<Keys>; until: number }>();
  private readonly knownMs: number;

  constructor(
    private readonly ring: KeyRing,
    private readonly store: KeyStore,
    private readonly options: { readonly encryption?: KeyEncryption; readonly knownMs?: number } = {},
  ) {
    super();
    this.knownMs = options.knownMs ?? KEYS_KNOWN_MS;
  }

  override async seal(organizationId: string, place: SealedPlace, plain: Buffer): Promise<Buffer> {
    return direct(await this.keys(organizationId), organizationId, place, plain);
  }

  override async sealApart(organizationId: string, place: SealedPlace, plain: Buffer): Promise<Buffer> {
    const [own, name] = [randomBytes(KEY_BYTES), randomUUID()];
    const wrapped = direct(await this.keys(organizationId), organizationId, ownKey(name), own);
    const body = encrypt(createSecretKey(own), bind(organizationId, place.column, place.row, name), plain);
    return Buffer.concat([Buffer.from([FORMAT.apart]), wrapped, Buffer.from([FORMAT.body]), uuidBytes(name), body]);
  }

  /** Rejects with {@link VaultError} for an unknown key, a torn envelope, or content sealed for another place. */
  override async open(organizationId: string, place: SealedPlace, sealed: Buffer): Promise<Buffer> {
    switch (sealed[0]) {
      case FORMAT.derived:
        return this.openDerived(organizationId, place, sealed);
      case FORMAT.direct:
        return this.openDirect(organizationId, place, sealed);
      case FORMAT.apart:
        return this.openApart(organizationId, place, sealed.subarray(1));
      default:
        throw new VaultError('not a sealed envelope');
    }
  }

  override async fingerprint(organizationId: string, context: string, text: string): Promise<Buffer> {
    const { index } = await this.keys(organizationId);
    return createHmac('sha256', index)
      .update(bind(organizationId, context, text))
      .digest();
  }

  override async renew(organizationId: string): Promise<void> {
    await this.look(organizationId);
  }

  /** The keys are looked up again now and then, beside the work: another process may have made a newer one. */
  private keys(organizationId: string): Promise<Keys> {
    const [known, now] = [this.known.get(organizationId), performance.now()];
    if (known === undefined) return this.look(organizationId);
    if (known.until > now) return known.keys;
    const found = this.look(organizationId);
    return known.until + this.knownMs > now ? known.keys : found;
  }

  private look(organizationId: string): Promise<Keys> {
    if (this.known.size >= MAX_ORGANIZATIONS) this.known.clear();
    const keys = this.load(organizationId);
    const entry = { keys, until: performance.now() + this.knownMs };
    this.known.set(organizationId, entry);
    keys.catch(() => {
      if (this.known.get(organizationId) === entry) this.known.delete(organizationId);
    });
    return keys;
  }

  private async load(organizationId: string): Promise<Keys> {
    let kept = await this.store.load(organizationId);
    if (kept.length === 0) {
      await this.store.found(organizationId, await this.first(organizationId));
      kept = await this.store.load(organizationId);
    }
    const encryption = this.options.encryption ?? this.ring;
    const opened = await Promise.all(
      kept.map(async ({ version, wrapped, wrappedBy, retired }) => {
        const key = await encryption.unwrap(wrappedBy, keyContext(organizationId, version), wrapped);
        return { version, retired, key: createSecretKey(key) };
      }),
    );
    const data = opened.filter(({ version }) => version !== INDEX_KEY);
    const index = opened.find(({ version }) => version === INDEX_KEY);
    const current = Math.max(...data.filter(({ retired }) => !retired).map(({ version }) => version));
    if (index === undefined || !Number.isFinite(current)) throw new VaultError('an organization lacks its keys');
    return { index: index.key, data: new Map(data.map(({ version, key }) => [version, key])), current };
  }

  /** Whoever was known by a fingerprint before there were keys must be found again: its key becomes the first. */
  private async first(organizationId: string): Promise<readonly WrappedKey[]> {
    const early = await this.store.precedesKeys(organizationId);
    const index = early ? this.ring.derived(organizationId) : randomBytes(KEY_BYTES);
    const encryption = this.options.encryption ?? this.ring;
    return Promise.all([
      wrapKey(encryption, organizationId, { version: INDEX_KEY, key: index }),
      wrapKey(encryption, organizationId, { version: 1, key: randomBytes(KEY_BYTES) }),
    ]);
  }

  private openDerived(organizationId: string, { column, row, formerly }: SealedPlace, sealed: Buffer): Buffer {
    const idEnd = 2 + (sealed[1] ?? 0);
    const id = sealed.toString('ascii', 2, idEnd);
    const key = createSecretKey(this.ring.derived(organizationId, id));
    return decrypt(key, bind(organizationId, formerly ?? `${column}|${row}`, id), sealed.subarray(idEnd));
  }

  private async openDirect(organizationId: string, { column, row }: SealedPlace, sealed: Buffer): Promise<Buffer> {
    if (sealed[0] !== FORMAT.direct || sealed.length < 1 + VERSION_BYTES) throw new VaultError('not a sealed envelope');
    const version = sealed.readUInt32BE(1);
    const key =
      (await this.keys(organizationId)).data.get(version) ?? (await this.look(organizationId)).data.get(version);
    if (key === undefined)
      throw new VaultError(`sealed with key ${String(version)} of its organization, which is gone`);
    return decrypt(key, bind(organizationId, column, row, String(version)), sealed.subarray(1 + VERSION_BYTES));
  }

  private async openApart(organizationId: string, { column, row }: SealedPlace, parts: Buffer): Promise<Buffer> {
    const name = uuidText(parts.subarray(WRAPPED_BYTES + 1, WRAPPED_BYTES + 1 + UUID_BYTES));
    if (parts[WRAPPED_BYTES] !== FORMAT.body || name === null) throw new VaultError('not a sealed envelope');
    const own = await this.openDirect(organizationId, ownKey(name), parts.subarray(0, WRAPPED_BYTES));
    const body = parts.subarray(WRAPPED_BYTES + 1 + UUID_BYTES);
    return decrypt(createSecretKey(own), bind(organizationId, column, row, name), body);
  }
}

/** A key that seals one record. */
function ownKey(name: string): SealedPlace {
  return { column: 'patient_key.wrapped', row: name };
}

function direct({ data, current }: Keys, organizationId: string, { column, row }: SealedPlace, plain: Buffer): Buffer {
  const key = data.get(current);
  if (key === undefined) throw new VaultError('an organization lacks its keys');
  const head = Buffer.alloc(1 + VERSION_BYTES);
  head.writeUInt8(FORMAT.direct);
  head.writeUInt32BE(current, 1);
  return Buffer.concat([head, encrypt(key, bind(organizationId, column, row, String(current)), plain)]);
}

function uuidBytes(name: string): Buffer {
  return Buffer.from(name.replaceAll('-', ''), 'hex');
}

function uuidText(bytes: Buffer): string | null {
  const parts = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(bytes.toString('hex'));
  return parts === null ? null : parts.slice(1).join('-');
}
