import type { LinkRecord } from '#application';
import type { BackendRules } from '#domain';
import type { Database } from '../database.js';

/** What a backend lets be booked `until` an instant takes the place of what it said before; true when that differs. */
export function putBackendRules(
  database: Database,
  { organizationId, id }: LinkRecord,
  { rules: { openings, ...restrictions }, until }: { readonly rules: BackendRules; readonly until: number },
): Promise<boolean> {
  const iso = (instant: number): string => new Date(instant).toISOString();
  // An agenda whose backend takes everybody stays as plain as it was.
  const takesAll = restrictions.newPatients === 'accepted' && restrictions.age === null;
  // What it was not asked about is left to the hub.
  const ranges = openings && [...openings.map(({ start, end }) => `[${iso(start)},${iso(end)})`), `[${iso(until)},)`];
  return database.withOrganization(organizationId, async (transaction) => {
    const [row] = await transaction.query<{ changed: boolean }>('SELECT put_backend_rules($1, $2, $3) AS changed', [
      id,
      takesAll ? null : JSON.stringify(restrictions),
      ranges && `{${ranges.join(',')}}`,
    ]);
    return row?.changed ?? false;
  });
}
