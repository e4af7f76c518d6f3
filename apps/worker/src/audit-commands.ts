import { AuditVerification, readSealWord, type ChainReport, type ChainSeal } from '#application';
import { type Database, PgAuditLog } from '#persistence';
import { type Environment, KeyRingSealKeys } from '#platform';
import { auditKeeping } from './audit.js';

/** Every organization there is, or the one that is named. */
async function organizations(database: Database, only: string | null): Promise<readonly string[]> {
  if (only !== null) return [only];
  const rows = await database.asDispatcher((transaction) =>
    transaction.query<{ id: string }>('SELECT organization_id AS id FROM organization ORDER BY 1'),
  );
  return rows.map(({ id }) => id);
}

/**
 * Reads the chains again and says of each what is the first thing wrong with it, if anything.
 * `words`: seals that were kept outside the database. Throws when one of them is none.
 */
export async function verifyAudit(
  database: Database,
  environment: Environment,
  { organization, words }: { organization: string | null; words: readonly string[] },
): Promise<readonly ChainReport[]> {
  const kept = words.map((word): ChainSeal => {
    const seal = readSealWord(word);
    if (seal === null) throw new Error(`"${word.slice(0, 20)}…" is not a seal`);
    return seal;
  });
  const verification = new AuditVerification(new PgAuditLog(database), new KeyRingSealKeys(environment.UNISSON_KEYS));
  const reports: ChainReport[] = [];
  for (const id of await organizations(database, organization)) reports.push(await verification.verify(id, kept));
  return reports;
}

/** Brings the chains up to now and signs their heads: the words to keep somewhere else. */
export async function signAudit(
  database: Database,
  environment: Environment,
  organization: string | null,
): Promise<readonly { readonly organizationId: string; readonly seal: string | null }[]> {
  const keeping = auditKeeping(database, environment);
  const seals = [];
  for (const organizationId of await organizations(database, organization)) {
    await keeping.seal(organizationId);
    seals.push({ organizationId, seal: await keeping.sign(organizationId) });
  }
  return seals;
}
