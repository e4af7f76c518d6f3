import { newId } from '#application';
import type { Database } from '#persistence';
import { issueApiKey, type Scope, SCOPES } from '#platform';

/** A key as it is shown, once. */
export interface NewKey {
  readonly id: string;
  readonly label: string;
  readonly scopes: readonly Scope[];
  readonly key: string;
}

/** Comma-separated scopes. Throws with the names there are. */
export function parseScopes(text: string): readonly Scope[] {
  const wanted = text.split(',').map((scope) => scope.trim());
  const unknown = wanted.filter((scope) => !SCOPES.some((known) => known === scope));
  if (unknown.length > 0) throw new Error(`no such scope: ${unknown.join(', ')} (there are ${SCOPES.join(', ')})`);
  return SCOPES.filter((scope) => wanted.includes(scope));
}

/** Makes an API key; only the hash of its secret is kept. */
export async function createKey(
  database: Database,
  request: { organizationId: string; label: string; scopes: readonly Scope[] },
): Promise<NewKey> {
  const { organizationId, label, scopes } = request;
  const id = newId();
  const { text, secretHash } = issueApiKey(organizationId, id);
  await database.withOrganization(organizationId, (transaction) =>
    transaction.query(
      'INSERT INTO api_key (organization_id, id, label, secret_hash, scopes) VALUES ($1, $2, $3, $4, $5)',
      [organizationId, id, label, secretHash, scopes],
    ),
  );
  return { id, label, scopes, key: text };
}

/** Revokes the key with this id, or every key with this label. Returns how many there were. */
export async function revokeKeys(
  database: Database,
  which: { organizationId: string; id?: string; label?: string },
): Promise<number> {
  const { organizationId, id = null, label = null } = which;
  const revoked = await database.withOrganization(organizationId, (transaction) =>
    transaction.query(
      `UPDATE api_key SET revoked_at = now() WHERE organization_id = $1 AND (id = $2 OR label = $3) AND revoked_at IS NULL
       RETURNING id`,
      [organizationId, id, label],
    ),
  );
  return revoked.length;
}
