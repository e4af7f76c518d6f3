import type pg from 'pg';

/** Every right there is, in every agenda: what a practice gives its own people. */
export const EVERYTHING =
  '{see-busy,see-identity,create,move,cancel,mark-arrival,overbook,use-reserved,manage-openings,manage-links,manage-grants,export}';

/** Grants everything to somebody; in a database from before there were grants, nothing. */
export async function grantEverything(
  client: Pick<pg.ClientBase, 'query'>,
  organization: string,
  holder: { readonly collaborator: string } | { readonly application: string },
): Promise<void> {
  const known = await client.query<{ known: boolean }>(`SELECT to_regclass('access_grant') IS NOT NULL AS known`);
  if (known.rows[0]?.known !== true) return;
  const [column, id] =
    'collaborator' in holder ? ['collaborator_id', holder.collaborator] : ['api_key_id', holder.application];
  await client.query(
    `INSERT INTO access_grant (organization_id, id, ${column}, actions, state) VALUES ($1, gen_random_uuid(), $2, $3, 'active')`,
    [organization, id, EVERYTHING],
  );
}
