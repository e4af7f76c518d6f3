import type { Audience } from '#domain';

export interface NewAccessToken {
  readonly organizationId: string;
  readonly id: string;
  /** The key it is obtained with, and ends with. */
  readonly keyId: string;
  readonly secretHash: Buffer;
  readonly scopes: readonly string[];
  readonly lifeSeconds: number;
}

export interface StoredAccessToken {
  readonly secretHash: Buffer;
  readonly scopes: readonly string[];
  /** For whom its application books. */
  readonly audience: Audience;
  readonly keyId: string;
  /** Neither it nor its key has ended. */
  readonly live: boolean;
}

/** Short-lived tokens that applications obtain with their keys. */
export abstract class AccessTokens {
  abstract find(organizationId: string, id: string): Promise<StoredAccessToken | null>;
  abstract issue(token: NewAccessToken): Promise<void>;
  /** Ends a token of this key, if it is one. */
  abstract revoke(token: Pick<NewAccessToken, 'organizationId' | 'id' | 'keyId' | 'secretHash'>): Promise<void>;
}
