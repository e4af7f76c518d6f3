import type { LinkRecord } from '#application';
import type { Transaction } from '../database.js';

/** Pulls that hints cause begin at least this far apart; the trigger link_pull_again counts with the same. */
const HINT_GAP = '200 milliseconds';
/** Hints of a storm become a few pulls a second. One that comes while the link waits to be pulled is answered by that pull. */
const HINT = `WITH was AS (SELECT poll_at <= greatest(clock_timestamp(), as_of + interval '${HINT_GAP}') AS waiting FROM link WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE)
  UPDATE link l SET hinted_at = clock_timestamp(), silent_reads = 0, silent_since = NULL, poll_at = least(l.poll_at, greatest(clock_timestamp(), l.as_of + interval '${HINT_GAP}')) FROM was
  WHERE l.organization_id = $1 AND l.id = $2 RETURNING was.waiting, (extract(epoch FROM l.poll_at - clock_timestamp()) * 1000)::float8 AS wait`;
/** A subscription that is silent is made anew, but not at every third poll of a backend that cannot reach us. */
const UNANNOUNCED = `UPDATE link SET silent_reads = $3, silent_since = CASE WHEN $4 THEN coalesce(silent_since, clock_timestamp()) ELSE silent_since END,
    resubscribe_at = CASE WHEN $4 THEN least(resubscribe_at, greatest(clock_timestamp(), subscribed_at + interval '1 hour')) ELSE resubscribe_at END
  WHERE organization_id = $1 AND id = $2 AND silent_reads = $5 AND hinted_at IS NOT DISTINCT FROM $6::timestamptz RETURNING id`;

/** As SyncStore.hinted. */
export async function takeHint(
  transaction: Transaction,
  { organizationId, linkId }: { organizationId: string; linkId: string },
  hintId: string,
): Promise<number | null> {
  // A link that is being disconnected is waited for: then there is nothing to hint at.
  const fresh = await transaction.query(
    `INSERT INTO push_hint (organization_id, link_id, hint_id) SELECT organization_id, id, $3 FROM link WHERE organization_id = $1 AND id = $2 FOR KEY SHARE
     ON CONFLICT DO NOTHING RETURNING hint_id`,
    [organizationId, linkId, hintId],
  );
  if (fresh.length === 0) return null;
  const [row] = await transaction.query<{ waiting: boolean; wait: number }>(HINT, [organizationId, linkId]);
  return row === undefined || row.waiting ? null : Math.max(0, row.wait);
}

/** As SyncStore.unannounced. */
export async function noteUnannounced(
  transaction: Transaction,
  { organizationId, id, agendaId, push }: LinkRecord,
  { silent, isSilent }: { silent: number; isSilent: boolean },
): Promise<void> {
  const values = [organizationId, id, silent, isSilent, push.silent, push.hintedAt];
  const noted = await transaction.query(UNANNOUNCED, values);
  if (noted.length > 0 && isSilent && !push.isSilent)
    await transaction.query(`SELECT append_event('pushes-silent', $1, $2, '{"kind":"system"}', '{}')`, [agendaId, id]);
}
