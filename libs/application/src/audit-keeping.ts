import {
  CHAIN_START,
  sealText,
  sealWord,
  type AuditLog,
  type ChainHead,
  type ChainSeal,
  type SealKeys,
} from './audit.js';
import type { AuditVerification } from './audit-verification.js';

/** Links made in one transaction, and transactions in one run. */
const BATCH = 500;
const MOST_BATCHES = 40;

/** What has to happen to the audit log now and then: safe to repeat, safe to lose. */
export class AuditKeeping {
  constructor(
    private readonly log: AuditLog,
    private readonly keys: SealKeys,
    private readonly verification: AuditVerification,
  ) {}

  /** Puts what came since into the chain. What one run leaves, the next takes. Resolves to how many. */
  async seal(organizationId: string): Promise<number> {
    let sealed = 0;
    for (let n = 0; n < MOST_BATCHES; n += 1) {
      const more = await this.log.seal(organizationId, BATCH);
      sealed += more;
      if (more < BATCH) break;
    }
    return sealed;
  }

  /** Signs the head, unless it is signed; resolves to the seal in one word, to be kept outside the database. */
  async sign(organizationId: string): Promise<string | null> {
    const head = await this.log.head(organizationId);
    if (head.seq === CHAIN_START.seq) return null;
    return sealWord(await this.keep(organizationId, 'hourly', head));
  }

  /**
   * Forgets what the organization keeps no longer, behind a signed anchor. A chain that does not verify is left as it is:
   * what is wrong with it must not be forgotten. Resolves to how many entries are gone, or `null` for such a chain.
   */
  async prune(organizationId: string): Promise<number | null> {
    const expired = await this.log.expired(organizationId);
    if (expired === null) return 0;
    if ((await this.verification.verify(organizationId)).fault !== null) return null;
    await this.keep(organizationId, 'anchor', expired);
    return this.log.prune(organizationId, expired);
  }

  private async keep(organizationId: string, kind: ChainSeal['kind'], head: ChainHead): Promise<ChainSeal> {
    const { seq, transactionId, sourceId, hash } = head;
    const seal = { kind, seq, transactionId, sourceId, hash, ...this.keys.sign(sealText(organizationId, head)) };
    await this.log.keepSeal(organizationId, seal);
    return seal;
  }
}
