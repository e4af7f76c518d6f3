/** Where a sealed value stands: it cannot be opened anywhere else. */
export interface SealedPlace {
  /** Table and column. */
  readonly column: string;
  /** The row's key. */
  readonly row: string;
  /** What bound values of the first format to their place; `column|row` when left out. */
  readonly formerly?: string;
}

/** Encrypts what must not be read in the database, under keys of the organization's own. */
export abstract class Vault {
  abstract seal(organizationId: string, place: SealedPlace, plain: Buffer): Promise<Buffer>;
  /** Under a key of its own, which the database keeps apart: without that key no copy of the value can be opened. */
  abstract sealApart(organizationId: string, place: SealedPlace, plain: Buffer): Promise<Buffer>;
  /** Rejects when the value was moved, cut, or sealed with a key that is gone. */
  abstract open(organizationId: string, place: SealedPlace, sealed: Buffer): Promise<Buffer>;
  /** A keyed hash (32 bytes): equal for equal text of one organization and context, and nobody can try texts without the key. */
  abstract fingerprint(organizationId: string, context: string, text: string): Promise<Buffer>;
  /** Looks the organization's keys up at once; what is sealed from now on is sealed with the newest. */
  abstract renew(organizationId: string): Promise<void>;
}

/** Number of the key that makes fingerprints; it stays the same, or nobody would be found again. */
export const INDEX_KEY = 0;

/** One of an organization's keys, encrypted. */
export interface WrappedKey {
  /** {@link INDEX_KEY}, or the number of a data key. */
  readonly version: number;
  readonly wrapped: Buffer;
  /** Name of the key that wraps it. */
  readonly wrappedBy: string;
  /** True when nothing new may be sealed with it. */
  readonly retired: boolean;
}

/** An organization's keys as they are kept. */
export abstract class KeyStore {
  abstract load(organizationId: string): Promise<readonly WrappedKey[]>;
  /** The first keys; those that another process made first stay. */
  abstract found(organizationId: string, keys: readonly WrappedKey[]): Promise<void>;
  /** True when patients were sealed, or fingerprints made, before the organization had keys of its own. */
  abstract precedesKeys(organizationId: string): Promise<boolean>;
}

/** The keys that encrypt keys: a ring in the environment, or a key management service. */
export abstract class KeyEncryption {
  /** Name of the key that wraps now. */
  abstract readonly current: string;
  /** `context` is bound to the result. */
  abstract wrap(context: string, key: Buffer): Promise<Buffer>;
  /** Rejects when the key `by` is not there, or the context is another. */
  abstract unwrap(by: string, context: string, wrapped: Buffer): Promise<Buffer>;
  /** The same key, wrapped with the key of the moment; `null` when it is. */
  abstract rewrap(by: string, context: string, wrapped: Buffer): Promise<Buffer | null>;
}

/** Binds a wrapped key to its organization and number. */
export function keyContext(organizationId: string, version: number): string {
  return `organization_key|${organizationId}|${String(version)}`;
}

/** Encrypts a key of an organization with the master key of the moment. */
export async function wrapKey(
  encryption: KeyEncryption,
  organizationId: string,
  { version, key }: { readonly version: number; readonly key: Buffer },
): Promise<WrappedKey> {
  const wrappedBy = encryption.current;
  const wrapped = await encryption.wrap(keyContext(organizationId, version), key);
  return { version, wrapped, wrappedBy, retired: false };
}
