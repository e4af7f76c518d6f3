import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { KeyRotation, type Rotation } from '#application';
import { PgDueWork, PgKeyRotations, PgKeyStore, type Database } from '#persistence';
import { keyEncryption, openVault, type EnvelopeVault, type Environment } from '#platform';

const KEY_BYTES = 32;
const LOOK_MS = 2_000;
const MOST_ORGANIZATIONS = 100_000;

/** What encrypts, and what changes its keys. */
export function openKeys(
  database: Database,
  environment: Environment,
): { readonly vault: EnvelopeVault; readonly rotation: KeyRotation } {
  const keys = new PgKeyStore(database);
  const [encryption, vault] = [keyEncryption(environment), openVault(environment, keys)];
  const store = new PgKeyRotations(database, vault);
  const newKey = (): Buffer => randomBytes(KEY_BYTES);
  return { vault, rotation: new KeyRotation({ store, keys, vault, encryption, newKey }) };
}

/** Gives one organization, or every one, new keys, and tells how far it is until the older ones are destroyed. */
export async function rotateAll(
  database: Database,
  environment: Environment,
  { organization, tell }: { readonly organization: string | null; readonly tell: (line: string) => void },
): Promise<{ rotated: number }> {
  const { rotation } = openKeys(database, environment);
  const ids = organization === null ? await organizations(database) : [organization];
  for (const id of ids) await rotation.begin(id);
  let waiting = ids;
  while (waiting.length > 0) {
    const after: string[] = [];
    for (const id of waiting) {
      const now = await rotation.run(id, (progress) => tell(line(id, progress)));
      if (now !== null) tell(line(id, now));
      if (now?.state === 'running') after.push(id);
    }
    waiting = after;
    if (waiting.length > 0) await delay(LOOK_MS);
  }
  return { rotated: ids.length };
}

/** How far the rotations of every organization are. */
export async function rotationStatus(database: Database, environment: Environment): Promise<unknown> {
  const store = new PgKeyRotations(database, openKeys(database, environment).vault);
  const found = [];
  for (const organization of await organizations(database)) {
    const rotation = await store.latest(organization);
    if (rotation !== null) found.push({ organization, ...rotation });
  }
  return found;
}

async function organizations(database: Database): Promise<string[]> {
  return (await new PgDueWork(database).organizations(MOST_ORGANIZATIONS)).map(({ organizationId }) => organizationId);
}

function line(organization: string, { state, done, total }: Rotation): string {
  const waits = state === 'running' && done >= total ? ', the older keys are destroyed soon' : '';
  return `${organization} ${state} ${String(done)}/${String(total)}${waits}`;
}
