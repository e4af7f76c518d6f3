import type { Audience } from '#domain';
import type { Database } from '../database.js';

/** An application's key as stored: the secret only as SHA-256. */
export interface StoredApiKey {
  readonly secretHash: Buffer;
  readonly scopes: readonly string[];
  /** For whom its application books. */
  readonly audience: Audience;
  readonly revoked: boolean;
}

/** API keys, looked up in one round trip. */
export class PgApiKeys {
  constructor(private readonly database: Database) {}

  async find(organizationId: string, keyId: string): Promise<StoredApiKey | null> {
    const statement = {
      name: 'find-api-key',
      text: 'SELECT secret_hash AS "secretHash", scopes, audience, revoked FROM find_api_key($1, $2)',
    };
    const [row] = await this.database.call<StoredApiKey & Record<string, unknown>>(statement, [organizationId, keyId]);
    return row ?? null;
  }
}
