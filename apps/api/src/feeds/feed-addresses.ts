import type { Feeds, OpenFeed } from '#application';
import { issueFeedToken, NOBODY, parseFeedToken, sameHash, type ApiKeyText } from '#platform';

/** Looked up and compared like any other, so that nothing tells a malformed address from an unknown or a revoked one. */
const NO_FEED: ApiKeyText = { organizationId: NOBODY, keyId: NOBODY, secretHash: Buffer.alloc(32, 1) };
const NO_HASH = Buffer.alloc(32, 2);

/** The private addresses of feeds: made once, and known again by the hash of their secret. */
export class FeedAddresses {
  constructor(
    private readonly feeds: Feeds,
    /** Where the api is reached from outside; `null` = not known, addresses are paths then. */
    private readonly publicUrl: string | null,
  ) {}

  issue(organizationId: string, feedId: string): { url: string; tokenHash: Buffer } {
    const { text, secretHash } = issueFeedToken(organizationId, feedId);
    return { url: `${this.publicUrl ?? ''}/feeds/${text}.ics`, tokenHash: secretHash };
  }

  /** The feed behind an address; `null` for every other one alike. */
  async open(token: string): Promise<OpenFeed | null> {
    const { organizationId, keyId, secretHash } = parseFeedToken(token) ?? NO_FEED;
    const found = await this.feeds.find(organizationId, keyId);
    const same = sameHash(found?.tokenHash ?? NO_HASH, secretHash);
    return same && found !== null ? found.feed : null;
  }
}
