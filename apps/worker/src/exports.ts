import { EXPORT_KEPT_HOURS, type ExportRecord, type ExportVerdict } from '#application';
import { PgExports, type Database } from '#persistence';

const MOST_LISTED = 1_000;

type Listed = Pick<ExportRecord, 'id' | 'state' | 'askedBy'> & { readonly kind: string; readonly expiresAt: string };

const listed = ({ id, wanted, state, askedBy, expiresAt }: ExportRecord): Listed => ({
  ...{ id, kind: wanted.kind, state, askedBy },
  expiresAt: new Date(expiresAt).toISOString(),
});

export async function listExports(database: Database, organizationId: string): Promise<readonly Listed[]> {
  const found = await new PgExports(database).list(organizationId, { after: null, limit: MOST_LISTED });
  return found.map(listed);
}

/** The operator as the second person: for a practice in which nobody else may be one. */
export async function decideExport(
  database: Database,
  key: { readonly organizationId: string; readonly id: string },
  verdict: ExportVerdict,
): Promise<Listed> {
  const decision = { verdict, hours: EXPORT_KEPT_HOURS, version: null, actor: { kind: 'system' } } as const;
  const record = await new PgExports(database).decide(key, decision);
  if (record === null) throw new Error('there is no such export, or it does not wait for approval');
  return listed(record);
}
