import { keyContext, wrapKey, type KeyEncryption, type KeyStore, type Vault, type WrappedKey } from './vault.js';

/** How far an organization's values are sealed with its newest key. Instants in epoch milliseconds. */
export interface Rotation {
  readonly id: string;
  readonly toVersion: number;
  readonly state: 'running' | 'done';
  /** Values to be sealed anew when it began, and how many of them are. */
  readonly total: number;
  readonly done: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Milliseconds since its key was made. */
  readonly ageMs: number;
}

export abstract class RotationStore {
  /** The one that runs, else the last; `null` when there was none. */
  abstract latest(organizationId: string): Promise<Rotation | null>;
  /** Stores a key and begins to seal with it; false when its number is taken, or another rotation runs. */
  abstract begin(organizationId: string, key: WrappedKey): Promise<boolean>;
  /** Puts the same key, wrapped otherwise, in its place; false when it is another by now. */
  abstract rewrap(organizationId: string, from: WrappedKey, to: WrappedKey): Promise<boolean>;
  /** Seals some of the values that are not under this key with it; resolves to how many could be, and where to go on. */
  abstract reseal(organizationId: string, version: number, after: string | null): Promise<Resealed>;
  abstract progress(organizationId: string, rotation: Rotation): Promise<void>;
  /** From here on nothing can be sealed with an older key. */
  abstract retire(organizationId: string, version: number): Promise<void>;
  /** Destroys the older keys and ends; false while something needs them, or they were retired less than `ms` ago. */
  abstract end(organizationId: string, rotation: Rotation, ms: number): Promise<boolean>;
  abstract postpone(organizationId: string, rotation: Rotation, ms: number): Promise<void>;
}

export interface Resealed {
  /** Values that could not be opened: they keep their key. */
  readonly unreadable: number;
  /** `null`: nothing is left. */
  readonly after: string | null;
}

export interface RotationTiming {
  /** Every process knows of a new key after this (milliseconds). */
  readonly retireAfterMs: number;
  /** No transaction lasts longer (milliseconds). */
  readonly destroyAfterMs: number;
}

const TIMING: RotationTiming = { retireAfterMs: 75_000, destroyAfterMs: 30_000 };
const UNREADABLE_MS = 3_600_000;

/**
 * Gives organizations new keys. What is sealed is sealed anew beside the work, readable at every moment; it can be cut off
 * anywhere and goes on from what is still under an older key. The older key is destroyed once nothing needs it.
 */
export class KeyRotation {
  constructor(
    private readonly parts: {
      readonly store: RotationStore;
      readonly keys: KeyStore;
      readonly vault: Vault;
      readonly encryption: KeyEncryption;
      /** 32 random bytes. */
      readonly newKey: () => Buffer;
      readonly timing?: RotationTiming;
    },
  ) {}

  /** Wraps every key with the master key of the moment, and begins to seal with a new one unless that is under way. */
  async begin(organizationId: string): Promise<void> {
    const { store, keys, vault, encryption, newKey } = this.parts;
    // Makes the first keys where there are none.
    await vault.renew(organizationId);
    const kept = await keys.load(organizationId);
    for (const from of kept) {
      const wrapped = await encryption.rewrap(from.wrappedBy, keyContext(organizationId, from.version), from.wrapped);
      if (wrapped !== null)
        await store.rewrap(organizationId, from, { ...from, wrapped, wrappedBy: encryption.current });
    }
    const version = Math.max(...kept.map((key) => key.version)) + 1;
    if ((await store.latest(organizationId))?.state === 'running') return;
    await store.begin(organizationId, await wrapKey(encryption, organizationId, { version, key: newKey() }));
  }

  /** One run: ends when all is done, or nothing more can be done now. `told` hears of progress. */
  async run(organizationId: string, told?: (rotation: Rotation) => void): Promise<Rotation | null> {
    const { store, vault, timing = TIMING } = this.parts;
    const rotation = await store.latest(organizationId);
    if (rotation?.state !== 'running') return rotation;
    await vault.renew(organizationId);
    if ((await this.sweep(organizationId, rotation, told)) > 0) {
      await store.postpone(organizationId, rotation, UNREADABLE_MS);
      return store.latest(organizationId);
    }
    const wait = rotation.ageMs < timing.retireAfterMs ? timing.retireAfterMs - rotation.ageMs : null;
    if (wait === null) await store.retire(organizationId, rotation.toVersion);
    if (wait !== null || !(await store.end(organizationId, rotation, timing.destroyAfterMs)))
      await store.postpone(organizationId, rotation, wait ?? timing.destroyAfterMs);
    return store.latest(organizationId);
  }

  private async sweep(
    organizationId: string,
    rotation: Rotation,
    told: ((rotation: Rotation) => void) | undefined,
  ): Promise<number> {
    const { store } = this.parts;
    let unreadable = 0;
    for (let after: string | null = ''; after !== null;) {
      const step: Resealed = await store.reseal(organizationId, rotation.toVersion, after === '' ? null : after);
      unreadable += step.unreadable;
      after = step.after;
      await store.progress(organizationId, rotation);
      const now = await store.latest(organizationId);
      if (now !== null) told?.(now);
    }
    return unreadable;
  }
}
