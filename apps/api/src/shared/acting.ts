import type { Actor } from '#application';
import type { Caller } from '#platform';

/** Who acts, as the use cases record it. */
export function actingAs({ collaboratorId, keyId }: Caller): Extract<Actor, { kind: 'collaborator' }> {
  // Authentication refuses a write that names nobody.
  if (collaboratorId === null) throw new Error('a write without a collaborator');
  return { kind: 'collaborator', id: collaboratorId, key: keyId };
}
