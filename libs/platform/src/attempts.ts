import { createHmac } from 'node:crypto';
import { NOBODY, type ApiKeyText } from './api-key.js';
import { Problem } from './problems.js';

/** Where failures are counted: for all processes together. */
export interface Attempts {
  /** A wrong secret. `waitMs` > 0: it counts no more, come back then; `locked`: it was the last that is evaluated. */
  failed(origin: AttemptOrigin): Promise<{ readonly waitMs: number; readonly locked: boolean }>;
  /** A right one. `waitMs` > 0: refused all the same, unless it was right from this address before. */
  succeeded(origin: AttemptOrigin): Promise<{ readonly waitMs: number }>;
  /** Tells the organization, if it has this credential. */
  tellLocked(organizationId: string, keyId: string, failures: number): Promise<void>;
}

export interface AttemptOrigin {
  /** Keyed hashes: the count names neither credentials nor addresses. */
  readonly credential: Buffer;
  readonly address: Buffer;
  /** Failures in a minute that are evaluated. */
  readonly limit: number;
}

type Shown = Pick<ApiKeyText, 'organizationId' | 'keyId'>;

/** What is shown that is no credential at all counts against its address alone. */
const NONE: Shown = { organizationId: NOBODY, keyId: NOBODY };

/** Bounds guessing: so many wrong secrets a minute for one credential, and from one address, then 429. */
export class AttemptGuard {
  constructor(
    private readonly attempts: Attempts,
    private readonly settings: { readonly perMinute: number; readonly pepper: Buffer },
  ) {}

  /** Counts a wrong secret. Throws `locked-out` once there were too many, alike for credentials that do not exist. */
  async failed(address: string, shown: Shown | null): Promise<never> {
    const { perMinute } = this.settings;
    const { waitMs, locked } = await this.attempts.failed(this.origin(address, shown));
    const { organizationId, keyId } = shown ?? NONE;
    if (locked) await this.attempts.tellLocked(organizationId, keyId, perMinute);
    throw waitMs > 0 ? new Problem('locked-out', { retryAfterMs: waitMs }) : new Problem('unauthenticated');
  }

  /** A right secret ends the count of its own failures. Throws `locked-out` while others guess, in a place it is new to. */
  async succeeded(address: string, shown: Shown): Promise<void> {
    const { waitMs } = await this.attempts.succeeded(this.origin(address, shown));
    if (waitMs > 0) throw new Problem('locked-out', { retryAfterMs: waitMs });
  }

  private origin(address: string, shown: Shown | null): AttemptOrigin {
    const credential = shown === null ? `none|${address}` : `${shown.organizationId}|${shown.keyId}`;
    const hash = (text: string): Buffer => createHmac('sha256', this.settings.pepper).update(text).digest();
    return {
      credential: hash(`credential|${credential}`),
      address: hash(`address|${address}`),
      limit: this.settings.perMinute,
    };
  }
}
