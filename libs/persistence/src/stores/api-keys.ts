import type { Database } from '../database.js';

/** An application's key as stored: the secret only as SHA-256. */
export interface StoredApiKey {
  readonly secretHash: Buffer;
  readonly scopes: readonly string[];
  readonly revoked: boolean;
}

/** API keys, looked up in one round trip. */
export class PgApiKeys {
  constructor(private readonly database: Database) {}

  async find(organizationId: string, keyId: string): Promise<StoredApiKey | null> {
    const statement = {
      name: 'find-api-key',
      text: 'SELECT secret_hash AS "secretHash", scopes, revoked FROM find_api_key($1, $2)',
    };
    const [row] = await this.database.call<{ secretHash: Buffer; scopes: string[]; revoked: boolean }>(statement, [
      organizationId,
      keyId,
    ]);
    return row ?? null;
  }
}
