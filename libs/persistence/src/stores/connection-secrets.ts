import { createHash } from 'node:crypto';
import type { Vault } from '#application';
import type { Transaction } from '../database.js';

/** Names a connection's row. */
export interface ConnectionKey {
  readonly organizationId: string;
  readonly id: string;
}

/** What opens an account, and what its sessions share beside that. */
interface Opened {
  readonly secrets: Record<string, unknown>;
  readonly tokens: string | null;
}

/** Names the place for which secrets are sealed. */
export const SECRETS = 'connection.secrets_sealed';
/** Name of the shared tokens beside the secrets, one that no connector's schema has. */
const TOKENS = '#tokens';

/** Secrets and shared tokens are sealed together: entering new secrets forgets the tokens. */
export function openSecrets(vault: Vault, { organizationId, id }: ConnectionKey, sealed: Buffer): Opened {
  const plain = vault.open(organizationId, `${SECRETS}|${id}`, sealed).toString();
  const { [TOKENS]: tokens = null, ...secrets } = JSON.parse(plain) as Record<string, unknown> & { [TOKENS]?: string };
  return { secrets, tokens };
}

/** Tells accounts apart by what was entered, not by what sessions store. */
export function fingerprintOf(settings: object, secrets: object): string {
  return createHash('sha256')
    .update(JSON.stringify([settings, secrets]))
    .digest('base64url');
}

export async function readTokens(transaction: Transaction, vault: Vault, key: ConnectionKey): Promise<string | null> {
  const row = await load(transaction, key);
  return row === null ? null : openSecrets(vault, key, row.sealed).tokens;
}

/** Compare-and-set on the row as it was read; false when it is another by now. */
export async function replaceTokens(
  transaction: Transaction,
  vault: Vault,
  key: ConnectionKey,
  { expected, next, fingerprint }: { expected: string | null; next: string; fingerprint: string },
): Promise<boolean> {
  const row = await load(transaction, key);
  if (row === null) return false;
  const { secrets, tokens } = openSecrets(vault, key, row.sealed);
  if (tokens !== expected || fingerprintOf(row.settings, secrets) !== fingerprint) return false;
  const plain = Buffer.from(JSON.stringify({ ...secrets, [TOKENS]: next }));
  const replaced = await transaction.query(
    'UPDATE connection SET secrets_sealed = $3 WHERE organization_id = $1 AND id = $2 AND secrets_sealed = $4 RETURNING id',
    [key.organizationId, key.id, vault.seal(key.organizationId, `${SECRETS}|${key.id}`, plain), row.sealed],
  );
  return replaced.length > 0;
}

async function load(
  transaction: Transaction,
  { organizationId, id }: ConnectionKey,
): Promise<{ settings: object; sealed: Buffer } | null> {
  const [row] = await transaction.query<{ settings: object; sealed: Buffer }>(
    'SELECT settings, secrets_sealed AS sealed FROM connection WHERE organization_id = $1 AND id = $2',
    [organizationId, id],
  );
  return row ?? null;
}
