import { createHash } from 'node:crypto';
import type { Vault } from '#application';
import type { Database } from '../database.js';
import { connectionSecrets } from './sealed-places.js';

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

/** Name of the shared tokens beside the secrets, one that no connector's schema has. */
const TOKENS = '#tokens';

/** Secrets and shared tokens are sealed together: entering new secrets forgets the tokens. */
export async function openSecrets(
  vault: Vault,
  { organizationId, id }: ConnectionKey,
  sealed: Buffer,
): Promise<Opened> {
  const plain = (await vault.open(organizationId, connectionSecrets(id), sealed)).toString();
  const { [TOKENS]: tokens = null, ...secrets } = JSON.parse(plain) as Record<string, unknown> & { [TOKENS]?: string };
  return { secrets, tokens };
}

/** Tells accounts apart by what was entered, not by what sessions store. */
export function fingerprintOf(settings: object, secrets: object): string {
  return createHash('sha256')
    .update(JSON.stringify([settings, secrets]))
    .digest('base64url');
}

export async function readTokens(database: Database, vault: Vault, key: ConnectionKey): Promise<string | null> {
  const row = await load(database, key);
  return row === null ? null : (await openSecrets(vault, key, row.sealed)).tokens;
}

/** Compare-and-set on the tokens; false when they are others by now, or belong to other secrets. */
export async function replaceTokens(
  database: Database,
  vault: Vault,
  key: ConnectionKey,
  { expected, next, fingerprint }: { expected: string | null; next: string; fingerprint: string },
): Promise<boolean> {
  const { organizationId, id } = key;
  for (;;) {
    const row = await load(database, key);
    if (row === null) return false;
    const { secrets, tokens } = await openSecrets(vault, key, row.sealed);
    if (tokens !== expected || fingerprintOf(row.settings, secrets) !== fingerprint) return false;
    const plain = Buffer.from(JSON.stringify({ ...secrets, [TOKENS]: next }));
    const values = [organizationId, id, await vault.seal(organizationId, connectionSecrets(id), plain), row.sealed];
    const replaced = await database.withOrganization(organizationId, (transaction) =>
      transaction.query(
        'UPDATE connection SET secrets_sealed = $3 WHERE organization_id = $1 AND id = $2 AND secrets_sealed = $4 RETURNING id',
        values,
      ),
    );
    // Another envelope need not mean other tokens: keys change.
    if (replaced.length > 0) return true;
  }
}

async function load(
  database: Database,
  { organizationId, id }: ConnectionKey,
): Promise<{ settings: object; sealed: Buffer } | null> {
  const [row] = await database.withOrganization(organizationId, (transaction) =>
    transaction.query<{ settings: object; sealed: Buffer }>(
      'SELECT settings, secrets_sealed AS sealed FROM connection WHERE organization_id = $1 AND id = $2',
      [organizationId, id],
    ),
  );
  return row ?? null;
}
