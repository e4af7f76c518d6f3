import type { Failure, LinkRecord } from '#application';
import type { Transaction } from '../database.js';

/** What a failed read says of the link. */
const STOPPED: Partial<Record<Failure['kind'], string>> = { auth: 'auth-failed', not_found: 'gone', moved: 'moved' };

/** Once moved, a link stays so, whatever the backend that is being given up says next. */
const FAILED = `UPDATE link SET read_failures = read_failures + 1, status = CASE WHEN status = 'moved' THEN status ELSE coalesce($3, status) END,
    successor = coalesce($6, successor), last_error = $4 || jsonb_build_object('at', clock_timestamp(),
      'since', coalesce(CASE WHEN read_failures > 0 THEN (last_error->>'since')::timestamptz END, clock_timestamp())),
    poll_at = clock_timestamp() + $5 * interval '1 millisecond'
  FROM (SELECT status AS before FROM link WHERE organization_id = $1 AND id = $2 FOR UPDATE) o
  WHERE organization_id = $1 AND id = $2 RETURNING read_failures, status = 'moved' AND before <> 'moved' AS moved`;

/** As SyncStore.failed. */
export async function noteFailure(
  transaction: Transaction,
  { organizationId, id, agendaId }: LinkRecord,
  { failure, retryMs }: { failure: Failure; retryMs: number },
): Promise<void> {
  const { kind, message, successor } = failure;
  const [row] = await transaction.query<{ read_failures: number; moved: boolean }>(FAILED, [
    ...[organizationId, id, STOPPED[kind] ?? null, JSON.stringify({ kind, message }), retryMs],
    successor === undefined ? null : JSON.stringify(successor),
  ]);
  const said = (type: string, data: object): Promise<unknown> =>
    transaction.query(`SELECT append_event($1, $2, $3, '{"kind":"system"}', $4)`, [
      ...[type, agendaId, id],
      JSON.stringify(data),
    ]);
  if (row?.moved === true) await said('link-moved', successor ?? {});
  if (row?.read_failures === 1) await said('link-failing', { kind });
}
