import { summaryDigest, type Vault } from '#application';
import type { RemoteChange } from '#domain';
import type { Database } from '../database.js';

/** Stands before every keyed digest, and in no digest of a connector's. What lacks it was stored before digests were keyed, or says that nothing could be read. */
const KEYED = 'k1.';
const AT_ONCE = 1_000;

/** A digest as it is kept: what it was made of can be tried out by nobody who lacks the organization's key. */
export async function keyed(vault: Vault, organizationId: string, digest: string): Promise<string> {
  return KEYED + (await vault.fingerprint(organizationId, 'mirror', digest)).toString('base64url');
}

/** A kept digest, keyed whenever it was stored. */
export async function asKeyed(vault: Vault, organizationId: string, kept: string): Promise<string> {
  return kept.startsWith(KEYED) ? kept : keyed(vault, organizationId, kept);
}

/** The keyed digest of a text. */
export async function textDigest(vault: Vault, organizationId: string, text: string): Promise<string> {
  return keyed(vault, organizationId, summaryDigest(text));
}

/** What changed, as mirrors keep it: content and text as keyed digests. */
export function keyedChanges(
  vault: Vault,
  organizationId: string,
  changes: readonly RemoteChange[],
): Promise<readonly RemoteChange[]> {
  return Promise.all(
    changes.map(async (change) => {
      if (change.kind !== 'upsert') return change;
      const { summary } = change.object;
      const contentHash = await keyed(vault, organizationId, change.object.contentHash);
      const digest = summary === null ? null : await textDigest(vault, organizationId, summary);
      return { kind: 'upsert', object: { ...change.object, contentHash, summary: digest } };
    }),
  );
}

/** The digests of one mirror. */
export interface Digests {
  readonly content_hash: string;
  readonly summary_hash: string | null;
}

/** Keys what was stored before digests were keyed, in these rows and where they stand; the others cost nothing. */
export async function keyMirrors<Row extends Digests & { readonly mirror_id: string }>(
  { database, vault }: { readonly database: Database; readonly vault: Vault },
  organizationId: string,
  rows: readonly Row[],
): Promise<readonly Row[]> {
  const plain = rows.filter(({ content_hash }) => !content_hash.startsWith(KEYED));
  if (plain.length === 0) return rows;
  const renewed = await Promise.all(
    rows.map(async (row) => ({
      ...row,
      content_hash: await asKeyed(vault, organizationId, row.content_hash),
      summary_hash: row.summary_hash === null ? null : await asKeyed(vault, organizationId, row.summary_hash),
    })),
  );
  const columns = [
    rows.map(({ mirror_id }) => mirror_id),
    rows.map(({ content_hash }) => content_hash),
    renewed.map(({ content_hash }) => content_hash),
    renewed.map(({ summary_hash }) => summary_hash),
  ];
  const given = 'unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) AS x(id, was, content, summary)';
  await database.withOrganization(organizationId, async (transaction) => {
    const values = [organizationId, ...columns];
    // What waits to be changed there was asked for with the content as it was seen.
    await transaction.query(
      `UPDATE busy_change b SET content_hash = x.content FROM ${given} WHERE b.organization_id = $1 AND b.mirror_id = x.id AND b.content_hash = x.was AND x.was <> x.content`,
      values,
    );
    await transaction.query(
      `UPDATE mirror m SET content_hash = x.content, summary_hash = x.summary FROM ${given} WHERE m.organization_id = $1 AND m.id = x.id AND m.content_hash = x.was AND x.was <> x.content`,
      values,
    );
  });
  return renewed;
}

/** Keys some of what no read came by since digests are keyed: what is paused, or gone. Resolves to how many rows. */
export async function keyLeftDigests(
  parts: { readonly database: Database; readonly vault: Vault },
  organizationId: string,
): Promise<number> {
  const { database, vault } = parts;
  const rows = await database.withOrganization(organizationId, (transaction) =>
    transaction.query<Digests & { mirror_id: string } & Record<string, unknown>>(
      `SELECT id AS mirror_id, content_hash, summary_hash FROM mirror WHERE organization_id = $1 AND NOT starts_with(content_hash, '${KEYED}') LIMIT $2`,
      [organizationId, AT_ONCE],
    ),
  );
  await keyMirrors(parts, organizationId, rows);
  const texts = await database.withOrganization(organizationId, (transaction) =>
    transaction.query<{ id: string; former: string[] }>(
      `SELECT appointment_id AS id, former FROM text_due WHERE organization_id = $1 AND EXISTS (SELECT 1 FROM unnest(former) f WHERE NOT starts_with(f, '${KEYED}')) LIMIT $2`,
      [organizationId, AT_ONCE],
    ),
  );
  for (const { id, former } of texts) {
    const renewed = await Promise.all(former.map((digest) => asKeyed(vault, organizationId, digest)));
    await database.withOrganization(organizationId, (transaction) =>
      transaction.query(
        'UPDATE text_due SET former = $3 WHERE organization_id = $1 AND appointment_id = $2 AND former = $4',
        [organizationId, id, renewed, former],
      ),
    );
  }
  return rows.length + texts.length;
}
